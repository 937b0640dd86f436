package restore_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/float16"
	"github.com/lethe-audit/lethe/compress/int4weights"
	"github.com/lethe-audit/lethe/compress/int8dynamic"
	"github.com/lethe-audit/lethe/compress/int8static"
	"github.com/lethe-audit/lethe/compress/magnitude"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/infer/restore"
	"github.com/lethe-audit/lethe/onnx"
)

// Every scheme of the program gives models whose layers can be put back one at a
// time, with weights that can be compared with the baseline's.
func TestOwnSchemes(t *testing.T) {
	base := net(3)
	pruned, err := magnitude.New(magnitude.DefaultOptions(0.5))
	if err != nil {
		t.Fatal(err)
	}
	x := images(16, 4)["x"]
	ids := make([]dataset.ExampleID, 16)
	for i := range ids {
		ids[i] = dataset.ExampleID(rune('a' + i))
	}
	in := compress.Input{Calibration: &compress.Held{Tensors: []engine.Tensor{x}, IDs: [][]dataset.ExampleID{ids}}}
	for _, s := range []compress.Scheme{
		float16.New(float16.DefaultOptions()), int8dynamic.New(int8dynamic.DefaultOptions()),
		int8static.New(int8static.DefaultOptions()), int4weights.New(int4weights.DefaultOptions()), pruned,
	} {
		t.Run(s.Name(), func(t *testing.T) {
			out, err := compress.Run(context.Background(), base, []compress.Scheme{s}, in, "test")
			if err != nil {
				t.Fatal(err)
			}
			p, err := restore.Match(base, out.Model)
			if err != nil {
				t.Fatal(err)
			}
			want := layerNames(base)
			if s.Name() == pruned.Name() { // the last product is left alone
				want = want[:len(want)-1]
			}
			var got []string
			for i, l := range p.Layers {
				got = append(got, l.Name)
				m, err := p.Model(i)
				if err != nil {
					t.Fatal(err)
				}
				if err := onnx.Validate(m); err != nil {
					t.Fatalf("%s: %v", l.Name, err)
				}
				run(t, m, images(2, 5), engine.Options{})
				compareWeights(t, p, i)
			}
			if !slices.Equal(got, want) {
				t.Errorf("layers %v, want %v", got, want)
			}
		})
	}
}

// In operator form there are no float values between most layers: what lies
// between two of them is put back together, and no layer is lost.
func TestOperatorForm(t *testing.T) {
	base := net(3)
	o := int8static.DefaultOptions()
	o.QOperator = true
	x := images(16, 4)["x"]
	in := compress.Input{Calibration: &compress.Held{Tensors: []engine.Tensor{x}, IDs: [][]dataset.ExampleID{make([]dataset.ExampleID, 16)}}}
	out, err := compress.Run(context.Background(), base, []compress.Scheme{int8static.New(o)}, in, "test")
	if err != nil {
		t.Fatal(err)
	}
	p, err := restore.Match(base, out.Model)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, l := range p.Layers {
		got = append(got, strings.Split(l.Name, " + ")...)
		m, err := p.Model(i)
		if err != nil {
			t.Fatal(err)
		}
		run(t, m, images(2, 5), engine.Options{})
	}
	slices.Sort(got)
	want := layerNames(base)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(p.Layers) >= len(want) {
		t.Errorf("%d parts of the layers %v, want fewer parts of %v", len(p.Layers), got, want)
	}
}

// compareWeights checks that the weights of a layer are known on both sides, and
// that compression moved them, but not far.
func compareWeights(t *testing.T, p *restore.Plan, i int) {
	t.Helper()
	base, cand, ok := p.Weights(i)
	if !ok {
		t.Errorf("%s: no weights to compare", p.Layers[i].Name)
		return
	}
	a, b := constant(t, base), constant(t, cand)
	if len(a) != len(b) {
		t.Fatalf("%s: %d and %d weights", p.Layers[i].Name, len(a), len(b))
	}
	signal := distance(a, make([]float32, len(a)))
	if d := distance(a, b); d == 0 || d > signal/4 {
		t.Errorf("%s: weights differ by %v of %v", p.Layers[i].Name, d, signal)
	}
}

func constant(t *testing.T, m *onnx.Model) []float32 {
	t.Helper()
	name := m.Graph.Outputs[0].Name
	if w := m.Graph.Initializer(name); w != nil {
		v, err := w.AsFloat32s()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v, ok := run(t, m, map[string]tensor.Tensor{}, engine.Options{Reference: true})[name].Float32s()
	if !ok {
		t.Fatal("weights are no real numbers")
	}
	return v
}
