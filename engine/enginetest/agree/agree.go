// Package agree compares the engine with ONNX Runtime over a whole data set:
// the agreement rule. A model passes if both predict the same class for at least
// 99.9 % of the images, every difference listed with its gap between the two
// highest scores and, where it can be told, what makes it.
//
//	images, err := agree.Load(ctx, data, preprocess)
//	c, err := agree.Compare(ctx, ort, model, images, agree.DefaultOptions())
//	c.Optimized.Share() >= agree.Rule
//
// Both runtimes get the same batches. The rule is about ONNX Runtime as it is
// used, with its graph optimizations; with Options.Plain it runs a second time
// without them, every node as the model has it, which shows what they change.
package agree

import (
	"context"
	"fmt"
	"os"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Rule is the least share of images on which both must predict the same class.
const Rule = 0.999

// Options say how both runtimes are run.
type Options struct {
	Batch   int            // images at once, at least 1; a model of fixed batch takes its own
	Threads int            // of each runtime, at least 1
	Engine  engine.Options // of the engine; Threads is overridden
	Plain   bool           // run ONNX Runtime without its graph optimizations, too
}

// DefaultOptions run 50 images at once on 2 threads.
func DefaultOptions() Options {
	return Options{Batch: 50, Threads: 2, Engine: engine.DefaultOptions()}
}

// Top is what one runtime predicts of an image.
type Top struct {
	Class int
	Gap   float64 // highest score minus the second highest, in the model's units
}

// Difference is an image for which the two predict different classes.
type Difference struct {
	Index   int // among the images
	ID      dataset.ExampleID
	Label   dataset.Label
	Go, ORT Top
	Cause   string // what makes the difference; "" if it is not known
}

// Result is a comparison with one way to run ONNX Runtime.
type Result struct {
	Images, Agreeing int
	Scores           int     // scores of all images
	ScoresDiffering  int     // in any bit
	Largest          float64 // difference between two scores
	Differences      []Difference
}

// Share is the share of images with the same class, in [0, 1].
func (r *Result) Share() float64 { return float64(r.Agreeing) / float64(r.Images) }

// Comparison is the engine against ONNX Runtime.
type Comparison struct {
	GoRight   int // images that the engine classifies as labelled
	Optimized Result
	// With Options.Plain: the engine against ONNX Runtime without its graph
	// optimizations, and images for which ONNX Runtime gives the same class
	// with and without them.
	Plain *Result
	Self  int
}

// Compare runs a classifier, images in and one row of scores for each image
// out, in both runtimes.
func Compare(ctx context.Context, o *enginetest.ORT, m *onnx.Model, im *Images, opt Options) (*Comparison, error) {
	in, err := newInput(m, im, opt)
	if err != nil {
		return nil, err
	}
	ours, err := in.engine(ctx, m, opt)
	if err != nil {
		return nil, err
	}
	c := &Comparison{}
	for i, label := range im.Labels {
		if ours.top(i).Class == int(label) {
			c.GoRight++
		}
	}
	e := explainer{o: o, m: m, im: im, opt: opt}
	optimized, err := in.ort(ctx, o, m, opt, true)
	if err != nil {
		return nil, err
	}
	c.Optimized = compare(im, ours, optimized)
	if err := e.explain(ctx, &c.Optimized, true); err != nil || !opt.Plain {
		return c, err
	}
	plain, err := in.ort(ctx, o, m, opt, false)
	if err != nil {
		return nil, err
	}
	r, self := compare(im, ours, plain), compare(im, optimized, plain)
	c.Plain, c.Self = &r, self.Agreeing
	return c, e.explain(ctx, c.Plain, false)
}

// input is the images as the model takes them.
type input struct {
	name   string
	x      tensor.Tensor
	images int // without the padding of the last batch
	batch  int
	fixed  bool
}

func newInput(m *onnx.Model, im *Images, opt Options) (*input, error) {
	values := m.Graph.DataInputs()
	if len(values) != 1 {
		return nil, fmt.Errorf("agree: the model has %d inputs, want one for images", len(values))
	}
	v := values[0]
	in := &input{name: v.Name, images: im.Len(), batch: max(1, opt.Batch)}
	if len(v.Type.Shape) > 0 {
		if n, ok := v.Type.Shape[0].Size(); ok {
			in.batch, in.fixed = int(n), true
		}
	}
	typ, pad := tensor.Float32, 1
	if v.Type.Elem == onnx.Float16 {
		typ = tensor.F16
	}
	if in.fixed {
		pad = in.batch
	}
	var err error
	in.x, err = im.padded(typ, pad)
	return in, err
}

// engine runs the model in this module's engine.
func (in *input) engine(ctx context.Context, m *onnx.Model, opt Options) (*scores, error) {
	outs, err := in.engineOutputs(ctx, m, opt)
	if err != nil {
		return nil, err
	}
	return newScores(outs[m.Graph.Outputs[0].Name], in.images)
}

// engineOutputs gives all outputs, the images along the first axis.
func (in *input) engineOutputs(ctx context.Context, m *onnx.Model, opt Options) (map[string]tensor.Tensor, error) {
	o := opt.Engine
	o.Threads = opt.Threads
	s, err := engine.New(m, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	parts := map[string][]tensor.Tensor{}
	total := in.x.Shape()[0]
	for from := 0; from < total; from += in.batch {
		got, err := s.Run(ctx, map[string]tensor.Tensor{in.name: in.x.Slice(from, min(from+in.batch, total))})
		if err != nil {
			return nil, err
		}
		for name, t := range got {
			parts[name] = append(parts[name], t)
		}
	}
	out := map[string]tensor.Tensor{}
	for name, p := range parts {
		if out[name], err = join(p); err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
	}
	return out, nil
}

// join puts tensors together along their first axis.
func join(parts []tensor.Tensor) (tensor.Tensor, error) {
	shape := append([]int(nil), parts[0].Shape()...)
	if len(shape) == 0 {
		return parts[0], nil
	}
	shape[0] = 0
	for _, p := range parts {
		shape[0] += p.Shape()[0]
	}
	all, err := tensor.Make(parts[0].Type(), shape)
	if err != nil {
		return all, err
	}
	at := 0
	for _, p := range parts {
		tensor.Copy(all.Slice(at, at+p.Shape()[0]), p)
		at += p.Shape()[0]
	}
	return all, nil
}

// ort runs the model in ONNX Runtime.
func (in *input) ort(ctx context.Context, o *enginetest.ORT, m *onnx.Model, opt Options, optimize bool) (*scores, error) {
	outs, err := in.ortOutputs(ctx, o, m, opt, optimize, "")
	if err != nil {
		return nil, err
	}
	return newScores(outs[m.Graph.Outputs[0].Name], in.images)
}

func (in *input) ortOutputs(ctx context.Context, o *enginetest.ORT, m *onnx.Model, opt Options, optimize bool, fused string) (map[string]tensor.Tensor, error) {
	tmp, err := os.MkdirTemp("", "agree")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	r, err := o.Run(ctx, tmp, enginetest.Job{Model: m, Inputs: map[string]tensor.Tensor{in.name: in.x},
		Threads: opt.Threads, Optimize: optimize, Batch: in.batch, Fused: fused})
	if err != nil {
		return nil, err
	}
	return r.Outputs, nil
}
