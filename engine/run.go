package engine

import (
	"context"
	"errors"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// frame is the memory of one run of a plan.
type frame struct {
	plan *plan
	vals []tensor.Tensor // by slot
	// Operands of the step that runs.
	args, res []tensor.Tensor
}

// newFrame makes the memory of a plan over an arena that is large enough.
func newFrame(p *plan, arena []byte) (*frame, error) {
	f := &frame{plan: p, vals: make([]tensor.Tensor, len(p.slots))}
	for i := range p.slots {
		s := &p.slots[i]
		var err error
		switch s.place {
		case placeConst:
			f.vals[i] = s.value.konst
		case placeArena:
			f.vals[i], err = tensor.Over(s.typ, s.shape, arena[s.offset:])
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// bind points inputs and outputs at their tensors.
func (f *frame) bind(in, out []tensor.Tensor) error {
	for i := range f.plan.slots {
		s := &f.plan.slots[i]
		switch s.place {
		case placeInput:
			f.vals[i] = in[s.index]
		case placeOutput:
			v, err := out[s.index].Reshape(s.shape)
			if err != nil {
				return err
			}
			f.vals[i] = v
		}
	}
	return nil
}

// execute runs the plan on inputs. Outputs that are present are written to,
// the others set.
func (f *frame) execute(ctx context.Context, m *machine, in, out []tensor.Tensor) error {
	if err := f.bind(in, out); err != nil {
		return err
	}
	if err := f.run(ctx, m); err != nil {
		return err
	}
	f.deliver(out)
	return nil
}

// deliver copies those outputs that no step has written in place.
func (f *frame) deliver(out []tensor.Tensor) {
	for i, k := range f.plan.outputs {
		root := &f.plan.slots[f.plan.root(k)]
		switch {
		case root.place == placeOutput && root.index == i:
		case out[i].Present():
			tensor.Copy(out[i], f.vals[k])
		default:
			out[i] = f.vals[k].Clone()
		}
	}
}

// machine is what instructions run on: the goroutines of one run, and a
// scratch for each.
type machine struct {
	crew    *crew
	scratch []*kernel.Scratch
}

// run executes the plan.
func (f *frame) run(ctx context.Context, m *machine) error {
	for i := range f.plan.code {
		if err := ctx.Err(); err != nil {
			return err
		}
		in := &f.plan.code[i]
		if err := f.step(in, m); err != nil {
			return f.plan.graph.errorAt(in.step, err)
		}
	}
	return nil
}

func (f *frame) step(in *instr, m *machine) error {
	f.args, f.res = f.pick(f.args, in.in), f.pick(f.res, in.out)
	args, res := f.args, f.res
	switch {
	case in.view:
		v, err := args[0].Reshape(f.plan.slots[in.out[0]].shape)
		if err != nil {
			return err
		}
		f.vals[in.out[0]] = v
		return nil
	case in.dynamic:
		return f.dynamic(in, args)
	case in.work != nil:
		m.crew.each(in.work.tiles(), func(tile, worker int) {
			in.work.run(tile, args, res, m.scratch[worker])
		})
		return nil
	}
	return in.step.op.Eval(op.Env{Parallel: m.crew.parallel()}, args, res)
}

// pick puts the tensors of some slots into out, whose memory is used again.
func (f *frame) pick(out []tensor.Tensor, slots []int) []tensor.Tensor {
	out = out[:0]
	for _, k := range slots {
		if k < 0 {
			out = append(out, tensor.Tensor{})
			continue
		}
		out = append(out, f.vals[k])
	}
	return out
}

// dynamic runs a step whose shapes depend on what was fed in.
func (f *frame) dynamic(in *instr, args []tensor.Tensor) error {
	for i, k := range in.in {
		if k >= 0 && !args[i].Present() {
			return errors.New("operand was not computed")
		}
	}
	out, err := evaluate(in.step.op, args, in.step.out)
	if err != nil {
		return err
	}
	_, view := in.step.op.(op.View)
	for i, k := range in.out {
		switch {
		case k >= 0 && view: // its operand's place may be given to another value
			f.vals[k] = out[i].Clone()
		case k >= 0:
			f.vals[k] = out[i]
		}
	}
	return nil
}
