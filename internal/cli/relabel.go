package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/finding"
)

// relabelKind is the kind of --examples that lists labels to look at again.
const relabelKind = "relabel"

// runRelabel lists the labels to look at again, the likeliest wrong first.
func (a *app) runRelabel(dir string, o *reportOptions, csv bool) error {
	if o.variant != "" {
		return errUsage{errors.New("--examples relabel with --variant: labels are judged by the baseline, whatever the variant"), "lethe report"}
	}
	rows, err := readTriage(dir)
	if err != nil {
		return err
	}
	finding.RelabelOrder(rows)
	for i := range rows {
		if !rows[i].Queued() {
			rows = rows[:i]
			break
		}
	}
	classes, err := classNames(filepath.Join(dir, findingsFile))
	if err != nil {
		return err
	}
	return a.toFile(o.file, func(w io.Writer) error {
		if csv {
			return finding.WriteRelabelCSV(w, rows, classes)
		}
		out := finding.NewTriageWriter(w)
		for i := range rows {
			if err := out.Write(&rows[i]); err != nil {
				return err
			}
		}
		return out.Close()
	})
}

// readTriage reads an audit's table of triage.
func readTriage(dir string) ([]finding.TriageRow, error) {
	f, err := os.Open(filepath.Join(dir, triageFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: the audit was made without the check triage, or by an older lethe; audit its predictions again (lethe audit %s -o ANOTHER)", dir, triageFile, filepath.Join(dir, predictionsDir))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: nothing is lost
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	rows, err := finding.ReadTriage(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return rows, nil
}

// classNames are the names of the classes of an audit.
func classNames(findings string) ([]string, error) {
	f, err := os.Open(findings)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: nothing is lost
	m, err := finding.NewReader(f).Next()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", findings, err)
	}
	return m.Config.Classes, nil
}
