package pie

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/permutation"
)

// poolDraws is the number of random pools that give the mean of a share under
// no effect. It is a mean and no p-value: 499 draws leave 5 % of one draw's
// standard deviation.
const poolDraws = 499

// maxTabled is the largest number of differing lineages for which an example's
// answer is tabled by which of them are swapped.
const maxTabled = 10

// reference is how many PIEs there are when nothing but chance tells the
// populations apart: whole members permuted between the pools, or whole
// lineages swapped.
type reference struct {
	draws int
	exact bool    // all rearrangements listed, the observed one included
	mean  float64 // PIEs, mean over draws
	p     float64 // share of draws with at least as many PIEs as observed, where paired
	class []float64
	group [][]float64 // [attribute][value] PIEs, mean over draws
}

// arrangement is the observed populations rearranged in a number of ways.
type arrangement struct {
	draws int
	exact bool
	set   []bitset // pools: members in the first pool; swaps: lineages swapped
}

// poolSets draws assignments of all members to two pools of the observed
// sizes.
func (c *comparison) poolSets(draws int) arrangement {
	r := permutation.Pools(c.k0, c.kt, draws, c.view.Options.Seed)
	a := arrangement{draws: r.Len(), exact: r.Exact()}
	for inFirst := range r.Assignments() {
		s := newBitset(len(inFirst))
		for k, in := range inFirst {
			if in {
				s.add(k)
			}
		}
		a.set = append(a.set, s)
	}
	return a
}

// swapSets lists or draws the lineages to swap.
func (c *comparison) swapSets() arrangement {
	r := permutation.Swaps(len(c.units.list), c.view.Options.Replicates, c.view.Options.Seed)
	a := arrangement{draws: r.Len(), exact: r.Exact()}
	for signs := range r.Signs() {
		s := newBitset(len(signs))
		for l, sign := range signs {
			if sign < 0 {
				s.add(l)
			}
		}
		a.set = append(a.set, s)
	}
	return a
}

// p is the p-value of atLeast draws that reach the observed value.
func (a *arrangement) p(atLeast int) float64 {
	if a.exact {
		return float64(atLeast) / float64(a.draws)
	}
	return float64(1+atLeast) / float64(1+a.draws)
}

// refer makes the pass over all rearrangements.
func (c *comparison) refer(ctx context.Context, t *tally) (*reference, error) {
	var a arrangement
	if c.units != nil {
		a = c.swapSets()
	} else {
		a = c.poolSets(min(poolDraws, c.view.Options.Replicates))
	}
	workers := make([]*rearranger, c.view.Threads())
	err := c.ballots(ctx, func(w int, b *audit.Block, i int, v *ballot) {
		if workers[w] == nil {
			workers[w] = newRearranger(c, &a)
		}
		workers[w].example(v, b.Labels[i], b.From+i)
	})
	if err != nil {
		return nil, err
	}
	total := newRearranger(c, &a)
	for _, p := range workers {
		if p != nil {
			total.add(p)
		}
	}
	return total.result(t), nil
}

func (r *rearranger) result(t *tally) *reference {
	out := &reference{draws: r.a.draws, exact: r.a.exact}
	n := float64(r.a.draws)
	atLeast := 0
	observed := t.unitPIEs
	for _, pies := range r.pies {
		out.mean += float64(pies)
		if pies >= observed {
			atLeast++
		}
	}
	out.mean /= n
	if r.c.units != nil {
		out.p = r.a.p(atLeast)
	}
	means := func(x []int64) []float64 {
		m := make([]float64, len(x))
		for i, v := range x {
			m[i] = float64(v) / n
		}
		return m
	}
	out.class = means(r.class)
	for _, g := range r.group {
		out.group = append(out.group, means(g))
	}
	return out
}

// Swapped is the PIE share of a variant that shares lineages with the baseline,
// beside its values when whole prediction vectors are swapped at random within
// lineages. One vote is one lineage.
type Swapped struct {
	Examples, Lineages int
	PIE                float64 // share of examples whose modal labels differ
	Reference          float64 // mean share over swaps: a floor that is too high rather than too low
	P                  float64 // share of swaps with as many PIEs or more
	Draws              int
	Exact              bool // all swaps listed
}

// MeasureSwap measures variant t (1 or higher) against random swaps. Without
// shared lineages it returns ErrNotPaired.
func MeasureSwap(ctx context.Context, v *audit.View, t int) (Swapped, error) {
	c := newComparison(v, t)
	if c.units == nil {
		return Swapped{}, ErrNotPaired
	}
	counts, err := c.count(ctx)
	if err != nil {
		return Swapped{}, err
	}
	r, err := c.refer(ctx, counts)
	if err != nil {
		return Swapped{}, err
	}
	return c.swappedShare(counts, r), nil
}

func (c *comparison) swappedShare(t *tally, r *reference) Swapped {
	n := c.size()
	return Swapped{
		Examples: n, Lineages: len(c.units.list),
		PIE: float64(t.unitPIEs) / float64(n), Reference: r.mean / float64(n),
		P: r.p, Draws: r.draws, Exact: r.exact,
	}
}
