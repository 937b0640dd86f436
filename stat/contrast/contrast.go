package contrast

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a contrast cannot be tested. All but ErrCounts are answers, to be
// reported as "not measurable".
var (
	ErrNoExamples   = errors.New("contrast: no example in the class or outside it")
	ErrNoDiscordant = errors.New("contrast: no example changed")
	ErrNoSpread     = errors.New("contrast: every example changed in the same way")
	ErrCounts       = errors.New("contrast: negative count")
)

// Counts are the numbers of examples of a group by their change D.
type Counts struct {
	Minus int // D = −1: baseline right, candidate wrong (n₁₀)
	Zero  int // D = 0: both right or both wrong
	Plus  int // D = +1: baseline wrong, candidate right (n₀₁)
}

// N returns the number of examples.
func (c Counts) N() int { return c.Minus + c.Zero + c.Plus }

// Discordant returns the number of examples with D ≠ 0.
func (c Counts) Discordant() int { return c.Minus + c.Plus }

// mean returns D̄.
func (c Counts) mean() float64 { return float64(c.Plus-c.Minus) / float64(c.N()) }

// squaredError returns s²/n with divisor n in s², from an exact integer.
func (c Counts) squaredError() float64 {
	n, d := float64(c.N()), float64(c.Plus-c.Minus)
	return (n*float64(c.Discordant()) - d*d) / (n * n * n)
}

// Options choose the reference distribution.
type Options struct {
	// NormalFrom is the number of discordant examples that the class and the
	// rest must both have for the normal tail.
	NormalFrom int
	// ExactCells is the largest number of cells of the permutation
	// distribution that is summed exactly; 0 always draws.
	ExactCells int
	// Replicates is the number of permutations drawn otherwise, at least 1.
	Replicates int
	// Seed of the draws. The same seed gives the same P.
	Seed uint64
}

// DefaultOptions returns the normal tail from 20 discordant examples on,
// exact sums up to 100,000 cells (about a millisecond) and 9,999 draws.
func DefaultOptions() Options {
	return Options{NormalFrom: 20, ExactCells: 100_000, Replicates: 9_999, Seed: 1}
}

// Method says where a P comes from.
type Method uint8

const (
	Normal Method = iota // upper tail of the normal distribution
	Exact                // all permutations of class membership
	Drawn                // permutations of class membership drawn at random
)

// String returns "normal", "exact permutation" or "drawn permutation".
func (m Method) String() string {
	switch m {
	case Normal:
		return "normal"
	case Exact:
		return "exact permutation"
	case Drawn:
		return "drawn permutation"
	}
	return fmt.Sprintf("Method(%d)", uint8(m))
}

// Result is the outcome of one test.
type Result struct {
	Class, Rest Counts
	Effect      float64 // (1 − w)(D̄_c − D̄_rest), recall
	T           float64 // ±Inf if Degenerate
	Degenerate  bool    // no spread within the class nor the rest, but a difference
	P           float64 // two-sided, in (0, 1]
	Method      Method
	Replicates  int // permutations drawn; 0 unless Method is Drawn
}

// Test compares the changes in a class with those in the rest of the data.
func Test(class, rest Counts, o Options) (Result, error) {
	if err := check(class, rest); err != nil {
		return Result{}, err
	}
	if o.Replicates < 1 {
		return Result{}, fmt.Errorf("contrast: %d replicates, need at least 1", o.Replicates)
	}
	w := float64(rest.N()) / float64(class.N()+rest.N())
	r := Result{Class: class, Rest: rest, Effect: w * (class.mean() - rest.mean()), T: studentized(class, rest)}
	r.Degenerate = math.IsInf(r.T, 0)
	u := urn{
		all:  Counts{Minus: class.Minus + rest.Minus, Zero: class.Zero + rest.Zero, Plus: class.Plus + rest.Plus},
		size: class.N(),
	}
	switch {
	case class.Discordant() >= o.NormalFrom && rest.Discordant() >= o.NormalFrom && !r.Degenerate:
		r.Method, r.P = Normal, tail.TwoSidedNormal(r.T)
	case u.cells() <= o.ExactCells:
		r.Method, r.P = Exact, u.exact(r.T)
	default:
		r.Method, r.P, r.Replicates = Drawn, u.drawn(r.T, o.Replicates, o.Seed), o.Replicates
	}
	// Below the smallest positive float64 the true value is still not 0.
	r.P = min(1, max(r.P, math.SmallestNonzeroFloat64))
	return r, nil
}

func check(class, rest Counts) error {
	for _, g := range []Counts{class, rest} {
		if g.Minus < 0 || g.Zero < 0 || g.Plus < 0 {
			return fmt.Errorf("%w: %+v", ErrCounts, g)
		}
		if g.N() == 0 {
			return ErrNoExamples
		}
	}
	n := class.N() + rest.N()
	switch {
	case class.Discordant()+rest.Discordant() == 0:
		return ErrNoDiscordant
	case class.Minus+rest.Minus == n || class.Plus+rest.Plus == n:
		return ErrNoSpread
	}
	return nil
}

// studentized returns T, 0 for equal means, ±Inf for different means without
// spread.
func studentized(class, rest Counts) float64 {
	// D̄_c − D̄_rest over one denominator: equal means give exactly 0.
	nc, nr := float64(class.N()), float64(rest.N())
	d := (float64(class.Plus-class.Minus)*nr - float64(rest.Plus-rest.Minus)*nc) / (nc * nr)
	if d == 0 {
		return 0
	}
	return d / math.Sqrt(class.squaredError()+rest.squaredError())
}
