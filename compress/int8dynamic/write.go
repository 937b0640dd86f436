package int8dynamic

import (
	"fmt"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/onnx"
)

// writer replaces layers of a graph.
type writer struct {
	g         *onnx.Graph
	index     *onnx.Index // of the graph before anything was replaced
	types     map[string]onnx.TypeShape
	names     *onnx.Names
	perTensor bool
	ranges    map[string]quantized // of values that are quantized
	stored    map[string]stored    // weights that are
	zero      string               // the constant zero point
}

// quantized is the outputs of a DynamicQuantizeLinear.
type quantized struct{ q, scale, zero string }

// stored is the names of quantized weights and the scales of their channels.
type stored struct {
	name   string
	scales []float32
}

func newWriter(g *onnx.Graph, types map[string]onnx.TypeShape, perTensor bool) *writer {
	return &writer{g: g, index: g.Index(), types: types, names: g.Names(), perTensor: perTensor,
		ranges: map[string]quantized{}, stored: map[string]stored{}}
}

// why says why a layer cannot be quantized, "" if it can.
func (w *writer) why(l *compress.Layer) string {
	n := l.Node
	switch {
	case n.Op == "ConvTranspose":
		return "ONNX has no integer form of ConvTranspose"
	case l.Weight.Type != onnx.Float:
		return "its weights are " + l.Weight.Type.String() + ", want float32"
	case !l.Direct:
		return "its weights are moved before they are used"
	case l.Slot != 1:
		return "its weights are the left operand"
	case w.types[n.Input(0)].Elem != onnx.Float:
		return fmt.Sprintf("its input is %v, want float32", w.types[n.Input(0)])
	case w.index.Constant(n.Input(0)) != nil:
		return "its input is a constant"
	case n.Op != "Conv" && len(l.Weight.Dims) != 2:
		return fmt.Sprintf("its weights have %d axes, want 2", len(l.Weight.Dims))
	case n.Op == "Gemm" && n.Int("transA", 0) != 0:
		return "its input is transposed"
	case n.Input(2) != "" && w.index.Constant(n.Input(2)) == nil:
		return "its bias is computed"
	}
	return ""
}

// layer puts an integer layer in the place of a float one.
func (w *writer) layer(l *compress.Layer) error {
	n := l.Node
	x, nodes := w.quantized(n.Input(0))
	s, err := w.weights(l)
	if err != nil {
		return err
	}
	wz, err := w.zeroPoint()
	if err != nil {
		return err
	}
	y := n.Outputs[0]
	integer := &onnx.Node{Name: n.Name, Op: "MatMulInteger", Inputs: []string{x.q, s.name, x.zero, wz}, Outputs: []string{w.names.Fresh(y + "_int32")}}
	dims := []int64{int64(len(s.scales))} // that scales and bias are broadcast with
	if n.Op == "Conv" {
		integer.Op = "ConvInteger"
		integer.Attrs = n.Clone().Attrs
		for range len(l.Weight.Dims) - 2 {
			dims = append(dims, 1)
		}
	}
	scale, err := w.floats(n.Input(1)+"_scale", times(s.scales, alpha(n)), dims)
	if err != nil {
		return err
	}
	bias, err := w.bias(n, dims)
	if err != nil {
		return err
	}
	nodes = append(nodes, integer,
		w.node("Cast", y+"_float", []string{integer.Outputs[0]}, onnx.IntAttr("to", int64(onnx.Float))),
		w.node("Mul", y+"_scale", []string{x.scale, scale}))
	last := w.node("Mul", y+"_scaled", []string{nodes[len(nodes)-2].Outputs[0], nodes[len(nodes)-1].Outputs[0]})
	nodes = append(nodes, last)
	if bias != "" {
		last = w.node("Add", y+"_biased", []string{last.Outputs[0], bias})
		nodes = append(nodes, last)
	}
	last.Outputs[0] = y
	return w.g.Replace(n, nodes...)
}

// alpha is the factor of a product.
func alpha(n *onnx.Node) float32 {
	if n.Op != "Gemm" {
		return 1
	}
	return n.Float("alpha", 1)
}

func times(v []float32, f float32) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x * f
	}
	return out
}

func (w *writer) node(op, out string, in []string, attrs ...*onnx.Attr) *onnx.Node {
	out = w.names.Fresh(out)
	return &onnx.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs}
}

// quantized is a value in bytes, and the node that makes it if that is not there
// yet.
func (w *writer) quantized(x string) (quantized, []*onnx.Node) {
	if q, ok := w.ranges[x]; ok {
		return q, nil
	}
	q := quantized{w.names.Fresh(x + "_quantized"), w.names.Fresh(x + "_scale"), w.names.Fresh(x + "_zero_point")}
	w.ranges[x] = q
	return q, []*onnx.Node{{Name: w.names.Fresh(x + "_quantize"), Op: "DynamicQuantizeLinear", Inputs: []string{x}, Outputs: []string{q.q, q.scale, q.zero}}}
}

// weights are a layer's weights in bytes, [inputs, outputs] for a product. Those
// that two layers share are stored once.
func (w *writer) weights(l *compress.Layer) (stored, error) {
	flip := l.Node.Op == "Gemm" && l.Node.Int("transB", 0) != 0
	key := fmt.Sprintf("%s %v %v", l.Name, l.IsConv(), flip)
	if s, ok := w.stored[key]; ok {
		return s, nil
	}
	data, err := l.Weight.Float32s()
	if err != nil {
		return stored{}, err
	}
	d := l.Weight.Dims
	dims := append([]int64{}, d...)
	if flip {
		data = transposed(data, int(d[0]), int(d[1]))
		dims = []int64{d[1], d[0]}
	}
	where := layout{int(dims[len(dims)-1]), 1}
	if l.IsConv() {
		where = layout{int(d[0]), len(data) / max(1, int(d[0]))}
	}
	q, scales := quantize(data, where, w.perTensor)
	s := stored{w.names.Fresh(l.Name + "_quantized"), scales}
	t, err := bytes(s.name, q, dims...)
	if err != nil {
		return s, err
	}
	w.stored[key] = s
	return s, w.g.AddInitializer(t)
}

// zeroPoint is the constant zero point of all weights.
func (w *writer) zeroPoint() (string, error) {
	if w.zero != "" {
		return w.zero, nil
	}
	w.zero = w.names.Fresh("weights_zero_point")
	t, err := bytes(w.zero, []uint8{zero})
	if err != nil {
		return "", err
	}
	return w.zero, w.g.AddInitializer(t)
}

func (w *writer) floats(name string, v []float32, dims []int64) (string, error) {
	t, err := onnx.TensorOf(w.names.Fresh(name), v, dims...)
	if err != nil {
		return "", err
	}
	return t.Name, w.g.AddInitializer(t)
}

// bias is the bias of a layer in a shape that can be added, "" if it has none.
func (w *writer) bias(n *onnx.Node, dims []int64) (string, error) {
	t := w.index.Constant(n.Input(2))
	if t == nil {
		return "", nil
	}
	v, err := t.AsFloat32s()
	if err != nil {
		return "", err
	}
	if n.Op == "Gemm" { // any shape that broadcasts
		beta := n.Float("beta", 1)
		if beta == 1 {
			return n.Input(2), nil
		}
		return w.floats(n.Input(2)+"_scaled", times(v, beta), t.Dims)
	}
	return w.floats(n.Input(2)+"_shaped", v, dims)
}
