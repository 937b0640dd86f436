package int8static

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// drawn is a batch of normal images.
func drawn(n int, seed uint64, shape ...int) *compress.Held {
	rng := rand.New(rand.NewPCG(seed, 3))
	x := tensor.Must(tensor.Make(tensor.Float32, append([]int{n}, shape...)))
	for i, v := 0, tensor.Data[float32](x); i < len(v); i++ {
		v[i] = float32(rng.NormFloat64())
	}
	ids := make([]dataset.ExampleID, n)
	for i := range ids {
		ids[i] = dataset.ExampleID(fmt.Sprint("drawn/", i))
	}
	return &compress.Held{Tensors: []engine.Tensor{x}, IDs: [][]dataset.ExampleID{ids}}
}

func quantized(t *testing.T, m *onnx.Model, o Options, shape ...int) *Outcome {
	t.Helper()
	q, err := Quantize(t.Context(), m, drawn(16, 1, shape...), Run{Engine: engine.DefaultOptions()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Any number of a range is off by at most half a step, and 0 by nothing.
func FuzzGrid(f *testing.F) {
	f.Add(-1.0, 3.0, 0.3)
	f.Add(0.0, 1e-20, 0.9)
	f.Add(2.0, 5.0, 0.5)
	f.Add(-7.0, -1.0, 0.1)
	f.Fuzz(func(t *testing.T, a, b, at float64) {
		if !(math.Abs(a) < 1e30 && math.Abs(b) < 1e30 && at >= 0 && at <= 1) {
			t.Skip()
		}
		r := calibrate.Range{Low: min(a, b), High: max(a, b)}
		g := gridOf(r)
		if !(g.scale > 0) || math.IsInf(float64(g.scale), 0) {
			t.Fatalf("scale %v of %v", g.scale, r)
		}
		if g.scale == 1 && max(r.High, 0)-min(r.Low, 0) < 255*leastScale*2 {
			return // zero everywhere
		}
		x := r.Low + at*(r.High-r.Low)
		q := min(max(math.RoundToEven(x/float64(g.scale))+float64(g.zero), 0), 255)
		back := (q - float64(g.zero)) * float64(g.scale)
		// The zero point is rounded too, so that an end of the range may lie up to
		// half a step outside of the bytes.
		if d := math.Abs(back - x); d > 0.5*float64(g.scale)*(1+1e-4) {
			t.Errorf("%v on %+v of %v is %v: off by %v steps", x, g, r, back, d/float64(g.scale))
		}
	})
}

// Weights are off by at most half a step of their channel, biases by half a unit,
// and nothing overflows.
func FuzzWeights(f *testing.F) {
	f.Add(uint64(1), 0.1, 3.0)
	f.Add(uint64(2), 1e-6, 1e4)
	f.Add(uint64(3), 50.0, 0.0)
	f.Fuzz(func(t *testing.T, seed uint64, xScale, biasSize float64) {
		if !(xScale > 1e-9 && xScale < 1e6) || !(biasSize >= 0 && biasSize < 1e6) {
			t.Skip()
		}
		rng := rand.New(rand.NewPCG(seed, 4))
		rows := make([][]float32, 1+rng.IntN(6))
		bias := make([]float64, len(rows))
		each := 1 + rng.IntN(40)
		for c := range rows {
			rows[c] = make([]float32, each)
			size := math.Exp(6 * rng.NormFloat64())
			for k := range rows[c] {
				if c != 2 { // one channel is zero
					rows[c][k] = float32(size * rng.NormFloat64())
				}
			}
			bias[c] = biasSize * rng.NormFloat64()
		}
		for _, perTensor := range []bool{false, true} {
			w := weightRows(rows, bias, float32(xScale), perTensor)
			if want := len(rows); perTensor && len(w.scale) != 1 || !perTensor && len(w.scale) != want {
				t.Fatalf("%d scales for %d channels", len(w.scale), want)
			}
			for c, row := range rows {
				s := float64(w.scale[c%len(w.scale)])
				for k, v := range row {
					q := w.data[c*each+k]
					if d := math.Abs(float64(q)*s - float64(v)); d > 0.5*s*(1+1e-5) || q == -128 {
						t.Errorf("weight %v is %d·%v: off by %v steps", v, q, s, d/s)
					}
				}
				unit := float64(float32(xScale) * w.scale[c%len(w.scale)])
				if d := math.Abs(float64(w.bias[c])*unit - bias[c]); d > 0.5*unit*(1+1e-5)+1e-6*math.Abs(bias[c]) {
					t.Errorf("bias %v is %d·%v: off by %v units", bias[c], w.bias[c], unit, d/unit)
				}
			}
		}
	})
}

// sqnr is the signal to noise ratio of b against a in decibels.
func sqnr(t *testing.T, a, b *onnx.Model, shape ...int) float64 {
	t.Helper()
	x := drawn(16, 2, shape...).Tensors[0]
	out := func(m *onnx.Model) []float32 {
		s, err := engine.New(m, engine.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := s.Run(t.Context(), map[string]engine.Tensor{m.Graph.DataInputs()[0].Name: x})
		if err != nil {
			t.Fatal(err)
		}
		v, _ := got[m.Graph.Outputs[0].Name].Float32s()
		return v
	}
	was, is := out(a), out(b)
	signal, noise := 0.0, 0.0
	for i := range was {
		d := float64(was[i]) - float64(is[i])
		signal, noise = signal+float64(was[i])*float64(was[i]), noise+d*d
	}
	return 10 * math.Log10(signal/noise)
}

// logits is a network whose output is what the classes are read from. Uneven,
// the channels between its first two layers differ in range by up to 64, which
// the second layer undoes: it computes the same.
func logits(uneven bool) *onnx.Model {
	b := enginetest.New("logits", 9)
	x := b.Input("x", -1, 3, 16, 16)
	x = b.Relu(b.Conv(x, enginetest.ConvSpec{Out: 16, Kernel: 3, Bias: true}))
	x = b.Relu(b.Conv(x, enginetest.ConvSpec{Out: 16, Kernel: 3, Groups: 16, Bias: true}))
	y := b.BatchNorm(b.Conv(x, enginetest.ConvSpec{Out: 16, Kernel: 1}))
	x = b.Relu(b.Add(x, y))
	b.Output(b.Dense(x, 10), 2)
	m := b.Model()
	if !uneven {
		return m
	}
	var convs []*onnx.Node
	for _, n := range m.Graph.Nodes {
		if n.Op == "Conv" {
			convs = append(convs, n)
		}
	}
	for c := range 16 {
		s := float32(math.Exp2(float64(c%7 - 3)))
		scaleChannel(m.Graph.Initializer(convs[0].Inputs[1]), c, s)
		scaleChannel(m.Graph.Initializer(convs[0].Inputs[2]), c, s)
		scaleChannel(m.Graph.Initializer(convs[1].Inputs[1]), c, 1/s)
	}
	return m
}

func scaleChannel(t *onnx.Tensor, c int, s float32) {
	v, _ := t.Float32s()
	each := len(v) / int(t.Dims[0])
	for i := range v[c*each : (c+1)*each] {
		v[c*each+i] *= s
	}
}

// Eight bits leave a signal to noise ratio of 25 dB and more on a small network,
// and one scale for each channel is better than one for all, much so where
// channels differ.
func TestQuality(t *testing.T) {
	shape := []int{3, 16, 16}
	for _, uneven := range []bool{false, true} {
		m := logits(uneven)
		channel, one := DefaultOptions(), DefaultOptions()
		one.PerTensor = true
		a := sqnr(t, m, quantized(t, m, channel, shape...).Model, shape...)
		b := sqnr(t, m, quantized(t, m, one, shape...).Model, shape...)
		t.Logf("uneven %v: %.1f dB a channel, %.1f dB a tensor", uneven, a, b)
		if a < 25 || a < b || uneven && a < b+3 {
			t.Errorf("uneven %v: %.1f dB a channel, %.1f dB a tensor", uneven, a, b)
		}
	}
}

// Both forms compute the same.
func TestForms(t *testing.T) {
	m, shape := logits(true), []int{3, 16, 16}
	o := DefaultOptions()
	o.QOperator = true
	if d := sqnr(t, quantized(t, m, DefaultOptions(), shape...).Model, quantized(t, m, o, shape...).Model, shape...); d < 60 {
		t.Errorf("the two forms differ: %.1f dB", d)
	}
}

// Equalization and bias correction help where they should: channels of very
// different ranges under one scale.
func TestEqualizeHelps(t *testing.T) {
	m, shape := logits(true), []int{3, 16, 16}
	o := DefaultOptions()
	o.PerTensor = true
	plain := sqnr(t, m, quantized(t, m, o, shape...).Model, shape...)
	o.Equalize = true
	q := quantized(t, m, o, shape...)
	even := sqnr(t, m, q.Model, shape...)
	t.Logf("%.1f dB plain, %.1f dB evened out", plain, even)
	if len(q.Evened) != 1 || even < plain+6 {
		t.Errorf("%.1f dB plain, %.1f dB with %d pairs evened out", plain, even, len(q.Evened))
	}
}

// The mean error of each output of a layer is smaller once biases are corrected.
func TestBiasCorrection(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	row := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	const out, in = 6, 24
	l := layer{node: &onnx.Node{Op: "Gemm", Inputs: []string{"x", "w", "b"}, Attrs: []*onnx.Attr{onnx.IntAttr("transB", 1)}},
		w: &onnx.Tensor{Dims: []int64{out, in}}, v: row(out * in), bias: make([]float64, out)}
	means := make([]float64, in)
	for i := range means {
		means[i] = 1 + rng.Float64()
	}
	x := grid{scale: 0.01}
	errorOf := func(w intWeights) float64 {
		sum := 0.0
		for c := range out {
			e := float64(w.bias[c]) * float64(x.scale*w.scale[c])
			for k := range in {
				e += (float64(w.data[c*in+k])*float64(w.scale[c]) - float64(l.v[c*in+k])) * means[k]
			}
			sum += math.Abs(e)
		}
		return sum
	}
	plain, _ := l.quantize(x, false, nil)
	before := errorOf(plain)
	corrected, ok := l.quantize(x, false, means)
	if after := errorOf(corrected); !ok || after > before/20 {
		t.Errorf("corrected %v: mean error %v, was %v", ok, after, before)
	}
}

func operator(q *Outcome, name string) Operator {
	i := slices.IndexFunc(q.Operators, func(o Operator) bool { return o.Node == name })
	if i < 0 {
		return Operator{}
	}
	return q.Operators[i]
}

// First, last and named layers stay in float, as does what has no integer form;
// all of them say why.
func TestKeep(t *testing.T) {
	m, shape := logits(false), []int{3, 16, 16}
	var layers []string
	for _, n := range m.Graph.Nodes {
		if n.Op == "Conv" || n.Op == "Gemm" {
			layers = append(layers, n.Name)
		}
	}
	o := DefaultOptions()
	o.KeepFirst, o.KeepLast, o.Keep = true, true, []string{layers[1]}
	q := quantized(t, m, o, shape...)
	for i, want := range []string{"first layer, kept", "kept, as asked", "", "last layer, kept"} {
		got := operator(q, layers[i])
		if got.Integer != (want == "") || want != "" && got.Note != want {
			t.Errorf("%s: %+v, want %q", layers[i], got, want)
		}
	}
	// The second operand of the sum is quantized for the convolution that reads it.
	for _, op := range q.Operators {
		if op.Op == "Add" && !op.Integer {
			t.Errorf("%s stays in float: %s", op.Node, op.Note)
		}
		if op.Note == "" {
			t.Errorf("%s says nothing", op.Node)
		}
	}
	o.Keep = []string{"nowhere"}
	if _, err := Quantize(t.Context(), m, drawn(4, 1, shape...), Run{Engine: engine.DefaultOptions()}, o); err == nil || !strings.Contains(err.Error(), `"nowhere"`) {
		t.Errorf("error %v, want one that names the node", err)
	}
}

// A sum of values that nothing else quantizes stays in float, even where a layer
// reads it; a sum of quantized ones does not.
func TestSums(t *testing.T) {
	b := enginetest.New("sums", 7)
	x := b.Input("x", -1, 3, 16, 16)
	y := b.Conv(x, enginetest.ConvSpec{Out: 3, Kernel: 3})
	free := b.Add(b.Node("Tanh", []string{y}), b.Node("Sigmoid", []string{y}))
	z := b.Relu(b.Conv(free, enginetest.ConvSpec{Out: 3, Kernel: 3}))
	b.Output(b.Dense(b.Relu(b.Add(free, z)), 4), 2)
	m := b.Model()
	var sums []bool
	for _, op := range quantized(t, m, DefaultOptions(), 3, 16, 16).Operators {
		if op.Op == "Add" {
			sums = append(sums, op.Integer)
		}
	}
	if !slices.Equal(sums, []bool{false, true}) {
		t.Errorf("sums in integers: %v, want the second only", sums)
	}
}

// Values that are only moved keep one scale, so that nothing is rounded twice.
func TestSharedScales(t *testing.T) {
	b := enginetest.New("moves", 7)
	x := b.Relu(b.Conv(b.Input("x", -1, 3, 16, 16), enginetest.ConvSpec{Out: 8, Kernel: 3}))
	p := b.Node("MaxPool", []string{x}, onnx.IntsAttr("kernel_shape", 2, 2), onnx.IntsAttr("strides", 2, 2))
	y := b.Relu(b.Conv(x, enginetest.ConvSpec{Out: 8, Kernel: 3, Stride: 2}))
	c := b.Node("Concat", []string{p, y}, onnx.IntAttr("axis", 1))
	f := b.Node("Flatten", []string{c})
	b.Output(b.Node("Gemm", []string{f, b.Random(0.1, 0, 16*64, 5)}), 2)
	m := b.Model()
	q := quantized(t, m, DefaultOptions(), 3, 16, 16)
	scales := map[string]string{}
	for _, n := range q.Model.Graph.Nodes {
		if n.Op == "QuantizeLinear" {
			scales[strings.TrimSuffix(n.Outputs[0], "_quantized")] = n.Inputs[1]
		}
	}
	if s := scales[p]; s == "" || scales[y] != s || scales[c] != s || scales[f] != s {
		t.Errorf("scales %v, want one for %s, %s, %s and %s", scales, p, y, c, f)
	}
	o := DefaultOptions()
	o.QOperator = true
	n := 0
	for _, node := range quantized(t, m, o, 3, 16, 16).Model.Graph.Nodes {
		if node.Op == "QuantizeLinear" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d QuantizeLinear in operator form, want the input's only", n)
	}
}

func TestRefused(t *testing.T) {
	run := Run{Engine: engine.DefaultOptions()}
	if _, err := Quantize(t.Context(), logits(false), nil, run, DefaultOptions()); !errors.Is(err, compress.ErrCalibration) {
		t.Errorf("no examples: %v", err)
	}
	o := DefaultOptions()
	o.Calibration.Method = "guess"
	if _, err := Quantize(t.Context(), logits(false), drawn(2, 1, 3, 16, 16), run, o); err == nil || !strings.Contains(err.Error(), "guess") {
		t.Errorf("unknown method: %v", err)
	}
	o = DefaultOptions()
	b := enginetest.New("one layer", 7)
	b.Output(b.Conv(b.Input("x", -1, 3, 16, 16), enginetest.ConvSpec{Out: 8, Kernel: 3}), 4)
	o.KeepFirst = true
	if _, err := Quantize(t.Context(), b.Model(), drawn(2, 1, 3, 16, 16), run, o); !errors.Is(err, compress.ErrNoWeights) {
		t.Errorf("nothing left: %v", err)
	}
}
