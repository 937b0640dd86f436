package onnx

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// TestInspectResNets: the numbers are those of numpy and ONNX's shape inference
// over the files' initializers (python3-onnx 1.12: elements of all initializers,
// and for each Conv product(output shape) * product(weight shape[1:]), for each
// Gemm the weight's elements).
func TestInspectResNets(t *testing.T) {
	for _, c := range []struct {
		name             string
		parameters, macs int64
	}{{"resnet_2b", 112_006, 682_984}, {"resnet_4b", 123_734, 2_866_152}} {
		path := realdata.Path(t, "models", "vnncomp21-cifar10-onnx", c.name+".onnx")
		f := must(Inspect(load(t, path), nil))(t)
		if f.Parameters != c.parameters || f.MACs == nil || *f.MACs != c.macs {
			t.Errorf("%s: %d parameters, %s MACs, want %d and %d", c.name, f.Parameters, orUnknown(f.MACs, group), c.parameters, c.macs)
		}
		if f.Bytes != int64(len(readFile(t, path))) || f.ConstantBytes != 4*c.parameters {
			t.Errorf("%s: %d bytes, %d of constants", c.name, f.Bytes, f.ConstantBytes)
		}
		if *f.ZeroShare != 0 || *f.QuantizedShare != 0 || *f.BitsPerWeight != 32 {
			t.Errorf("%s: zero %v, quantized %v, bits %v; it is a dense float32 model", c.name, *f.ZeroShare, *f.QuantizedShare, *f.BitsPerWeight)
		}
	}
}

// TestInspectMACs: multiply-accumulates of the light models at 224 x 224.
// Source: torchvision's table of pre-trained weights (GFLOPS there are
// multiply-accumulates): ResNet-50 4.09, VGG-19 19.63.
func TestInspectMACs(t *testing.T) {
	for name, want := range map[string]float64{"light_resnet50": 4.09, "light_vgg19": 19.63} {
		f := must(Inspect(load(t, realdata.Path(t, "onnx-tests", "light", name+".onnx")), nil))(t)
		if f.MACs == nil {
			t.Fatalf("%s: no MACs", name)
		}
		if got := float64(*f.MACs) / 1e9; got < want-0.005 || got > want+0.005 {
			t.Errorf("%s: %.3f G MACs, want %.2f G", name, got, want)
		}
		if f.ZeroShare != nil || f.LayerWeights != 0 {
			t.Errorf("%s: its weights are computed when it runs; zero share %v of %d", name, f.ZeroShare, f.LayerWeights)
		}
	}
}

// mixed is a model with layers in float32, float16, int8 with zero points by
// channel, uint8 by tensor, and one between two computed values.
func mixed(t testing.TB) *Model {
	t.Helper()
	q := func(name string, typ DataType, dims []int64, raw ...byte) *Tensor {
		return must(NewTensor(name, typ, dims, raw))(t)
	}
	f32 := must(TensorOf("fc", []float32{0, 1, 0, 2, float32(negativeZero()), 3}, 3, 2))(t)
	inits := []*Tensor{
		q("w8", Int8, []int64{2, 1, 1, 3}, 0, 5, 0, 7, 0, 7), // zero points 0 and 7: 2 and 2 zeros
		floats(t, "scales", 2), q("zeros", Int8, []int64{2}, 0, 7), floats(t, "bias", 2),
		f32, // 3 zeros of 6, one of them -0
		q("h", Float16, []int64{2, 2}, 0, 0, 0, 0x3c, 0, 0x80, 1, 0), // 0, 1, -0, the smallest: 2 zeros
		q("u", Uint8, []int64{2, 1}, 128, 3), floats(t, "s"), q("z", Uint8, nil, 128),
		ints(t, "r", 0, -1), floats(t, "gamma", 2), floats(t, "mean", 2), floats(t, "half"),
	}
	return modelOf(13, TypeShape{Float, Shape{Symbol("batch"), Fixed(1), Fixed(1), Fixed(5)}}, inits,
		nodeOf("DequantizeLinear", "w8 scales zeros", "w", IntAttr("axis", 0)),
		nodeOf("Conv", "x w bias", "c"), // [N 2 1 3]
		nodeOf("BatchNormalization", "c gamma gamma mean mean", "n"),
		nodeOf("Reshape", "n r", "f"), // [N 6]
		nodeOf("Mul", "f half", "fh"),
		nodeOf("Reshape", "fh r2", "g"), nodeOf("Constant", "", "r2", IntsAttr("value_ints", -1, 3)), // [2N 3]
		nodeOf("MatMul", "g fc", "m"), // [2N 2]
		nodeOf("Cast", "h", "hf", IntAttr("to", int64(Float))), nodeOf("Transpose", "hf", "ht"),
		nodeOf("MatMul", "m ht", "k"),
		nodeOf("DynamicQuantizeLinear", "k", "kq ks kz"), nodeOf("MatMulInteger", "kq u kz z", "o"), // [2N 1]
		nodeOf("Transpose", "k", "kt"), nodeOf("MatMul", "kt k", "att"), nodeOf("Relu", "att", "y"),
	)
}

