package gate

import (
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/tail"
)

// evidence is what is known of one loss. Positive is worse.
type evidence interface {
	// loss is the estimate.
	loss() float64
	// within is the P of "the loss is at the margin or above": small shows that
	// it is below.
	within(margin float64) float64
	// beyond is the P of "the loss is at the margin or below": small shows that
	// it is above.
	beyond(margin float64) float64
	// limits are one-sided limits of the loss, each missed with probability alpha.
	limits(alpha float64) (low, high float64)
	// method names the test.
	method() string
}

// sides are the P of both sides of a margin.
func sides(e evidence, margin float64) (within, beyond float64) {
	if p, ok := e.(pair); ok {
		return p.sides(margin) // at the price of one
	}
	return e.within(margin), e.beyond(margin)
}

// spread is an estimate with a standard error: a t-test.
type spread struct{ value, se, dof float64 }

func (s spread) loss() float64 { return s.value }

func (s spread) within(margin float64) float64 {
	return orOne(equivalence.NonInferior(s.value, s.se, s.dof, margin))
}

func (s spread) beyond(margin float64) float64 {
	return orOne(equivalence.Inferior(s.value, s.se, s.dof, margin))
}

func (s spread) limits(alpha float64) (low, high float64) {
	half := tail.StudentTQuantile(alpha, s.dof) * s.se
	return s.value - half, s.value + half
}

func (s spread) method() string {
	if math.IsInf(s.dof, 1) {
		return "normal, one-sided"
	}
	return "t, one-sided"
}

// orOne is the P of a test, or 1 (nothing is shown) where it cannot be made.
func orOne(p float64, err error) float64 {
	if err != nil {
		return 1
	}
	return p
}

// skewed is a spread whose chance is lopsided: the t-test is corrected for it.
type skewed struct{ equivalence.Skewed }

func (s skewed) loss() float64 { return s.Value }

func (s skewed) within(margin float64) float64 { return orOne(s.NonInferior(margin)) }

func (s skewed) beyond(margin float64) float64 { return orOne(s.Inferior(margin)) }

func (s skewed) limits(alpha float64) (low, high float64) {
	low, high, err := s.Limits(alpha)
	if err != nil {
		return -1, 1 // nothing is known
	}
	return low, high
}

func (s skewed) method() string { return "t corrected for skewness, one-sided" }

// asSpread is the estimate and standard error of either kind of t-test.
func asSpread(e evidence) (spread, bool) {
	switch x := e.(type) {
	case spread:
		return x, true
	case skewed:
		return spread{x.Value, x.StdErr, x.DoF}, true
	}
	return spread{}, false
}

// pair is one pair of models on the same examples; the loss is
// keep·base − variant. Newcombe's bounds are turned into P by asking at which
// level a bound reaches the margin.
type pair struct {
	cells finding.PairedCells
	keep  float64
}

// smallestPair is the least level asked of Newcombe's bounds; below it a P is
// given as half of it.
const smallestPair = 1e-15

func (p pair) loss() float64 {
	n := float64(p.cells.N())
	return p.keep*float64(p.cells.Both+p.cells.OnlyBase)/n - float64(p.cells.Both+p.cells.OnlyVariant)/n
}

func (p pair) limits(alpha float64) (low, high float64) {
	c := p.cells
	i, err := interval.NewcombePairedContrast(int(c.Both), int(c.OnlyBase), int(c.OnlyVariant), int(c.Neither), p.keep, 1-2*alpha)
	if err != nil {
		return -1, 1 // no examples: nothing is known
	}
	return i.Low, i.High
}

func (p pair) within(margin float64) float64 { w, _ := p.sides(margin); return w }

func (p pair) beyond(margin float64) float64 { _, b := p.sides(margin); return b }

