package onnx

import (
	"fmt"
)

// Validate checks that a model is one that can be worked with: versions, names,
// every value with exactly one source, no cycle, tensors whose data fits their
// dimensions, and nodes that fit the signature of their operator in the opset
// that the model imports. Nodes may stand in any order. An operator that is not
// listed by [Operators] is not judged (see [Unknown]); shapes are [Infer]'s. The
// error is an *[Error] and names the first thing that is wrong.
func Validate(m *Model) error {
	v := &validator{schemas: newSchemas(), functions: map[[2]string]bool{}}
	for _, f := range m.Functions {
		v.functions[[2]string{f.Domain, f.Name}] = true
	}
	return inFile(v.model(m), m.Path)
}

type validator struct {
	schemas   schemas
	functions map[[2]string]bool
}

func (v *validator) model(m *Model) error {
	if m.IRVersion < MinIRVersion || m.IRVersion > MaxIRVersion {
		return &Error{Msg: fmt.Sprintf("IR version %d, want %d to %d", m.IRVersion, MinIRVersion, MaxIRVersion), Reason: ErrUnsupported}
	}
	if m.Graph == nil {
		return malformed("a model without a graph")
	}
	if err := checkOpsets(m.Opsets); err != nil {
		return err
	}
	if err := v.graph(m.Graph, m.Opsets, nil); err != nil {
		return err
	}
	if err := m.eachTensor((*Tensor).check); err != nil {
		return err
	}
	for _, f := range m.Functions {
		if err := v.function(f); err != nil {
			return err
		}
	}
	return nil
}

func checkOpsets(sets []Opset) error {
	seen := map[string]int64{}
	for _, o := range sets {
		if v, ok := seen[o.Domain]; ok && v != o.Version {
			return &Error{Msg: fmt.Sprintf("operator set %q in versions %d and %d", o.Domain, v, o.Version), Reason: ErrGraph}
		}
		seen[o.Domain] = o.Version
		if o.Domain == "" && (o.Version < MinOpset || o.Version > MaxOpset) {
			return &Error{Msg: fmt.Sprintf("opset %d, want %d to %d", o.Version, MinOpset, MaxOpset), Reason: ErrUnsupported}
		}
	}
	if len(seen) == 0 {
		return &Error{Msg: "no operator set is imported", Reason: ErrGraph}
	}
	return nil
}