func negativeZero() float64 { z := 0.0; return -z }

func TestInspectMixed(t *testing.T) {
	m := mixed(t)
	m.Path = "mixed.onnx"
	if err := Validate(m); err != nil {
		t.Fatal(err)
	}
	f := must(Inspect(m, nil))(t)
	type row struct {
		weight      string
		zeros, macs int64
		quantized   bool
	}
	want := []row{{"w8", 4, 2 * 3 * 3, true}, {"fc", 3, 2 * 2 * 3, false}, {"h", 2, 2 * 2 * 2, false}, {"u", 1, 2 * 2, true}, {"", -1, 2 * 2 * 2, false}}
	if len(f.Layers) != len(want) {
		t.Fatalf("%d layers, want %d", len(f.Layers), len(want))
	}
	for i, l := range f.Layers {
		got := row{l.Weight, -1, -1, l.Quantized}
		if l.Zeros != nil {
			got.zeros = *l.Zeros
		}
		if l.MACs != nil {
			got.macs = *l.MACs
		}
		if got != want[i] {
			t.Errorf("layer %d: %+v, want %+v", i, got, want[i])
		}
	}
	// weights 6 + 6 + 4 + 2; bias 2; gamma twice 2, once; not: mean, scales,
	// zero points, the shapes, the factor
	if f.Parameters != 6+6+4+2+2+2 {
		t.Errorf("%d parameters, want 22", f.Parameters)
	}
	if f.LayerWeights != 18 || *f.ZeroShare != 10./18 || *f.QuantizedShare != 8./18 || *f.BitsPerWeight != (8*8+6*32+4*16)/18. {
		t.Errorf("weights %d, zero %v, quantized %v, bits %v", f.LayerWeights, *f.ZeroShare, *f.QuantizedShare, *f.BitsPerWeight)
	}
	var text, js bytes.Buffer
	if err := f.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteJSON(&js); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "mixed.txt", text.Bytes())
	golden.Equal(t, "mixed.json", js.Bytes())
	var parsed map[string]any
	if err := json.Unmarshal(js.Bytes(), &parsed); err != nil {
		t.Error(err)
	}
}

// TestInspectInputs: operations scale with the size of the input that is given.
func TestInspectInputs(t *testing.T) {
	m := modelOf(13, TypeShape{Float, Shape{Symbol("N"), Fixed(3), Symbol("H"), Symbol("W")}}, []*Tensor{floats(t, "w", 4, 3, 3, 3)},
		nodeOf("Conv", "x w", "y", IntsAttr("pads", 1, 1, 1, 1)))
	if f := must(Inspect(m, nil))(t); f.MACs != nil {
		t.Errorf("%d MACs for an image of unknown size, want none", *f.MACs)
	}
	f := must(Inspect(m, map[string]Shape{"x": MakeShape(2, 3, 10, 20)}))(t)
	if f.MACs == nil || *f.MACs != 2*4*10*20*27 {
		t.Errorf("%s MACs, want %d", orUnknown(f.MACs, group), 2*4*10*20*27)
	}
	_, err := Inspect(m, map[string]Shape{"x": MakeShape(2, 5, 10, 20)})
	wantError(t, err, ErrShape, "5 channels")
}

