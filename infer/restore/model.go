package restore

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// Model is the compressed model with layer i as in the baseline. It shares the
// bytes of its tensors with both.
func (p *Plan) Model(i int) (*onnx.Model, error) {
	m, _, err := p.restored(i)
	return m, err
}

// restored is the compressed model with layer i put back, and the nodes that
// were put in.
func (p *Plan) restored(i int) (*onnx.Model, []*onnx.Node, error) {
	l := &p.Layers[i]
	m := p.cand.m.Clone()
	g := m.Graph
	names := g.Names()
	r := &graft{p: p, g: g, names: names, name: map[string]string{}, cast: map[string]string{}}
	for _, out := range l.outs { // what computed the value goes on under another name, until it is pruned
		c := p.shared[out]
		x := g.Index().Producer(c)
		if x == nil {
			return nil, nil, p.errorf("nothing computes %q in %s", c, p.cand.m.Path)
		}
		for k := range x.Outputs {
			if x.Outputs[k] == c {
				x.Outputs[k] = names.Fresh(c + "_compressed")
			}
		}
	}
	for _, n := range l.nodes {
		if err := r.node(n, l.outs); err != nil {
			return nil, nil, fmt.Errorf("restore: layer %s: %w", l.Name, err)
		}
	}
	if err := g.Sort(); err != nil {
		return nil, nil, fmt.Errorf("restore: layer %s: %w", l.Name, err)
	}
	g.Prune()
	m.Path = p.cand.m.Path
	m.Metadata = nil // it is neither the one nor the other
	m.SetMeta("lethe.restored", l.Name)
	return m, r.added, nil
}

// graft puts nodes of the baseline into a clone of the compressed model.
type graft struct {
	p     *Plan
	g     *onnx.Graph
	names *onnx.Names
	name  map[string]string // values and constants of the baseline that were put in
	cast  map[string]string // shared values in the baseline's element type
	added []*onnx.Node
}

func (r *graft) node(n *onnx.Node, outs []string) error {
	c := n.Clone()
	c.Name = r.names.Fresh("restored/" + n.Name)
	var err error
	for k, in := range n.Inputs {
		if in == "" {
			continue
		}
		if c.Inputs[k], err = r.input(in); err != nil {
			return err
		}
	}
	var after []*onnx.Node
	for k, out := range n.Outputs {
		if out == "" {
			continue
		}
		shared := r.p.shared[out]
		if shared == "" || !slices.Contains(outs, out) {
			c.Outputs[k] = r.names.Fresh("restored/" + out)
			r.name[out] = c.Outputs[k]
			continue
		}
		if from, to := r.p.base.types[out].Elem, r.p.cand.types[shared].Elem; from != to {
			c.Outputs[k] = r.names.Fresh("restored/" + out)
			after = append(after, r.castNode(c.Outputs[k], shared, to))
			continue
		}
		c.Outputs[k] = shared
	}
	return r.insert(append([]*onnx.Node{c}, after...)...)
}

func (r *graft) insert(nodes ...*onnx.Node) error {
	r.added = append(r.added, nodes...)
	return r.g.Insert(nil, nodes...)
}

func (r *graft) castNode(from, to string, t onnx.DataType) *onnx.Node {
	return &onnx.Node{Name: r.names.Fresh("restored/cast"), Op: "Cast", Inputs: []string{from}, Outputs: []string{to}, Attrs: []*onnx.Attr{onnx.IntAttr("to", int64(t))}}
}

// input is the name under which a node that is put in reads a value.
func (r *graft) input(in string) (string, error) {
	if name := r.name[in]; name != "" {
		return name, nil
	}
	if shared := r.p.shared[in]; shared != "" {
		want, have := r.p.base.types[in].Elem, r.p.cand.types[shared].Elem
		if want == have {
			return shared, nil
		}
		if r.cast[in] == "" {
			r.cast[in] = r.names.Fresh("restored/" + in)
			if err := r.insert(r.castNode(shared, r.cast[in], want)); err != nil {
				return "", err
			}
		}
		return r.cast[in], nil
	}
	t := r.p.base.index.Initializer(in)
	if t == nil {
		return "", fmt.Errorf("value %q of the baseline is not there", in)
	}
	c := *t
	c.Name = r.names.Fresh("restored/" + in)
	r.name[in] = c.Name
	return c.Name, r.g.AddInitializer(&c)
}
