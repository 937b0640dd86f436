package attribution

import (
	"context"
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/modal"
)

// tally counts the answers of one restored layer, over all members.
type tally struct {
	rescued, disturbed   int64 // changed answers that are the baseline's again; unchanged ones that are not any more
	lostRescued, lostNew int64
	right                int64
}

// moves counts examples whose modal label is the baseline's again, or not any
// more.
type moves struct{ rescued, disturbed int64 }

// counts are the answers of a candidate and of its restored forms.
type counts struct {
	units   []unit // lineages: what varies between members
	scale   int64  // sums of a unit are counted in 1/scale
	answers int64  // members times examples
	changed int64  // answers of the candidate that are not the baseline's
	right   int64  // right answers of the candidate
	of      []tally
	sums    []components.Sums // by layer: rows are units, X is the gain of agreement with the baseline
	movedN  []int64           // by layer: examples whose gain is not 0
	pies    []moves           // by layer; nil for one member
	pie     int64             // PIEs of the candidate
}

// unit is one lineage: pairs of a baseline member and a candidate's member, whose
// restored forms have the same number.
type unit struct{ pairs [][2]int }

// unitsOf pairs every member of the candidate with its baseline member.
func unitsOf(v *audit.View, t int) ([]unit, error) {
	base, members := v.Table.Variants[0].Members, v.Table.Variants[t].Members
	var out []unit
	at := map[string]int{}
	for k, m := range members {
		partner := -1
		for b := range base {
			if m.Lineage != "" && base[b].Lineage == m.Lineage {
				partner = b
				break
			}
		}
		if partner < 0 {
			if len(base) != len(members) {
				return nil, fmt.Errorf("member %s of %s shares no lineage with the baseline, and there are %d and %d members", m.Name, v.Table.Variants[t].Name, len(base), len(members))
			}
			out = append(out, unit{pairs: [][2]int{{k, k}}})
			continue
		}
		if i, ok := at[m.Lineage]; ok {
			out[i].pairs = append(out[i].pairs, [2]int{partner, k})
			continue
		}
		at[m.Lineage] = len(out)
		out = append(out, unit{pairs: [][2]int{{partner, k}}})
	}
	return out, nil
}

