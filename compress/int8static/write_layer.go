package int8static

import (
	"fmt"

	"github.com/lethe-audit/lethe/onnx"
)

// ints is a quantized layer's constants by name.
type ints struct {
	w, scale, zero string
	bias           string // int32, "" if there is none
	units          []float32
	axis           int64
}

// layerNode appends a layer in integers.
func (w *writer) layerNode(n *onnx.Node) {
	l, err := w.layer(n)
	if err != nil {
		w.err = err
		return
	}
	x := n.Inputs[0]
	var means []float64
	if w.opts.BiasCorrection {
		means = w.data.Values[x].Means
	}
	q, corrected := l.quantize(w.grid(x), w.opts.PerTensor, means)
	if w.opts.BiasCorrection && !corrected {
		w.uncorrected = append(w.uncorrected, n.Name)
	}
	w.notes[n] = describe(q)
	out := w.points[n]
	switch {
	case !w.opts.QOperator:
		w.qdqLayer(l, q)
	case n.Op == "Conv" && w.quantized(out) && w.through(n, out):
		w.qlinearConv(l, q, out)
	case n.Op == "Conv":
		w.qdqLayer(l, q) // its result stays float: there is no such operator
	default:
		w.integerProduct(l, q)
	}
}

func describe(q intWeights) string {
	if len(q.scale) == 1 {
		return "int8 weights, one scale"
	}
	return fmt.Sprintf("int8 weights, %d scales", len(q.scale))
}

// constants adds the layer's integers. Scales and zero points of single-scale
// weights are scalars.
func (w *writer) constants(l *layer, q intWeights, columns bool) ints {
	name := l.node.Inputs[1]
	data, dims, axis := l.stored(q, columns)
	var one []int64
	if n := int64(len(q.scale)); n > 1 || !w.opts.PerTensor {
		one = []int64{n}
	}
	c := ints{axis: axis,
		w:     constant(w, name+"_quantized", data, dims...),
		scale: constant(w, name+"_scale", q.scale, one...),
		zero:  constant(w, name+"_zero", make([]int8, len(q.scale)), one...)}
	x := w.grid(l.node.Inputs[0]).scale
	for _, s := range q.scale {
		c.units = append(c.units, x*s)
	}
	if q.bias != nil {
		c.bias = constant(w, l.node.Name+"_bias_quantized", q.bias, int64(len(q.bias)))
	}
	return c
}

// qdqLayer is the float operator on dequantized operands.
func (w *writer) qdqLayer(l *layer, q intWeights) {
	n := l.node.Clone()
	c := w.constants(l, q, false)
	var attrs []*onnx.Attr
	if len(q.scale) > 1 || !w.opts.PerTensor {
		attrs = []*onnx.Attr{onnx.IntAttr("axis", c.axis)}
	}
	name := n.Inputs[1]
	n.Inputs = []string{w.real(n.Inputs[0]), w.emit("DequantizeLinear", name+"_dequantized", attrs, c.w, c.scale, c.zero)}
	if c.bias != "" {
		var dims []int64
		var along []*onnx.Attr
		if attrs != nil {
			dims, along = []int64{int64(len(c.units))}, []*onnx.Attr{onnx.IntAttr("axis", 0)}
		}
		scale := constant(w, l.node.Name+"_bias_scale", c.units, dims...)
		zero := constant(w, l.node.Name+"_bias_zero", make([]int32, len(c.units)), dims...)
		n.Inputs = append(n.Inputs, w.emit("DequantizeLinear", l.node.Name+"_bias_dequantized", along, c.bias, scale, zero))
	}
	w.nodes = append(w.nodes, n)
}

// through reports whether all that lies between a layer and the value at which
// its result is quantized is limits that go away.
func (w *writer) through(n *onnx.Node, out string) bool {
	for v := n.Outputs[0]; v != out; {
		next := w.index.Uses(v)[0].Node
		if !w.needless(next) {
			return false
		}
		v = next.Outputs[0]
	}
	return !w.index.IsOutput(out)
}

// qlinearConv gives the bytes of out at once.
func (w *writer) qlinearConv(l *layer, q intWeights, out string) {
	c := w.constants(l, q, false)
	n := l.node.Clone()
	n.Op = "QLinearConv"
	xs, xz := w.parameters(l.node.Inputs[0])
	ys, yz := w.parameters(out)
	n.Inputs = []string{w.bytes[l.node.Inputs[0]], xs, xz, c.w, c.scale, c.zero, ys, yz}
	if c.bias != "" {
		n.Inputs = append(n.Inputs, c.bias)
	}
	n.Outputs = []string{w.names.Fresh(out + "_quantized")}
	w.nodes = append(w.nodes, n)
	w.bytes[out] = n.Outputs[0]
}

// integerProduct is a matrix product in integers: QLinearMatMul where there is no
// bias and the result is quantized; otherwise MatMulInteger, whose sums are made
// real and given the bias, since the standard has no other product with one.
func (w *writer) integerProduct(l *layer, q intWeights) {
	n, x := l.node, l.node.Inputs[0]
	exact := l.bias
	q.bias = nil
	c := w.constants(l, q, true)
	xs, xz := w.parameters(x)
	if out := w.points[n]; exact == nil && w.quantized(out) && w.through(n, out) {
		ys, yz := w.parameters(out)
		w.bytes[out] = w.emit("QLinearMatMul", out+"_quantized", nil, w.bytes[x], xs, xz, c.w, c.scale, c.zero, ys, yz)
		return
	}
	var dims []int64
	if len(c.units) > 1 {
		dims = []int64{int64(len(c.units))}
	}
	sum := w.emit("MatMulInteger", n.Name+"_sum", nil, w.bytes[x], c.w, xz)
	cast := w.emit("Cast", n.Name+"_cast", []*onnx.Attr{onnx.IntAttr("to", int64(onnx.Float))}, sum)
	units := constant(w, n.Name+"_units", c.units, dims...)
	last := "Mul"
	in := []string{cast, units}
	if exact != nil {
		scaled := w.emit("Mul", n.Name+"_scaled", nil, in...)
		b := make([]float32, len(exact))
		for i, v := range exact {
			b[i] = float32(v)
		}
		last, in = "Add", []string{scaled, constant(w, n.Name+"_bias", b, int64(len(b)))}
	}
	w.nodes = append(w.nodes, &onnx.Node{Name: n.Name, Op: last, Inputs: in, Outputs: []string{n.Outputs[0]}})
}
