package pie

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// unitCounts are the independent units of the baseline and of the variant:
// members, or lineages where paired.
func (c *comparison) unitCounts() (k0, kt int) {
	if c.units != nil {
		return len(c.units.list), len(c.units.list)
	}
	return c.k0, c.kt
}

// leastP is the smallest p that populations of these sizes could reach by
// rearranging members or lineages.
func (c *comparison) leastP(k0, kt int) float64 {
	if c.units != nil {
		return math.Exp2(1 - float64(k0))
	}
	p := math.Exp(-tail.LogChoose(k0+kt, k0))
	if k0 == kt {
		p *= 2
	}
	return min(1, p)
}

// leastSignP is the smallest p of two sign tests that must both be passed.
func leastSignP(k0, kt int) float64 { return math.Exp2(1 - float64(min(k0, kt))) }

// leastSwapP is the smallest p of a statistic that treats both sides alike.
func leastSwapP(draws int, exact bool) float64 {
	if exact {
		return min(1, 2/float64(draws))
	}
	return 1 / float64(draws+1)
}

// needed says how many units could reach the level.
func (r *result) needed(least func(k0, kt int) float64) string {
	for k := 1; k < 1000; k++ {
		if least(k, k) <= r.view.Options.Alpha {
			return r.atLeast(k)
		}
	}
	return "more members"
}

func (c *comparison) atLeast(k int) string {
	if c.units != nil {
		return fmt.Sprintf("at least %d lineages with members on both sides", k)
	}
	return fmt.Sprintf("at least %d members in each population", k)
}

// unit names what is independent of what.
func (c *comparison) unit() string {
	if c.units != nil {
		return "lineages"
	}
	return "members"
}

// taxicab is the mean taxicab distance and its mean when members (or the sides
// of lineages) are exchanged at random. known is false where the mean has no
// closed form: lineages with several members on a side.
func (c *comparison) taxicab(t *tally) (value, reference float64, known bool) {
	n := float64(c.size())
	if c.units != nil {
		scale := n * float64(len(c.units.list))
		value = float64(t.taxicab) / (scale * float64(c.units.weight))
		for d, labels := range t.spread {
			if labels > 0 {
				reference += float64(labels) * meanSignSum(d)
			}
		}
		return value, reference / scale, c.units.single
	}
	value = float64(t.taxicab) / (n * float64(c.k0) * float64(c.kt))
	for votes, labels := range t.spread {
		if labels > 0 {
			reference += float64(labels) * c.meanSplit(votes)
		}
	}
	return value, reference / n, true
}

// meanSignSum is E|Σ ±1| of d fair signs.
func meanSignSum(d int) float64 {
	e := 0.0
	for k := range d + 1 {
		e += float64(abs(2*k-d)) * tail.BinomialProb(k, d, 0.5)
	}
	return e
}

// meanSplit is E|X/K0 − (n−X)/Kt| where X of a label's n votes fall to the
// baseline at random.
func (c *comparison) meanSplit(n int) float64 {
	e := 0.0
	for x := range min(n, c.k0) + 1 {
		p := tail.HypergeometricProb(x, n, c.k0+c.kt-n, c.k0)
		e += p * math.Abs(float64(x)/float64(c.k0)-float64(n-x)/float64(c.kt))
	}
	return e
}
