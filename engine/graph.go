package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// value is one tensor of a graph: an input, a constant, or what a step makes.
type value struct {
	name  string        // in the model; "" for one that a pass has made
	konst tensor.Tensor // present for a constant
	from  *step         // the step that makes it; nil for inputs and constants
}

func (v *value) isConst() bool { return v != nil && v.konst.Present() }

// step is one operator with its operands. Those that were left out are nil.
type step struct {
	op      op.Operator // the definition that runs; nil if low does
	low     planner     // what runs on kernels instead
	in, out []*value
	node    string   // the node of the model that it stands for, for messages
	kind    string   // and that node's operator
	joined  []string // further nodes that it stands for
}

// in0 is the first operand, nil if there is none.
func (s *step) in0() *value {
	if len(s.in) == 0 {
		return nil
	}
	return s.in[0]
}

// runs gives a step kernels to run on, and the operands that they take.
func (s *step) runs(low planner, in ...*value) {
	s.op, s.low, s.in = nil, low, in
}

// graph is steps in an order in which every value is made before it is read.
type graph struct {
	steps   []*step
	inputs  []*value
	outputs []*value
	names   []string // of the outputs
	keep    bool     // every named value is wanted, not only the outputs
	folded  []*value // with keep: values that steps made and that are constant now
	opset   int
	file    string
}

// errorAt says that err happened at step s.
func (g *graph) errorAt(s *step, err error) error {
	return &onnx.Error{File: g.file, Node: s.node, Op: s.kind, Opset: int64(g.opset), Msg: err.Error(), Reason: err}
}

// importGraph makes a graph of a model's nodes and constants.
func importGraph(m *onnx.Model) (*graph, error) {
	if m.Graph == nil {
		return nil, &onnx.Error{File: m.Path, Msg: "the model has no graph", Reason: onnx.ErrGraph}
	}
	opset, ok := m.Opset("")
	if !ok {
		return nil, &onnx.Error{File: m.Path, Msg: "the model imports no default operator set", Reason: op.ErrUnsupported}
	}
	sorted := *m.Graph
	sorted.Nodes = slices.Clone(m.Graph.Nodes)
	if err := sorted.Sort(); err != nil {
		return nil, err
	}
	b := &importer{m: m, nodes: sorted.Nodes, g: &graph{opset: int(opset), file: m.Path}, values: map[string]*value{}}
	if err := b.constants(); err != nil {
		return nil, err
	}
	for _, in := range m.Graph.DataInputs() {
		if in.Other != nil {
			return nil, &onnx.Error{File: m.Path, Value: in.Name, Msg: "input is no dense tensor", Reason: op.ErrUnsupported}
		}
		v := &value{name: in.Name}
		b.values[in.Name] = v
		b.g.inputs = append(b.g.inputs, v)
	}
	if err := b.steps(); err != nil {
		return nil, err
	}
	for _, out := range m.Graph.Outputs {
		v, err := b.value(out.Name)
		if err != nil {
			return nil, err
		}
		b.g.outputs, b.g.names = append(b.g.outputs, v), append(b.g.names, out.Name)
	}
	return b.g, nil
}

type importer struct {
	m      *onnx.Model
	nodes  []*onnx.Node // in topological order
	g      *graph
	values map[string]*value
}

func (b *importer) constants() error {
	for _, t := range b.m.Graph.Initializers {
		k, err := op.FromONNX(t)
		if err != nil {
			return &onnx.Error{File: b.m.Path, Value: t.Name, Msg: err.Error(), Reason: errors.Join(op.ErrUnsupported, err)}
		}
		b.values[t.Name] = &value{name: t.Name, konst: k}
	}
	return nil
}

func (b *importer) value(name string) (*value, error) {
	v, ok := b.values[name]
	if !ok {
		return nil, &onnx.Error{File: b.m.Path, Value: name, Msg: "nothing makes this value", Reason: onnx.ErrGraph}
	}
	return v, nil
}

