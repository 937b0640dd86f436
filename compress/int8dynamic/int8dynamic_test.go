package int8dynamic

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/compresstest"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

func TestConformance(t *testing.T) {
	for name, o := range map[string]Options{"per channel": DefaultOptions(), "per tensor": {PerTensor: true}} {
		t.Run(name, func(t *testing.T) {
			s := compresstest.DefaultOptions()
			s.Near = 0.15 // a slip in a layout, a scale or a zero point is far beyond it
			compresstest.Run(t, func() compress.Scheme { return New(o) }, s)
		})
	}
}

// A rounded weight lies at most half a step from what it was, at most 127 steps
// from zero, and the largest of each channel is kept to float32's precision.
func TestQuantizedWeightsAreNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		l := layout{1 + rng.IntN(6), 1 + rng.IntN(9)}
		w := make([]float32, (1+rng.IntN(3))*l.channels*l.inner)
		for i := range w {
			w[i] = float32(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(9)-4)))
			if i/l.inner%l.channels == 0 {
				w[i] = 0
			}
		}
		for _, perTensor := range []bool{false, true} {
			q, scales := quantize(w, l, perTensor)
			for i, v := range w {
				s := float64(scales[i/l.inner%l.channels])
				back := float64(int(q[i])-zero) * s
				if d := math.Abs(back - float64(v)); d > s/2*(1+1e-6) {
					t.Fatalf("%v becomes %v: %v steps away", v, back, d/s)
				}
				if q[i] < zero-most || int(q[i]) > zero+most {
					t.Fatalf("%v is stored as %d", v, q[i])
				}
			}
		}
	}
}

// Channels of very different size: one scale for each loses far less.
func TestPerChannelBeatsPerTensor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	l := layout{16, 27}
	w := make([]float32, 16*27)
	for i := range w {
		w[i] = float32(rng.NormFloat64() * math.Pow(2, -float64(i/27)/2))
	}
	lost := func(perTensor bool) (sum float64) {
		q, s := quantize(w, l, perTensor)
		for i, v := range w {
			d := (float64(int(q[i])-zero)*float64(s[i/27]) - float64(v)) / float64(v)
			sum += d * d
		}
		return sum
	}
	if a, b := lost(false), lost(true); !(a < b) {
		t.Errorf("relative error per channel %v, per tensor %v", a, b)
	}
}

// Every product form gives what the float form gives, within the steps of int8.
func TestProducts(t *testing.T) {
	b := enginetest.New("products", 5)
	x := b.Input("x", -1, 24)
	w, wt := b.Random(0.3, 0, 24, 17), b.Random(0.3, 0, 17, 24)
	sum := b.Node("Gemm", []string{x, w, b.Random(0.1, 0, 17)}, onnx.FloatAttr("alpha", 0.5), onnx.FloatAttr("beta", 3))
	sum = b.Add(sum, b.Node("Gemm", []string{x, wt, b.Random(0.1, 0, 1, 17)}, onnx.IntAttr("transB", 1)))
	sum = b.Add(sum, b.Node("Gemm", []string{x, wt}, onnx.IntAttr("transB", 1)))
	sum = b.Add(sum, b.Node("Gemm", []string{x, w, b.Random(0.1, 0)}, onnx.FloatAttr("beta", 2)))
	b.Output(b.Add(sum, b.Node("MatMul", []string{x, w})), 2)
	m := b.Model()
	r, err := New(DefaultOptions()).Apply(context.Background(), m, compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	if got := count(r.Model, "DynamicQuantizeLinear"); got != 1 {
		t.Errorf("%d quantizations of one value", got)
	}
	if got := count(r.Model, "MatMulInteger"); got != 5 {
		t.Errorf("%d integer products, want 5", got)
	}
	n := compresstest.Network{Shape: []int{24}}
	in := map[string]tensor.Tensor{"x": n.Examples(1, 6, 1).Tensors[0]}
	for name, was := range compresstest.Outputs(t, m, in) {
		if d := compresstest.Distance(compresstest.Outputs(t, r.Model, in)[name], was); !(d < 0.03) {
			t.Errorf("output %s differs by %v of the largest", name, d)
		}
	}
}

func count(m *onnx.Model, op string) (n int) {
	for _, x := range m.Graph.Nodes {
		if x.Op == op {
			n++
		}
	}
	return n
}

// Quantization and integer layers of a quantized ResNet8 have kernels, and all
// that a layer needs behind its sums happens in one step with it.
func TestRunsOnKernels(t *testing.T) {
	r, err := New(DefaultOptions()).Apply(context.Background(), enginetest.ResNet8(), compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.Compile(r.Model, engine.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	steps, err := p.Steps(map[string][]int{"x": {1, 3, 32, 32}})
	if err != nil {
		t.Fatal(err)
	}
	layers := 0
	for _, step := range steps {
		switch step.Op {
		case "ConvInteger", "MatMulInteger":
			layers++
			if len(step.Nodes) < 4 {
				t.Errorf("%v: the layer is not one step", step)
			}
			fallthrough
		case "DynamicQuantizeLinear":
			if step.Kernel == "definition" {
				t.Errorf("%v: no kernel", step)
			}
		}
	}
	if want := len(compress.Layers(enginetest.ResNet8().Graph)); layers != want {
		t.Errorf("%d integer layers, want %d", layers, want)
	}
}

func TestKeep(t *testing.T) {
	m := enginetest.ResNet8()
	layers := compress.Layers(m.Graph)
	r, err := New(Options{KeepFirst: true, KeepLast: true, Keep: []string{layers[3].Label}}).Apply(context.Background(), m, compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	left := compress.Layers(r.Model.Graph)
	if len(left) != 3 || left[0].Label != layers[0].Label || left[1].Label != layers[3].Label || left[2].Label != layers[len(layers)-1].Label {
		t.Errorf("layers left in float: %v", left)
	}
	if _, err := New(Options{Keep: []string{"nowhere"}}).Apply(context.Background(), m, compress.Input{}); !errors.Is(err, compress.ErrSpec) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a layer to keep that is not there: %v", err)
	}
}

// What cannot be quantized is left and named.
func TestLeftInFloat(t *testing.T) {
	b := enginetest.New("left", 5)
	x := b.Input("x", -1, 8, 11, 13)
	y := b.Conv(x, enginetest.ConvSpec{Out: 8, Kernel: 3})
	y = b.Node("ConvTranspose", []string{y, b.Random(0.1, 0, 8, 4, 2, 2)})
	b.Output(y, 4)
	r, err := New(DefaultOptions()).Apply(context.Background(), b.Model(), compress.Input{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Layers) != 2 || !r.Layers[0].Compressed() || !strings.Contains(r.Layers[1].Reason, "ConvTranspose") {
		t.Errorf("notes %+v", r.Layers)
	}
	half, err := enginetest.Half(enginetest.ResNet8())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(DefaultOptions()).Apply(context.Background(), half, compress.Input{}); !errors.Is(err, compress.ErrNoWeights) || !strings.Contains(err.Error(), "float16") {
		t.Errorf("a float16 model: %v", err)
	}
}

// Pruned weights stay zero.
func TestZerosStay(t *testing.T) {
	w := []float32{0, 1, -0.5, 0, 0.25, 0}
	q, _ := quantize(w, layout{2, 3}, false)
	for i, v := range w {
		if (v == 0) != (q[i] == zero) {
			t.Errorf("%v is stored as %d", v, q[i])
		}
	}
}
