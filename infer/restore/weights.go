package restore

import (
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// Weights are two models without inputs whose only output is the weights of
// layer i: the baseline's, and what the compressed model computes with in their
// place. A normalization that was folded in counts for the baseline's too. ok is
// false for several layers in one, and where the compressed model holds no such
// constant.
func (p *Plan) Weights(i int) (base, cand *onnx.Model, ok bool) {
	l := &p.Layers[i]
	var layer *onnx.Node
	for _, n := range l.nodes {
		if p.base.weightOf(n) == "" {
			continue
		}
		if layer != nil {
			return nil, nil, false
		}
		layer = n
	}
	if layer == nil {
		return nil, nil, false
	}
	inCand := p.sharedInCand()
	var nodes []*onnx.Node
	for _, out := range l.outs {
		part, _ := p.cand.slice(p.shared[out], inCand)
		nodes = append(nodes, part...)
	}
	a, b := newConstants(&p.base), newConstants(&p.cand)
	b.result = b.weightsOf(layer, nodes)
	if b.result == "" {
		return nil, nil, false
	}
	a.result = p.base.weightOf(layer)
	if bn := readBy(l.nodes, "BatchNormalization", layer.Outputs[0]); bn != nil && layer.Op == "Conv" && !slices.ContainsFunc(nodes, func(n *onnx.Node) bool { return n.Op == "BatchNormalization" }) {
		a.result = a.folded(a.result, bn)
	}
	if a.model() == nil || b.model() == nil {
		return nil, nil, false
	}
	return a.model(), b.model(), true
}

func readBy(nodes []*onnx.Node, op, value string) *onnx.Node {
	for _, n := range nodes {
		if n.Op == op && n.Input(0) == value {
			return n
		}
	}
	return nil
}

// constants builds a model without inputs from the constants of another.
type constants struct {
	s      *side
	g      *onnx.Graph
	names  *onnx.Names
	result string
	failed bool
}

func newConstants(s *side) *constants {
	g := &onnx.Graph{Name: "weights", Initializers: slices.Clone(s.m.Graph.Initializers)}
	for _, n := range s.nodes {
		if len(n.Outputs) > 0 && s.constant[n.Outputs[0]] {
			g.Nodes = append(g.Nodes, n)
		}
	}
	return &constants{s: s, g: g, names: s.m.Graph.Names()}
}

// model is the constants' model, nil where something was missing.
func (c *constants) model() *onnx.Model {
	if c.failed || c.result == "" {
		return nil
	}
	g := c.g.Clone()
	g.Outputs = []*onnx.ValueInfo{{Name: c.result, Type: onnx.TypeShape{Elem: c.s.types[c.result].Elem}}}
	if g.Outputs[0].Type.Elem == 0 {
		g.Outputs[0].Type.Elem = onnx.Float
	}
	g.Prune()
	return &onnx.Model{IRVersion: c.s.m.IRVersion, Opsets: c.s.m.Opsets, Graph: g}
}

func (c *constants) node(op string, in []string, attrs ...*onnx.Attr) string {
	out := c.names.Fresh("weights/" + op)
	c.g.Nodes = append(c.g.Nodes, &onnx.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

func (c *constants) add(t *onnx.Tensor, err error) string {
	if err != nil {
		c.failed = true
		return ""
	}
	c.g.Initializers = append(c.g.Initializers, t)
	return t.Name
}

// column is a constant as a column over the first axis of a tensor of that rank.
func (c *constants) column(value string, rank int) string {
	dims := slices.Repeat([]int64{1}, rank)
	dims[0] = -1
	return c.node("Reshape", []string{value, c.add(onnx.TensorOf(c.names.Fresh("weights/dims"), dims, int64(rank)))})
}

// folded is a convolution's weights with a normalization of its output in them.
func (c *constants) folded(w string, bn *onnx.Node) string {
	eps := c.add(onnx.TensorOf(c.names.Fresh("weights/epsilon"), []float32{bn.Float("epsilon", 1e-5)}))
	deviation := c.node("Sqrt", []string{c.node("Add", []string{bn.Input(4), eps})})
	return c.node("Mul", []string{w, c.column(c.node("Div", []string{bn.Input(1), deviation}), len(c.s.types[w].Shape))})
}

// weightsOf is the constant that stands for the weights of a baseline's layer
// among the nodes that compute it, "" if there is none.
func (c *constants) weightsOf(layer *onnx.Node, nodes []*onnx.Node) string {
	for _, n := range nodes {
		if n.Op == layer.Op && c.s.weightOf(n) != "" {
			return c.s.weightOf(n)
		}
		if n.Domain == "" && (n.Op == "ConvInteger" || n.Op == "MatMulInteger") && c.s.constant[n.Input(1)] {
			return c.integers(layer, n, nodes)
		}
	}
	return ""
}

// integers are weights in integers times their scale: all constants that the
// sums are multiplied by.
func (c *constants) integers(layer, n *onnx.Node, nodes []*onnx.Node) string {
	conv := n.Op == "ConvInteger"
	rank := len(c.s.types[n.Input(1)].Shape)
	if rank == 0 {
		return ""
	}
	float := onnx.IntAttr("to", int64(onnx.Float))
	place := func(v string) string { // per output channel
		if conv {
			return c.column(v, rank)
		}
		return c.node("Reshape", []string{v, c.add(onnx.TensorOf(c.names.Fresh("weights/dims"), []int64{-1}, 1))})
	}
	w := c.node("Cast", []string{n.Input(1)}, float)
	if z := n.Input(3); z != "" && c.s.constant[z] {
		w = c.node("Sub", []string{w, place(c.node("Cast", []string{z}, float))})
	}
	for _, m := range nodes {
		if m.Op != "Mul" {
			continue
		}
		for _, in := range m.Inputs {
			if c.s.constant[in] {
				w = c.node("Mul", []string{w, place(in)})
			}
		}
	}
	if !conv && layer.Op == "Gemm" && layer.Int("transB", 0) == 1 {
		w = c.node("Transpose", []string{w})
	}
	return w
}
