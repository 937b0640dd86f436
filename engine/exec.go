package engine

import (
	"context"
	"errors"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// session runs a program.
type session struct {
	p      *Program
	arena  []byte // of the whole crew
	frames map[*plan]*frame
	m      machine
	closed bool
}

// NewSession makes a session, which has memory of its own.
func (p *Program) NewSession() Session {
	s := &session{p: p, frames: map[*plan]*frame{}}
	for range p.opts.Threads {
		s.m.scratch = append(s.m.scratch, new(kernel.Scratch))
	}
	return s
}

// Inputs lists what Run wants.
func (s *session) Inputs() []Value { return s.p.Inputs() }

// Outputs lists what Run gives.
func (s *session) Outputs() []Value { return s.p.Outputs() }

// Close frees the session's memory.
func (s *session) Close() error {
	*s = session{p: s.p, closed: true}
	return nil
}

// Run computes the outputs.
func (s *session) Run(ctx context.Context, inputs map[string]Tensor) (map[string]Tensor, error) {
	if s.closed {
		return nil, errors.New("engine: session is closed")
	}
	in, err := s.p.collect(inputs)
	if err != nil {
		return nil, err
	}
	s.m.crew = newCrew(s.p.opts.Threads)
	defer s.m.crew.dismiss()
	p, out, err := s.whole(ctx, in)
	if err != nil {
		return nil, err
	}
	named := make(map[string]Tensor, len(out))
	for i, t := range out {
		named[p.names[i]] = t
	}
	return named, nil
}

// whole runs all images together.
func (s *session) whole(ctx context.Context, in []tensor.Tensor) (*plan, []tensor.Tensor, error) {
	args := make([]op.Arg, len(in))
	for i, t := range in {
		args[i] = op.Arg{Type: t.Type(), Shape: t.Shape()}
	}
	p, err := s.p.planFor(args)
	if err != nil {
		return nil, nil, err
	}
	f, err := s.frame(p)
	if err != nil {
		return nil, nil, err
	}
	out := make([]tensor.Tensor, len(p.outputs))
	for i, k := range p.outputs {
		if sl := &p.slots[k]; p.slots[p.root(k)].place != placeHeap && sl.place != placeHeap {
			if out[i], err = tensor.Make(sl.typ, sl.shape); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := f.bind(in, out); err != nil {
		return nil, nil, err
	}
	if err := f.run(ctx, &s.m); err != nil {
		return nil, nil, err
	}
	f.deliver(out)
	return p, out, nil
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

// frame is the session's memory for a plan.
func (s *session) frame(p *plan) (*frame, error) {
	if f, ok := s.frames[p]; ok {
		return f, nil
	}
	if len(s.frames) >= maxPlans {
		clear(s.frames)
	}
	f, err := newFrame(p, alignedBytes(p.arena))
	if err != nil {
		return nil, err
	}
	s.frames[p] = f
	return f, nil
}
