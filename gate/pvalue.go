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

// scored is a loss over shared lineages. Nearly all answers of a lineage stay, so
// that the variance over examples comes from the few that changed, and grows with the
// loss: an audit that met few of the hard examples has a small loss and a small
// standard error at once, and a plain t would pass too often. So the variance over
// examples is taken at the margin that is tested, as a score test does: with the
// share of changed answers that is most likely if the loss is the margin (Tango 1998).
//
// Tango, T. (1998). Equivalence test and confidence interval for the difference in
// proportions for the paired-sample design. Statistics in Medicine 17, 891–908.
type scored struct {
	spread
	examples float64 // variance of the loss over examples, as estimated
	cell     float64 // variance of one lineage's change on one example
}

// at is the t-test with the variance that a loss of margin would have.
func (s scored) at(margin float64) spread {
	scale := scoreVariance(s.value, s.cell, margin) / s.cell
	v := s.se*s.se + s.examples*(scale-1)
	return spread{s.value, math.Sqrt(math.Max(v, s.se*s.se/16)), s.dof}
}

// scoreVariance is the variance of one change (−1, 0 or 1) when its mean is the
// margin, at the maximum likelihood given a mean loss and a variance that were seen.
func scoreVariance(loss, cell, margin float64) float64 {
	if margin < 0 {
		loss, margin = -loss, -margin
	}
	changed := cell + loss*loss
	lost, won := (changed+loss)/2, math.Max(0, (changed-loss)/2)
	b := -lost - won + (2-lost+won)*margin
	c := -won * margin * (1 - margin)
	q := (math.Sqrt(b*b-8*c) - b) / 4 // share won under the margin
	return 2*q + margin*(1-margin)
}

func (s scored) within(margin float64) float64 { return s.at(margin).within(margin) }

func (s scored) beyond(margin float64) float64 { return s.at(margin).beyond(margin) }

func (s scored) limits(alpha float64) (low, high float64) {
	t := tail.StudentTQuantile(alpha, s.dof)
	edge := func(sign float64) float64 {
		f := func(d float64) float64 { return d - t*s.at(s.value+sign*d).se }
		most := 1 - sign*s.value
		if f(most) <= 0 {
			return sign
		}
		return s.value + sign*tail.Root(f, 0, most)
	}
	return edge(-1), edge(1)
}

func (s scored) method() string { return "t with the variance at the margin, one-sided" }

// asSpread is the estimate and standard error of either kind of t-test.
func asSpread(e evidence) (spread, bool) {
	switch x := e.(type) {
	case spread:
		return x, true
	case scored:
		return x.spread, true
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
