package enginetest

import (
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// QOperators is a model with DequantizeLinear and QuantizeLinear around its
// convolutions in the other form that tools write: each such convolution, with
// the Relu after it where the zero point is the lowest byte, becomes a
// QLinearConv. Other operators stay as they are. It shares nothing that it
// changes with m.
func QOperators(m *onnx.Model) (*onnx.Model, error) {
	out, g := *m, *m.Graph
	out.Graph = &g
	g.Nodes = nil
	q := &qoperators{from: m.Graph, g: &g}
	q.makers, q.readers = index(m.Graph)
	for _, n := range m.Graph.Nodes {
		c, err := q.conv(n)
		if err != nil {
			return nil, err
		}
		if c == nil {
			c = n
		}
		g.Nodes = append(g.Nodes, c)
	}
	prune(&g)
	return &out, nil
}

type qoperators struct {
	from, g *onnx.Graph
	makers  map[string]*onnx.Node
	readers map[string]int
}

// conv is the integer form of the convolution whose result n quantizes; nil if
// there is none.
func (q *qoperators) conv(n *onnx.Node) (*onnx.Node, error) {
	if n.Op != "QuantizeLinear" || len(n.Inputs) != 3 {
		return nil, nil
	}
	c := q.makers[n.Inputs[0]]
	if c != nil && c.Op == "Relu" && q.lowest(n.Inputs[2]) {
		c = q.makers[c.Inputs[0]]
	}
	if c == nil || c.Op != "Conv" || q.readers[c.Outputs[0]] != 1 {
		return nil, nil
	}
	x, w, b := q.makers[c.Input(0)], q.makers[c.Input(1)], q.makers[c.Input(2)]
	for _, d := range []*onnx.Node{x, w, b} {
		if d == nil || d.Op != "DequantizeLinear" {
			return nil, nil
		}
	}
	zero := w.Input(2)
	if zero == "" {
		zero = c.Name + "_wz"
		t, err := onnx.TensorOf(zero, make([]int8, max(1, product64(q.from.Initializer(w.Inputs[1]).Dims))), q.from.Initializer(w.Inputs[1]).Dims...)
		if err != nil {
			return nil, err
		}
		q.g.Initializers = append(slices.Clip(q.g.Initializers), t)
	}
	return &onnx.Node{Name: c.Name, Op: "QLinearConv", Attrs: c.Attrs, Outputs: n.Outputs,
		Inputs: []string{x.Inputs[0], x.Inputs[1], x.Inputs[2], w.Inputs[0], w.Inputs[1], zero, n.Inputs[1], n.Inputs[2], b.Inputs[0]}}, nil
}

func product64(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n
}

// lowest reports whether a zero point is the lowest of its type.
func (q *qoperators) lowest(name string) bool {
	t := q.from.Initializer(name)
	if t == nil {
		return false
	}
	switch t.Type {
	case onnx.Int8:
		v, err := t.Int8s()
		return err == nil && len(v) == 1 && v[0] == -128
	case onnx.Uint8:
		v, err := t.Uint8s()
		return err == nil && len(v) == 1 && v[0] == 0
	}
	return false
}

// prune drops nodes whose results nobody reads.
func prune(g *onnx.Graph) {
	for {
		_, readers := index(g)
		for _, v := range g.Outputs {
			readers[v.Name]++
		}
		n := len(g.Nodes)
		g.Nodes = slices.DeleteFunc(g.Nodes, func(n *onnx.Node) bool {
			return !slices.ContainsFunc(n.Outputs, func(name string) bool { return readers[name] > 0 })
		})
		if len(g.Nodes) == n {
			return
		}
	}
}