// TestWeightsDigest: the digest is of values, not of names or storage.
func TestWeightsDigest(t *testing.T) {
	digest := func(m *Model) string { return must(Inspect(m, nil))(t).WeightsDigest }
	want := digest(conv(t))
	renamed := conv(t)
	for _, r := range [][2]string{{"w", "zzz"}, {"b", "aaa"}, {"r", "shape"}} {
		if err := renamed.Graph.Rename(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	moved := conv(t)
	g := moved.Graph
	g.Initializers[0], g.Initializers[1] = g.Initializers[1], g.Initializers[0]
	// the Constant node's tensor as an initializer
	k := g.Nodes[1].Tensor("value")
	k.Name = "k"
	if err := g.Replace(g.Nodes[1]); err != nil {
		t.Fatal(err)
	}
	if err := g.AddInitializer(k); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := Save(conv(t), path, SaveOptions{ExternalFrom: 16}); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*Model{"renamed": renamed, "moved": moved, "external": load(t, path)} {
		if got := digest(m); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	changed := conv(t)
	changed.Graph.Initializers[0] = changed.Graph.Initializers[0].Clone()
	changed.Graph.Initializers[0].Raw[3] ^= 0x80 // a sign
	if got := digest(changed); got == want {
		t.Error("another sign and the same digest")
	}
	sum := func(k *Tensor) string {
		return digest(modelOf(13, TypeShape{Float, MakeShape(2, 6)}, []*Tensor{k}, nodeOf("Add", "x k", "y")))
	}
	retyped := floats(t, "k", 1, 6)
	retyped.Type = Int32
	if sum(floats(t, "k", 6)) == sum(floats(t, "k", 1, 6)) {
		t.Error("other dimensions and the same digest")
	}
	ofInts := digest(modelOf(13, TypeShape{Int32, MakeShape(2, 6)}, []*Tensor{retyped}, nodeOf("Add", "x k", "y")))
	if ofInts == sum(floats(t, "k", 1, 6)) {
		t.Error("another element type and the same digest")
	}
}

// TestInspectDefault: a weight that callers may replace is still what is
// shipped.
func TestInspectDefault(t *testing.T) {
	m := conv(t)
	before := must(Inspect(m, nil))(t)
	m.Graph.Inputs = append(m.Graph.Inputs, &ValueInfo{Name: "w", Type: TypeShape{Float, MakeShape(8, 3, 3, 3)}})
	after := must(Inspect(m, nil))(t)
	if after.Parameters != before.Parameters || after.WeightsDigest != before.WeightsDigest || len(after.Inputs) != 1 {
		t.Errorf("parameters %d and %d, inputs %v", before.Parameters, after.Parameters, after.Inputs)
	}
}

func TestFormats(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 25557032: "25,557,032", -1234: "-1,234"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %q, want %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0.00 %", 1: "100.00 %", 1e-9: "< 0.01 %", 0.9999999: "> 99.99 %", 0.5: "50.00 %"} {
		if got := percent(v); got != want {
			t.Errorf("percent(%v) = %q, want %q", v, got, want)
		}
	}
	m := conv(t)
	m.Graph.Nodes[0].Name = "evil\x1b[31m"
	f := must(Inspect(m, nil))(t)
	var b strings.Builder
	if err := f.WriteText(&b); err != nil || strings.Contains(b.String(), "\x1b") {
		t.Errorf("a name of the file reached the terminal as it is: %v", err)
	}
}
