package onnx

import "slices"

// Clone is a copy of the model whose graph, functions, lists and names may be
// edited without changing m. The bytes of tensors are shared: after m is closed
// those that were read from a file are gone.
func (m *Model) Clone() *Model {
	c := *m
	c.held = nil
	c.Graph = m.Graph.Clone()
	c.Opsets, c.Metadata, c.Files = slices.Clone(m.Opsets), slices.Clone(m.Metadata), slices.Clone(m.Files)
	c.Functions = make([]*Function, len(m.Functions))
	for i, f := range m.Functions {
		g := *f
		g.Inputs, g.Outputs, g.Attrs = slices.Clone(f.Inputs), slices.Clone(f.Outputs), slices.Clone(f.Attrs)
		g.Opsets = slices.Clone(f.Opsets)
		g.Defaults = cloneAttrs(f.Defaults)
		g.Nodes = cloneNodes(f.Nodes)
		c.Functions[i] = &g
	}
	return &c
}

// Clone is a copy of the graph whose nodes, lists and names may be edited
// without changing g. The bytes of tensors are shared.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Nodes = cloneNodes(g.Nodes)
	c.Inputs, c.Outputs, c.ValueInfo = cloneInfos(g.Inputs), cloneInfos(g.Outputs), cloneInfos(g.ValueInfo)
	c.Initializers = make([]*Tensor, len(g.Initializers))
	for i, t := range g.Initializers {
		c.Initializers[i] = t.share()
	}
	return &c
}

// share is a tensor of its own over the same bytes.
func (t *Tensor) share() *Tensor {
	c := *t
	c.Dims = slices.Clone(t.Dims)
	return &c
}

func cloneInfos(list []*ValueInfo) []*ValueInfo {
	out := make([]*ValueInfo, len(list))
	for i, v := range list {
		c := *v
		c.Type.Shape = v.Type.Shape.Clone()
		out[i] = &c
	}
	return out
}

func cloneNodes(list []*Node) []*Node {
	out := make([]*Node, len(list))
	for i, n := range list {
		out[i] = n.Clone()
	}
	return out
}

// Clone is a copy of the node with lists and attributes of its own. The bytes
// of tensors are shared.
func (n *Node) Clone() *Node {
	c := *n
	c.Inputs, c.Outputs = slices.Clone(n.Inputs), slices.Clone(n.Outputs)
	c.Attrs = cloneAttrs(n.Attrs)
	return &c
}

func cloneAttrs(list []*Attr) []*Attr {
	out := make([]*Attr, len(list))
	for i, a := range list {
		c := *a
		c.S, c.Ints, c.Floats, c.Strings = slices.Clone(a.S), slices.Clone(a.Ints), slices.Clone(a.Floats), slices.Clone(a.Strings)
		c.Tensors, c.Graphs = nil, nil
		if a.T != nil {
			c.T = a.T.share()
		}
		for _, t := range a.Tensors {
			c.Tensors = append(c.Tensors, t.share())
		}
		if a.G != nil {
			c.G = a.G.Clone()
		}
		for _, g := range a.Graphs {
			c.Graphs = append(c.Graphs, g.Clone())
		}
		out[i] = &c
	}
	return out
}
