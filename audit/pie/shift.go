package pie

import (
	"github.com/lethe-audit/lethe/stat/permutation"
)

// voteShift is the mean over examples of the unbiased vote shift
//
//	Q = Σ_c [ n0c(n0c−1)/(K0(K0−1)) + ntc(ntc−1)/(Kt(Kt−1)) − 2 n0c ntc/(K0 Kt) ],
//
// where with shared lineages the cross term runs over pairs of different
// lineages. The mean over examples is a function of how often each pair of
// members agrees, so that it costs no pass over the examples, under no
// rearrangement either.
type voteShift struct {
	q     float64
	p     float64 // share of rearrangements with as large a Q or larger; 0 where none were made
	least float64 // smallest p that could have been reached
	draws int
	exact bool
}

// agreement is the share of examples on which members or lineages agree.
type agreement struct {
	n     int // of members, or of sides: 2l is lineage l's baseline side, 2l+1 its variant side
	share []float64
}

func (a *agreement) at(k, l int) float64 { return a.share[k*a.n+l] }

// members is the share of all examples on which each two members agree.
func (t *tally) members(examples int) *agreement {
	n := t.k0 + t.kt
	a := &agreement{n: n, share: make([]float64, n*n)}
	same := int64(examples) - t.split
	for k := range n {
		for l := k + 1; l < n; l++ {
			s := float64(same+t.agree[k*n+l]) / float64(examples)
			a.share[k*n+l], a.share[l*n+k] = s, s
		}
	}
	return a
}

// sides is the mean agreement of each two sides of different lineages; entries
// within one lineage are not set.
func (a *agreement) sides(u *lineages) *agreement {
	n := 2 * len(u.list)
	s := &agreement{n: n, share: make([]float64, n*n)}
	side := func(i int) []int {
		if i%2 == 0 {
			return u.list[i/2].base
		}
		return u.list[i/2].variant
	}
	for i := range n {
		for j := range n {
			if i/2 == j/2 {
				continue
			}
			sum := 0.0
			for _, k := range side(i) {
				for _, l := range side(j) {
					sum += a.at(k, l)
				}
			}
			s.share[i*n+j] = sum / float64(len(side(i))*len(side(j)))
		}
	}
	return s
}

// measureShift measures the mean vote shift and, if asked to, tests it. ok is false
// with fewer than 2 members in a population.
func (c *comparison) measureShift(t *tally, test bool) (v voteShift, ok bool) {
	a := t.members(c.size())
	if c.units != nil {
		return c.pairedShift(a.sides(c.units), test), true
	}
	if c.k0 < 2 || c.kt < 2 {
		return voteShift{}, false
	}
	inFirst := make([]bool, a.n)
	for k := range c.k0 {
		inFirst[k] = true
	}
	v.q = a.pooled(inFirst, c.k0, c.kt)
	if !test {
		return v, true
	}
	r := permutation.Pools(c.k0, c.kt, c.view.Options.Replicates, c.view.Options.Seed)
	atLeast := 0
	for in := range r.Assignments() {
		if reaches(a.pooled(in, c.k0, c.kt), v.q) {
			atLeast++
		}
	}
	v.p, v.least, v.draws, v.exact = r.P(atLeast), r.MinP(true), r.Len(), r.Exact()
	return v, true
}

// reaches is x ≥ observed up to the rounding of a sum of shares.
func reaches(x, observed float64) bool { return x >= observed-1e-12 }

// pooled is Q with the given members in the first pool.
func (a *agreement) pooled(inFirst []bool, k0, kt int) float64 {
	var first, second, cross float64
	for k := range a.n {
		row := a.share[k*a.n : (k+1)*a.n]
		for l := k + 1; l < a.n; l++ {
			switch {
			case inFirst[k] != inFirst[l]:
				cross += row[l]
			case inFirst[k]:
				first += row[l]
			default:
				second += row[l]
			}
		}
	}
	x, y := float64(k0), float64(kt)
	return 2*first/(x*(x-1)) + 2*second/(y*(y-1)) - 2*cross/(x*y)
}

func (c *comparison) pairedShift(a *agreement, test bool) (v voteShift) {
	n := a.n / 2
	v.q = a.swapped(func(int) bool { return false }, n)
	if !test {
		return v
	}
	sets := c.swapSets()
	atLeast := 0
	for _, s := range sets.set {
		if reaches(a.swapped(s.has, n), v.q) {
			atLeast++
		}
	}
	v.p, v.least, v.draws, v.exact = sets.p(atLeast), leastSwapP(sets.draws, sets.exact), sets.draws, sets.exact
	return v
}

// swapped is Q with the two sides of the chosen lineages exchanged.
func (a *agreement) swapped(chosen func(lineage int) bool, lineages int) float64 {
	var within, cross float64
	for l := range lineages {
		b, t := 2*l, 2*l+1
		if chosen(l) {
			b, t = t, b
		}
		for m := l + 1; m < lineages; m++ {
			d, u := 2*m, 2*m+1
			if chosen(m) {
				d, u = u, d
			}
			within += a.at(b, d) + a.at(t, u)
			cross += a.at(b, u) + a.at(t, d)
		}
	}
	return 2 * (within - cross) / float64(lineages*(lineages-1))
}
