package pie

import (
	"context"
	"math/bits"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/modal"
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
	r := permutation.Swaps(len(c.units.list), c.view.Options.Seed)
	a := arrangement{draws: r.Len(), exact: r.Exact()}
	if !a.exact {
		a.draws = min(a.draws, c.view.Options.Replicates)
	}
	for signs := range r.Signs() {
		if len(a.set) == a.draws {
			break
		}
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

// rearranger counts PIEs under every rearrangement.
type rearranger struct {
	c     *comparison
	a     *arrangement
	pies  []int64 // by draw
	class []int64 // summed over draws
	group [][]int64

	unit  unitBallot
	sum   []int64 // votes of both sides
	now   []int64
	table []bool
}

func newRearranger(c *comparison, a *arrangement) *rearranger {
	r := &rearranger{c: c, a: a, pies: make([]int64, a.draws), class: make([]int64, len(c.view.Table.Classes))}
	for i := range c.view.Table.Attributes {
		r.group = append(r.group, make([]int64, len(c.view.Table.Attributes[i].Values)))
	}
	return r
}

// add adds what another worker counted.
func (r *rearranger) add(p *rearranger) {
	for i, n := range p.pies {
		r.pies[i] += n
	}
	for i, n := range p.class {
		r.class[i] += n
	}
	for a := range p.group {
		for i, n := range p.group[a] {
			r.group[a][i] += n
		}
	}
}

func (r *rearranger) example(v *ballot, label int32, row int) {
	var hits int64
	if r.c.units != nil {
		hits = r.swaps(v)
	} else {
		hits = r.pools(v)
	}
	if hits == 0 {
		return
	}
	r.class[label] += hits
	for a := range r.group {
		if code := r.c.view.Table.Attributes[a].Codes[row]; code >= 0 {
			r.group[a][code] += hits
		}
	}
}

// pools counts the draws of pools in which the example is a PIE.
func (r *rearranger) pools(v *ballot) (hits int64) {
	if !r.canDiffer(v) {
		return 0
	}
	v.masks()
	r.sum = resize(r.sum, len(v.label))
	for j, n := range v.base {
		r.sum[j] = int64(n + v.variant[j])
	}
	highest := r.c.ties == modal.Highest
	for d, set := range r.a.set {
		best0, bestT := int64(-1), int64(-1)
		slot0, slotT := 0, 0
		for j, total := range r.sum {
			n := 0
			for w, m := range v.mask[j*v.words : (j+1)*v.words] {
				n += bits.OnesCount64(m & set[w])
			}
			a, b := int64(n), total-int64(n)
			if a > best0 || highest && a == best0 {
				best0, slot0 = a, j
			}
			if b > bestT || highest && b == bestT {
				bestT, slotT = b, j
			}
		}
		if slot0 != slotT {
			r.pies[d]++
			hits++
		}
	}
	return hits
}

// canDiffer reports whether the modal labels of two pools could differ: not if
// the label with most votes leads in both pools however members are assigned.
func (r *rearranger) canDiffer(v *ballot) bool {
	first, second := 0, 0
	for j, n := range v.base {
		n += v.variant[j]
		if n > first {
			first, second = n, first
		} else if n > second {
			second = n
		}
	}
	return first-r.c.kt <= min(second, r.c.k0) || first-r.c.k0 <= min(second, r.c.kt)
}

// swaps counts the draws of swaps in which the example is a PIE.
func (r *rearranger) swaps(v *ballot) (hits int64) {
	x := &r.unit
	x.read(v, r.c.units)
	if len(x.moves) == 0 || !r.canSwap(x) {
		return 0
	}
	r.sum, r.now = resize(r.sum, len(x.base)), resize(r.now, len(x.base))
	for j, n := range x.base {
		r.sum[j] = n + x.variant[j]
	}
	tabled := len(x.moves) <= maxTabled
	if tabled {
		r.tabulate(x)
	}
	for d, set := range r.a.set {
		var pie bool
		if tabled {
			which := 0
			for i := range x.moves {
				l := x.moves[i].lineage
				which |= int(set[l/64]>>(l%64)&1) << i
			}
			pie = r.table[which]
		} else {
			pie = r.swapped(x, func(i int) bool { return set.has(x.moves[i].lineage) })
		}
		if pie {
			r.pies[d]++
			hits++
		}
	}
	return hits
}

// tabulate answers for every subset of the example's moves.
func (r *rearranger) tabulate(x *unitBallot) {
	n := 1 << len(x.moves)
	r.table = resize(r.table, n)
	for which := range n {
		r.table[which] = r.swapped(x, func(i int) bool { return which>>i&1 == 1 })
	}
}

// swapped reports whether the example is a PIE after the chosen moves.
func (r *rearranger) swapped(x *unitBallot, chosen func(move int) bool) bool {
	copy(r.now, x.base)
	for i := range x.moves {
		if chosen(i) {
			for _, e := range x.entries[x.moves[i].from:x.moves[i].to] {
				r.now[e.slot] -= e.by
			}
		}
	}
	slot0 := mode(r.now, r.c.ties)
	for j, n := range r.now {
		r.now[j] = r.sum[j] - n
	}
	return slot0 != mode(r.now, r.c.ties)
}

// canSwap reports whether the modal labels of the two sides could differ: not
// if one label leads whatever is swapped.
func (r *rearranger) canSwap(x *unitBallot) bool {
	low, high := resize(r.now, len(x.base)), resize(r.sum, len(x.base))
	r.now, r.sum = low, high
	copy(low, x.base)
	copy(high, x.base)
	for _, e := range x.entries {
		if e.by > 0 {
			low[e.slot] -= e.by
		} else {
			high[e.slot] -= e.by
		}
	}
	lead := mode(low, r.c.ties)
	for j, n := range high {
		if j != lead && n >= low[lead] {
			return true
		}
	}
	return false
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
