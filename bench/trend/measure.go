package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/cifar"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// measurer runs one model over clean and corrupted images.
type measurer struct {
	model  string
	opened *dataset.Opened
	clean  []bool // right on each clean image
}

func newMeasurer(ctx context.Context, model, source string) (*measurer, error) {
	opened, err := dataset.Catalog{cifar.CIFAR10()}.Open(ctx, source)
	if err != nil {
		return nil, err
	}
	m := &measurer{model: model, opened: opened}
	if m.clean, err = m.right(ctx, opened.Dataset); err != nil {
		return nil, errors.Join(err, opened.Dataset.Close())
	}
	return m, nil
}

func (m *measurer) close() error { return m.opened.Dataset.Close() }

// key names what is measured.
func (m *measurer) key() string {
	return fmt.Sprintf("%s, %d images of %s", filepath.Base(m.model), len(m.clean), m.opened.Kind.Name)
}

// right runs the model over images and says on which it is right.
func (m *measurer) right(ctx context.Context, d dataset.Dataset) (right []bool, err error) {
	work, err := os.MkdirTemp("", "trend")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	r, err := infer.Predict(ctx, &infer.Job{
		Variants: []infer.Variant{{Name: "model", Files: []string{m.model}}}, Data: d, Preprocess: m.opened.Preprocess,
		Source: d.Name(), Work: work, Options: infer.Options{Batch: 64}, Engine: engine.Options{},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	predicted := r.Table.Variants[0].Members[0].Predicted
	for i := range r.Table.Len() {
		right = append(right, predicted.At(i) == r.Table.Labels.At(i))
	}
	return right, nil
}

// row is one corruption: right answers by severity, clean first, and how many
// answers became right and wrong from the severity before.
type row struct {
	Name   string                      `json:"name"`
	Images int                         `json:"images"`
	Right  [corrupt.Severities + 1]int `json:"right"`
	Gained [corrupt.Severities + 1]int `json:"gained"` // wrong one severity before, and right
	Lost   [corrupt.Severities + 1]int `json:"lost"`   // right one severity before, and wrong
}

// corruption measures all severities of one corruption.
func (m *measurer) corruption(ctx context.Context, name string) (row, error) {
	r := row{Name: name, Images: len(m.clean), Right: [corrupt.Severities + 1]int{count(m.clean)}}
	before := m.clean
	for s := 1; s <= corrupt.Severities; s++ {
		c, err := corrupt.New(corrupt.Options{Name: name, Severity: s})
		if err != nil {
			return r, err
		}
		d, err := dataset.Shifted(m.opened.Dataset, m.opened.Preprocess, c)
		if err != nil {
			return r, err
		}
		now, err := m.right(ctx, d)
		if err != nil {
			return r, err
		}
		for i, ok := range now {
			switch {
			case ok && !before[i]:
				r.Gained[s]++
			case !ok && before[i]:
				r.Lost[s]++
			}
		}
		r.Right[s], before = count(now), now
	}
	return r, nil
}

func count(right []bool) int {
	n := 0
	for _, ok := range right {
		if ok {
			n++
		}
	}
	return n
}

// state is what has been measured.
type state struct {
	Version int            `json:"version"`
	Of      string         `json:"of"` // see measurer.key
	Rows    map[string]row `json:"rows"`
}

// stateVersion changes with the meaning of the stored numbers, and with the
// corruptions.
//
//	1  first version
const stateVersion = 1

// readState reads a state file; one that is not there is an empty state.
func readState(name, of string) (*state, error) {
	s := &state{Version: stateVersion, Of: of, Rows: map[string]row{}}
	if name == "" {
		return s, nil
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trend: state: %w", err)
	}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("trend: state %s: %w", name, err)
	}
	if s.Version != stateVersion || s.Of != of {
		return nil, fmt.Errorf("trend: state %s is version %d of %s, want %d of %s; delete it to begin again", name, s.Version, s.Of, stateVersion, of)
	}
	return s, nil
}

func (s *state) write(name string) error {
	if name == "" {
		return nil
	}
	return atomicfile.Write(name, func(w io.Writer) error { return json.NewEncoder(w).Encode(s) })
}
