package engine

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// fold computes every step whose operands are all constant. Where skip is not
// nil, steps that it picks are left alone.
func (g *graph) fold(skip func(*step) bool) error {
	kept := g.steps[:0:0]
	for _, s := range g.steps {
		if !foldable(s) || skip != nil && skip(s) {
			kept = append(kept, s)
			continue
		}
		in := make([]tensor.Tensor, len(s.in))
		for i, v := range s.in {
			if v != nil {
				in[i] = v.konst
			}
		}
		out, err := evaluate(s.op, in, s.out)
		if err != nil {
			return g.errorAt(s, err)
		}
		for i, v := range s.out {
			if v != nil {
				g.settled(v, out[i])
			}
		}
	}
	g.steps = kept
	return nil
}

// settled makes v, which a step made, a constant.
func (g *graph) settled(v *value, t tensor.Tensor) {
	v.konst, v.from = t, nil
	if g.keep {
		g.folded = append(g.folded, v)
	}
}

// skipIdentities lets readers of a step that only passes its operand on read
// the operand.
func (g *graph) skipIdentities() {
	for _, s := range g.steps {
		switch o := s.op.(type) {
		case op.Identity:
			g.replace(s.out[0], s.in[0])
		case op.Dropout:
			if len(s.in) == 1 && o.IsView() && s.out[0] != nil {
				g.replace(s.out[0], s.in[0])
			}
		}
	}
	g.prune()
}

func foldable(s *step) bool {
	for _, v := range s.in {
		if v != nil && !v.isConst() {
			return false
		}
	}
	return true
}

// evaluate runs an operator on operands that are there, and makes those of
// its outputs that are wanted.
func evaluate(o op.Operator, in []tensor.Tensor, wanted []*value) ([]tensor.Tensor, error) {
	args := make([]op.Arg, len(in))
	for i, t := range in {
		args[i] = op.ArgOf(t)
	}
	infos, err := o.Infer(args)
	if err != nil {
		return nil, err
	}
	out := make([]tensor.Tensor, len(wanted))
	known := true
	for i, v := range wanted {
		if v == nil {
			continue
		}
		if i >= len(infos) {
			return nil, fmt.Errorf("has no output %d", i)
		}
		if out[i] = infos[i].Value; out[i].Present() {
			continue
		}
		known = false
		if view, ok := o.(op.View); ok && view.IsView() && i == 0 {
			if out[i], err = in[0].Reshape(infos[i].Shape); err != nil {
				return nil, err
			}
			return out, nil
		}
		if out[i], err = tensor.Make(infos[i].Type, infos[i].Shape); err != nil {
			return nil, err
		}
	}
	if known {
		return out, nil
	}
	return out, o.Eval(op.Env{}, in, out)
}
