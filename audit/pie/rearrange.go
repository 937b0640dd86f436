package pie

import (
	"math/bits"

	"github.com/lethe-audit/lethe/stat/modal"
)

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
