package float16

import (
	"context"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// kind is what an operator does with float16.
type kind int

const (
	wide  kind = iota // computes in float32
	half              // computes in float16
	loose             // reads either and gives neither: Shape, a Cast from float32
)

// converter turns a clone of a model to float16.
type converter struct {
	source *onnx.Model // the model as it was: its nodes are the keys of why
	m      *onnx.Model
	g      *onnx.Graph
	index  *onnx.Index
	types  map[string]onnx.TypeShape
	names  *onnx.Names
	known  map[string]bool
	o      Options

	kinds   map[*onnx.Node]kind   // of the clone's nodes
	why     map[*onnx.Node]string // why a node of the source stays in float32
	halved  map[string]bool       // values of the clone that are float16 under their old name
	narrow  map[string]string     // float16 name of a value whose old name is float32
	widened map[string]string     // float32 name of a value whose old name is float16

	clamped, flushed, subnormal int64
}

func newConverter(m *onnx.Model, o Options) (*converter, error) {
	types, err := onnx.Infer(m, nil)
	if err != nil {
		return nil, err
	}
	out := m.Clone()
	c := &converter{source: m, m: out, g: out.Graph, index: out.Graph.Index(), types: types, names: out.Graph.Names(), o: o,
		known: map[string]bool{}, kinds: map[*onnx.Node]kind{}, why: map[*onnx.Node]string{},
		halved: map[string]bool{}, narrow: map[string]string{}, widened: map[string]string{}}
	for _, op := range onnx.Operators() {
		c.known[op] = true
	}
	for i, n := range m.Graph.Nodes {
		k, why, err := c.judge(n)
		if err != nil {
			return nil, err
		}
		c.kinds[out.Graph.Nodes[i]] = k
		if why != "" {
			c.why[n] = why
		}
	}
	return c, nil
}

// judge says what a node does with float16, and why it stays in float32 where it
// might not have.
func (c *converter) judge(n *onnx.Node) (kind, string, error) {
	switch n.Op {
	case "Shape", "Size":
		return loose, "", nil
	case "Cast":
		if c.float(n.Output(0)) {
			return wide, "", nil // its result is float32 because somebody wants it so
		}
		return loose, "", nil
	case "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul":
		return wide, "", &onnx.Error{File: c.source.Path, Node: n.Name, Op: n.Op,
			Msg: "float16: the model is quantized to integers; convert the float model that it was made from", Reason: onnx.ErrUnsupported}
	}
	if !slices.ContainsFunc(n.Inputs, c.float) && !slices.ContainsFunc(n.Outputs, c.float) {
		return wide, "", nil // has nothing to do with float32
	}
	switch {
	case n.Domain != "" && n.Domain != "ai.onnx":
		return wide, fmt.Sprintf("operator %s of domain %s is not of the ONNX standard", n.Op, n.Domain), nil
	case len(n.Subgraphs()) > 0:
		return wide, fmt.Sprintf("operator %s has a subgraph", n.Op), nil
	case !c.known[n.Op]:
		return wide, fmt.Sprintf("operator %s is not known here", n.Op), nil
	case slices.Contains(c.o.Block, n.Op):
		return wide, fmt.Sprintf("operator %s is on the block list", n.Op), nil
	case n.Name != "" && slices.Contains(c.o.Keep, n.Name):
		return wide, "kept in float32 as asked", nil
	}
	return half, "", nil
}

// float reports whether a value is float32 in the source.
func (c *converter) float(value string) bool {
	return value != "" && c.types[value].Elem == onnx.Float
}

func (c *converter) convert(ctx context.Context, progress func(done, total int)) error {
	nodes := slices.Clone(c.g.Nodes)
	c.outputs(nodes)
	for i, n := range nodes {
		if err := ctx.Err(); err != nil {
			return err
		}
		for slot := range n.Inputs {
			if err := c.read(n, slot); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(i+1, len(nodes))
		}
	}
	for i, v := range c.g.ValueInfo {
		if c.halved[v.Name] {
			w := *v
			w.Type.Elem = onnx.Float16
			c.g.ValueInfo[i] = &w
		}
	}
	if err := c.g.Sort(); err != nil {
		return err
	}
	c.g.Prune()
	return nil
}

// outputs decides what the values that half nodes make are called. Where the old
// name has to stay float32, since the value is an output of the model or read in
// a subgraph, a Cast gives it.
func (c *converter) outputs(nodes []*onnx.Node) {
	for _, n := range nodes {
		if c.kinds[n] != half || n.Op == "Constant" {
			continue
		}
		for i, v := range n.Outputs {
			if !c.float(v) || n.Op == "LayerNormalization" && i > 0 { // its moments are float32
				continue
			}
			inner := slices.ContainsFunc(c.index.Uses(v), func(u onnx.Use) bool { return u.Slot < 0 })
			if !c.index.IsOutput(v) && !inner {
				c.halved[v] = true
				continue
			}
			c.narrow[v] = c.names.Fresh(v + "_float16")
			n.Outputs[i] = c.narrow[v]
			c.g.Nodes = append(c.g.Nodes, c.cast(c.narrow[v], v, onnx.Float))
		}
		if t := n.Tensor("value"); n.Op == "ConstantOfShape" && (t == nil || t.Type == onnx.Float) {
			n.SetAttr(onnx.TensorAttr("value", c.fill(t)))
		}
	}
}

// fill is the value of a ConstantOfShape in float16; without one it is 0.
func (c *converter) fill(t *onnx.Tensor) *onnx.Tensor {
	if t == nil {
		return &onnx.Tensor{Type: onnx.Float16, Dims: []int64{1}, Raw: []byte{0, 0}}
	}
	h, err := c.tensor(t, t.Name)
	if err != nil { // a tensor that was validated has its elements
		return t
	}
	return h
}

func (c *converter) cast(from, to string, t onnx.DataType) *onnx.Node {
	return &onnx.Node{Name: c.names.Fresh(to + "_cast"), Op: "Cast", Inputs: []string{from}, Outputs: []string{to}, Attrs: []*onnx.Attr{onnx.IntAttr("to", int64(t))}}
}

// read makes input slot of a node the type that the node computes in.
func (c *converter) read(n *onnx.Node, slot int) error {
	v := n.Inputs[slot]
	if !c.float(v) {
		return nil
	}
	switch c.kinds[n] {
	case half:
		return c.readHalf(n, slot)
	case wide:
		if c.halved[v] {
			if c.widened[v] == "" {
				c.widened[v] = c.names.Fresh(v + "_float32")
				c.g.Nodes = append(c.g.Nodes, c.cast(v, c.widened[v], onnx.Float))
			}
			n.Inputs[slot] = c.widened[v]
		}
	}
	return nil
}

func (c *converter) readHalf(n *onnx.Node, slot int) error {
	v := n.Inputs[slot]
	if c.halved[v] {
		return nil
	}
	if c.narrow[v] == "" {
		if err := c.narrowed(v); err != nil || c.halved[v] {
			return err
		}
	}
	n.Inputs[slot] = c.narrow[v]
	return nil
}

// narrowed makes a value available in float16: a constant that only half nodes
// read under its own name, anything else under a new one.
func (c *converter) narrowed(v string) error {
	if t := c.index.Constant(v); t != nil {
		return c.constant(t, v)
	}
	c.narrow[v] = c.names.Fresh(v + "_float16")
	c.g.Nodes = append(c.g.Nodes, c.cast(v, c.narrow[v], onnx.Float16))
	return nil
}

func (c *converter) constant(t *onnx.Tensor, v string) error {
	h, err := c.tensor(t, v)
	if err != nil {
		return err
	}
	only := !c.index.IsOutput(v)
	for _, u := range c.index.Uses(v) {
		only = only && u.Slot >= 0 && c.kinds[u.Node] == half
	}
	switch {
	case !only:
		c.narrow[v] = c.names.Fresh(v + "_float16")
		h.Name = c.narrow[v]
		return c.g.AddInitializer(h)
	case c.index.Producer(v) != nil:
		c.halved[v] = true
		n := c.index.Producer(v)
		n.Attrs = []*onnx.Attr{onnx.TensorAttr("value", h)}
		return nil
	}
	c.halved[v] = true
	return c.g.ReplaceInitializer(h)
}