func (b *importer) steps() error {
	read := map[string]bool{}
	for _, n := range b.nodes {
		for _, name := range n.Inputs {
			read[name] = true
		}
	}
	for _, out := range b.m.Graph.Outputs {
		read[out.Name] = true
	}
	for i, n := range b.nodes {
		s, err := b.node(n, i, read)
		if err != nil {
			return err
		}
		b.g.steps = append(b.g.steps, s)
	}
	return nil
}

// node makes a step of a node. Outputs that nobody reads are left out, so that
// optional ones need not be computed.
func (b *importer) node(n *onnx.Node, i int, read map[string]bool) (*step, error) {
	s := &step{node: n.Name, kind: n.Op}
	if s.node == "" {
		s.node = fmt.Sprintf("#%d", i)
	}
	if n.Domain != "" && n.Domain != "ai.onnx" {
		s.kind = n.Domain + "." + n.Op
	}
	lean := *n
	lean.Outputs = make([]string, len(n.Outputs))
	for k, name := range n.Outputs {
		if read[name] {
			lean.Outputs[k] = name
		}
	}
	o, err := op.New(&lean, b.g.opset)
	if err != nil {
		return nil, b.g.errorAt(s, err)
	}
	s.op = o
	for _, name := range n.Inputs {
		if name == "" {
			s.in = append(s.in, nil)
			continue
		}
		v, err := b.value(name)
		if err != nil {
			return nil, b.g.errorAt(s, err)
		}
		s.in = append(s.in, v)
	}
	for _, name := range lean.Outputs {
		if name == "" {
			s.out = append(s.out, nil)
			continue
		}
		v := &value{name: name, from: s}
		b.values[name] = v
		s.out = append(s.out, v)
	}
	return s, nil
}

// clone is a graph whose steps and values may be changed without changing g.
// Constants are shared.
func (g *graph) clone() *graph {
	c := *g
	seen := map[*value]*value{}
	values := func(vs []*value) []*value {
		out := make([]*value, len(vs))
		for i, v := range vs {
			switch {
			case v == nil:
			case v.isConst():
				out[i] = v
			default:
				if seen[v] == nil {
					seen[v] = &value{name: v.name}
				}
				out[i] = seen[v]
			}
		}
		return out
	}
	c.folded = slices.Clip(g.folded)
	c.inputs, c.steps = values(g.inputs), nil
	for _, s := range g.steps {
		n := *s
		n.in, n.out = values(s.in), values(s.out)
		for _, v := range n.out {
			if v != nil {
				v.from = &n
			}
		}
		c.steps = append(c.steps, &n)
	}
	c.outputs = values(g.outputs)
	return &c
}

// readers is how often each value is read, graph outputs included.
func (g *graph) readers() map[*value]int {
	n := map[*value]int{}
	for _, s := range g.steps {
		for _, v := range s.in {
			if v != nil {
				n[v]++
			}
		}
		if g.keep {
			for _, v := range s.out {
				if v != nil && v.name != "" {
					n[v]++
				}
			}
		}
	}
	for _, v := range g.outputs {
		n[v]++
	}
	return n
}

// replace makes every step, and the outputs, read b where they read a.
func (g *graph) replace(a, b *value) {
	for _, s := range g.steps {
		for i, v := range s.in {
			if v == a {
				s.in[i] = b
			}
		}
	}
	for i, v := range g.outputs {
		if v == a {
			g.outputs[i] = b
		}
	}
}

// prune drops steps that nobody reads anything of, and outputs of steps that
// nobody reads.
func (g *graph) prune() {
	read := map[*value]bool{}
	for _, v := range g.outputs {
		read[v] = true
	}
	kept := make([]*step, 0, len(g.steps))
	for i := len(g.steps) - 1; i >= 0; i-- {
		s, used := g.steps[i], false
		for _, v := range s.out {
			used = used || v != nil && (read[v] || g.keep && v.name != "")
		}
		if !used {
			continue
		}
		for _, v := range s.in {
			if v != nil {
				read[v] = true
			}
		}
		kept = append(kept, s)
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	g.steps = kept
}
