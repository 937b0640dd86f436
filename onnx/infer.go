package onnx

import (
	"fmt"
	"maps"
	"slices"
)

// Infer gives the element type and the shape of every value of the main graph:
// inputs, initializers and outputs of nodes. What cannot be known is unknown in
// the result (no element type, no rank, a dimension without size), not an error.
//
// inputs gives the shapes of graph inputs, in place of those that the file
// declares; a symbol that a given shape fixes (the batch size) is fixed
// everywhere. A given size may differ from a fixed size that the file declares;
// what the file declares of inner values and outputs is then not used.
//
// Integer values are followed through the operators that exporters build shapes
// with (Shape, Gather, Concat, Slice, arithmetic, ...). For operators that are
// not listed by [Operators], and inside functions and subgraphs, the shapes that
// the file declares are taken. Where an inferred and a declared shape differ,
// the inferred one counts. Shapes and types that do not fit an operator are an
// error that names the node.
func Infer(m *Model, inputs map[string]Shape) (map[string]TypeShape, error) {
	f := &inference{
		sets:     m.Opsets,
		types:    map[string]TypeShape{},
		ints:     map[string][]Dim{},
		declared: map[string]TypeShape{},
		bound:    map[string]int64{},
	}
	if err := f.graph(m, inputs); err != nil {
		return nil, inFile(err, m.Path)
	}
	return f.types, nil
}

// maxInts is the largest number of elements of an integer value that is
// followed. Shapes are shorter by far; the bound keeps a small file from asking
// for much memory.
const maxInts = 128

// maxRank is the largest number of dimensions that a node may give a value, so
// that a small file cannot ask for shapes of any length.
const maxRank = 32

type inference struct {
	sets     []Opset
	types    map[string]TypeShape
	ints     map[string][]Dim // elements of small integer values, row-major; may be negative or unknown
	declared map[string]TypeShape
	bound    map[string]int64 // sizes of symbols that the caller fixed
}

func (f *inference) graph(m *Model, inputs map[string]Shape) error {
	g := m.Graph
	overridden, err := f.inputs(g, inputs)
	if err != nil {
		return err
	}
	for _, v := range slices.Concat(g.ValueInfo, g.Outputs) {
		t := v.Type
		t.Shape = f.bind(t.Shape)
		if overridden {
			t.Shape = nil
		}
		f.declared[v.Name] = t
	}
	for _, t := range g.Initializers {
		if _, given := inputs[t.Name]; given {
			continue
		}
		f.types[t.Name] = t.TypeShape()
		f.constant(t.Name, t)
	}
	nodes, err := order(g, f.sets)
	if err != nil {
		return err
	}
	functions := map[[2]string]bool{}
	for _, fn := range m.Functions {
		functions[[2]string{fn.Domain, fn.Name}] = true
	}
	position := make(map[*Node]int, len(g.Nodes))
	for i, n := range g.Nodes {
		position[n] = i
	}
	for _, n := range nodes {
		var r rule
		if n.Domain == "" && !functions[[2]string{"", n.Op}] {
			r = ruleOf(n.Op)
		}
		if err := f.node(n, position[n], r); err != nil {
			return err
		}
	}
	return nil
}

// inputs sets the types of the graph's inputs; overridden reports whether a
// given size contradicts a declared one.
func (f *inference) inputs(g *Graph, given map[string]Shape) (overridden bool, err error) {
	known := make(map[string]bool, len(g.Inputs))
	for _, in := range g.Inputs {
		known[in.Name] = true
		s, ok := given[in.Name]
		if !ok || !s.Ranked() || !in.Type.Shape.Ranked() {
			continue
		}
		if len(s) != len(in.Type.Shape) {
			return false, &Error{Value: in.Name, Msg: fmt.Sprintf("the shape %v was given, the model declares %v", s, in.Type.Shape), Reason: ErrShape}
		}
		over, err := f.unify(in.Name, in.Type.Shape, s)
		if err != nil {
			return false, err
		}
		overridden = overridden || over
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !known[name] {
			return false, &Error{Value: name, Msg: "a shape was given, the model has no such input", Reason: ErrShape}
		}
	}
	for _, in := range g.Inputs {
		s := in.Type.Shape
		if v, ok := given[in.Name]; ok && v.Ranked() {
			s = v.Clone()
		}
		f.types[in.Name] = TypeShape{in.Type.Elem, f.bind(s)}
	}
	return overridden, nil
}

// unify fixes the symbols of a declared shape by a given one.
func (f *inference) unify(name string, declared, given Shape) (overridden bool, err error) {
	for i, d := range declared {
		n, ok := given[i].Size()
		if !ok {
			continue
		}
		if n < 0 {
			return false, &Error{Value: name, Msg: fmt.Sprintf("the shape %v was given: sizes are not negative", given), Reason: ErrShape}
		}
		if have, fixed := d.Size(); fixed {
			overridden = overridden || have != n
			continue
		}
		if d.Name() == "" {
			continue
		}
		if have, fixed := f.bound[d.Name()]; fixed && have != n {
			return false, &Error{Value: name, Msg: fmt.Sprintf("the symbol %s is %d here and %d elsewhere", clean(d.Name()), n, have), Reason: ErrShape}
		}
		f.bound[d.Name()] = n
	}
	return overridden, nil
}

