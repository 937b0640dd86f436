package onnx

import "slices"

// reads are the names that a node reads from its graph: its inputs and what
// its subgraphs take from the graphs around them, without repetition.
func (n *Node) reads() []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if name != "" && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, in := range n.Inputs {
		add(in)
	}
	for _, g := range n.Subgraphs() {
		for _, name := range g.captures() {
			add(name)
		}
	}
	return out
}

// captures are the names that a subgraph takes from the graphs around it, in
// the order of their first use.
func (g *Graph) captures() []string {
	own := map[string]bool{}
	for _, v := range g.Inputs {
		own[v.Name] = true
	}
	for _, t := range g.Initializers {
		own[t.Name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			own[out] = true
		}
	}
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		if !own[name] && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, n := range g.Nodes {
		for _, name := range n.reads() {
			add(name)
		}
	}
	for _, v := range g.Outputs {
		add(v.Name)
	}
	return out
}

// Sort puts the nodes in topological order: every node after those whose
// outputs it reads, and otherwise in the order they have now. A graph that is in
// order keeps it. It fails, and changes nothing, if the graph has a cycle.
func (g *Graph) Sort() error {
	nodes, err := order(g, nil)
	if err != nil {
		return err
	}
	g.Nodes = nodes
	for _, n := range g.Nodes {
		for _, s := range n.Subgraphs() {
			if err := s.Sort(); err != nil {
				return err
			}
		}
	}
	return nil
}

// order is the nodes in topological order: of those that are ready, the first
// of the graph comes next. The operator sets are for the error.
func order(g *Graph, sets []Opset) ([]*Node, error) {
	producer := map[string]int{}
	for i, n := range g.Nodes {
		for _, out := range n.Outputs {
			if out != "" {
				producer[out] = i
			}
		}
	}
	waits := make([]int, len(g.Nodes)) // producers a node still waits for
	next := make([][]int, len(g.Nodes))
	for i, n := range g.Nodes {
		for _, name := range n.reads() {
			if p, ok := producer[name]; ok {
				waits[i]++
				next[p] = append(next[p], i)
			}
		}
	}
	var ready minHeap
	for i, w := range waits {
		if w == 0 {
			ready.push(i)
		}
	}
	out := make([]*Node, 0, len(g.Nodes))
	for len(ready) > 0 {
		i := ready.pop()
		out = append(out, g.Nodes[i])
		waits[i] = -1
		for _, j := range next[i] {
			if waits[j]--; waits[j] == 0 {
				ready.push(j)
			}
		}
	}
	if len(out) < len(g.Nodes) {
		i := slices.IndexFunc(waits, func(w int) bool { return w > 0 })
		return nil, nodeError(g.Nodes[i], i, sets, ErrGraph, "the node is part of a cycle or behind one")
	}
	return out, nil
}

// minHeap gives back the smallest number first.
type minHeap []int

func (h *minHeap) push(v int) {
	*h = append(*h, v)
	a := *h
	for i := len(a) - 1; i > 0 && a[(i-1)/2] > a[i]; i = (i - 1) / 2 {
		a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
	}
}

func (h *minHeap) pop() int {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	for i := 0; ; {
		small := i
		for _, c := range []int{2*i + 1, 2*i + 2} {
			if c < last && a[c] < a[small] {
				small = c
			}
		}
		if small == i {
			break
		}
		a[i], a[small] = a[small], a[i]
		i = small
	}
	*h = a
	return top
}
