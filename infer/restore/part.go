package restore

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// Part is what depends on a restored layer: the layer itself and everything
// behind it. All before it is the compressed model's, unchanged, so that it is
// computed once for all layers.
type Part struct {
	Model *onnx.Model // inputs are Reads, outputs those of the whole model, then Outs if asked for
	Reads []string    // values of the compressed model, its own inputs among them
	Outs  []string    // what the layer gives, as the compressed model names it
}

// Part is the part of restored model i that is not the compressed model's. With
// outs, what the layer gives is among its outputs: it may then be computed in
// other steps, and round otherwise.
func (p *Plan) Part(i int, outs bool) (*Part, error) {
	m, added, err := p.restored(i)
	if err != nil {
		return nil, err
	}
	g := m.Graph
	inside, made := closure(g, added)
	out := &Part{Model: m}
	keep := []*onnx.Node{}
	index := g.Index()
	want := map[string]bool{}
	for _, n := range g.Nodes {
		if !inside[n] {
			continue
		}
		for _, in := range n.Inputs {
			if in == "" || made[in] || p.constantIn(index, in) || want[in] {
				continue
			}
			want[in] = true
			out.Reads = append(out.Reads, in)
		}
	}
	for _, n := range g.Nodes {
		if inside[n] || p.constantNode(index, n) {
			keep = append(keep, n)
		}
	}
	g.Nodes = keep
	g.Inputs = nil
	for _, name := range out.Reads {
		t, ok := p.cand.types[name]
		if !ok || t.Elem == 0 {
			return nil, p.errorf("the type of value %q, which layer %s reads, is not known", name, p.Layers[i].Name)
		}
		g.Inputs = append(g.Inputs, &onnx.ValueInfo{Name: name, Type: t})
	}
	g.Outputs = slices.DeleteFunc(g.Outputs, func(v *onnx.ValueInfo) bool { return !made[v.Name] })
	if len(g.Outputs) == 0 {
		return nil, fmt.Errorf("restore: no output of the model depends on layer %s", p.Layers[i].Name)
	}
	for _, o := range p.Layers[i].outs {
		c := p.shared[o]
		out.Outs = append(out.Outs, c)
		if outs && !slices.ContainsFunc(g.Outputs, func(v *onnx.ValueInfo) bool { return v.Name == c }) {
			g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: c, Type: p.cand.types[c]})
		}
	}
	g.ValueInfo = nil
	g.Prune()
	return out, nil
}

// closure are the nodes that depend on one of the given ones, these included,
// and the values that they make. The graph is in order.
func closure(g *onnx.Graph, from []*onnx.Node) (inside map[*onnx.Node]bool, made map[string]bool) {
	inside, made = map[*onnx.Node]bool{}, map[string]bool{}
	for _, n := range from {
		inside[n] = true
	}
	for _, n := range g.Nodes {
		if !inside[n] && !slices.ContainsFunc(n.Inputs, func(in string) bool { return made[in] }) {
			continue
		}
		inside[n] = true
		for _, out := range n.Outputs {
			made[out] = true
		}
	}
	return inside, made
}

// constantIn reports whether a value of a restored model depends on no input:
// one of the compressed model's, or an initializer that was put in.
func (p *Plan) constantIn(x *onnx.Index, name string) bool {
	return p.cand.constant[name] || x.Initializer(name) != nil
}

// constantNode reports whether all that a node makes depends on no input.
func (p *Plan) constantNode(x *onnx.Index, n *onnx.Node) bool {
	return !slices.ContainsFunc(n.Outputs, func(out string) bool { return out != "" && !p.constantIn(x, out) })
}

// Tapped is the compressed model with the given values as outputs too, after its
// own. Names of its inputs and outputs are passed over.
func (p *Plan) Tapped(values []string) (*onnx.Model, error) { return p.cand.tapped(values) }

// BaseTapped is the baseline with what layer i gives as outputs too, for every
// layer. The second result names them, layer by layer.
func (p *Plan) BaseTapped() (*onnx.Model, [][]string, error) {
	var names [][]string
	var all []string
	for _, l := range p.Layers {
		names = append(names, l.outs)
		all = append(all, l.outs...)
	}
	m, err := p.base.tapped(all)
	return m, names, err
}

func (s *side) tapped(values []string) (*onnx.Model, error) {
	m := s.m.Clone()
	m.Path = s.m.Path
	for _, name := range values {
		if s.index.Input(name) != nil || slices.ContainsFunc(m.Graph.Outputs, func(v *onnx.ValueInfo) bool { return v.Name == name }) {
			continue
		}
		if s.index.Producer(name) == nil {
			return nil, fmt.Errorf("restore: %s has no value %q", s.m.Path, name)
		}
		m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: name, Type: s.types[name]})
	}
	return m, nil
}
