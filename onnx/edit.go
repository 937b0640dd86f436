package onnx

import (
	"fmt"
	"slices"
	"strconv"
)

// Use is one place where a value is read: input Slot of Node. A node whose
// subgraph reads the value is a use with Slot -1.
type Use struct {
	Node *Node
	Slot int
}

// Index finds the sources and uses of the values of one graph. It is a
// snapshot: make a new one after an edit.
type Index struct {
	producers    map[string]*Node
	uses         map[string][]Use
	initializers map[string]*Tensor
	inputs       map[string]*ValueInfo
	outputs      map[string]bool
}

// Index indexes the graph.
func (g *Graph) Index() *Index {
	x := &Index{
		producers:    make(map[string]*Node, len(g.Nodes)),
		uses:         make(map[string][]Use, len(g.Nodes)),
		initializers: make(map[string]*Tensor, len(g.Initializers)),
		inputs:       make(map[string]*ValueInfo, len(g.Inputs)),
		outputs:      make(map[string]bool, len(g.Outputs)),
	}
	for _, t := range g.Initializers {
		x.initializers[t.Name] = t
	}
	for _, v := range g.Inputs {
		x.inputs[v.Name] = v
	}
	for _, v := range g.Outputs {
		x.outputs[v.Name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			if out != "" {
				x.producers[out] = n
			}
		}
		for i, in := range n.Inputs {
			if in != "" {
				x.uses[in] = append(x.uses[in], Use{n, i})
			}
		}
		for _, s := range n.Subgraphs() {
			for _, name := range s.captures() {
				x.uses[name] = append(x.uses[name], Use{n, -1})
			}
		}
	}
	return x
}

// Producer is the node that gives the value, nil if none does.
func (x *Index) Producer(value string) *Node { return x.producers[value] }

// Uses are the places where nodes read the value, in the graph's order. The
// slice must not be changed.
func (x *Index) Uses(value string) []Use { return x.uses[value] }

// Initializer is the initializer of that name, nil if there is none.
func (x *Index) Initializer(value string) *Tensor { return x.initializers[value] }

// Input is the graph input of that name, nil if there is none.
func (x *Index) Input(value string) *ValueInfo { return x.inputs[value] }

// IsOutput reports whether the value is an output of the graph.
func (x *Index) IsOutput(value string) bool { return x.outputs[value] }

// Constant is the tensor behind a value that never changes: an initializer that
// callers cannot replace, or the output of a Constant node; nil for others.
func (x *Index) Constant(value string) *Tensor {
	if t := x.initializers[value]; t != nil {
		if x.inputs[value] != nil {
			return nil
		}
		return t
	}
	if n := x.producers[value]; n != nil {
		return n.Constant()
	}
	return nil
}

// Names makes names that a graph does not use yet.
type Names struct{ taken map[string]bool }

// Names collects the names of all values and nodes of the graph and its
// subgraphs.
func (g *Graph) Names() *Names {
	n := &Names{map[string]bool{}}
	n.collect(g)
	return n
}

func (n *Names) collect(g *Graph) {
	for _, list := range [][]*ValueInfo{g.Inputs, g.Outputs, g.ValueInfo} {
		for _, v := range list {
			n.taken[v.Name] = true
		}
	}
	for _, t := range g.Initializers {
		n.taken[t.Name] = true
	}
	for _, node := range g.Nodes {
		n.taken[node.Name] = true
		for _, list := range [][]string{node.Inputs, node.Outputs} {
			for _, name := range list {
				n.taken[name] = true
			}
		}
		for _, s := range node.Subgraphs() {
			n.collect(s)
		}
	}
}

