package pie

import (
	"math/bits"
	"math/rand/v2"
)

// minCrossFit is the least number of members (or lineages) of each population
// with which PIEs can be chosen and measured by different members, and the
// baseline quartered.
const minCrossFit = 8

// side is one set of members on one side of a cross-fit.
type side struct {
	set   bitset
	units [][]int // members by unit: each alone, or the members of a lineage
	unit  []int32 // unit of each member in set
}

// fold chooses examples with some members and measures them with others.
type fold struct {
	chooseBase, chooseVariant   side
	measureBase, measureVariant side
	paired                      bool
	controls                    bool // count controls
}

// partition makes the folds of one seeded partition: two over the halves of
// both populations, two over the quarters of the baseline.
func (c *comparison) partition(seed, number uint64) []fold {
	rng := rand.New(rand.NewPCG(seed, number))
	var base, variant [][]int
	if c.units != nil {
		for _, l := range c.units.list {
			base = append(base, l.base)
			variant = append(variant, l.variant)
		}
		rng.Shuffle(len(base), func(i, j int) {
			base[i], base[j] = base[j], base[i]
			variant[i], variant[j] = variant[j], variant[i]
		})
	} else {
		base, variant = alone(0, c.k0), alone(c.k0, c.kt)
		rng.Shuffle(len(base), func(i, j int) { base[i], base[j] = base[j], base[i] })
		rng.Shuffle(len(variant), func(i, j int) { variant[i], variant[j] = variant[j], variant[i] })
	}
	part := func(units [][]int, i, parts int) side {
		n := len(units) / parts
		return c.side(units[i*n : (i+1)*n])
	}
	b0, b1 := part(base, 0, 2), part(base, 1, 2)
	t0, t1 := part(variant, 0, 2), part(variant, 1, 2)
	q0, q1, q2, q3 := part(base, 0, 4), part(base, 1, 4), part(base, 2, 4), part(base, 3, 4)
	paired := c.units != nil
	return []fold{
		{b0, t0, b1, t1, paired, true},
		{b1, t1, b0, t0, paired, true},
		{q0, q1, q2, q3, false, false},
		{q2, q3, q0, q1, false, false},
	}
}

func alone(from, n int) [][]int {
	units := make([][]int, n)
	for k := range units {
		units[k] = []int{from + k}
	}
	return units
}

func (c *comparison) side(units [][]int) side {
	s := side{set: newBitset(c.k0 + c.kt), units: units, unit: make([]int32, c.k0+c.kt)}
	for i, u := range units {
		for _, k := range u {
			s.set.add(k)
			s.unit[k] = int32(i)
		}
	}
	return s
}

// count adds the members that are right to their units.
func (s *side) count(into []int64, right []uint64) {
	for w, m := range right {
		for m &= s.set[w]; m != 0; m &= m - 1 {
			into[s.unit[w*64+bits.TrailingZeros64(m)]]++
		}
	}
}
