package enginetest

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/onnx"
)

// FoldBatchNorm is the model with every batch normalization that follows a
// convolution folded into its weights, as quantization tools do first. It
// shares nothing that it changes with m.
func FoldBatchNorm(m *onnx.Model) (*onnx.Model, error) {
	out, g := *m, *m.Graph
	out.Graph = &g
	makers, readers := index(m.Graph)
	g.Nodes = nil
	renamed := map[string]string{}
	for _, n := range m.Graph.Nodes {
		conv := makers[n.Input(0)]
		if n.Op == "BatchNormalization" && conv != nil && conv.Op == "Conv" && readers[n.Input(0)] == 1 {
			renamed[n.Outputs[0]] = n.Input(0)
			if err := fold(&g, conv, n); err != nil {
				return nil, err
			}
			continue
		}
		c := *n
		c.Inputs = append([]string(nil), n.Inputs...)
		for i, name := range c.Inputs {
			if to, ok := renamed[name]; ok {
				c.Inputs[i] = to
			}
		}
		makers[c.Outputs[0]] = &c
		g.Nodes = append(g.Nodes, &c)
	}
	return &out, nil
}

// index is the node that makes each value, and how many nodes read it.
func index(g *onnx.Graph) (makers map[string]*onnx.Node, readers map[string]int) {
	makers, readers = map[string]*onnx.Node{}, map[string]int{}
	for _, n := range g.Nodes {
		for _, name := range n.Outputs {
			makers[name] = n
		}
		for _, name := range n.Inputs {
			readers[name]++
		}
	}
	return makers, readers
}

// fold gives a convolution weights and bias that make the normalization bn too.
func fold(g *onnx.Graph, conv, bn *onnx.Node) error {
	var par [4][]float32
	for i := range par {
		v, err := g.Initializer(bn.Inputs[i+1]).Float32s()
		if err != nil {
			return err
		}
		par[i] = v
	}
	w := g.Initializer(conv.Inputs[1])
	old, err := w.Float32s()
	if err != nil {
		return err
	}
	bias := make([]float32, len(par[0]))
	if name := conv.Input(2); name != "" {
		b, err := g.Initializer(name).Float32s()
		if err != nil {
			return err
		}
		copy(bias, b)
	}
	data, row := make([]float32, len(old)), len(old)/len(bias)
	for c := range bias {
		k := par[0][c] / float32(math.Sqrt(float64(par[3][c])+float64(bn.Float("epsilon", 1e-5))))
		bias[c] = (bias[c]-par[2][c])*k + par[1][c]
		for i := range row {
			data[c*row+i] = old[c*row+i] * k
		}
	}
	tw, err := onnx.TensorOf(conv.Name+"_w", data, w.Dims...)
	if err != nil {
		return err
	}
	tb, err := onnx.TensorOf(conv.Name+"_b", bias, int64(len(bias)))
	if err != nil {
		return err
	}
	g.Initializers = append(g.Initializers[:len(g.Initializers):len(g.Initializers)], tw, tb)
	conv.Inputs = []string{conv.Inputs[0], tw.Name, tb.Name}
	return nil
}

// Range is the smallest and the largest element of a value.
type Range struct{ Low, High float32 }

