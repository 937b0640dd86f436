package train

import (
	"fmt"
	"time"

	"github.com/lethe-audit/lethe/engine/grad"
)

// The roles of tensors in a checkpoint.
const (
	roleValue   = "value"  // dense weights
	roleMask    = "mask"   // 0 and 1
	roleFirst   = "first"  // momentum, or the mean of gradients
	roleNext    = "next"   // adamw: the mean of squared gradients
	roleBuffer  = "buffer" // running statistics
	roleAverage = "average"
)

// checkpoint writes everything that is needed to go on.
func (t *trainer) checkpoint() error {
	began := time.Now()
	s := &state{Version: StateVersion, Made: t.made, Step: t.step, Updates: t.opt.step, Curve: t.curve, Running: t.running, Best: t.best}
	for i, p := range t.net.Params() {
		s.add(roleValue, p.Name, p.Value)
		if p.Mask != nil {
			s.add(roleMask, p.Name, p.Mask)
		}
		s.add(roleFirst, p.Name, t.opt.first[i])
		if t.opt.next != nil {
			s.add(roleNext, p.Name, t.opt.next[i])
		}
	}
	for _, b := range t.net.Buffers() {
		s.add(roleBuffer, b.Name, b.Value)
	}
	if t.average != nil {
		for i, v := range t.average.values {
			s.add(roleAverage, t.average.names[i], v)
		}
	}
	if err := saveCheckpoint(t.job.Work, s, t.net.Model()); err != nil {
		return fmt.Errorf("train: checkpoint: %w", err)
	}
	t.clock.savedIn(time.Since(began))
	return nil
}

// restore takes up a checkpoint of the same job.
func (t *trainer) restore(s *state) error {
	if s.Step < 0 || s.Step > t.steps {
		return fmt.Errorf("%w: step %d of %d", ErrState, s.Step, t.steps)
	}
	for i, p := range t.net.Params() {
		if err := t.restoreParam(s, i, p); err != nil {
			return err
		}
	}
	for _, b := range t.net.Buffers() {
		if err := s.find(roleBuffer, b.Name, b.Value); err != nil {
			return err
		}
	}
	if t.average != nil {
		for i, v := range t.average.values {
			if err := s.find(roleAverage, t.average.names[i], v); err != nil {
				return err
			}
		}
	}
	t.step, t.opt.step, t.curve, t.running, t.best = s.Step, s.Updates, s.Curve, s.Running, s.Best
	t.net.Seek(uint64(s.Step))
	t.net.Changed()
	return nil
}

func (t *trainer) restoreParam(s *state, i int, p *grad.Param) error {
	if err := s.find(roleValue, p.Name, p.Value); err != nil {
		return err
	}
	if s.has(roleMask, p.Name) {
		p.Mask = make([]float32, len(p.Value))
		if err := s.find(roleMask, p.Name, p.Mask); err != nil {
			return err
		}
	}
	if err := s.find(roleFirst, p.Name, t.opt.first[i]); err != nil || t.opt.next == nil {
		return err
	}
	return s.find(roleNext, p.Name, t.opt.next[i])
}
