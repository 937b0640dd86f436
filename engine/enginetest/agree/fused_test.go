package agree_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// pattern is an operator between DequantizeLinear and QuantizeLinear, for which
// ONNX Runtime has one of its own.
type pattern struct {
	name  string
	op    string
	attrs []*onnx.Attr
	in    [][]int64 // shapes of the operands, quantized bytes
	same  bool      // the result has the first operand's scale and zero point
	scale float32   // of the result otherwise
	zero  bool      // the smallest byte is the zero point, as after a Relu
	exact bool      // the arithmetic of both is known to be the same
}

func patterns() []pattern {
	image := []int64{4, 16, 8, 8}
	pool := func(k, pad int64) []*onnx.Attr {
		return []*onnx.Attr{onnx.IntsAttr("kernel_shape", k, k), onnx.IntsAttr("pads", pad, pad, pad, pad)}
	}
	one := [][]int64{image}
	return []pattern{
		{name: "AveragePool of the whole image", op: "AveragePool", attrs: pool(8, 0), in: one, same: true, exact: true},
		{name: "AveragePool of the whole image, another scale", op: "AveragePool", attrs: pool(8, 0), in: one, scale: 0.0023, exact: true},
		{name: "AveragePool 2x2, lowest byte as zero point", op: "AveragePool", attrs: pool(2, 0), in: one, same: true, zero: true, exact: true},
		{name: "AveragePool 3x3, padded, lowest byte as zero point", op: "AveragePool", attrs: pool(3, 1), in: one, scale: 0.017, zero: true, exact: true},
		// QuantizeLinear rounds, half to even, and then adds the zero point;
		// QLinearAveragePool adds it first. A mean of four bytes is often halfway.
		{name: "AveragePool 2x2, any zero point", op: "AveragePool", attrs: pool(2, 0), in: one, same: true},
		{name: "GlobalAveragePool", op: "GlobalAveragePool", in: one, scale: 0.0023, exact: true},
		{name: "MaxPool 3x3, padded", op: "MaxPool", attrs: pool(3, 1), in: one, same: true, exact: true},
		{name: "Add", op: "Add", in: [][]int64{image, image}, scale: 0.043},
		{name: "Mul", op: "Mul", in: [][]int64{image, image}, scale: 0.03},
		{name: "Concat", op: "Concat", attrs: []*onnx.Attr{onnx.IntAttr("axis", 1)}, in: [][]int64{image, image}, scale: 0.031},
		{name: "Sigmoid", op: "Sigmoid", in: one, scale: 1. / 256},
		{name: "LeakyRelu", op: "LeakyRelu", attrs: []*onnx.Attr{onnx.FloatAttr("alpha", 0.1)}, in: one, scale: 0.02},
		{name: "Softmax", op: "Softmax", attrs: []*onnx.Attr{onnx.IntAttr("axis", -1)}, in: [][]int64{{64, 10}}, scale: 1. / 256},
	}
}

func (p pattern) zeroPoint(rng *rand.Rand) int {
	if p.zero {
		return 0
	}
	return rng.IntN(256)
}

// model is the pattern as a graph whose inputs and output are bytes.
func (p pattern) model(t *testing.T, typ onnx.DataType, rng *rand.Rand) (*onnx.Model, map[string]tensor.Tensor) {
	t.Helper()
	g := &onnx.Graph{Name: "pattern"}
	in := map[string]tensor.Tensor{}
	give := func(x *onnx.Tensor, err error) {
		if err != nil {
			t.Fatal(err)
		}
		g.Initializers = append(g.Initializers, x)
	}
	grid := func(name string, scale float32, zero int) {
		give(onnx.TensorOf(name+"_s", []float32{scale}))
		if typ == onnx.Int8 {
			give(onnx.TensorOf(name+"_z", []int8{int8(zero - 128)}))
		} else {
			give(onnx.TensorOf(name+"_z", []uint8{uint8(zero)}))
		}
	}
	node := func(op, out string, attrs []*onnx.Attr, in ...string) {
		g.Nodes = append(g.Nodes, &onnx.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	}
	var args []string
	for i, dims := range p.in {
		name := fmt.Sprintf("x%d", i)
		shape := make(onnx.Shape, len(dims))
		size := make([]int, len(dims))
		for k, d := range dims {
			shape[k], size[k] = onnx.Fixed(d), int(d)
		}
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: typ, Shape: shape}})
		x := tensor.Must(tensor.Make(tensor.Type(typ), size))
		for k, b := 0, x.Bytes8(); k < len(b); k++ {
			b[k] = byte(rng.IntN(256))
		}
		in[name] = x
		grid(name, 0.01+0.02*rng.Float32(), p.zeroPoint(rng))
		node("DequantizeLinear", name+"_d", nil, name, name+"_s", name+"_z")
		args = append(args, name+"_d")
	}
	y := "x0"
	if !p.same {
		y = "y"
		grid(y, p.scale, p.zeroPoint(rng))
	}
	node(p.op, "r", p.attrs, args...)
	node("QuantizeLinear", "out", nil, "r", y+"_s", y+"_z")
	g.Outputs = []*onnx.ValueInfo{{Name: "out", Type: onnx.TypeShape{Elem: typ}}}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g}, in
}

// What ONNX Runtime makes of an operator between DequantizeLinear and
// QuantizeLinear is within one step of what the engine makes of it: whatever the
// order of the float operations, their result is rounded once.
func TestFusedOperators(t *testing.T) {
	o := enginetest.NeedORT(t)
	for _, p := range patterns() {
		for _, typ := range []onnx.DataType{onnx.Uint8, onnx.Int8} {
			t.Run(fmt.Sprintf("%s/%v", p.name, typ), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(5, uint64(len(p.name))))
				differ, all, ops := 0, 0, ""
				for range 4 {
					m, in := p.model(t, typ, rng)
					s, err := engine.New(m, engine.Options{Threads: 1})
					if err != nil {
						t.Fatal(err)
					}
					ours, err := s.Run(t.Context(), in)
					if err != nil {
						t.Fatal(err)
					}
					fused := filepath.Join(t.TempDir(), "fused.onnx")
					r, err := o.Run(t.Context(), t.TempDir(), enginetest.Job{Model: m, Inputs: in, Threads: 1, Optimize: true, Fused: fused})
					if err != nil {
						t.Fatal(err)
					}
					ops = operators(t, fused)
					a, _ := ours["out"].Ints()
					b, _ := r.Outputs["out"].Ints()
					for i := range a {
						all++
						if d := a[i] - b[i]; d != 0 {
							if differ++; d > 1 || d < -1 {
								t.Fatalf("element %d is %d, ONNX Runtime has %d", i, a[i], b[i])
							}
						}
					}
				}
				// Lowest bytes of -128 are added before rounding, too.
				if p.exact && differ > 0 && !(p.zero && typ == onnx.Int8) {
					t.Errorf("%d of %d bytes differ, want none", differ, all)
				}
				t.Logf("%s: %d of %d bytes differ (%s)", p.name, differ, all, ops)
			})
		}
	}
}

// operators lists the operators of a graph.
func operators(t *testing.T, path string) string {
	t.Helper()
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var out []string
	for _, n := range m.Graph.Nodes {
		out = append(out, n.Op)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}
