package engine

import (
	"errors"
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// smallValue is the most elements of a value that is computed while shapes are
// inferred: those that shapes are made of have a few.
const smallValue = 1 << 12

// facts is what is known of the values of a graph for one shape of its inputs.
// A value that is not in it has a shape that depends on what is fed in.
type facts map[*value]op.Arg

// infer computes the facts for inputs of the given types and shapes.
func (g *graph) infer(inputs []op.Arg) (facts, error) {
	f := facts{}
	for i, v := range g.inputs {
		f[v] = inputs[i]
	}
	for _, s := range g.steps {
		args, ok := f.args(s)
		if !ok {
			continue
		}
		infos, err := s.op.Infer(args)
		if errors.Is(err, op.ErrNeedsValue) {
			continue
		}
		if err != nil {
			return nil, g.errorAt(s, err)
		}
		if err := f.record(s, args, infos); err != nil {
			return nil, g.errorAt(s, err)
		}
	}
	return f, nil
}

// of is the fact about a value, which may be constant or left out.
func (f facts) of(v *value) (op.Arg, bool) {
	switch {
	case v == nil:
		return op.Arg{}, true
	case v.isConst():
		return op.ArgOf(v.konst), true
	}
	a, ok := f[v]
	return a, ok
}

// args is the facts about a step's operands; ok is false if one is missing.
func (f facts) args(s *step) (args []op.Arg, ok bool) {
	args = make([]op.Arg, len(s.in))
	for i, v := range s.in {
		if args[i], ok = f.of(v); !ok {
			return nil, false
		}
	}
	return args, true
}

// record notes what a step gives, and computes it if it is small and all its
// operands are known.
func (f facts) record(s *step, args, infos []op.Arg) error {
	if len(infos) < len(s.out) {
		for _, v := range s.out[len(infos):] {
			if v != nil {
				return errors.New("has more outputs than the operator gives")
			}
		}
	}
	small := true
	in := make([]tensor.Tensor, len(args))
	for i, a := range args {
		in[i] = a.Value
		small = small && (a.Known() || !a.Present()) && a.Value.Len() <= smallValue
	}
	for i, v := range s.out {
		if v != nil {
			f[v] = infos[i]
			n, err := tensor.Elements(infos[i].Shape)
			if err != nil {
				return err
			}
			small = small && n <= smallValue
		}
	}
	if !small {
		return nil
	}
	out, err := evaluate(s.op, in, s.out)
	if err != nil {
		return err
	}
	for i, v := range s.out {
		if v != nil {
			f[v] = op.ArgOf(out[i])
		}
	}
	return nil
}

// settle makes values that the facts know constant, and drops their steps.
func (g *graph) settle(f facts) {
	g.steps = slices.DeleteFunc(g.steps, func(s *step) bool {
		for _, v := range s.out {
			if v != nil && !f[v].Known() {
				return false
			}
		}
		for _, v := range s.out {
			if v != nil {
				g.settled(v, f[v].Value)
			}
		}
		return true
	})
}