// count compares baseline, candidate and restored forms on every example.
func count(ctx context.Context, v *audit.View, t int, restored []int) (*counts, error) {
	members := len(v.Table.Variants[t].Members)
	for _, r := range restored {
		if n := len(v.Table.Variants[r].Members); n != members {
			return nil, fmt.Errorf("%s has %d members, %s has %d", v.Table.Variants[r].Name, n, v.Table.Variants[t].Name, members)
		}
	}
	units, err := unitsOf(v, t)
	if err != nil {
		return nil, err
	}
	c := newCounts(v, units, members, len(restored))
	workers := make([]*counts, v.Threads())
	err = v.Blocks(ctx, append([]int{0, t}, restored...), func(w int, b *audit.Block) error {
		if workers[w] == nil {
			workers[w] = newCounts(v, units, members, len(restored))
		}
		workers[w].block(v, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, w := range workers {
		if w != nil {
			c.add(w)
		}
	}
	c.answers = int64(members) * int64(v.Table.Len())
	return c, nil
}

func newCounts(v *audit.View, units []unit, members, layers int) *counts {
	c := &counts{units: units, scale: 1, of: make([]tally, layers), sums: make([]components.Sums, layers), movedN: make([]int64, layers)}
	for _, u := range units {
		c.scale = audit.LCM(c.scale, int64(len(u.pairs)))
	}
	for i := range c.sums {
		c.sums[i] = components.Sums{N: v.Table.Len(), Rows: make([]int64, len(units))}
	}
	if members > 1 {
		c.pies = make([]moves, layers)
	}
	return c
}

func (c *counts) add(d *counts) {
	c.changed += d.changed
	c.right += d.right
	c.pie += d.pie
	for i := range c.of {
		a, b := &c.of[i], &d.of[i]
		a.rescued += b.rescued
		a.disturbed += b.disturbed
		a.lostRescued += b.lostRescued
		a.lostNew += b.lostNew
		a.right += b.right
		s, t := &c.sums[i], &d.sums[i]
		for u := range s.Rows {
			s.Rows[u] += t.Rows[u]
		}
		s.ColumnSquares += t.ColumnSquares
		s.Squares += t.Squares
		c.movedN[i] += d.movedN[i]
		if c.pies != nil {
			c.pies[i].rescued += d.pies[i].rescued
			c.pies[i].disturbed += d.pies[i].disturbed
		}
	}
}

// block counts one block of examples. Pred[0] is the baseline, Pred[1] the
// candidate, the others are the restored forms.
func (c *counts) block(v *audit.View, b *audit.Block) {
	for _, u := range c.units {
		for _, p := range u.pairs {
			base, cand := b.Pred[0][p[0]], b.Pred[1][p[1]]
			for i, y := range b.Labels {
				if cand[i] != base[i] {
					c.changed++
				}
				if cand[i] == y {
					c.right++
				}
			}
		}
	}
	for l := range c.of {
		c.layer(b, l)
	}
	if c.pies != nil {
		c.votes(v, b)
	}
}

func (c *counts) layer(b *audit.Block, l int) {
	var column [audit.BlockSize]int64
	for u := range c.units {
		var gain [audit.BlockSize]int64
		weight := c.scale / int64(len(c.units[u].pairs))
		for _, p := range c.units[u].pairs {
			base, cand, back := b.Pred[0][p[0]], b.Pred[1][p[1]], b.Pred[l+2][p[1]]
			for i, y := range b.Labels {
				c.of[l].one(y, base[i], cand[i], back[i])
				switch same, was := back[i] == base[i], cand[i] == base[i]; {
				case same && !was:
					gain[i] += weight
				case was && !same:
					gain[i] -= weight
				}
			}
		}
		for i, g := range gain[:b.N] {
			if g != 0 {
				c.sums[l].Rows[u] += g
				c.sums[l].Squares += g * g
				column[i] += g
			}
		}
	}
	for _, x := range column[:b.N] {
		if x != 0 {
			c.sums[l].ColumnSquares += x * x
			c.movedN[l]++
		}
	}
}

func (t *tally) one(y, base, cand, back int32) {
	if cand != base && back == base {
		t.rescued++
	}
	if cand == base && back != base {
		t.disturbed++
	}
	if base == y && cand != y && back == y {
		t.lostRescued++
	}
	if base == y && cand == y && back != y {
		t.lostNew++
	}
	if back == y {
		t.right++
	}
}

// votes compares the modal labels.
func (c *counts) votes(v *audit.View, b *audit.Block) {
	ties := modal.Lowest
	if v.Options.Ties == audit.HighestTie {
		ties = modal.Highest
	}
	votes := make([]int, len(v.Table.Classes))
	mode := func(population [][]int32, i int) int {
		clear(votes)
		for _, pred := range population {
			votes[pred[i]]++
		}
		label, _ := modal.Mode(votes, ties)
		return label
	}
	for i := range b.N {
		if unanimous(b.Pred, i) {
			continue
		}
		base, cand := mode(b.Pred[0], i), mode(b.Pred[1], i)
		if base != cand {
			c.pie++
		}
		for l := range c.pies {
			switch back := mode(b.Pred[l+2], i); {
			case base != cand && back == base:
				c.pies[l].rescued++
			case base == cand && back != base:
				c.pies[l].disturbed++
			}
		}
	}
}

// unanimous reports whether every member of every population says the same.
func unanimous(pred [][][]int32, i int) bool {
	first := pred[0][0][i]
	for _, population := range pred {
		for _, p := range population {
			if p[i] != first {
				return false
			}
		}
	}
	return true
}
