package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// held is n random images of the given shape in batches of a size.
func held(n, size int, shape []int, f func(i int) float32) *compress.Held {
	all := tensor.Must(tensor.Make(tensor.Float32, append([]int{n}, shape...)))
	for i, d := 0, tensor.Data[float32](all); i < len(d); i++ {
		d[i] = f(i)
	}
	h := &compress.Held{}
	for from := 0; from < n; from += size {
		to := min(n, from+size)
		h.Tensors = append(h.Tensors, all.Slice(from, to))
		var ids []dataset.ExampleID
		for i := from; i < to; i++ {
			ids = append(ids, dataset.ExampleID(fmt.Sprint("e/", i)))
		}
		h.IDs = append(h.IDs, ids)
	}
	return h
}

func normal(seed uint64) func(int) float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	return func(int) float32 { return float32(rng.NormFloat64()) }
}

// values are all values that nodes of a model make.
func values(m *onnx.Model) []string {
	var out []string
	for _, n := range m.Graph.Nodes {
		out = append(out, n.Outputs[0])
	}
	return out
}

func collect(t *testing.T, m *onnx.Model, ex compress.Batches, threads int) *Collected {
	t.Helper()
	o := engine.DefaultOptions()
	o.Threads = threads
	names := values(m)
	last := 0
	c, err := Collect(t.Context(), m, ex, Request{Values: names, Means: names, Histograms: true, Engine: o,
		Progress: func(done, total int) {
			if done != last+1 || total != 2*ex.Len() {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Batches and threads change nothing; and what is collected is what a run that
// keeps every value shows.
func TestCollect(t *testing.T) {
	m := enginetest.ResNet8()
	shape := []int{3, 32, 32}
	whole := held(12, 12, shape, normal(3))
	want := collect(t, m, whole, 1)
	for _, size := range []int{1, 5} {
		got := collect(t, m, held(12, size, shape, normal(3)), 2)
		if !slices.Equal(got.Examples, want.Examples) {
			t.Errorf("batches of %d: examples %v, want %v", size, got.Examples, want.Examples)
		}
		for name, s := range want.Values {
			if !reflect.DeepEqual(got.Values[name], s) {
				t.Errorf("batches of %d: %s differs", size, name)
			}
		}
	}
	o := engine.DefaultOptions()
	o.KeepIntermediates, o.Reference = true, true
	s, err := engine.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(t.Context(), map[string]engine.Tensor{"x": whole.Tensors[0]})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range want.Values {
		if name == "x" {
			continue
		}
		v := tensor.Data[float32](out[name])
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-3*s.Extent() {
				t.Errorf("%s: %s %v, want %v", name, what, got, want)
			}
		}
		near("low", s.Low, float64(slices.Min(v)))
		near("high", s.High, float64(slices.Max(v)))
		if s.Count != int64(len(v)) {
			t.Errorf("%s: %d elements, want %d", name, s.Count, len(v))
		}
		sum := uint64(0)
		for _, n := range s.Histogram {
			sum += n
		}
		if sum != uint64(len(v)) {
			t.Errorf("%s: %d elements in the histogram, want %d", name, sum, len(v))
		}
		means := make([]float64, out[name].Shape()[1])
		size := product(out[name].Shape()[2:])
		for i, x := range v {
			means[i/size%len(means)] += float64(x) / float64(12*size)
		}
		for c := range means {
			near("mean", s.Means[c], means[c])
		}
	}
}

func product(v []int) int {
	n := 1
	for _, d := range v {
		n *= d
	}
	return n
}

// Values that are collected in several goes are summarized as in one, but for
// the rounding of steps that the engine joins when a value between them is not
// asked for.
func TestGroups(t *testing.T) {
	m := enginetest.ResNet8()
	want := collect(t, m, held(6, 3, []int{3, 32, 32}, normal(4)), 2)
	names := values(m)
	c, err := newCollector(m, held(6, 3, []int{3, 32, 32}, normal(4)),
		Request{Values: names, Means: names, Histograms: true, Engine: engine.DefaultOptions()})
	if err != nil {
		t.Fatal(err)
	}
	c.most = 1 << 18
	if n := len(c.groups()); n < 4 {
		t.Fatalf("%d groups, want several", n)
	}
	got, err := c.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Examples, want.Examples) || len(got.Values) != len(want.Values) {
		t.Errorf("examples %v, %d values; want %v, %d", got.Examples, len(got.Values), want.Examples, len(want.Values))
	}
	for name, w := range want.Values {
		g := got.Values[name]
		if near := 1e-5 * w.Extent(); g.Count != w.Count || math.Abs(g.Low-w.Low) > near || math.Abs(g.High-w.High) > near || len(g.Means) != len(w.Means) {
			t.Errorf("%s: %d elements in [%v, %v], want %d in [%v, %v]", name, g.Count, g.Low, g.High, w.Count, w.Low, w.High)
		}
	}
}

// Examples from which no range can be had are refused, by name.
func TestRefused(t *testing.T) {
	m := enginetest.ResNet8()
	shape := []int{3, 32, 32}
	constant := func(int) float32 { return 0.5 }
	same := func(i int) float32 { return float32(i % product(shape)) }
	broken := func(i int) float32 {
		if i == 7 {
			return float32(math.NaN())
		}
		return float32(i % 5)
	}
	for _, c := range []struct {
		name   string
		ex     compress.Batches
		reason error
		want   string
	}{
		{"none", nil, ErrEmpty, "no examples"},
		{"empty", &compress.Held{}, ErrEmpty, "no examples"},
		{"one number", held(4, 2, shape, constant), ErrConstant, `value "x": is 0.5 in all 4 examples`},
		{"one image", held(4, 2, shape, same), ErrConstant, "all 4 examples are the same"},
		{"other size", held(4, 2, []int{3, 31, 32}, normal(1)), ErrShape, `value "x": examples are float[2 3 31 32]`},
		{"other rank", held(4, 2, []int{3}, normal(1)), ErrShape, `value "x"`},
		{"NaN", held(4, 2, shape, broken), ErrNotFinite, `value "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Collect(context.Background(), m, c.ex, Request{Values: values(m), Engine: engine.DefaultOptions()})
			if !errors.Is(err, c.reason) || !errors.Is(err, compress.ErrCalibration) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %v that says %q", err, c.reason, c.want)
			}
		})
	}
}

// A range from a method lies within the elements, percentile leaves out no more
// than it may, and ranges grow with the percentile.
func FuzzRange(f *testing.F) {
	f.Add(uint64(1), 3.0, 0.0)
	f.Add(uint64(2), 1e-30, 1.0)
	f.Add(uint64(3), 1e30, -5.0)
	f.Fuzz(func(t *testing.T, seed uint64, scale, shift float64) {
		if !(scale > 1e-30 && scale < 1e30) || !(math.Abs(shift) < 1e6) {
			t.Skip()
		}
		rng := rand.New(rand.NewPCG(seed, 2))
		v := make([]float32, 50+rng.IntN(3000))
		for i := range v {
			v[i] = float32((math.Pow(rng.NormFloat64(), 3) + shift) * scale)
		}
		s := summarize(v)
		before := Range{math.Inf(1), math.Inf(-1)}
		for _, p := range []float64{60, 90, 99, 99.9, 100} {
			r, err := s.Range(Options{Method: Percentile, Percentile: p})
			if err != nil {
				t.Fatal(err)
			}
			if r.Low > before.Low || r.High < before.High || r.Low < s.Low || r.High > s.High {
				t.Errorf("percentile %v: %v, before %v, elements in [%v, %v]", p, r, before, s.Low, s.High)
			}
			out := 0
			for _, x := range v {
				if y := float64(x); y < r.Low-1e-6*s.Extent() || y > r.High+1e-6*s.Extent() {
					out++
				}
			}
			if float64(out) > (100-p)/100*float64(len(v))+1e-6 {
				t.Errorf("percentile %v leaves out %d of %d", p, out, len(v))
			}
			before = r
		}
		r, err := s.Range(Options{Method: Entropy})
		if err != nil || r.Low < s.Low || r.High > s.High || r.Low > r.High {
			t.Errorf("entropy: %v, %v; elements in [%v, %v]", r, err, s.Low, s.High)
		}
	})
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{}, {Method: "mean"}, {Method: Percentile}, {Method: Percentile, Percentile: 101}, {Method: Percentile, Percentile: math.NaN()}} {
		if o.Validate() == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if err := DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
}