// Fresh is base if that name is free and base_1, base_2, ... otherwise. The name
// is taken from then on. base must not be empty.
func (n *Names) Fresh(base string) string {
	name := base
	for i := 1; name == "" || n.taken[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	n.taken[name] = true
	return name
}

// source says what gives a value, "" if nothing does.
func (g *Graph) source(value string) string {
	for _, v := range g.Inputs {
		if v.Name == value {
			return "an input"
		}
	}
	if g.Initializer(value) != nil {
		return "an initializer"
	}
	for _, n := range g.Nodes {
		if slices.Contains(n.Outputs, value) {
			return "a node's output"
		}
	}
	return ""
}

// AddInitializer adds a constant. Its name must be free.
func (g *Graph) AddInitializer(t *Tensor) error {
	if s := g.source(t.Name); s != "" || t.Name == "" {
		return graphError(t.Name, "cannot add an initializer: the name is "+orEmpty(s))
	}
	if err := t.check(); err != nil {
		return err
	}
	g.Initializers = append(g.Initializers, t)
	return nil
}

func orEmpty(s string) string {
	if s == "" {
		return "empty"
	}
	return s
}

// ReplaceInitializer puts t in the place of the initializer of its name. Where
// that is also a graph input, the input's declared type follows.
func (g *Graph) ReplaceInitializer(t *Tensor) error {
	if err := t.check(); err != nil {
		return err
	}
	for i, old := range g.Initializers {
		if old.Name != t.Name {
			continue
		}
		g.Initializers[i] = t
		for _, v := range g.Inputs {
			if v.Name == t.Name {
				v.Type = t.TypeShape()
			}
		}
		return nil
	}
	return graphError(t.Name, "there is no such initializer to replace")
}

// Insert puts nodes before another one, or at the end for a nil node. Their
// outputs must be new values; their inputs are not checked here (see
// [Validate]).
func (g *Graph) Insert(before *Node, nodes ...*Node) error {
	at := len(g.Nodes)
	if before != nil {
		if at = slices.Index(g.Nodes, before); at < 0 {
			return graphError("", fmt.Sprintf("cannot insert before node %q: it is not in the graph", before.Name))
		}
	}
	if err := g.free(nodes); err != nil {
		return err
	}
	g.Nodes = slices.Insert(g.Nodes, at, nodes...)
	return nil
}

// Replace puts nodes in the place of old, in that order. The new nodes may give
// the values that old gave; all their other outputs must be new values.
func (g *Graph) Replace(old *Node, nodes ...*Node) error {
	at := slices.Index(g.Nodes, old)
	if at < 0 {
		return graphError("", fmt.Sprintf("cannot replace node %q: it is not in the graph", old.Name))
	}
	rest := slices.Concat(g.Nodes[:at], g.Nodes[at+1:])
	if err := (&Graph{Nodes: rest, Inputs: g.Inputs, Initializers: g.Initializers}).free(nodes); err != nil {
		return err
	}
	g.Nodes = slices.Insert(rest, at, nodes...)
	return nil
}

// free fails if a node's output has a source already.
func (g *Graph) free(nodes []*Node) error {
	taken := map[string]bool{}
	for _, v := range g.Inputs {
		taken[v.Name] = true
	}
	for _, t := range g.Initializers {
		taken[t.Name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			taken[out] = true
		}
	}
	for _, n := range nodes {
		for _, out := range n.Outputs {
			if out != "" && taken[out] {
				return &Error{Node: n.label(0), Op: qualified(n.Domain, n.Op), Value: out, Msg: "the value has another source", Reason: ErrGraph}
			}
			taken[out] = true
		}
	}
	return nil
}

// Remove takes nodes out of the graph. Values that they gave must not be read
// any more, unless by nodes that are removed too; it fails and changes nothing
// otherwise. Initializers stay (see [Graph.Prune]).
func (g *Graph) Remove(nodes ...*Node) error {
	gone := map[*Node]bool{}
	for _, n := range nodes {
		gone[n] = true
	}
	x := g.Index()
	for _, n := range nodes {
		for _, out := range n.Outputs {
			if out == "" {
				continue
			}
			if x.IsOutput(out) {
				return graphError(out, "cannot remove its node: it is an output of the graph")
			}
			for _, u := range x.Uses(out) {
				if !gone[u.Node] {
					return graphError(out, fmt.Sprintf("cannot remove its node: node %q reads it", u.Node.Name))
				}
			}
		}
	}
	g.Nodes = slices.DeleteFunc(slices.Clone(g.Nodes), func(n *Node) bool { return gone[n] })
	return nil
}

// Redirect makes every reader of one value read another instead, in subgraphs
// too. Outputs of the graph keep their name and so their source. No subgraph
// that reads the first may have a value of its own with the second's name.
func (g *Graph) Redirect(from, to string) {
	for _, n := range g.Nodes {
		replaceNames(n.Inputs, from, to)
		for _, s := range n.Subgraphs() {
			if slices.Contains(s.captures(), from) {
				s.rename(from, to)
			}
		}
	}
}

// Rename gives a value another name everywhere: at its source, its readers, in
// subgraphs, among the outputs of the graph and the declared values (but not in
// fields that this package only keeps, such as quantization annotations). The new
// name must be free in the graph and its subgraphs.
func (g *Graph) Rename(from, to string) error {
	if to == "" || g.Names().taken[to] {
		return graphError(from, fmt.Sprintf("cannot be renamed to %q: the name is taken or empty", to))
	}
	if g.source(from) == "" {
		return graphError(from, "cannot be renamed: there is no such value")
	}
	g.rename(from, to)
	return nil
}

func (g *Graph) rename(from, to string) {
	for _, list := range [][]*ValueInfo{g.Inputs, g.Outputs, g.ValueInfo} {
		for _, v := range list {
			if v.Name == from {
				v.Name = to
			}
		}
	}
	for _, t := range g.Initializers {
		if t.Name == from {
			t.Name = to
		}
	}
	for _, n := range g.Nodes {
		replaceNames(n.Inputs, from, to)
		replaceNames(n.Outputs, from, to)
		for _, s := range n.Subgraphs() {
			if slices.Contains(s.captures(), from) {
				s.rename(from, to)
			}
		}
	}
}

func replaceNames(list []string, from, to string) {
	for i := range list {
		if list[i] == from {
			list[i] = to
		}
	}
}

// Prune removes what no output of the graph depends on: nodes, initializers
// (and the graph inputs that they are defaults of), and declared values that are
// gone. Inputs that a caller must give stay.
func (g *Graph) Prune() {
	x := g.Index()
	live := map[string]bool{}
	keep := map[*Node]bool{}
	var todo []string
	for _, v := range g.Outputs {
		todo = append(todo, v.Name)
	}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if live[name] {
			continue
		}
		live[name] = true
		if n := x.Producer(name); n != nil && !keep[n] {
			keep[n] = true
			todo = append(todo, n.reads()...)
		}
	}
	g.Nodes = slices.DeleteFunc(slices.Clone(g.Nodes), func(n *Node) bool { return !keep[n] })
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			live[out] = true // outputs that nobody reads are still there
		}
	}
	g.Initializers = slices.DeleteFunc(slices.Clone(g.Initializers), func(t *Tensor) bool { return !live[t.Name] })
	g.Inputs = slices.DeleteFunc(slices.Clone(g.Inputs), func(v *ValueInfo) bool {
		return !live[v.Name] && x.Initializer(v.Name) != nil
	})
	for _, v := range g.Inputs {
		live[v.Name] = true
	}
	g.ValueInfo = slices.DeleteFunc(slices.Clone(g.ValueInfo), func(v *ValueInfo) bool { return !live[v.Name] })
}
