package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// quantizedPool is an average pooling between DequantizeLinear and
// QuantizeLinear, on random bytes.
func quantizedPool(rng *rand.Rand, typ tensor.Type, attrs []*onnx.Attr) (*onnx.Model, map[string]Tensor) {
	b := &intBuilder{rng: rng, g: &onnx.Graph{Name: "pool"}, in: map[string]Tensor{}}
	x := b.tensor("x", typ, 2, 1+rng.IntN(40), 7, 9)
	xs, xz := b.tensor("xs", tensor.Float32), b.zero("xz", typ)
	ys, yz := b.tensor("ys", tensor.Float32), b.zero("yz", typ)
	b.g.Nodes = []*onnx.Node{
		{Name: "dq", Op: "DequantizeLinear", Inputs: []string{x, xs, xz}, Outputs: []string{"d"}},
		{Name: "pool", Op: "AveragePool", Inputs: []string{"d"}, Outputs: []string{"p"}, Attrs: attrs},
		{Name: "q", Op: "QuantizeLinear", Inputs: []string{"p", ys, yz}, Outputs: []string{"y"}},
	}
	b.g.Outputs = []*onnx.ValueInfo{{Name: "y", Type: onnx.TypeShape{Elem: onnx.DataType(typ)}}}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 19}}, Graph: b.g}, b.in
}

// A quantized average pooling runs on bytes, one step for three nodes, and
// gives on every instruction set what its definition gives. Windows that are
// not the whole image give what the three operators give one by one.
func TestQuantizedAveragePool(t *testing.T) {
	for i, attrs := range [][]*onnx.Attr{
		{onnx.IntsAttr("kernel_shape", 7, 9)},
		{onnx.IntsAttr("kernel_shape", 3, 3), onnx.IntsAttr("pads", 1, 1, 1, 1)},
		{onnx.IntsAttr("kernel_shape", 3, 2), onnx.IntsAttr("strides", 2, 2), onnx.IntsAttr("pads", 1, 0, 1, 1),
			onnx.IntAttr("ceil_mode", 1), onnx.IntAttr("count_include_pad", 1)},
		{onnx.IntsAttr("kernel_shape", 2, 2), onnx.IntsAttr("dilations", 2, 3), onnx.IntsAttr("strides", 1, 2)},
	} {
		for _, typ := range []tensor.Type{tensor.Uint8, tensor.Int8} {
			t.Run(fmt.Sprintf("%d/%v", i, typ), func(t *testing.T) {
				m, in := quantizedPool(rand.New(rand.NewPCG(uint64(i), 3)), typ, attrs)
				want := definitions(t, m, in)["y"]
				if one := runModel(t, m, Options{Reference: true}, in)["y"]; i > 0 && !tensor.Equal(one, want) {
					t.Errorf("the three operators give %v, the step %v", one, want)
				}
				for _, level := range kernel.Levels() {
					p, err := Compile(m, Options{Threads: 2, CPU: level.String()})
					if err != nil {
						t.Fatal(err)
					}
					got, err := p.NewSession().Run(t.Context(), in)
					if err != nil {
						t.Fatal(err)
					}
					if !tensor.Equal(got["y"], want) {
						t.Errorf("%v differs from the definition", level)
					}
					steps, err := p.Steps(map[string][]int{"x": in["x"].Shape()})
					if err != nil {
						t.Fatal(err)
					}
					for _, s := range steps {
						if s.Kernel == "definition" && s.Op != "Transpose" {
							t.Errorf("%+v runs by its definition", s)
						}
					}
				}
			})
		}
	}
}
