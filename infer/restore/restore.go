// Package restore puts layers of a compressed model back as they were before.
//
// A baseline and a model that was made from it share the names of the values
// between their layers. Between two shared values the baseline computes with
// float weights and the compressed model with whatever a scheme put there:
// pruned or half-width weights, quantized ones with a DequantizeLinear, a
// DynamicQuantizeLinear before a ConvInteger, a batch normalization folded in.
// So no scheme has to be known: a layer is restored by computing the shared value
// behind it with the baseline's nodes, from the shared values before it.
//
// What is restored is the layer as a scheme leaves it that is told to keep it in
// float: it reads its input before that is quantized for it, has its float
// weights, and gives a float output. The quantization of that output belongs to
// the layer that reads it.
//
//	match the values ─▶ layers ─▶ restored models, and what depends on the layer
package restore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/onnx"
)

// ErrNoMatch says that two models are not a baseline and a compressed form of it
// as far as the names of their values show.
var ErrNoMatch = errors.New("the models cannot be matched layer by layer")

// Layer is a part of the baseline that can be put back: one convolution or
// matrix product with what comes with it, or several where the compressed model
// has no value between them.
type Layer struct {
	Name     string // node of the baseline; several are joined by " + "
	Operator string // "Conv", "Gemm" or "MatMul"; several are joined by " + "
	Weights  int64  // elements of its weights

	outs  []string // shared values that the layer gives, by the baseline's name
	nodes []*onnx.Node
	kept  bool // the compressed model computes it with the same nodes and constants
}

// Plan is what a baseline and a compressed model have in common. The models must
// not be changed or closed while it is in use.
type Plan struct {
	Layers []Layer  // that compression changed, in the baseline's order
	Kept   []string // layers that the compressed model left as they are

	base, cand side
	shared     map[string]string // values of both: name in the baseline to that in the compressed model
}

// side is one model with what matching asks of it.
type side struct {
	m        *onnx.Model
	index    *onnx.Index
	nodes    []*onnx.Node // in topological order
	types    map[string]onnx.TypeShape
	constant map[string]bool // values that depend on no input
}

// Match finds the layers of base that cand computes in another way.
func Match(base, cand *onnx.Model) (*Plan, error) {
	p := &Plan{shared: map[string]string{}}
	var err error
	if p.base, err = newSide(base); err != nil {
		return nil, err
	}
	if p.cand, err = newSide(cand); err != nil {
		return nil, err
	}
	p.share()
	if err := p.sameEnds(); err != nil {
		return nil, err
	}
	if err := p.sameMeaning(); err != nil {
		return nil, err
	}
	return p, p.group()
}

func newSide(m *onnx.Model) (side, error) {
	s := side{m: m.Clone(), constant: map[string]bool{}}
	if err := s.m.Graph.Sort(); err != nil {
		return s, fmt.Errorf("%s: %w", m.Path, err)
	}
	s.nodes, s.index = s.m.Graph.Nodes, s.m.Graph.Index()
	for _, n := range s.nodes {
		if len(n.Subgraphs()) > 0 {
			return s, fmt.Errorf("%s: node %s has a subgraph: %w", m.Path, n.Name, ErrNoMatch)
		}
	}
	var err error
	if s.types, err = onnx.Infer(s.m, nil); err != nil {
		return s, err
	}
	for _, t := range s.m.Graph.Initializers {
		s.constant[t.Name] = true
	}
	for _, n := range s.nodes {
		all := true
		for _, in := range n.Inputs {
			all = all && (in == "" || s.constant[in])
		}
		for _, out := range n.Outputs {
			if all && out != "" {
				s.constant[out] = true
			}
		}
	}
	return s, nil
}

// varies reports whether a value of that name exists and depends on an input.
func (s *side) varies(name string) bool {
	return name != "" && !s.constant[name] && (s.index.Producer(name) != nil || s.index.Input(name) != nil)
}

// float reports whether a value holds real numbers.
func (s *side) float(name string) bool { return s.types[name].Elem.IsFloat() }

// share finds the values that both models have. Where a batch normalization was
// folded into the layer before it and the layer kept its own name, the layer's
// output in the compressed model is the normalization's output in the baseline.
func (p *Plan) share() {
	for _, v := range p.base.m.Graph.DataInputs() {
		if p.cand.varies(v.Name) {
			p.shared[v.Name] = v.Name
		}
	}
	for _, n := range p.base.nodes {
		for _, out := range n.Outputs {
			if p.base.varies(out) && p.cand.varies(out) && p.base.float(out) && p.cand.float(out) {
				p.shared[out] = out
			}
		}
	}
	for _, n := range p.base.nodes {
		if n.Op != "BatchNormalization" || len(n.Outputs) == 0 {
			continue
		}
		in, out := n.Input(0), n.Outputs[0]
		if p.shared[in] == "" || p.shared[out] != "" || len(p.base.index.Uses(in)) != 1 {
			continue
		}
		delete(p.shared, in)
		p.shared[out] = in
	}
}

// sameEnds checks that the models have inputs and outputs in common.
func (p *Plan) sameEnds() error {
	for _, v := range p.base.m.Graph.DataInputs() {
		if p.shared[v.Name] == "" {
			return p.errorf("input %q is in %s only", v.Name, p.base.m.Path)
		}
	}
	for _, v := range p.base.m.Graph.Outputs {
		if p.shared[v.Name] == "" {
			return p.errorf("output %q of %s is no float output of %s", v.Name, p.base.m.Path, p.cand.m.Path)
		}
	}
	return nil
}