// sides are within and beyond: the bound on the side of the margin gives one, and
// the other is what is left.
func (p pair) sides(margin float64) (within, beyond float64) {
	switch loss := p.loss(); {
	case loss == margin:
		return 0.5, 0.5
	case loss > margin:
		beyond = p.level(func(alpha float64) bool { low, _ := p.limits(alpha); return low >= margin })
		return 1 - beyond, beyond
	}
	within = p.level(func(alpha float64) bool { _, high := p.limits(alpha); return high <= margin })
	return within, 1 - within
}

// level is the smallest alpha at which a bound that narrows with it is on the
// right side, at most a half.
func (p pair) level(reached func(alpha float64) bool) float64 {
	lo, hi := math.Log(smallestPair), math.Log(0.5)
	if reached(smallestPair) {
		return smallestPair / 2
	}
	for range 48 {
		mid := (lo + hi) / 2
		if reached(math.Min(math.Exp(mid), 0.5-1e-12)) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return math.Exp(hi)
}

func (p pair) method() string { return "Newcombe's paired bound, one-sided" }

// unchanged is a set of n examples on which no answer of any member changed
// between right and wrong.
type unchanged struct{ n int }

func (u unchanged) loss() float64 { return 0 }

func (u unchanged) within(margin float64) float64 {
	if margin <= 0 {
		return 1
	}
	return math.Exp(float64(u.n) * math.Log1p(-math.Min(margin, 1)))
}

func (u unchanged) beyond(margin float64) float64 { return u.within(-margin) }

func (u unchanged) limits(alpha float64) (low, high float64) {
	m := interval.MissedChange(alpha, u.n)
	return -m, m
}

func (u unchanged) method() string { return "exact bound on what n examples without a change can hide" }

// turned is a set of n examples that all were lost (sign 1) or all gained
// (sign −1), in every member.
type turned struct {
	n    int
	sign float64
}

func (t turned) loss() float64 { return t.sign }

// least is the P of a loss of at most margin when all n were lost: at most
// (1+margin)/2 of the examples can then be lost.
func (t turned) least(margin float64) float64 {
	return math.Pow(math.Max(0, math.Min(1, (1+margin)/2)), float64(t.n))
}

func (t turned) within(margin float64) float64 {
	if t.sign < 0 {
		return t.least(-margin)
	}
	return 1
}

func (t turned) beyond(margin float64) float64 {
	if t.sign > 0 {
		return t.least(margin)
	}
	return 1
}

func (t turned) limits(alpha float64) (low, high float64) {
	edge := 2*math.Pow(alpha, 1/float64(t.n)) - 1
	if t.sign > 0 {
		return edge, 1
	}
	return -1, -edge
}

func (t turned) method() string { return "exact bound from n examples that all changed" }

// share is the right answers of one model against a floor: the loss is
// floor − share.
type share struct {
	right, n int
	floor    float64
}

func (s share) loss() float64 { return s.floor - float64(s.right)/float64(s.n) }

func (s share) within(margin float64) float64 {
	return tail.BinomialUpper(s.right, s.n, clamp(s.floor-margin))
}

func (s share) beyond(margin float64) float64 {
	return tail.BinomialLower(s.right, s.n, clamp(s.floor-margin))
}

func (s share) limits(alpha float64) (low, high float64) {
	i, err := interval.ClopperPearson(s.right, s.n, 1-2*alpha)
	if err != nil {
		return s.floor - 1, s.floor
	}
	return s.floor - i.High, s.floor - i.Low
}

func (s share) method() string { return "exact binomial, one-sided" }

func clamp(p float64) float64 { return math.Min(1, math.Max(0, p)) }

// point is an estimate alone: it is compared, not tested.
type point struct{ value float64 }

func (p point) loss() float64                      { return p.value }
func (p point) limits(float64) (low, high float64) { return p.value, p.value }
func (p point) method() string                     { return "point estimate, not tested" }
func (p point) within(margin float64) float64      { return indicator(p.value > margin) }
func (p point) beyond(margin float64) float64      { return indicator(p.value <= margin) }

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
