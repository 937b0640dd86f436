// Package gmp is the schedule of gradual magnitude pruning: which sparsity is
// asked for at which training step. It is maths only; masks are package prune's.
//
// # Formula
//
//	s(n) = s_f - s_f (1 - (n - begin) / (end - begin))^3    for begin <= n <= end
//
// 0 before begin, s_f from end on. Masks are recomputed at begin, then every
// frequency steps, and at end in any case, so that the sparsity reached is the one
// asked for even where the window is no multiple of the frequency. n counts
// finished training steps: an update at n precedes training step n (from 0).
//
// # References
//
// Zhu and Gupta 2017, "To prune, or not to prune" (arXiv:1710.01878), equation
// 1, with initial sparsity 0; as used by Hooker et al. (arXiv:1911.05248).
package gmp

import (
	"errors"
	"fmt"
	"iter"
)

// ErrSchedule is the reason of errors about a [Schedule] that cannot be kept.
var ErrSchedule = errors.New("pruning schedule")

// Schedule is a window of training steps over which sparsity rises.
type Schedule struct {
	Sparsity  float64 // share of weights that are zero from End on, in [0, 1)
	Begin     int     // step of the first update, from 0
	End       int     // step of the last update
	Frequency int     // steps between updates, at least 1
}

// Check says what is wrong with the schedule for a training of the given number
// of steps: at least one of them must follow the last update.
func (s Schedule) Check(steps int) error {
	switch {
	case !(s.Sparsity >= 0 && s.Sparsity < 1): // NaN too
		return fmt.Errorf("%w: sparsity %g, want a share in [0, 1)", ErrSchedule, s.Sparsity)
	case s.Frequency < 1:
		return fmt.Errorf("%w: an update every %d steps, want at least 1", ErrSchedule, s.Frequency)
	case s.Begin < 0 || s.End < s.Begin:
		return fmt.Errorf("%w: from step %d to step %d, want a beginning from 0 and an end not before it", ErrSchedule, s.Begin, s.End)
	case s.End >= steps:
		return fmt.Errorf("%w: it ends at step %d and training has %d steps: want an end before step %d", ErrSchedule, s.End, steps, steps)
	}
	return nil
}

// At is the sparsity asked for at step n.
func (s Schedule) At(n int) float64 {
	switch {
	case n >= s.End:
		return s.Sparsity
	case n <= s.Begin:
		return 0
	}
	left := 1 - float64(n-s.Begin)/float64(s.End-s.Begin)
	return s.Sparsity - s.Sparsity*left*left*left
}

// Due reports whether masks are recomputed at step n.
func (s Schedule) Due(n int) bool {
	return n == s.End || n >= s.Begin && n < s.End && (n-s.Begin)%s.Frequency == 0
}

// Updates are the steps at which masks are recomputed and the sparsity then, in
// order.
func (s Schedule) Updates() iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		for n := s.Begin; n < s.End; n += s.Frequency {
			if !yield(n, s.At(n)) {
				return
			}
		}
		if s.End >= s.Begin {
			yield(s.End, s.At(s.End))
		}
	}
}
