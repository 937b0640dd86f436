package compresstest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// runs checks that the result runs in our engine and in ONNX Runtime.
func (c *conformance) runs() {
	c.t.Helper()
	in := map[string]tensor.Tensor{c.n.Model.Graph.DataInputs()[0].Name: c.n.input(4, 99)}
	was, is := Outputs(c.t, c.n.Model, in), Outputs(c.t, c.r.Model, in)
	for name := range was {
		if !slices.Equal(was[name].Shape(), is[name].Shape()) {
			c.t.Fatalf("output %s has shape %v, had %v", name, is[name].Shape(), was[name].Shape())
		}
		if d := Distance(is[name], was[name]); math.IsNaN(d) || c.o.Near > 0 && d > c.o.Near {
			c.t.Errorf("output %s differs from the model's by %.3g of the largest, want at most %g", name, d, c.o.Near)
		}
	}
	ort, err := enginetest.FindORT()
	if err != nil {
		enginetest.NeedORT(c.t) // skips, or fails where it is required
	}
	for _, optimize := range []bool{true, false} {
		r, err := ort.Run(context.Background(), c.t.TempDir(), enginetest.Job{Model: c.r.Model, Inputs: in, Threads: 1, Optimize: optimize})
		if err != nil {
			c.t.Errorf("ONNX Runtime (optimized %v): %v", optimize, err)
			continue
		}
		for name := range is {
			if d := Distance(is[name], r.Outputs[name]); !(d <= c.o.Tolerance) {
				c.t.Errorf("output %s: our engine and ONNX Runtime (optimized %v) differ by %.3g of the largest, want at most %.3g", name, optimize, d, c.o.Tolerance)
			}
		}
	}
}

// Outputs runs a model in our engine.
func Outputs(tb testing.TB, m *onnx.Model, in map[string]tensor.Tensor) map[string]tensor.Tensor {
	tb.Helper()
	s, err := engine.New(m, engine.DefaultOptions())
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(context.Background(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Distance is the largest difference between two tensors of numbers as a share of
// the largest magnitude of b; NaN if one has a NaN or shapes differ.
func Distance(a, b tensor.Tensor) float64 {
	x, ok := a.Float32s()
	y, ok2 := b.Float32s()
	if !ok || !ok2 || !slices.Equal(a.Shape(), b.Shape()) {
		return math.NaN()
	}
	var far, top float64
	for i := range x {
		d := math.Abs(float64(x[i]) - float64(y[i]))
		if math.IsNaN(d) {
			return d
		}
		far, top = max(far, d), max(top, math.Abs(float64(y[i])))
	}
	if far == 0 {
		return 0
	}
	return far / top
}

const tool = "compresstest 1"

// manifest checks what the model says of itself, alone and behind another step.
func (c *conformance) manifest() {
	c.t.Helper()
	facts, err := onnx.Inspect(c.n.Model, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, chain := range [][]compress.Scheme{{c.scheme()}, {Nudge{}, c.scheme()}} {
		out, err := compress.Run(context.Background(), c.n.Model, chain, c.n.Input(), tool)
		if err != nil {
			c.t.Fatal(err)
		}
		var names []string
		for _, s := range chain {
			names = append(names, s.Name())
		}
		m, err := onnx.Decode(encode(c.t, out.Model))
		if err != nil {
			c.t.Fatal(err)
		}
		f, err := compress.ManifestOf(m)
		if err != nil {
			c.t.Fatal(err)
		}
		after, err := onnx.Inspect(m, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if f.Source != facts.WeightsDigest || f.Tool != tool || !slices.Equal(f.Schemes(), names) {
			c.t.Errorf("metadata: source %s, tool %s, schemes %v; want %s, %s, %v", f.Source, f.Tool, f.Schemes(), facts.WeightsDigest, tool, names)
		}
		if after.WeightsDigest == facts.WeightsDigest || out.Manifest.WeightsDigest != after.WeightsDigest {
			c.t.Errorf("weights digests: manifest %s, model %s, original %s", out.Manifest.WeightsDigest, after.WeightsDigest, facts.WeightsDigest)
		}
		last := f.Steps[len(f.Steps)-1]
		if last.Options == nil {
			c.t.Error("the metadata has no options")
		}
		if c.scheme().NeedsCalibration() && (last.Calibration == nil || len(last.Calibration.Examples) != 8 || last.Calibration.Name != "drawn") {
			c.t.Errorf("calibration in the metadata: %+v, want the ids of 8 examples", last.Calibration)
		}
	}
	c.unchanged()
}

// again applies the scheme to its own result.
func (c *conformance) again() {
	c.t.Helper()
	if !c.o.Idempotent {
		return
	}
	r, err := compress.Run(context.Background(), c.r.Model, []compress.Scheme{c.scheme()}, c.n.Input(), tool)
	if !errors.Is(err, compress.ErrNothing) {
		c.t.Errorf("a second time: %v, %v, want %v", r, err, compress.ErrNothing)
	}
}

// Nudge is a scheme that doubles the first weight that is not zero: the smallest
// change that is one.
type Nudge struct{}

// Name is "nudge".
func (Nudge) Name() string { return "nudge" }

// NeedsCalibration is false.
func (Nudge) NeedsCalibration() bool { return false }

// Apply doubles a weight.
func (Nudge) Apply(_ context.Context, m *onnx.Model, _ compress.Input) (*compress.Result, error) {
	out := m.Clone()
	l := compress.Layers(out.Graph)[0]
	return &compress.Result{Model: out}, compress.SetConstant(out.Graph, With(l.Weight, func(w []float32) {
		i := slices.IndexFunc(w, func(v float32) bool { return v != 0 })
		w[i] *= 2
	}))
}

// With is a copy of a float32 tensor whose elements were changed.
func With(t *onnx.Tensor, change func(w []float32)) *onnx.Tensor {
	c := t.Clone()
	w, err := c.AsFloat32s()
	if err != nil {
		panic(err)
	}
	w = slices.Clone(w)
	change(w)
	n, err := onnx.TensorOf(t.Name, w, t.Dims...)
	if err != nil {
		panic(err)
	}
	return n
}
