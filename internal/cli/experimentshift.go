package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/train"
)

// checkShifts opens each shifted data set and its first image, so that what is
// wrong with one is said before anything is trained.
func (x *jobs) checkShifts(ctx context.Context) error {
	for _, s := range x.plan.Shifts {
		var spec plan.PredictSpec
		if err := x.plan.Job(s.Job).Decode(&spec); err != nil {
			return err
		}
		if err := x.checkShift(ctx, s, spec.Shift); err != nil {
			if x.dry && errors.Is(err, fs.ErrNotExist) {
				x.app.log.Info(fmt.Sprintf("shift %s: %v", spec.Shift.Name, err))
				continue
			}
			if ctx.Err() != nil {
				return err
			}
			return x.fault(s.At, "shift %s: %v", spec.Shift.Name, err)
		}
	}
	return nil
}

func (x *jobs) checkShift(ctx context.Context, s plan.ShiftSource, spec *plan.ShiftSpec) (err error) {
	opened, err := dataKinds().Open(ctx, s.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Dataset.Close()) }()
	if err := sameClasses(x.train.Dataset, opened.Dataset); err != nil {
		return err
	}
	want, err := train.ImageShape(ctx, x.test.Dataset, x.test.Preprocess)
	if err != nil {
		return err
	}
	if _, err := opened.Dataset.Image(ctx, 0); err != nil { // too small for the corruption, or damaged
		return err
	}
	got, err := train.ImageShape(ctx, opened.Dataset, opened.Preprocess)
	switch {
	case err != nil:
		return err
	case got != want:
		return fmt.Errorf("images of %d x %d x %d, the test data have %d x %d x %d (channels, height, width)",
			got.Channels, got.Height, got.Width, want.Channels, want.Height, want.Width)
	case spec.Paired:
		return sameExamples(x.test.Dataset, opened.Dataset)
	}
	return nil
}

// sameExamples compares the ids and labels of test data with those of the same
// images, shifted. They may be in any order.
func sameExamples(clean, shifted dataset.Dataset) error {
	if a, b := clean.Len(), shifted.Len(); a != b {
		return fmt.Errorf("%d images, the test data have %d; a corruption is of the same images", b, a)
	}
	labels := make(map[dataset.ExampleID]dataset.Label, clean.Len())
	for i := range clean.Len() {
		e := clean.Example(i)
		labels[e.ID] = e.Label
	}
	for i := range shifted.Len() {
		e := shifted.Example(i)
		label, ok := labels[e.ID]
		switch {
		case !ok:
			return fmt.Errorf("there is no example %q in the test data; ids must be the same", e.ID)
		case label != e.Label:
			return fmt.Errorf("example %q is of class %s, in the test data of class %s", e.ID, shifted.Classes()[e.Label], clean.Classes()[label])
		}
	}
	return nil
}

// testData opens what a job predicts for: the test data, which stay open, or
// shifted ones. close is to be called in the end.
func (x *jobs) testData(ctx context.Context, job string, models int) (d dataset.Dataset, p dataset.Preprocess, closer func() error, err error) {
	for _, s := range x.plan.Shifts {
		if s.Job != job {
			continue
		}
		opened, err := dataKinds().Open(ctx, s.Data)
		if err != nil {
			return nil, p, nil, err
		}
		d = opened.Dataset
		if models > 1 {
			d = keep(d, keptBytes)
		}
		return d, opened.Preprocess, opened.Dataset.Close, nil
	}
	return x.test.Dataset, x.test.Preprocess, func() error { return nil }, nil
}

// rankedClasses is how many of the highest classes are kept of predictions for
// shifted data, for top-5; their full scores are not.
const rankedClasses = 5

// rank notes the classes of the highest scores of every model, the lower class
// number first among equals, where there are more classes than that.
func rank(t *prediction.Table) error {
	classes := len(t.Classes)
	if classes <= rankedClasses {
		return nil
	}
	const rows = 512
	buf := make([]float32, rows*classes)
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			m := &t.Variants[v].Members[k]
			m.TopK = make([]prediction.Column, rankedClasses)
			for r := range m.TopK {
				m.TopK[r] = prediction.NewColumn(t.Len(), classes)
			}
			for from := 0; from < t.Len(); from += rows {
				n := min(rows, t.Len()-from)
				if err := m.Scores.Rows(from, buf[:n*classes]); err != nil {
					return err
				}
				for i := range n {
					for r, c := range highest(buf[i*classes : (i+1)*classes]) {
						m.TopK[r].Set(from+i, c)
					}
				}
			}
		}
	}
	return nil
}

// highest are the classes of the highest scores.
func highest(scores []float32) (best [rankedClasses]int) {
	n := 0
	for c, v := range scores {
		at := n
		for at > 0 && v > scores[best[at-1]] {
			at--
		}
		if at == rankedClasses {
			continue
		}
		n = min(n+1, rankedClasses)
		copy(best[at+1:n], best[at:n-1])
		best[at] = c
	}
	return best
}

// addShifted joins a run's predictions for shifted data to the clean ones.
func addShifted(ctx context.Context, t *prediction.Table, run string, dirs []string) error {
	for _, dir := range dirs {
		s, err := prediction.Read(ctx, filepath.Join(run, filepath.FromSlash(dir)))
		if err != nil {
			return err
		}
		if s.Shift == nil {
			return fmt.Errorf("%s: the predictions do not say what shift they are of", dir)
		}
		if err := t.AddShift(s, *s.Shift); err != nil {
			return err
		}
	}
	slim(t)
	return nil
}
