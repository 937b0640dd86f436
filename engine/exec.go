package engine

import (
	"context"
	"errors"
	"runtime"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// session runs a program.
type session struct {
	p       *Program
	frames  map[frameKey]*frame
	scratch []*kernel.Scratch // one for each worker
	crew    *crew
	cleanup runtime.Cleanup
	closed  bool
}

// frameKey names a frame: every worker has its own for each plan.
type frameKey struct {
	plan   *plan
	worker int
}

// NewSession makes a session, which has memory of its own.
func (p *Program) NewSession() Session {
	s := &session{p: p, frames: map[frameKey]*frame{}, crew: newCrew(p.opts.Threads)}
	// A session that is forgotten rather than closed lets its helpers go too.
	s.cleanup = runtime.AddCleanup(s, (*crew).dismiss, s.crew)
	for range p.opts.Threads {
		s.scratch = append(s.scratch, new(kernel.Scratch))
	}
	return s
}

// Inputs lists what Run wants.
func (s *session) Inputs() []Value { return s.p.Inputs() }

// Outputs lists what Run gives.
func (s *session) Outputs() []Value { return s.p.Outputs() }

// FreeBatch reports whether Run takes any multiple of the number of images that
// the model declares; see [Options].
func (s *session) FreeBatch() bool {
	_, fixed := s.p.fixedBatch()
	return s.p.opts.FreeBatch && fixed && !s.p.opts.KeepIntermediates
}

// Independent is [Program.Independent].
func (s *session) Independent(shapes map[string][]int) (bool, error) { return s.p.Independent(shapes) }

// Close frees the session's memory and ends its helpers.
func (s *session) Close() error {
	if !s.closed {
		s.cleanup.Stop()
		s.crew.dismiss()
	}
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
	args := make([]op.Arg, len(in))
	for i, t := range in {
		args[i] = op.Arg{Type: t.Type(), Shape: t.Shape()}
	}
	d, err := s.p.divide(args)
	if err != nil {
		return nil, err
	}
	out, err := s.divided(ctx, s.crew, d, in)
	for err == nil && d.then != nil {
		d = d.then
		out, err = s.divided(ctx, s.crew, d, out)
	}
	runtime.KeepAlive(s) // until here nobody may let the helpers go
	if err != nil {
		return nil, err
	}
	named := make(map[string]Tensor, len(out))
	for i, t := range out {
		named[d.names[i]] = t
	}
	return named, nil
}

// divided runs the groups of a division, then what is left over.
func (s *session) divided(ctx context.Context, c *crew, d *division, in []tensor.Tensor) ([]tensor.Tensor, error) {
	out := make([]tensor.Tensor, len(d.results))
	for i, r := range d.results {
		if r.Type == tensor.Undefined {
			continue // its shape is known after the run only
		}
		var err error
		if out[i], err = tensor.Make(r.Type, r.Shape); err != nil {
			return nil, err
		}
	}
	if err := s.groups(ctx, c, d, in, out); err != nil || d.rest == nil {
		return out, err
	}
	f, err := s.frame(d.rest, 0)
	if err != nil {
		return nil, err
	}
	m := &machine{crew: c, scratch: s.scratch}
	if done := d.groups * d.size; done > 0 {
		return out, f.execute(ctx, m, rowsOf(in, done, done+d.left), rowsOf(out, done, done+d.left))
	}
	return out, f.execute(ctx, m, in, out)
}

// groups runs the groups of a division, one on each worker at a time.
func (s *session) groups(ctx context.Context, c *crew, d *division, in, out []tensor.Tensor) error {
	if d.groups == 0 {
		return nil
	}
	frames := make([]*frame, c.workers)
	for w := range frames {
		var err error
		if frames[w], err = s.frame(d.group, w); err != nil {
			return err
		}
	}
	failed := make([]error, d.groups)
	c.each(d.groups, func(g, w int) {
		m := &machine{crew: &crew{workers: 1}, scratch: s.scratch[w : w+1]}
		lo, hi := g*d.size, (g+1)*d.size
		failed[g] = frames[w].execute(ctx, m, rowsOf(in, lo, hi), rowsOf(out, lo, hi))
	})
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// rowsOf is views of rows lo to hi-1 of each tensor.
func rowsOf(ts []tensor.Tensor, lo, hi int) []tensor.Tensor {
	out := make([]tensor.Tensor, len(ts))
	for i, t := range ts {
		out[i] = t.Slice(lo, hi)
	}
	return out
}

// frame is a worker's memory for a plan.
func (s *session) frame(p *plan, worker int) (*frame, error) {
	key := frameKey{p, worker}
	if f, ok := s.frames[key]; ok {
		return f, nil
	}
	if len(s.frames) >= maxPlans*len(s.scratch) {
		clear(s.frames)
	}
	f, err := newFrame(p, alignedBytes(p.arena))
	if err != nil {
		return nil, err
	}
	s.frames[key] = f
	return f, nil
}
