package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/spf13/cobra"
)

// shiftFlags say over which shifted data models are run, too.
type shiftFlags struct {
	list  string
	brief bool

	of     *prediction.Shift // the shift of --data itself; nil for clean data
	shifts []plan.Shift      // of list
}

func (f *shiftFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.list, "shift", "", "run the models over corrupted images, too: `CORRUPTIONS` such as fog:3, or fog for all severities; common, extra, all; joined by commas (lethe corrupt --help)")
	c.Flags().BoolVar(&f.brief, "brief", false, "of shifted data keep the predicted classes alone: no confidences, no second classes, nothing of the images; about a sixth of the size")
}

// resolve reads the flags; data is the source and called what --as-shift calls
// it.
func (f *shiftFlags) resolve(data, called string) error {
	source, err := dataset.ParseSource(data)
	if err != nil {
		return err
	}
	if f.of, err = shiftOf(source, called); err != nil {
		if called != "" {
			return fmt.Errorf("--as-shift %w", err)
		}
		return err
	}
	switch {
	case f.list == "" && f.brief:
		return errors.New("--brief is about shifted data: want --shift")
	case f.list == "":
		return nil
	case f.of != nil:
		return fmt.Errorf("--shift: the data are shifted already: %s", f.of.Name)
	}
	seen := map[string]bool{}
	for item := range strings.SplitSeq(f.list, ",") {
		list, err := corruptedSources(source, strings.TrimSpace(item))
		if err != nil {
			return fmt.Errorf("--shift %s: %w", item, err)
		}
		for _, s := range list {
			if !seen[s.Spec.Name] {
				seen[s.Spec.Name] = true
				f.shifts = append(f.shifts, s)
			}
		}
	}
	return nil
}

// corruptedSources are the sources that an item asks for: NAME or NAME:SEVERITY.
func corruptedSources(source dataset.Source, item string) ([]plan.Shift, error) {
	name, level, one := strings.Cut(item, ":")
	names, err := resolveCorruptions(name)
	if err != nil {
		return nil, err
	}
	from, to := 1, plan.Severities
	if one {
		if from, err = strconv.Atoi(level); err != nil || from < 1 || from > plan.Severities {
			return nil, fmt.Errorf("severity %q of %s: want 1 (least) to %d", level, name, plan.Severities)
		}
		to = from
	}
	var out []plan.Shift
	for _, n := range names {
		for severity := from; severity <= to; severity++ {
			s, err := resolveShift(source.String(), source.With("corruption", n).With("severity", strconv.Itoa(severity)).String(), "")
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// predictShifts runs the models over each shifted data set and joins what they
// predict to t.
func (a *app) predictShifts(ctx context.Context, f *modelFlags, variants []infer.Variant, work string, shifts *shiftFlags, t *prediction.Table) error {
	quiet := *a
	quiet.log = slog.New(slog.DiscardHandler) // what is to be said of the data was said
	for _, s := range shifts.shifts {
		on := *f
		on.data = s.Source
		fmt.Fprintf(a.io.Out, "%s\n", s.Spec.Name)
		r, err := quiet.predictions(ctx, &on, variants, work)
		if err != nil {
			return fmt.Errorf("shift %s: %w", s.Spec.Name, err)
		}
		if !shifts.brief {
			err = rank(r.Table)
		}
		if err := errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("shift %s: %w", s.Spec.Name, err)
		}
		withoutScores(r.Table, shifts.brief)
		if err := t.AddShift(r.Table, prediction.Shift(s.Spec)); err != nil {
			return err
		}
	}
	slim(t)
	return nil
}

// withoutScores leaves out what was read of full scores, and, for brief tables,
// all but the predicted classes.
func withoutScores(t *prediction.Table, brief bool) {
	if brief {
		t.Measures = nil
	}
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			m := &t.Variants[v].Members[k]
			m.Scores = nil
			if brief {
				m.Confidence, m.TrueScore, m.TopK = nil, nil, nil
			}
		}
	}
}

// slim leaves out of predictions for shifted data what the clean ones say of the
// same models: their layers, and the files.
func slim(t *prediction.Table) {
	for i := range t.Shifts {
		s := t.Shifts[i].Table
		for v := range s.Variants {
			for k := range s.Variants[v].Members {
				if m := &s.Variants[v].Members[k]; m.Facts != nil {
					m.Facts = &prediction.ModelFacts{File: m.Facts.File, Digest: m.Facts.Digest, WeightsDigest: m.Facts.WeightsDigest}
				}
			}
		}
		var data []prediction.Input
		for _, in := range s.Inputs {
			if in.Role != "model" {
				data = append(data, in)
			}
		}
		s.Inputs = data
	}
}

// shiftWork is the folder where finished models are kept for corrupted images: one
// for each corruption, for what is kept is known by the clean images' names.
func shiftWork(work string, s dataset.Source) string {
	sum := sha256.Sum256([]byte(s.String()))
	return filepath.Join(work, "shift-"+hex.EncodeToString(sum[:8]))
}
