package index

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Input is what an index is made of.
type Input struct {
	// Config is the first message of the audit's findings.
	Config *finding.Config
	// Examples is the audit's table of examples. Its file stays open as long as
	// the index is used.
	Examples *finding.ExampleReader
	// First is the variant that is to be ready when Build returns; "" is the first
	// one of the table of examples.
	First string
	// Table are the predictions that were audited, nil where they are not at
	// hand or Load gives them. The index does not keep it.
	Table *prediction.Table
	// Load reads the predictions in the background, where Table is nil; nil where
	// there are none: then examples have no groups, shifts and neighbours.
	// [prediction.ReadAnswers] reads all that is used.
	Load func(context.Context) (*prediction.Table, error)
}

// ErrNoPredictions is the answer where a question needs the predictions and
// the audit directory has none.
var ErrNoPredictions = errors.New("gallery: the audit directory holds no predictions")

// Variant is one population as the gallery names it.
type Variant struct {
	Name  string
	Kind  string   // "dense", "pruned", "quantized", ...
	Level *float64 // sparsity or bit width, by Kind; nil where it has no meaning
	K     int      // members
}

// Index is the examples of one audit, ready to be filtered.
type Index struct {
	in       Input
	n        int
	classes  []string
	baseline Variant
	variants []Variant
	named    map[string]int // variant's number by name
	classNo  map[string]int

	hasPredictions bool
	start          int // number of the variant that is read first

	ids    ids
	shared shared
	data   []variantData // by variant, without the baseline
	orders orders
	loaded table

	ctx    context.Context // of work in the background
	cancel context.CancelFunc
	behind sync.WaitGroup
}

// Build makes an index. It returns when [Input.First] can be shown; the rest
// follows in the background until [Index.Close]. It fails on a table of
// examples that does not fit the configuration, naming the row.
func Build(ctx context.Context, in Input) (*Index, error) {
	x := &Index{in: in, n: in.Config.Examples, classes: in.Config.Classes, classNo: map[string]int{}, named: map[string]int{}}
	x.hasPredictions = in.Table != nil || in.Load != nil
	for i, name := range x.classes {
		x.classNo[name] = i
	}
	if err := x.layout(); err != nil {
		return nil, err
	}
	x.ctx, x.cancel = context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, x.cancel) // Build itself ends with ctx, the index does not
	err := x.first()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		x.Close()
		return nil, err
	}
	x.behind.Go(func() {
		for v := range x.data {
			if x.variant(v) != nil {
				return
			}
		}
	})
	x.behind.Go(func() {
		if x.groups() == nil {
			_ = x.members() // whoever asks for them is told
		}
	})
	return x, nil
}

// layout finds the variants in the table of examples: all rows of one variant,
// then all rows of the next.
func (x *Index) layout() error {
	c, rows := x.in.Config, x.in.Examples.Len()
	switch {
	case len(c.Populations) == 0 || len(c.Classes) == 0:
		return errors.New("gallery: the findings name no populations or no classes")
	case rows == 0:
		return errors.New("gallery: the table of examples is empty: the audit was made without the check pie")
	case x.n < 1 || rows%int64(x.n) != 0:
		return fmt.Errorf("gallery: the table of examples has %d rows, want a multiple of the %d examples of the findings: they are of two audits", rows, x.n)
	case int64(x.n) > maxRows:
		return fmt.Errorf("gallery: %d examples, at most %d can be shown", x.n, maxRows)
	}
	x.baseline = variantOf(&c.Populations[0])
	for at := int64(0); at < rows; at += int64(x.n) {
		name := ""
		if err := x.in.Examples.Texts("variant", at, 1, func(_ int, text []byte) error { name = string(text); return nil }); err != nil {
			return err
		}
		v := Variant{Name: name}
		for i := range c.Populations[1:] {
			if c.Populations[1+i].Name == name {
				v = variantOf(&c.Populations[1+i])
			}
		}
		if _, twice := x.named[name]; twice || v.K == 0 {
			return fmt.Errorf("gallery: the table of examples, row %d: variant %q is not in the findings, or is there twice", at, name)
		}
		x.named[name] = len(x.variants)
		x.variants = append(x.variants, v)
	}
	x.data = make([]variantData, len(x.variants))
	var err error
	x.start, err = x.numberOf(x.in.First)
	return err
}

// maxRows is the largest number of examples: rows are 32-bit numbers.
const maxRows = 1<<31 - 1

func variantOf(p *finding.Population) Variant {
	return Variant{Name: p.Name, Kind: p.Kind, Level: p.Level, K: len(p.Members)}
}

// Wait returns when everything has been read, with the first error.
func (x *Index) Wait(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		var errs []error
		for v := range x.data {
			errs = append(errs, x.variant(v))
		}
		if err := x.members(); !errors.Is(err, ErrNoPredictions) {
			errs = append(errs, err)
		}
		done <- errors.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the work in the background and waits for it. The file of the
// table of examples may be closed afterwards.
func (x *Index) Close() {
	x.cancel()
	x.behind.Wait()
}

// Len is the number of examples.
func (x *Index) Len() int { return x.n }

// Baseline is the population that the variants are compared with.
func (x *Index) Baseline() Variant { return x.baseline }

// Variants are the populations that have rows in the table of examples, in the
// audit's order.
func (x *Index) Variants() []Variant { return x.variants }

// Classes are the names of the classes, by class number.
func (x *Index) Classes() []string { return x.classes }

// once is work that is done by whoever needs it first; the others wait.
type once struct {
	sync.Once
	done atomic.Bool
	err  error
}

func (o *once) do(fn func() error) error {
	o.Do(func() {
		o.err = fn()
		o.done.Store(true)
	})
	return o.err
}

// inRange checks the number of a row.
func (x *Index) inRange(row int32) error {
	if row < 0 || int(row) >= x.n {
		return fmt.Errorf("gallery: there is no row %d, rows are 0 to %d", row, x.n-1)
	}
	return nil
}

// numberOf is the number of a variant by its name; "" is the first.
func (x *Index) numberOf(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	v, ok := x.named[name]
	if !ok {
		names := make([]string, len(x.variants))
		for i := range x.variants {
			names[i] = x.variants[i].Name
		}
		return 0, unknown("variant", name, names)
	}
	return v, nil
}

// ready is the data of a variant by its name.
func (x *Index) ready(name string) (int, *variantData, error) {
	v, err := x.numberOf(name)
	if err == nil {
		err = x.variant(v)
	}
	if err != nil {
		return 0, nil, err
	}
	return v, &x.data[v], nil
}
