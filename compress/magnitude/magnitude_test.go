package magnitude

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/compresstest"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prune"
)

func must(t testing.TB, o Options) compress.Scheme {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func with(change func(o *Options)) Options {
	o := DefaultOptions(0.7)
	o.Dense = All // several networks of the suite have one product only
	change(&o)
	return o
}

func cases() map[string]Options {
	return map[string]Options{
		"layer":       with(func(*Options) {}),
		"global":      with(func(o *Options) { o.Global = true }),
		"pattern":     with(func(o *Options) { o.Pattern, o.Sparsity = Pattern24, 0.5 }),
		"recalibrate": with(func(o *Options) { o.Recalibrate = true }),
	}
}

func TestConformance(t *testing.T) {
	for name, o := range cases() {
		t.Run(name, func(t *testing.T) {
			options := compresstest.DefaultOptions()
			options.Tolerance = 1e-4 // both compute in float32
			options.Idempotent = !o.Recalibrate && o.Pattern == ""
			options.Check = func(t *testing.T, before *onnx.Model, r *compress.Result) {
				if o.Recalibrate {
					return
				}
				exact(t, before, r, o)
			}
			if o.Recalibrate {
				conformNormalized(t, o, options)
				return
			}
			compresstest.Run(t, func() compress.Scheme { return must(t, o) }, options)
		})
	}
}

// conformNormalized runs the suite on the networks that have normalizations: the
// others use no calibration examples.
func conformNormalized(t *testing.T, o Options, options compresstest.Options) {
	options.Skip = map[string]string{}
	for _, n := range compresstest.Networks() {
		if !uses(n.Model, "BatchNormalization") {
			options.Skip[n.Name] = "no batch normalization"
		}
	}
	compresstest.Run(t, func() compress.Scheme { return must(t, o) }, options)
}

func uses(m *onnx.Model, op string) bool {
	for _, n := range m.Graph.Nodes {
		if n.Op == op {
			return true
		}
	}
	return false
}

// exact counts the zeros of every weight tensor, and checks that the others are
// as they were.
func exact(t *testing.T, before *onnx.Model, r *compress.Result, o Options) {
	t.Helper()
	zeros, size := 0, 0
	was := compress.Layers(before.Graph)
	for i, l := range compress.Layers(r.Model.Graph) {
		w, _ := l.Weight.AsFloat32s()
		old, _ := was[i].Weight.AsFloat32s()
		if !r.Layers[i].Compressed() {
			continue
		}
		n := 0
		for k := range w {
			if w[k] == 0 {
				n++
			} else if w[k] != old[k] {
				t.Fatalf("layer %s: weight %d was %v and is %v", l.Label, k, old[k], w[k])
			}
		}
		zeros, size = zeros+n, size+len(w)
		if o.Pattern == "" && !o.Global && n != len(w)-prune.Keep(len(w), o.Sparsity) {
			t.Errorf("layer %s: %d of %d weights are zero, want %d", l.Label, n, len(w), len(w)-prune.Keep(len(w), o.Sparsity))
		}
	}
	if o.Global && zeros != size-prune.Keep(size, o.Sparsity) {
		t.Errorf("%d of %d weights are zero, want %d", zeros, size, size-prune.Keep(size, o.Sparsity))
	}
}

// What a network's normalizations see on the calibration batch is what its
// statistics say, once they are recalibrated on that batch: the moments here are
// computed in float64 from the values that the finished network gives.
func TestRecalibrationIsAFixedPoint(t *testing.T) {
	n := compresstest.Networks()[0]
	in := n.Input()
	in.Calibration = n.Examples(1, 8, 3)
	r, err := must(t, with(func(o *Options) { o.Recalibrate = true })).Apply(context.Background(), n.Model, in)
	if err != nil {
		t.Fatal(err)
	}
	x, _, _ := in.Calibration.Batch(context.Background(), 0)
	out := compresstest.Outputs(t, enginetest.AllOutputs(r.Model), map[string]tensor.Tensor{"x": x})
	index := r.Model.Graph.Index()
	seen := 0
	for _, node := range r.Model.Graph.Nodes {
		if node.Op != "BatchNormalization" {
			continue
		}
		seen++
		mean, variance := moments(out[node.Inputs[0]])
		for i, want := range [][]float64{mean, variance} {
			got, err := index.Constant(node.Inputs[3+i]).AsFloat64s()
			if err != nil {
				t.Fatal(err)
			}
			for c := range want {
				if math.Abs(got[c]-want[c]) > 1e-4*(1+math.Abs(want[c])) {
					t.Errorf("node %s: moment %d of channel %d is %v, the network sees %v", node.Name, i+1, c, got[c], want[c])
				}
			}
		}
	}
	if seen == 0 {
		t.Fatal("the network has no normalization")
	}
}

// moments are mean and variance for each channel of an image value.
func moments(x tensor.Tensor) (mean, variance []float64) {
	data, s := tensor.Data[float32](x), x.Shape()
	inner := x.Len() / s[0] / s[1]
	count := float64(s[0] * inner)
	mean, variance = make([]float64, s[1]), make([]float64, s[1])
	for i, v := range data {
		mean[i/inner%s[1]] += float64(v) / count
	}
	for i, v := range data {
		d := float64(v) - mean[i/inner%s[1]]
		variance[i/inner%s[1]] += d * d / count
	}
	return mean, variance
}

func TestWhatIsPruned(t *testing.T) {
	m := enginetest.ResNet8()
	for dense, want := range map[Dense]bool{Inner: false, None: false, All: true} {
		r, err := must(t, with(func(o *Options) { o.Dense = dense })).Apply(context.Background(), m, compress.Input{})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.Layers {
			if conv := l.Operator == "Conv"; conv && !l.Compressed() || !conv && l.Compressed() != want {
				t.Errorf("dense %s: %s (%s): %q %q", dense, l.Node, l.Operator, l.Change, l.Reason)
			}
		}
	}
}

func TestKeep(t *testing.T) {
	m := enginetest.ResNet8()
	name := compress.Layers(m.Graph)[1].Label
	r, err := must(t, with(func(o *Options) { o.Keep = []string{name} })).Apply(context.Background(), m, compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range r.Layers {
		if l.Compressed() != (i != 1) {
			t.Errorf("layer %s: %+v", l.Node, l)
		}
	}
	exact(t, m, r, DefaultOptions(0.7))
	bad := with(func(o *Options) { o.Keep = []string{"nowhere"} })
	if _, err := must(t, bad).Apply(context.Background(), m, compress.Input{}); !errors.Is(err, compress.ErrSpec) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a layer to keep that is not there: %v", err)
	}
}

func TestFloat16WeightsArePruned(t *testing.T) {
	m, err := enginetest.Half(enginetest.ResNet8())
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions(0.9)
	r, err := must(t, o).Apply(context.Background(), m, compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	exact(t, m, r, o)
}

func TestRefusals(t *testing.T) {
	for _, s := range []float64{-0.1, 1, math.NaN()} {
		if _, err := New(DefaultOptions(s)); !errors.Is(err, compress.ErrSparsity) {
			t.Errorf("sparsity %v: %v", s, err)
		}
	}
	bad := with(func(o *Options) { o.Pattern, o.Global = Pattern24, true })
	if _, err := New(bad); err == nil {
		t.Error("a global pattern is accepted")
	}
	m := enginetest.ResNet8()
	recalibrating := with(func(o *Options) { o.Recalibrate = true })
	for name, data := range map[string]compress.Batches{
		"none":      nil,
		"empty":     &compress.Held{},
		"too small": (&compresstest.Network{Shape: []int{3, 16, 16}}).Examples(1, 2, 1),
		"NHWC":      (&compresstest.Network{Shape: []int{32, 32, 3}}).Examples(1, 2, 1),
	} {
		if _, err := must(t, recalibrating).Apply(context.Background(), m, compress.Input{Calibration: data}); !errors.Is(err, compress.ErrCalibration) {
			t.Errorf("calibration %s: %v, want %v", name, err, compress.ErrCalibration)
		}
	}
	_, err := compress.Run(context.Background(), m, []compress.Scheme{must(t, DefaultOptions(0))}, compress.Input{}, "test")
	if !errors.Is(err, compress.ErrNothing) || !strings.Contains(err.Error(), "digest") {
		t.Errorf("sparsity 0: %v, want %v", err, compress.ErrNothing)
	}
}

func BenchmarkApply(b *testing.B) {
	m := enginetest.ResNet50()
	facts, err := onnx.Inspect(m, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, global := range []bool{false, true} {
		o := DefaultOptions(0.7)
		o.Global = global
		b.Run(fmt.Sprintf("global=%v", global), func(b *testing.B) {
			b.SetBytes(facts.ConstantBytes)
			for b.Loop() {
				if _, err := must(b, o).Apply(context.Background(), m, compress.Input{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
