package prediction

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// ScoreFormat is how full scores are stored.
type ScoreFormat string

// The ways to store full scores.
const (
	ScoresNone    ScoreFormat = ""        // not stored
	ScoresFloat16 ScoreFormat = "float16" // 2 bytes a score, 11 significant bits, at most 65504
	ScoresFloat32 ScoreFormat = "float32" // 4 bytes a score, as in memory
)

func (f ScoreFormat) known() bool { return f == ScoresFloat16 || f == ScoresFloat32 }

// WriteOptions says how [Write] writes.
type WriteOptions struct {
	Tool    string      // name and version of the writing program, kept in the manifest; "" leaves it out
	Scores  ScoreFormat // how full scores are stored where members have them
	Replace bool        // replace a directory of predictions that is already there; any other directory is never replaced
}

// DefaultWriteOptions stores scores as they are in memory and replaces
// nothing.
func DefaultWriteOptions() WriteOptions { return WriteOptions{Scores: ScoresFloat32} }

// Write stores the table as a directory that [Read] reads, whole or not at
// all. The same table and options give the same bytes.
func Write(dir string, t *Table, o WriteOptions) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if o.Scores != ScoresNone && !o.Scores.known() {
		return fmt.Errorf("prediction: score format %q, want float16, float32 or none", o.Scores)
	}
	if _, err := os.Stat(dir); err == nil && o.Replace && !IsDir(dir) {
		return fmt.Errorf("prediction: %s is there and is not a directory of predictions: not replaced", dir)
	}
	err := atomicfile.Dir(dir, o.Replace, func(tmp string) error { return writeAll(tmp, t, o) })
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("prediction: %s is already there: %w", dir, err)
	}
	return err
}

func writeAll(dir string, t *Table, o WriteOptions) error {
	m := manifest{
		Schema: schemaName, Version: SchemaVersion, Tool: o.Tool,
		Classes: t.Classes, Subset: t.Subset, Training: t.Training, Shift: t.Shift, Join: t.Join, Inputs: t.Inputs, Notes: t.Notes,
	}
	if err := os.Mkdir(filepath.Join(dir, "models"), 0o755); err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	g.Go(func() (err error) {
		m.Examples, err = writeExamples(dir, t)
		return err
	})
	m.Variants = make([]variantEntry, len(t.Variants))
	number := 0
	for i := range t.Variants {
		v := &t.Variants[i]
		e := &m.Variants[i]
		*e = variantEntry{Name: v.Name, Kind: v.Kind, Level: v.Level, Restored: v.Restored, Members: make([]memberEntry, len(v.Members))}
		for k := range v.Members {
			stem := fmt.Sprintf("models/%04d-%s-%s", number, slug(v.Name), slug(v.Members[k].Name))
			number++
			g.Go(func() (err error) {
				e.Members[k], err = writeMember(dir, stem, t, &v.Members[k], o)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var err error
	if m.Shifts, err = writeShifts(dir, t, o); err != nil {
		return err
	}
	_, err = writeFile(dir, ManifestName, m.encode)
	return err
}

// writeFile writes one file of the directory and digests it on the way.
func writeFile(dir, name string, fn func(io.Writer) error) (fileEntry, error) {
	f, err := os.Create(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return fileEntry{}, fmt.Errorf("prediction: %w", err)
	}
	d := &digestWriter{w: f, h: sha256.New()}
	if err := errors.Join(fn(d), f.Close()); err != nil {
		return fileEntry{}, fmt.Errorf("prediction: %s: %w", name, err)
	}
	return fileEntry{File: name, Digest: digestString(d.h), Bytes: d.n}, nil
}

func writeExamples(dir string, t *Table) (examplesEntry, error) {
	e := examplesEntry{Rows: t.Len(), IDs: t.IDs != nil}
	cols := []writeColumn{classColumn("label", t.Labels)}
	taken := map[string]bool{"label": true}
	if t.IDs != nil {
		cols = append(cols, textColumn("id", t.IDs))
		taken["id"] = true
	}
	if t.Splits != nil {
		cols = append(cols, codedColumn("split", t.Splits))
		taken["split"] = true
		e.Split = &attributeEntry{Name: t.Splits.Name, Column: "split", Values: t.Splits.Values}
	}
	for i := range t.Attributes {
		a := &t.Attributes[i]
		col := a.Name
		for taken[col] {
			col = "attribute_" + col
		}
		taken[col] = true
		cols = append(cols, codedColumn(col, a))
		e.Attributes = append(e.Attributes, attributeEntry{Name: a.Name, Column: col, Values: a.Values})
	}
	cols = append(cols, e.addMeasured(t, taken)...)
	var err error
	e.fileEntry, err = writeFile(dir, "examples.parquet", func(w io.Writer) error {
		return writeParquet(w, "examples", t.Len(), cols)
	})
	return e, err
}

func writeMember(dir, stem string, t *Table, m *Member, o WriteOptions) (memberEntry, error) {
	e := memberEntry{
		Name: m.Name, Seed: m.Seed, Lineage: m.Lineage, Config: m.Config, Facts: m.Facts,
		Content: m.Predicted.Digest(), Unmasked: m.Unmasked != nil, Confidence: m.Confidence != nil, TrueScore: m.TrueScore != nil, TopK: len(m.TopK),
	}
	cols := []writeColumn{classColumn("predicted", m.Predicted)}
	if m.Unmasked != nil {
		cols = append(cols, classColumn(unmaskedColumn, *m.Unmasked))
	}
	if m.Confidence != nil {
		cols = append(cols, floatColumn("confidence", m.Confidence))
	}
	if m.TrueScore != nil {
		cols = append(cols, floatColumn("true_score", m.TrueScore))
	}
	for r := 1; r < len(m.TopK); r++ {
		cols = append(cols, classColumn(rankColumn(r), m.TopK[r]))
	}
	var err error
	e.fileEntry, err = writeFile(dir, stem+".parquet", func(w io.Writer) error {
		return writeParquet(w, "predictions", t.Len(), cols)
	})
	if err != nil || m.Scores == nil || o.Scores == ScoresNone {
		return e, err
	}
	e.Scores = &scoresEntry{Kind: m.Scores.Kind(), Type: o.Scores}
	e.Scores.fileEntry, err = writeFile(dir, stem+".scores.parquet", func(w io.Writer) error {
		return writeScores(w, m.Scores, t.Len(), len(t.Classes), o.Scores)
	})
	return e, err
}

// unmaskedColumn is the column of predictions among all classes where predicted is
// among a subset.
const unmaskedColumn = "predicted_all"

// rankColumn is the column of the class with rank r, counted from 0: the
// predicted class, rank 0, is in the column predicted.
func rankColumn(r int) string { return fmt.Sprintf("top_%d", r+1) }

// slug makes a name safe as part of a file name on any system.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		default:
			return '-'
		}
	}, s)
	if len(s) > 40 {
		s = s[:40]
	}
	return strings.Trim(s, ".-")
}