// QuantizeQDQ puts QuantizeLinear and DequantizeLinear around the operators
// that run in integers: activations with one scale from their range, int8 or
// uint8 as signed says; weights int8 with a scale for each output channel;
// biases int32. Ranges are needed of every value that these operators read.
func QuantizeQDQ(m *onnx.Model, ranges map[string]Range, signed bool) (*onnx.Model, error) {
	out, g := *m, *m.Graph
	q := &quantizer{g: &g, from: m.Graph, ranges: ranges, signed: signed, done: map[string]string{}, scales: map[string]float32{}}
	out.Graph = &g
	g.Nodes = nil
	for _, n := range m.Graph.Nodes {
		if err := q.node(n); err != nil {
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return &out, nil
}

type quantizer struct {
	g, from *onnx.Graph
	ranges  map[string]Range
	signed  bool
	done    map[string]string  // values to their dequantized form
	scales  map[string]float32 // of dequantized values
}

func (q *quantizer) node(n *onnx.Node) error {
	c := *n
	c.Inputs = append([]string(nil), n.Inputs...)
	switch n.Op {
	case "Conv", "Gemm":
		x, err := q.activation(n.Inputs[0])
		if err != nil {
			return err
		}
		c.Inputs[0] = x
		if err := q.weights(&c); err != nil {
			return err
		}
	case "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten", "Concat", "HardSwish", "LeakyRelu":
		for i, name := range n.Inputs {
			x, err := q.activation(name)
			if err != nil {
				return err
			}
			c.Inputs[i] = x
		}
	}
	q.g.Nodes = append(q.g.Nodes, &c)
	return nil
}

func (q *quantizer) add(op string, out string, attrs []*onnx.Attr, in ...string) string {
	q.g.Nodes = append(q.g.Nodes, &onnx.Node{Name: out + "_" + op, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

func constant[T onnx.Number](q *quantizer, name string, data []T, dims ...int64) (string, error) {
	t, err := onnx.TensorOf(name, data, dims...)
	if err != nil {
		return "", err
	}
	q.g.Initializers = append(q.g.Initializers[:len(q.g.Initializers):len(q.g.Initializers)], t)
	return name, nil
}

// activation is the dequantized form of a value.
func (q *quantizer) activation(name string) (string, error) {
	if d, ok := q.done[name]; ok {
		return d, nil
	}
	r, ok := q.ranges[name]
	if !ok {
		return "", fmt.Errorf("no range of %q", name)
	}
	lo, hi := min(r.Low, 0), max(r.High, 0)
	scale := max((hi-lo)/255, 1e-8)
	zero := int(math.RoundToEven(float64(-lo / scale)))
	s, err := constant(q, name+"_scale", []float32{scale})
	if err != nil {
		return "", err
	}
	var z string
	if q.signed {
		z, err = constant(q, name+"_zero", []int8{int8(zero - 128)})
	} else {
		z, err = constant(q, name+"_zero", []uint8{uint8(zero)})
	}
	if err != nil {
		return "", err
	}
	d := q.add("DequantizeLinear", name+"_d", nil, q.add("QuantizeLinear", name+"_q", nil, name, s, z), s, z)
	q.done[name], q.scales[d] = d, scale
	return d, nil
}

// weights quantizes operands 1 and 2 of a convolution or a product.
func (q *quantizer) weights(n *onnx.Node) error {
	w := q.from.Initializer(n.Inputs[1])
	if w == nil {
		w = q.g.Initializer(n.Inputs[1])
	}
	data, err := w.Float32s()
	if err != nil {
		return err
	}
	rows := int(w.Dims[0]) // Gemm has transB
	per := len(data) / rows
	ints, scales := make([]int8, len(data)), make([]float32, rows)
	for r := range rows {
		var top float32
		for _, v := range data[r*per : (r+1)*per] {
			top = max(top, float32(math.Abs(float64(v))))
		}
		scales[r] = max(top/127, 1e-8)
		for i := range per {
			ints[r*per+i] = int8(math.RoundToEven(float64(data[r*per+i] / scales[r])))
		}
	}
	axis := []*onnx.Attr{onnx.IntAttr("axis", 0)}
	if n.Inputs[1], err = q.dequantized(n.Name+"_w", axis, ints, scales, w.Dims...); err != nil || len(n.Inputs) < 3 {
		return err
	}
	bias, err := q.from.Initializer(n.Inputs[2]).Float32s()
	if err != nil {
		return err
	}
	units, sums := make([]float32, rows), make([]int32, rows)
	for r := range rows {
		units[r] = q.scales[n.Inputs[0]] * scales[r]
		sums[r] = int32(math.RoundToEven(float64(bias[r]) / float64(units[r])))
	}
	n.Inputs[2], err = q.dequantized32(n.Name+"_b", axis, sums, units)
	return err
}

func (q *quantizer) dequantized(name string, axis []*onnx.Attr, data []int8, scales []float32, dims ...int64) (string, error) {
	n := int64(len(scales))
	w, err := constant(q, name+"_int", data, dims...)
	if err != nil {
		return "", err
	}
	s, err := constant(q, name+"_scale", scales, n)
	if err != nil {
		return "", err
	}
	z, err := constant(q, name+"_zero", make([]int8, n), n)
	return q.add("DequantizeLinear", name+"_d", axis, w, s, z), err
}

func (q *quantizer) dequantized32(name string, axis []*onnx.Attr, data []int32, scales []float32) (string, error) {
	n := int64(len(scales))
	b, err := constant(q, name+"_int", data, n)
	if err != nil {
		return "", err
	}
	s, err := constant(q, name+"_scale", scales, n)
	if err != nil {
		return "", err
	}
	z, err := constant(q, name+"_zero", make([]int32, n), n)
	return q.add("DequantizeLinear", name+"_d", axis, b, s, z), err
}