// scope is the names that are visible in a graph.
type scope struct {
	outer *scope
	names map[string]bool
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

func (v *validator) graph(g *Graph, sets []Opset, outer *scope) error {
	s := &scope{outer, map[string]bool{}}
	for _, in := range g.Inputs {
		if in.Name == "" {
			return graphError("", "a graph input without a name")
		}
		if s.names[in.Name] {
			return graphError(in.Name, "two graph inputs have this name")
		}
		s.names[in.Name] = true
	}
	if err := s.addInitializers(g); err != nil {
		return err
	}
	return v.body(g, sets, s)
}

func (s *scope) addInitializers(g *Graph) error {
	declared := make(map[string]TypeShape, len(g.Inputs))
	for _, in := range g.Inputs {
		declared[in.Name] = in.Type
	}
	seen := make(map[string]bool, len(g.Initializers))
	for _, t := range g.Initializers {
		if seen[t.Name] || t.Name == "" {
			return graphError(t.Name, "two initializers have this name, or it is empty")
		}
		seen[t.Name] = true
		if d, ok := declared[t.Name]; ok && !compatible(d, t.TypeShape()) {
			return &Error{Value: t.Name, Msg: fmt.Sprintf("the initializer is %v, the input it stands for %v", t.TypeShape(), d), Reason: ErrShape}
		}
		s.names[t.Name] = true
	}
	return nil
}

// compatible reports whether two statements about one value can both be true.
func compatible(a, b TypeShape) bool {
	if a.Elem != Undefined && b.Elem != Undefined && a.Elem != b.Elem {
		return false
	}
	if !a.Shape.Ranked() || !b.Shape.Ranked() {
		return true
	}
	if len(a.Shape) != len(b.Shape) {
		return false
	}
	for i := range a.Shape {
		m, ok1 := a.Shape[i].Size()
		n, ok2 := b.Shape[i].Size()
		if ok1 && ok2 && m != n {
			return false
		}
	}
	return true
}

// body checks nodes and outputs of a graph whose inputs are in scope.
func (v *validator) body(g *Graph, sets []Opset, s *scope) error {
	for i, n := range g.Nodes {
		for _, out := range n.Outputs {
			if out == "" {
				continue
			}
			if s.has(out) {
				return nodeError(n, i, sets, ErrGraph, "output %q already has another source", out)
			}
			s.names[out] = true
		}
	}
	for i, n := range g.Nodes {
		if err := v.node(n, i, sets, s); err != nil {
			return err
		}
	}
	for _, out := range g.Outputs {
		if !s.has(out.Name) {
			return graphError(out.Name, "the graph's output has no source")
		}
	}
	if _, err := order(g, sets); err != nil {
		return err
	}
	return nil
}

func (v *validator) node(n *Node, i int, sets []Opset, s *scope) error {
	for _, in := range n.Inputs {
		if in != "" && !s.has(in) {
			return nodeError(n, i, sets, ErrGraph, "input %q has no source: no node, graph input or initializer has that name", in)
		}
	}
	if err := v.operator(n, i, sets); err != nil {
		return err
	}
	for _, g := range n.Subgraphs() {
		if err := v.graph(g, sets, s); err != nil {
			return atNode(err, n, i)
		}
	}
	return nil
}

// operator checks the node's operator against the operator set and its
// signature.
func (v *validator) operator(n *Node, i int, sets []Opset) error {
	opset, ok := opsetVersion(sets, n.Domain)
	if !ok && !v.functions[[2]string{n.Domain, n.Op}] {
		return nodeError(n, i, sets, ErrOperator, "the model does not import the operator set %q", n.Domain)
	}
	if n.Domain != "" || v.functions[[2]string{n.Domain, n.Op}] {
		return nil
	}
	x, known, err := v.schemas.find(n.Op, opset)
	switch {
	case err != nil:
		return nodeError(n, i, sets, ErrOperator, "%v", err)
	case !known:
		return nil
	}
	if err := x.check(n); err != nil {
		return nodeError(n, i, sets, ErrGraph, "%v", err)
	}
	return nil
}

func (v *validator) function(f *Function) error {
	s := &scope{nil, map[string]bool{}}
	for _, in := range f.Inputs {
		s.names[in] = true
	}
	g := &Graph{Nodes: f.Nodes}
	for _, out := range f.Outputs {
		g.Outputs = append(g.Outputs, &ValueInfo{Name: out})
	}
	err := v.body(g, f.Opsets, s)
	if e, ok := err.(*Error); ok {
		e.Msg = "in function " + clean(qualified(f.Domain, f.Name)) + ": " + e.Msg
	}
	return err
}

// Unknown lists the nodes of the main graph and its subgraphs whose operator is
// neither listed by [Operators] nor a function of the model, as errors that name
// node, operator and opset, in the graph's order.
func Unknown(m *Model) []*Error {
	v := &validator{schemas: newSchemas(), functions: map[[2]string]bool{}}
	for _, f := range m.Functions {
		v.functions[[2]string{f.Domain, f.Name}] = true
	}
	var out []*Error
	var walk func(g *Graph)
	walk = func(g *Graph) {
		for i, n := range g.Nodes {
			_, known := v.schemas[n.Op]
			if (n.Domain != "" || !known) && !v.functions[[2]string{n.Domain, n.Op}] {
				e := nodeError(n, i, m.Opsets, ErrOperator, "the operator is not known here")
				e.File = m.Path
				out = append(out, e)
			}
			for _, s := range n.Subgraphs() {
				walk(s)
			}
		}
	}
	walk(m.Graph)
	return out
}

func graphError(value, msg string) *Error {
	return &Error{Value: value, Msg: msg, Reason: ErrGraph}
}

// nodeError is an error at node i of a graph.
func nodeError(n *Node, i int, sets []Opset, reason error, format string, args ...any) *Error {
	opset, _ := opsetVersion(sets, n.Domain)
	return &Error{Node: n.label(i), Op: qualified(n.Domain, n.Op), Opset: opset, Msg: fmt.Sprintf(format, args...), Reason: reason}
}
