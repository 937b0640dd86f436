package float16

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/compresstest"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

func TestConformance(t *testing.T) {
	o := compresstest.DefaultOptions()
	o.Idempotent = true
	o.Tolerance = 1e-2 // runtimes differ in where they round to float16 between operators
	o.Near = 1e-2
	o.Check = func(t *testing.T, before *onnx.Model, r *compress.Result) {
		for _, c := range r.Model.Graph.Initializers {
			if c.Type == onnx.Float {
				t.Errorf("constant %s is float32 still", c.Name)
			}
		}
	}
	compresstest.Run(t, func() compress.Scheme { return New(DefaultOptions()) }, o)
}

// Rounding against the definition: no float16 lies nearer, and of two that lie
// as near the one with an even last bit is taken.
func TestRounding(t *testing.T) {
	var all []float64
	for h := range 0x7c00 {
		all = append(all, float64(tensor.Float16(h).Float32()))
	}
	c := &converter{}
	check := func(v float32) {
		got := c.round(v)
		a := math.Abs(float64(v))
		lo, hi := 0, len(all)-1
		for lo < hi {
			if mid := (lo + hi + 1) / 2; all[mid] <= a {
				lo = mid
			} else {
				hi = mid - 1
			}
		}
		want := uint16(lo)
		if lo+1 < len(all) {
			if up, down := all[lo+1]-a, a-all[lo]; up < down || up == down && lo%2 == 1 {
				want++
			}
		}
		if math.Signbit(float64(v)) {
			want |= sign
		}
		if got != want {
			t.Fatalf("%v becomes %#04x, want %#04x", v, got, want)
		}
	}
	for h := range 0x7bff {
		x, y := float32(all[h]), float32(all[h+1])
		mid := (x + y) / 2
		for _, v := range []float32{x, mid, math.Nextafter32(mid, 0), math.Nextafter32(mid, 1e9)} {
			check(v)
			check(-v)
		}
	}
	for _, v := range []float32{65505, 65520, 1e6, 1e38, math.MaxFloat32} {
		check(v)
		check(-v)
	}
}

// with is ResNet8 with the first elements of its first weights replaced.
func with(t *testing.T, v ...float32) *onnx.Model {
	t.Helper()
	m := enginetest.ResNet8().Clone()
	l := compress.Layers(m.Graph)[0]
	if err := compress.SetConstant(m.Graph, compresstest.With(l.Weight, func(w []float32) { copy(w, v) })); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatDoesNotFitIsCounted(t *testing.T) {
	apply := func(m *onnx.Model) *compress.Result {
		r, err := New(DefaultOptions()).Apply(context.Background(), m, compress.Input{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	// Zeros in their place give what the rest of the network counts.
	base := apply(with(t, 0, 0, 0, 0, 0, 0, 0, 0))
	r := apply(with(t, 65504, 65520, -1e6, 2.9e-8, -1e-9, 3.1e-8, 1e-5, 0))
	if r.Clamped-base.Clamped != 2 || r.Flushed-base.Flushed != 2 {
		t.Errorf("%d clamped and %d flushed, want 2 and 2", r.Clamped-base.Clamped, r.Flushed-base.Flushed)
	}
	w, err := compress.Layers(r.Model.Graph)[0].Weight.AsFloat32s()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{65504, 65504, -65504, 0, 0} {
		if w[i] != want {
			t.Errorf("weight %d is %v, want %v", i, w[i], want)
		}
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), "beyond ±65504") {
		t.Errorf("notes %q say nothing of clamped weights", r.Notes)
	}
}

func TestKeepAndBlock(t *testing.T) {
	m := enginetest.ResNet8()
	layers := compress.Layers(m.Graph)
	name := layers[2].Node.Name
	o := Options{Block: []string{"Gemm"}, Keep: []string{name}}
	r, err := New(o).Apply(context.Background(), m, compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	if err := onnx.Validate(r.Model); err != nil {
		t.Fatal(err)
	}
	for i, l := range compress.Layers(r.Model.Graph) {
		want := onnx.Float16
		if i == 2 || l.Node.Op == "Gemm" {
			want = onnx.Float
		}
		if l.Weight.Type != want {
			t.Errorf("layer %s has weights of %v, want %v", l.Label, l.Weight.Type, want)
		}
		if r.Layers[i].Compressed() != (want == onnx.Float16) {
			t.Errorf("layer %s: %+v", l.Label, r.Layers[i])
		}
	}
	n := compresstest.Network{Shape: []int{3, 32, 32}}
	x, _, _ := n.Examples(1, 2, 1).Batch(context.Background(), 0)
	in := map[string]tensor.Tensor{"x": x}
	for name, was := range compresstest.Outputs(t, m, in) {
		if d := compresstest.Distance(compresstest.Outputs(t, r.Model, in)[name], was); !(d < 1e-2) {
			t.Errorf("output %s differs by %v", name, d)
		}
	}
	if _, err := New(Options{Keep: []string{"nowhere"}}).Apply(context.Background(), m, compress.Input{}); !errors.Is(err, compress.ErrSpec) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a node to keep that is not there: %v", err)
	}
}

// A value that a blocked operator reads and one that is an output keep their
// float32 meaning.
func TestMixedGraph(t *testing.T) {
	b := enginetest.New("mixed", 3)
	x := b.Input("x", -1, 8, 11, 13)
	y := b.Relu(b.Conv(x, enginetest.ConvSpec{Out: 8, Kernel: 3}))
	z := b.Node("Max", []string{y, x})
	w := b.Node("Flatten", []string{b.Node("GlobalAveragePool", []string{b.Add(z, y)})})
	b.Output(y, 4)
	b.Output(w, 2)
	m := b.Model()
	r, err := compress.Run(context.Background(), m, []compress.Scheme{New(DefaultOptions())}, compress.Input{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]tensor.Tensor{"x": compresstest.Networks()[0].Examples(1, 3, 4).Tensors[0]}
	is := compresstest.Outputs(t, r.Model, in)
	for name, was := range compresstest.Outputs(t, m, in) {
		if d := compresstest.Distance(is[name], was); !(d < 1e-2) {
			t.Errorf("output %s differs by %v", name, d)
		}
	}
	ops := r.Model.Graph.Nodes
	for _, n := range ops {
		if n.Op == "Max" && n.Name == "" {
			t.Error("the blocked operator lost its name")
		}
	}
}

func TestQuantizedModelIsRefused(t *testing.T) {
	_, err := New(DefaultOptions()).Apply(context.Background(), enginetest.Dynamic(true), compress.Input{})
	if !errors.Is(err, onnx.ErrUnsupported) || !strings.Contains(err.Error(), "quantized") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkApply(b *testing.B) {
	m := enginetest.ResNet50()
	facts, err := onnx.Inspect(m, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(facts.ConstantBytes)
	for b.Loop() {
		if _, err := New(DefaultOptions()).Apply(context.Background(), m, compress.Input{}); err != nil {
			b.Fatal(err)
		}
	}
}