// moved are operators whose meaning or form differs between operator sets that
// float models in use have: restored under another set they would be another.
var moved = []struct {
	op    string
	since int64
}{
	{"Softmax", 13}, {"LogSoftmax", 13}, {"Squeeze", 13}, {"Unsqueeze", 13}, {"ReduceSum", 13}, {"ReduceMean", 18}, {"ReduceMax", 18},
	{"Clip", 11}, {"Pad", 11}, {"Slice", 10}, {"Dropout", 12}, {"BatchNormalization", 9}, {"Split", 18}, {"Resize", 11}, {"Gelu", 20},
}

// sameMeaning refuses baselines whose operators mean something else in the
// compressed model's operator set.
func (p *Plan) sameMeaning() error {
	a, _ := p.base.m.Opset("")
	b, _ := p.cand.m.Opset("")
	for _, n := range p.base.nodes {
		for _, c := range moved {
			if n.Domain == "" && n.Op == c.op && (a < c.since) != (b < c.since) {
				return p.errorf("node %s (%s) means something else in operator set %d of %s than in %d of %s", n.Name, n.Op, b, p.cand.m.Path, a, p.base.m.Path)
			}
		}
	}
	return nil
}

func (p *Plan) errorf(format string, args ...any) error {
	return fmt.Errorf("restore: %s and %s: %w: %s", p.base.m.Path, p.cand.m.Path, ErrNoMatch, fmt.Sprintf(format, args...))
}

// slice are the nodes that compute a value from those in stop and from
// constants, in topological order, constants' own nodes included; reads are the
// values of stop that they read, in order of first use.
func (s *side) slice(value string, stop func(string) bool) (nodes []*onnx.Node, reads []string) {
	need := map[*onnx.Node]bool{}
	seen := map[string]bool{}
	todo := []string{value}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n := s.index.Producer(v); n != nil && !need[n] {
			need[n] = true
			for _, in := range n.Inputs {
				if in == "" || seen[in] {
					continue
				}
				seen[in] = true
				if !stop(in) {
					todo = append(todo, in)
				}
			}
		}
	}
	named := map[string]bool{}
	for _, n := range s.nodes {
		if !need[n] {
			continue
		}
		nodes = append(nodes, n)
		for _, in := range n.Inputs {
			if in != "" && stop(in) && !named[in] {
				named[in] = true
				reads = append(reads, in)
			}
		}
	}
	return nodes, reads
}

// sharedInCand reports whether a value of the compressed model is shared.
func (p *Plan) sharedInCand() func(string) bool {
	back := map[string]bool{}
	for _, c := range p.shared {
		back[c] = true
	}
	return func(v string) bool { return back[v] }
}

// weightOf is the constant behind the weights of a layer, "" for a node that is
// none.
func (s *side) weightOf(n *onnx.Node) string {
	if n.Domain != "" {
		return ""
	}
	switch n.Op {
	case "Conv", "ConvTranspose":
		if s.constant[n.Input(1)] {
			return n.Input(1)
		}
	case "Gemm", "MatMul":
		for _, i := range []int{1, 0} {
			if s.constant[n.Input(i)] {
				return n.Input(i)
			}
		}
	}
	return ""
}

// group makes the layers: those that share an output value are one.
func (p *Plan) group() error {
	type part struct {
		outs  []string
		nodes map[*onnx.Node]bool
	}
	var parts []*part
	of := map[*onnx.Node]*part{}
	inShared := func(v string) bool { return p.shared[v] != "" }
	for _, n := range p.base.nodes {
		for _, out := range n.Outputs {
			if p.shared[out] == "" {
				continue
			}
			nodes, _ := p.base.slice(out, inShared)
			x := &part{outs: []string{out}, nodes: map[*onnx.Node]bool{}}
			for _, m := range nodes {
				x.nodes[m] = true
			}
			for _, m := range nodes {
				y := of[m]
				if p.base.weightOf(m) == "" || y == x {
					continue
				}
				if y != nil { // the layer computes another shared value too
					x.outs = append(y.outs, x.outs...)
					for k := range y.nodes {
						x.nodes[k] = true
						if of[k] == y {
							of[k] = x
						}
					}
					parts = slices.DeleteFunc(parts, func(z *part) bool { return z == y })
				}
				of[m] = x
			}
			parts = append(parts, x)
		}
	}
	for _, x := range parts {
		if l := p.layer(x.outs, x.nodes); l != nil {
			if l.kept {
				p.Kept = append(p.Kept, l.Name)
				continue
			}
			p.Layers = append(p.Layers, *l)
		}
	}
	if len(p.Layers)+len(p.Kept) == 0 {
		return p.errorf("they share no value that a convolution or matrix product gives")
	}
	return nil
}

// layer is the part as a layer, nil if it holds no weights.
func (p *Plan) layer(outs []string, in map[*onnx.Node]bool) *Layer {
	l := &Layer{outs: outs}
	var names, ops []string
	for i, n := range p.base.nodes {
		if !in[n] {
			continue
		}
		l.nodes = append(l.nodes, n)
		w := p.base.weightOf(n)
		if w == "" {
			continue
		}
		name := n.Name
		if name == "" {
			name = fmt.Sprintf("#%d", i)
		}
		names, ops = append(names, name), append(ops, n.Op)
		l.Weights += p.elements(w)
	}
	if len(names) == 0 {
		return nil
	}
	l.Name, l.Operator = strings.Join(names, " + "), strings.Join(ops, " + ")
	l.kept = p.unchanged(outs)
	return l
}

func (p *Plan) elements(constant string) (n int64) {
	sizes, ok := p.base.types[constant].Shape.Sizes()
	if !ok {
		return 0
	}
	n = 1
	for _, s := range sizes {
		n *= s
	}
	return n
}
