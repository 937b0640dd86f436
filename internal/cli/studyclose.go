package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/study"
	"github.com/spf13/cobra"
)

// studyCloseOptions are the flags of lethe study close.
type studyCloseOptions struct {
	output  outputFlags
	partial bool
}

func (a *app) newStudyClose() *cobra.Command {
	var o studyCloseOptions
	c := &cobra.Command{
		Use:   "close STUDY",
		Short: "Unblind a study: which properties are more frequent among PIEs",
		Long: `Close joins the answers with the key. For every property it says how frequent
it is among PIEs and among the others, with intervals, whether the difference
is beyond chance (one test a property, corrected for their number; the image
is the unit, however many people judged it), and how far people agree
(Fleiss' kappa, Krippendorff's alpha).

It writes STUDY/findings.jsonl, which lethe report adds to the audit's, and
STUDY/ratings.csv, every answer with its group, and prints the report. A study
in which answers are missing is refused unless --partial. Closing again, after
more answers, writes them anew.

Exit codes:
  0    done
  2    usage or data error: answers are missing, the study is being served, or
       files do not belong together; nothing was written`,
		Example: `  lethe study close study
  lethe study close study --partial --format markdown`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runStudyClose(list[0], &o) },
	}
	o.output.add(c)
	c.Flags().BoolVar(&o.partial, "partial", false, "close although answers are missing")
	return c
}

func (a *app) runStudyClose(dir string, o *studyCloseOptions) (err error) {
	f, err := o.output.chosen()
	if err != nil {
		return err
	}
	release, err := study.Claim(dir)
	if err != nil {
		var held *study.HeldError
		if errors.As(err, &held) {
			return fmt.Errorf("%w; stop it first (Ctrl-C)", err)
		}
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	s, err := study.Open(dir)
	if err != nil {
		return err
	}
	k, err := study.OpenKey(dir, s)
	if err != nil {
		return err
	}
	sheets, err := study.ReadAnswers(dir)
	if err != nil {
		return err
	}
	r, err := study.Unblind(s, k, sheets, o.partial)
	if err != nil {
		var missing *study.IncompleteError
		if errors.As(err, &missing) {
			return fmt.Errorf("%w; close it with --partial to go without them", err)
		}
		return err
	}
	findings := filepath.Join(dir, study.FindingsFile)
	if err := writeStudy(findings, s, k, sheets, r, a.tool()); err != nil {
		return err
	}
	ratings := func(w io.Writer) error { return study.WriteRatings(w, s, k, sheets) }
	if err := atomicfile.Write(filepath.Join(dir, study.RatingsFile), ratings); err != nil {
		return err
	}
	o.output.dir = dir
	return a.render(findings, f, o.output, a.io.Out)
}

// writeStudy writes the stream of a closed study.
func writeStudy(path string, s *study.Study, k *study.Key, sheets []study.Sheet, r *study.Result, tool string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		out := finding.NewWriter(w)
		if err := out.Config(k.Config(s, tool)); err != nil {
			return err
		}
		if err := study.Emit(s, k, sheets, r, out); err != nil {
			return err
		}
		return out.Done(out.Tally().Done(0))
	})
}
