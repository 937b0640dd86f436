package int4weights

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Every weight is off by at most half a scale of its block; the largest of a
// block by nothing but the rounding of float32.
func FuzzBlocks(f *testing.F) {
	f.Add(uint64(1), 3, 70, 32)
	f.Add(uint64(2), 1, 1, 2)
	f.Add(uint64(3), 4, 27, 9)
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, size int) {
		if rows < 1 || rows > 20 || columns < 1 || columns > 300 || size < 2 || size > 400 {
			t.Skip()
		}
		rng := rand.New(rand.NewPCG(seed, 5))
		v := make([]float32, rows*columns)
		for i := range v {
			v[i] = float32(math.Exp(5*rng.NormFloat64()) * rng.NormFloat64())
		}
		q, scales := blocks(v, rows, columns, size)
		per := (columns + size - 1) / size
		if len(scales) != rows*per {
			t.Fatalf("%d scales, want %d in each of %d rows", len(scales), per, rows)
		}
		for i, x := range v {
			s := float64(scales[i/columns*per+i%columns/size])
			if d := math.Abs(float64(q[i])*s - float64(x)); d > 0.5*s*(1+1e-5) || q[i] < -most || q[i] > most {
				t.Errorf("weight %v is %d·%v: off by %v scales", x, q[i], s, d/s)
			}
		}
		for i, b := range pack(q) {
			if int8(b<<4)>>4 != q[2*i] || 2*i+1 < len(q) && int8(b)>>4 != q[2*i+1] {
				t.Fatalf("byte %d is %#x for %v", i, b, q[2*i:min(2*i+2, len(q))])
			}
		}
	})
}

// What the engine reads of a model is the weights to half a scale, for every
// layout: convolution, grouped, matrices both ways, a last block that is short.
func TestLayouts(t *testing.T) {
	b := enginetest.New("layouts", 3)
	x := b.Relu(b.Conv(b.Input("x", -1, 3, 9, 9), enginetest.ConvSpec{Out: 6, Kernel: 3}))
	x = b.Relu(b.Conv(x, enginetest.ConvSpec{Out: 6, Kernel: 3, Groups: 3}))
	x = b.Node("Flatten", []string{x})
	x = b.Node("Gemm", []string{x, b.Random(1, 0, 50, 6*81)}, onnx.IntAttr("transB", 1))
	x = b.Node("Gemm", []string{x, b.Random(1, 0, 50, 21)})
	b.Output(b.Node("MatMul", []string{x, b.Random(1, 0, 21, 5)}), 2)
	m := b.Model()
	q, layers, err := Quantize(m, Options{Block: 16})
	if err != nil || len(layers) != 5 {
		t.Fatal(layers, err)
	}
	o := engine.DefaultOptions()
	o.KeepIntermediates = true
	s, err := engine.New(q, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Run(t.Context(), map[string]engine.Tensor{"x": tensor.Must(tensor.Make(tensor.Float32, []int{1, 3, 9, 9}))})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range layered(q) {
		was := m.Graph.Initializer(layered(m)[i].Inputs[1])
		want, err := op.FromONNX(was)
		if err != nil {
			t.Fatal(err)
		}
		have := got[n.Inputs[1]]
		if !slices.Equal(have.Shape(), want.Shape()) {
			t.Fatalf("%s: weights %v, want %v", n.Name, have, want)
		}
		a, c := tensor.Data[float32](want), tensor.Data[float32](have)
		signal, noise := 0.0, 0.0
		for k := range a {
			d := float64(a[k] - c[k])
			signal, noise = signal+float64(a[k])*float64(a[k]), noise+d*d
		}
		// The largest of 16 normal numbers is about 1.8 deviations: a scale of
		// 0.25, an error of 0.25/√12.
		if db := 10 * math.Log10(signal/noise); db < 20 || db > 26 {
			t.Errorf("%s: %.1f dB, want about 23", n.Name, db)
		}
	}
}

func layered(m *onnx.Model) []*onnx.Node {
	var out []*onnx.Node
	for _, n := range m.Graph.Nodes {
		if n.Op == "Conv" || n.Op == "Gemm" || n.Op == "MatMul" {
			out = append(out, n)
		}
	}
	return out
}

func TestRefused(t *testing.T) {
	if _, _, err := Quantize(enginetest.ResNet8(), Options{Block: 1}); !errors.Is(err, ErrBlock) {
		t.Errorf("a block of 1: %v", err)
	}
	o := DefaultOptions()
	o.Keep = []string{"nowhere"}
	if _, _, err := Quantize(enginetest.ResNet8(), o); err == nil || !strings.Contains(err.Error(), `"nowhere"`) {
		t.Errorf("unknown node: %v", err)
	}
	b := enginetest.New("one layer", 7)
	b.Output(b.Conv(b.Input("x", -1, 3, 16, 16), enginetest.ConvSpec{Out: 8, Kernel: 3}), 4)
	o = DefaultOptions()
	o.KeepLast = true
	if _, _, err := Quantize(b.Model(), o); !errors.Is(err, compress.ErrNoWeights) {
		t.Errorf("nothing left: %v", err)
	}
}