// bind replaces symbols whose size the caller fixed.
func (f *inference) bind(s Shape) Shape {
	s = s.Clone()
	for i, d := range s {
		if n, ok := f.bound[d.Name()]; ok && !d.known {
			s[i] = Fixed(n)
		}
	}
	return s
}

// constant notes the elements of a small integer tensor.
func (f *inference) constant(name string, t *Tensor) {
	n, ok := t.Elements()
	if !ok || n > maxInts || t.External != nil || t.Type != Bool && !t.Type.IsInteger() {
		return
	}
	v, err := t.AsInt64s()
	if err != nil {
		return
	}
	dims := make([]Dim, len(v))
	for i, x := range v {
		dims[i] = Fixed(x)
	}
	f.ints[name] = dims
}

// node applies a rule and joins its result with what the file declares.
func (f *inference) node(n *Node, i int, r rule) error {
	opset, _ := opsetVersion(f.sets, n.Domain)
	c := &call{f: f, n: n, opset: opset, out: make([]TypeShape, len(n.Outputs))}
	if r != nil {
		if err := r(c); err != nil {
			return nodeError(n, i, f.sets, ErrShape, "%v", err)
		}
	}
	for k, name := range n.Outputs {
		if name == "" {
			continue
		}
		t := c.out[k]
		if d, ok := f.declared[name]; ok {
			if t.Elem != Undefined && d.Elem != Undefined && t.Elem != d.Elem {
				return nodeError(n, i, f.sets, ErrShape, "output %q is %v, the model declares %v", name, t.Elem, d.Elem)
			}
			t = join(t, d)
		}
		if len(t.Shape) > maxRank {
			return nodeError(n, i, f.sets, ErrShape, "output %q has %d dimensions, more than %d", name, len(t.Shape), maxRank)
		}
		f.types[name] = t
	}
	return nil
}

// join fills what is unknown in t from a declaration.
func join(t, declared TypeShape) TypeShape {
	if t.Elem == Undefined {
		t.Elem = declared.Elem
	}
	if !t.Shape.Ranked() {
		t.Shape = declared.Shape.Clone()
		return t
	}
	if len(t.Shape) == len(declared.Shape) {
		for i, d := range declared.Shape {
			if !t.Shape[i].known && (d.known || t.Shape[i].symbol == "") {
				t.Shape[i] = d
			}
		}
	}
	return t
}

// rule gives the types and shapes of a node's outputs.
type rule func(c *call) error

// call is one use of a rule.
type call struct {
	f     *inference
	n     *Node
	opset int64
	out   []TypeShape
}

// has reports whether input i is there.
func (c *call) has(i int) bool { return c.n.Input(i) != "" }

// in is the type of input i; unknown if it is left out.
func (c *call) in(i int) TypeShape { return c.f.types[c.n.Input(i)] }

// shape is the shape of input i.
func (c *call) shape(i int) Shape { return c.in(i).Shape }

// set gives output i a type, if the node has that output.
func (c *call) set(i int, elem DataType, s Shape) {
	if i < len(c.out) {
		c.out[i] = TypeShape{elem, s.Clone()}
	}
}

// ints is the elements of input i as far as they are known; ok is false if not
// even their number is.
func (c *call) ints(i int) (v []Dim, ok bool) {
	v, ok = c.f.ints[c.n.Input(i)]
	return v, ok
}

// fixedInts is the elements of input i if all of them are known.
func (c *call) fixedInts(i int) (v []int64, ok bool) {
	dims, ok := c.ints(i)
	if !ok {
		return nil, false
	}
	return Shape(dims).Sizes()
}

// setInts notes the elements of output 0. v must not be changed after it.
func (c *call) setInts(v []Dim) {
	if name := c.n.Output(0); name != "" && len(v) <= maxInts {
		c.f.ints[name] = v
	}
}

// sameElem fails if two inputs have different element types.
func (c *call) sameElem(i, j int) error {
	a, b := c.in(i).Elem, c.in(j).Elem
	if a != Undefined && b != Undefined && a != b {
		return fmt.Errorf("input %d is %v, input %d %v: they must be the same", i, a, j, b)
	}
	return nil
}

// axis turns an axis that may count from the end into one from the start.
func axis(a int64, rank int) (int, error) {
	if a < -int64(rank) || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d of a tensor with %d dimensions", a, rank)
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a), nil
}

// axes is [axis] for a list without repetition.
func axes(list []int64, rank int) ([]int, error) {
	if len(list) > rank || rank > maxRank {
		return nil, fmt.Errorf("%d axes of a tensor with %d dimensions", len(list), rank)
	}
	out := make([]int, len(list))
	for i, a := range list {
		v, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out[:i], v) {
			return nil, fmt.Errorf("axis %d is named twice", v)
		}
		out[i] = v
	}
	return out, nil
}
