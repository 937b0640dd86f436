package int8static

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// plan says which operators run in integers and which values are quantized.
type plan struct {
	m      *onnx.Model
	index  *onnx.Index
	opts   Options
	labels map[string]string // see labels

	roles    map[*onnx.Node]role
	why      map[*onnx.Node]string // why an operator stays in float
	points   map[*onnx.Node]string // the value at which a node's result is quantized
	absorbed map[*onnx.Node]bool   // limits that go away
	held     map[*onnx.Node]bool   // limits behind a quantized operator, in the same step
	runs     map[*onnx.Node]bool   // runs in integers

	ready, sure map[*onnx.Node]bool // its operands can be quantized; they are anyhow
	firm, soft  map[string]bool     // quantized anyhow, quantized if that is wanted
	wanted      map[string]bool

	Values []string       // quantized values, in the graph's order
	group  map[string]int // values that share a scale
	groups int
}

func newPlan(m *onnx.Model, o Options, labels map[string]string) (*plan, error) {
	p := &plan{m: m, index: m.Graph.Index(), opts: o, labels: labels,
		roles: map[*onnx.Node]role{}, why: map[*onnx.Node]string{}, points: map[*onnx.Node]string{},
		absorbed: map[*onnx.Node]bool{}, held: map[*onnx.Node]bool{}, runs: map[*onnx.Node]bool{},
		ready: map[*onnx.Node]bool{}, sure: map[*onnx.Node]bool{},
		firm: map[string]bool{}, soft: map[string]bool{}, wanted: map[string]bool{}, group: map[string]int{}}
	for _, n := range m.Graph.Nodes {
		p.roles[n], p.why[n] = p.judge(n)
	}
	if err := p.keep(); err != nil {
		return nil, err
	}
	p.forward()
	p.backward()
	p.collect()
	p.share()
	return p, nil
}

// layers are the convolutions and products with constant weights that may be
// quantized.
func (p *plan) layers() []*onnx.Node {
	var out []*onnx.Node
	for _, n := range p.m.Graph.Nodes {
		if p.roles[n].layer() {
			out = append(out, n)
		}
	}
	return out
}

// keep leaves layers in float that the options name.
func (p *plan) keep() error {
	layers := p.layers()
	leave := func(n *onnx.Node, why string) { p.roles[n], p.why[n] = roleFloat, why }
	if len(layers) > 0 && p.opts.KeepFirst {
		leave(layers[0], "first layer, kept")
	}
	if len(layers) > 0 && p.opts.KeepLast {
		leave(layers[len(layers)-1], "last layer, kept")
	}
	for _, name := range p.opts.Keep {
		i := slices.IndexFunc(p.m.Graph.Nodes, func(n *onnx.Node) bool { return n.Name == name || p.label(n) == name })
		if i < 0 {
			return fmt.Errorf("int8-static: no operator %q to keep in float", name)
		}
		leave(p.m.Graph.Nodes[i], "kept, as asked")
	}
	return nil
}

// forward finds the values that can be quantized.
func (p *plan) forward() {
	for _, n := range p.layers() {
		p.firm[n.Inputs[0]] = true
	}
	for _, n := range p.m.Graph.Nodes {
		r := p.roles[n]
		if r == roleFloat || len(n.Outputs) == 0 || p.held[n] {
			continue
		}
		p.points[n] = p.point(n)
		at, firm, ready := p.points[n], true, true
		for _, in := range p.operands(n) {
			firm = firm && p.firm[in]
			ready = ready && (p.firm[in] || p.soft[in])
		}
		p.ready[n], p.sure[n] = ready || r.layer(), firm && !r.layer() || r == roleConv
		p.firm[at] = p.firm[at] || p.sure[n]
		p.soft[at] = p.ready[n] && !p.firm[at]
	}
}

// point is where the result of n is quantized: behind the limits that follow
// it, if nothing else reads what is between.
func (p *plan) point(n *onnx.Node) string {
	v := n.Outputs[0]
	for {
		uses := p.index.Uses(v)
		if len(uses) != 1 || uses[0].Slot != 0 || p.index.IsOutput(v) || p.roles[uses[0].Node] != roleLimit {
			return v
		}
		p.held[uses[0].Node] = true
		v = uses[0].Node.Outputs[0]
	}
}

// operands are the values that an operator takes quantized.
func (p *plan) operands(n *onnx.Node) []string {
	switch p.roles[n] {
	case roleFloat:
		return nil
	case roleSum:
		return n.Inputs
	case roleMove:
		return moved(n)
	}
	return n.Inputs[:1]
}

// backward decides which operators run in integers. Layers do. A sum does if
// its operands are quantized anyhow. All else does only where what it gives is
// wanted quantized.
func (p *plan) backward() {
	for _, n := range slices.Backward(p.m.Graph.Nodes) {
		r, at := p.roles[n], p.points[n]
		if r == roleFloat || p.held[n] || at == "" {
			continue
		}
		p.runs[n] = r.layer() || p.ready[n] && (p.wanted[at] || r == roleSum && p.sure[n])
		if !p.runs[n] {
			p.why[n] = "its operands are not quantized"
			if p.ready[n] {
				p.why[n] = "nothing behind it is quantized"
			}
			continue
		}
		for _, in := range p.operands(n) {
			p.wanted[in] = true
		}
	}
	for _, n := range p.m.Graph.Nodes {
		if at := p.points[n]; p.runs[n] && p.sure[n] && len(p.index.Uses(at)) > 0 {
			p.wanted[at] = true
		}
	}
}

// collect lists the values that are quantized.
func (p *plan) collect() {
	add := func(v string) {
		if p.wanted[v] && !slices.Contains(p.Values, v) {
			p.Values = append(p.Values, v)
		}
	}
	for _, v := range p.m.Graph.DataInputs() {
		add(v.Name)
	}
	for _, n := range p.m.Graph.Nodes {
		for _, v := range n.Outputs {
			add(v)
		}
	}
}

// share puts the values that a moving operator reads and gives into one group.
func (p *plan) share() {
	parent := make([]int, len(p.Values))
	at := map[string]int{}
	for i, v := range p.Values {
		parent[i], at[v] = i, i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for _, n := range p.m.Graph.Nodes {
		if p.roles[n] != roleMove || !p.runs[n] {
			continue
		}
		out, ok := at[n.Outputs[0]] // limits behind it change the range, not the scale
		if !ok {
			if out, ok = at[p.points[n]]; !ok {
				continue
			}
		}
		for _, in := range moved(n) {
			a, b := root(at[in]), root(out)
			parent[max(a, b)] = min(a, b)
		}
	}
	number := map[int]int{}
	for i, v := range p.Values {
		r := root(i)
		if _, ok := number[r]; !ok {
			number[r] = len(number)
		}
		p.group[v] = number[r]
	}
	p.groups = len(number)
}

// quantized reports whether a value is.
func (p *plan) quantized(v string) bool { return p.wanted[v] }
