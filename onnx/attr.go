package onnx

import "strconv"

// AttrType says which field of an [Attr] holds its value, numbered as in ONNX
// (AttributeProto.AttributeType).
type AttrType int32

// The types of attributes. Sparse tensors and types are kept as bytes and
// written back, but have no accessor.
const (
	AttrUndefined     AttrType = 0
	AttrFloat         AttrType = 1
	AttrInt           AttrType = 2
	AttrString        AttrType = 3
	AttrTensor        AttrType = 4
	AttrGraph         AttrType = 5
	AttrFloats        AttrType = 6
	AttrInts          AttrType = 7
	AttrStrings       AttrType = 8
	AttrTensors       AttrType = 9
	AttrGraphs        AttrType = 10
	AttrSparseTensor  AttrType = 11
	AttrSparseTensors AttrType = 12
	AttrTypeProto     AttrType = 13
	AttrTypeProtos    AttrType = 14
)

// String is the type's name in lower case.
func (t AttrType) String() string {
	names := [...]string{"undefined", "float", "int", "string", "tensor", "graph", "floats", "ints",
		"strings", "tensors", "graphs", "sparse tensor", "sparse tensors", "type", "types"}
	if t < 0 || int(t) >= len(names) {
		return "attribute type(" + strconv.Itoa(int(t)) + ")"
	}
	return names[t]
}

// Attr is an attribute of a node. Type says which of the fields is meant.
type Attr struct {
	Name    string
	Type    AttrType
	Ref     string // inside a function: the function's attribute that gives the value
	F       float32
	I       int64
	S       []byte
	T       *Tensor
	G       *Graph
	Floats  []float32
	Ints    []int64
	Strings [][]byte
	Tensors []*Tensor
	Graphs  []*Graph

	extra []byte
}

// IntAttr makes an int attribute.
func IntAttr(name string, v int64) *Attr { return &Attr{Name: name, Type: AttrInt, I: v} }

// IntsAttr makes an ints attribute.
func IntsAttr(name string, v ...int64) *Attr { return &Attr{Name: name, Type: AttrInts, Ints: v} }

// FloatAttr makes a float attribute.
func FloatAttr(name string, v float32) *Attr { return &Attr{Name: name, Type: AttrFloat, F: v} }

// FloatsAttr makes a floats attribute.
func FloatsAttr(name string, v ...float32) *Attr {
	return &Attr{Name: name, Type: AttrFloats, Floats: v}
}

// StringAttr makes a string attribute.
func StringAttr(name, v string) *Attr { return &Attr{Name: name, Type: AttrString, S: []byte(v)} }

// TensorAttr makes a tensor attribute.
func TensorAttr(name string, t *Tensor) *Attr { return &Attr{Name: name, Type: AttrTensor, T: t} }

// GraphAttr makes a graph attribute.
func GraphAttr(name string, g *Graph) *Attr { return &Attr{Name: name, Type: AttrGraph, G: g} }

// subgraphs are the graphs that the attribute holds.
func (a *Attr) subgraphs() []*Graph {
	if a.G != nil {
		return append([]*Graph{a.G}, a.Graphs...)
	}
	return a.Graphs
}

// Attr is the attribute of that name, nil if the node has none.
func (n *Node) Attr(name string) *Attr {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// attr is the attribute of that name and type. Validate refuses attributes of
// another type than the operator's, so the accessors treat them as absent.
func (n *Node) attr(name string, t AttrType) *Attr {
	if a := n.Attr(name); a != nil && a.Type == t && a.Ref == "" {
		return a
	}
	return nil
}

// SetAttr adds an attribute or replaces the one of its name.
func (n *Node) SetAttr(a *Attr) {
	for i := range n.Attrs {
		if n.Attrs[i].Name == a.Name {
			n.Attrs[i] = a
			return
		}
	}
	n.Attrs = append(n.Attrs, a)
}

// RemoveAttr removes the attribute of that name, if there is one.
func (n *Node) RemoveAttr(name string) {
	kept := n.Attrs[:0:0]
	for _, a := range n.Attrs {
		if a.Name != name {
			kept = append(kept, a)
		}
	}
	n.Attrs = kept
}

// Int is the int attribute of that name, def if there is none.
func (n *Node) Int(name string, def int64) int64 {
	if a := n.attr(name, AttrInt); a != nil {
		return a.I
	}
	return def
}

// Float is the float attribute of that name, def if there is none.
func (n *Node) Float(name string, def float32) float32 {
	if a := n.attr(name, AttrFloat); a != nil {
		return a.F
	}
	return def
}

// Str is the string attribute of that name, def if there is none.
func (n *Node) Str(name, def string) string {
	if a := n.attr(name, AttrString); a != nil {
		return string(a.S)
	}
	return def
}

// Ints is the ints attribute of that name; ok is false if there is none.
func (n *Node) Ints(name string) (v []int64, ok bool) {
	if a := n.attr(name, AttrInts); a != nil {
		return a.Ints, true
	}
	return nil, false
}

// Floats is the floats attribute of that name; ok is false if there is none.
func (n *Node) Floats(name string) (v []float32, ok bool) {
	if a := n.attr(name, AttrFloats); a != nil {
		return a.Floats, true
	}
	return nil, false
}

// Tensor is the tensor attribute of that name, nil if there is none.
func (n *Node) Tensor(name string) *Tensor {
	if a := n.attr(name, AttrTensor); a != nil {
		return a.T
	}
	return nil
}

// Subgraph is the graph attribute of that name, nil if there is none.
func (n *Node) Subgraph(name string) *Graph {
	if a := n.attr(name, AttrGraph); a != nil {
		return a.G
	}
	return nil
}

// Subgraphs are the graphs in all attributes, in the node's order. Their nodes
// may read values of the graphs around them.
func (n *Node) Subgraphs() []*Graph {
	var out []*Graph
	for _, a := range n.Attrs {
		out = append(out, a.subgraphs()...)
	}
	return out
}
