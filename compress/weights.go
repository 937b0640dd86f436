package compress

import (
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// Layer is a convolution or matrix product with constant weights.
type Layer struct {
	Node  *onnx.Node
	Label string // name of the node; "#N" (from 0) for one without a name
	Slot  int    // input of the node that holds the weights
	// Weight is the constant: the input itself, or what it is made from by
	// operators that only move or convert elements. Several layers may share one.
	Weight *onnx.Tensor
	Name   string // of the constant's value
	Direct bool   // the input is the constant
}

// Layers are the layers of the main graph that have constant weights of a
// floating-point type, in the graph's order: Conv, ConvTranspose, Gemm and
// MatMul.
func Layers(g *onnx.Graph) []Layer {
	x := g.Index()
	var out []Layer
	for i, n := range g.Nodes {
		for _, slot := range weightSlots(n) {
			l := Layer{Node: n, Label: label(n, i), Slot: slot}
			l.Weight, l.Name, l.Direct = behind(x, n.Input(slot))
			if l.Weight != nil && l.Weight.Type.IsFloat() && l.Weight.Type.Bits() >= 16 {
				out = append(out, l)
				break
			}
		}
	}
	return out
}

// IsConv reports whether the layer is a convolution.
func (l *Layer) IsConv() bool { return l.Node.Op == "Conv" || l.Node.Op == "ConvTranspose" }

func label(n *onnx.Node, i int) string {
	if n.Name != "" {
		return n.Name
	}
	return fmt.Sprintf("#%d", i)
}

// weightSlots are the inputs of a node that may hold its weights, the likeliest
// first.
func weightSlots(n *onnx.Node) []int {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return nil
	}
	switch n.Op {
	case "Conv", "ConvTranspose":
		return []int{1}
	case "Gemm", "MatMul":
		return []int{1, 0}
	}
	return nil
}

// behind follows a value back to its constant, nil if it has none.
func behind(x *onnx.Index, value string) (t *onnx.Tensor, name string, direct bool) {
	direct = true
	for seen := map[string]bool{}; value != "" && !seen[value]; direct = false {
		seen[value] = true
		if t := x.Constant(value); t != nil {
			return t, value, direct
		}
		n := x.Producer(value)
		if n == nil || !slices.Contains([]string{"Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast"}, n.Op) {
			return nil, "", false
		}
		value = n.Input(0)
	}
	return nil, "", false
}

// SetConstant puts t, which bears the constant's name, in its place, whether that
// is an initializer or the value of a Constant node.
func SetConstant(g *onnx.Graph, t *onnx.Tensor) error {
	if n := g.Index().Producer(t.Name); n != nil {
		if n.Constant() == nil {
			return fmt.Errorf("compress: value %q is computed by a %s, want a constant", t.Name, n.Op)
		}
		for _, name := range []string{"value_float", "value_floats", "value_int", "value_ints"} {
			n.RemoveAttr(name)
		}
		n.SetAttr(onnx.TensorAttr("value", t))
		return nil
	}
	return g.ReplaceInitializer(t)
}

// Check refuses a model that cannot be compressed: one without constant weights,
// or with weights that are not finite.
func Check(m *onnx.Model) error {
	layers := Layers(m.Graph)
	if len(layers) == 0 {
		return &onnx.Error{File: m.Path, Msg: noWeights(m.Graph), Reason: ErrNoWeights}
	}
	x := m.Graph.Index()
	for i, n := range m.Graph.Nodes {
		if !trained(n.Op) {
			continue
		}
		for _, in := range n.Inputs {
			t, name, _ := behind(x, in)
			if t == nil {
				continue
			}
			if at, v, bad := notFinite(t); bad {
				return &onnx.Error{File: m.Path, Node: label(n, i), Op: n.Op, Value: name,
					Msg: fmt.Sprintf("element %d is %v; %v", at, v, ErrNotFinite), Reason: ErrNotFinite}
			}
		}
	}
	return nil
}

// noWeights says why no layer can be compressed.
func noWeights(g *onnx.Graph) string {
	for _, n := range g.Nodes {
		switch n.Op {
		case "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "DequantizeLinear":
			return ErrNoWeights.Error() + ": its weights are quantized already; compress the float model that it was made from"
		}
	}
	return ErrNoWeights.Error() + ": no Conv, ConvTranspose, Gemm or MatMul with constant float weights"
}

// trained reports whether constant inputs of an operator are set by training.
func trained(op string) bool {
	switch op {
	case "Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization", "PRelu":
		return true
	}
	return false
}

// notFinite finds the first element of a float tensor that is NaN or infinite.
// Bits are compared: the exponent is all ones.
func notFinite(t *onnx.Tensor) (at int, v float64, bad bool) {
	switch t.Type {
	case onnx.Float:
		w, err := t.Float32s()
		if err != nil {
			return 0, 0, false
		}
		for i, v := range w {
			if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
				return i, float64(v), true
			}
		}
	case onnx.Double, onnx.Float16, onnx.BFloat16:
		w, err := t.AsFloat64s()
		if err != nil {
			return 0, 0, false
		}
		for i, v := range w {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return i, v, true
			}
		}
	}
	return 0, 0, false
}
