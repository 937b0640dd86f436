package infer

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Options say how models are run.
type Options struct {
	Batch    int     // images computed at once, at least 1; a model of fixed batch takes multiples of its own
	BadLimit float64 // share of images that may be damaged or missing, in [0, 1]
	// Progress is told how many of the images are done; nil is not called.
	Progress func(done, total int)
}

// DefaultOptions compute 32 images at once and bear 1 % of damaged ones.
func DefaultOptions() Options { return Options{Batch: 32, BadLimit: 0.01} }

// row takes the scores of one example. scores are reused.
type row func(example int, scores []float32) error

// run computes the scores of all images in order. It returns the examples whose
// image could not be had, and what the reader of the predictions should know.
func run(ctx context.Context, m *onnx.Model, s engine.Session, d dataset.Dataset, pre dataset.Preprocess, o Options, each row) (bad []*dataset.BadImage, note string, err error) {
	lo := dataset.DefaultLoaderOptions()
	lo.Preprocess, lo.BadLimit, lo.Batch = pre, o.BadLimit, 1
	loader, err := dataset.NewLoader(ctx, d, lo)
	if err != nil {
		return nil, "", err
	}
	p, err := portsOf(s, loader.Shape(), len(d.Classes()))
	if err != nil {
		return nil, "", err
	}
	c, err := cutFor(s, m, p, loader.Shape(), o.Batch)
	if err != nil {
		return nil, "", err
	}
	lo.Batch = c.images
	if loader, err = dataset.NewLoader(ctx, d, lo); err != nil {
		return nil, "", err
	}
	size := loader.Shape().Len()
	done := 0
	var padded []float32
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return nil, "", err
		}
		n, data := len(b.Index), b.Data[:len(b.Index)*size]
		if n == 0 {
			continue
		}
		if rest := n % c.fill; rest > 0 { // the model takes full batches only
			padded = append(append(padded[:0], data...), make([]float32, (c.fill-rest)*size)...)
			n, data = n+c.fill-rest, padded
		}
		if err := step(ctx, s, p, loader.Shape(), n, data, b.Index, len(d.Classes()), each); err != nil {
			return nil, "", err
		}
		if done += len(b.Index); o.Progress != nil {
			o.Progress(done, d.Len())
		}
	}
	return loader.Bad(), c.note, nil
}

// step computes one batch of n images, of which those in index are real.
func step(ctx context.Context, s engine.Session, p ports, shape dataset.Shape, n int, data []float32, index []int, classes int, each row) error {
	dims := shape.Dims(n)
	in, err := tensor.New(dims[:], data)
	if err != nil {
		return err
	}
	outs, err := s.Run(ctx, map[string]engine.Tensor{p.in.Name: in})
	if err != nil {
		return err
	}
	scores, err := tensor.Of[float32](outs[p.out.Name])
	if err != nil {
		return fmt.Errorf("output %s: %w", p.out.Name, err)
	}
	if len(scores) != n*classes {
		return fmt.Errorf("%w: output %s has %d scores for %d images, want %d each, as the data has classes", ErrShape, p.out.Name, len(scores), n, classes)
	}
	for k, i := range index {
		r := scores[k*classes : (k+1)*classes]
		for c, v := range r {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("output %s: score of class %d is %v for example %d", p.out.Name, c, v, i)
			}
		}
		if err := each(i, r); err != nil {
			return err
		}
	}
	return nil
}
