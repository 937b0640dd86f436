package pie

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/modal"
)

// tally is what one pass over a variant counts.
type tally struct {
	k0, kt int

	split        int64  // examples on which not all members agree
	pie          bitset // by example
	pies         int
	tiedBase     int64 // examples with a tied vote in the baseline
	tiedVariant  int64
	tied         int64       // in either
	right        [2][2]int64 // right votes: [all, on PIEs][baseline, variant]
	votes        []int64     // [baseline right votes * (kt+1) + variant right votes] examples
	topTwo       []int64     // [first * (k0+1) + second] examples, by the baseline's votes for its first two labels
	agree        []int64     // [k*K + l], k < l: split examples on which members k and l agree
	taxicab      int64       // Σ|n0·kt − nt·k0|, or Σ of unit taxicabs where paired
	spread       []int64     // (example, label) pairs by pooled votes, or where paired by moves that touch the label
	keys         []string    // patterns of the split examples, ascending
	count        []int64     // examples by pattern
	pattern      []uint32    // by example: 1 + index into keys; 0 where all members agree
	unitPIEs     int64       // paired: examples whose modal labels by lineage differ
	unitExamples int64       // split examples that have moves
}

// counter is the part of a tally that one worker counts.
type counter struct {
	tally
	book book
	code coder
	unit unitBallot

	column [][]int32 // predictions on the split examples of a block, by member
}

// count makes the pass. Agreement of members is counted only where it is asked
// for.
func (c *comparison) count(ctx context.Context) (*tally, error) {
	n := c.size()
	total := c.newTally()
	total.pattern, total.pie = make([]uint32, n), newBitset(n)
	workers := make([]*counter, c.view.Threads())
	owner := make([]int, c.view.NumBlocks()) // worker that numbered the block's patterns
	err := c.blocks(ctx, func(w int, r *reader, b *audit.Block) {
		if workers[w] == nil {
			workers[w] = &counter{tally: c.newTally()}
			workers[w].pattern, workers[w].pie = total.pattern, total.pie
		}
		owner[b.Index] = w
		workers[w].block(c, r, b)
	})
	if err != nil {
		return nil, err
	}
	books := make([]book, len(workers))
	for w, p := range workers {
		if p != nil {
			total.add(&p.tally)
			books[w] = p.book
		}
	}
	var renumber [][]uint32
	total.keys, total.count, renumber = merge(books)
	for i, p := range total.pattern {
		if p > 0 {
			total.pattern[i] = 1 + renumber[owner[i/audit.BlockSize]][p-1]
		}
	}
	total.pies = total.pie.count()
	return &total, nil
}

func (c *comparison) newTally() tally {
	k := c.k0 + c.kt
	return tally{
		k0: c.k0, kt: c.kt,
		votes:  make([]int64, (c.k0+1)*(c.kt+1)),
		topTwo: make([]int64, (c.k0+1)*(c.k0+1)),
		agree:  make([]int64, k*k),
		spread: make([]int64, k+1),
	}
}

// add adds what another worker counted.
func (t *tally) add(p *tally) {
	t.split += p.split
	t.tiedBase += p.tiedBase
	t.tiedVariant += p.tiedVariant
	t.tied += p.tied
	t.taxicab += p.taxicab
	t.unitPIEs += p.unitPIEs
	t.unitExamples += p.unitExamples
	for i := range t.right {
		for j := range t.right[i] {
			t.right[i][j] += p.right[i][j]
		}
	}
	for _, pair := range [][2][]int64{{t.votes, p.votes}, {t.topTwo, p.topTwo}, {t.agree, p.agree}, {t.spread, p.spread}} {
		for i, n := range pair[1] {
			pair[0][i] += n
		}
	}
}

// block counts one block.
func (t *counter) block(c *comparison, r *reader, b *audit.Block) {
	at := r.split(b)
	next := 0
	for i := range b.N {
		if next < len(at) && at[next] == i {
			next++
			continue
		}
		t.unanimous(b.Pred[0][0][i] == b.Labels[i])
	}
	for _, i := range at {
		r.read(b, i)
		t.example(c, &r.ballot, b.Labels[i], b.From+i)
	}
	t.split += int64(len(at))
	t.agreements(b, at)
}

// unanimous counts an example on which all members of both populations agree.
func (t *counter) unanimous(right bool) {
	v0, vt := 0, 0
	if right {
		v0, vt = t.k0, t.kt
	}
	t.votes[v0*(t.kt+1)+vt]++
	t.topTwo[t.k0*(t.k0+1)]++
	t.right[0][0] += int64(v0)
	t.right[0][1] += int64(vt)
}

// example counts an example on which members disagree.
func (t *counter) example(c *comparison, v *ballot, label int32, row int) {
	v0, vt := 0, 0
	if j := v.at(label); j >= 0 {
		v0, vt = v.base[j], v.variant[j]
	}
	t.votes[v0*(t.kt+1)+vt]++
	t.right[0][0] += int64(v0)
	t.right[0][1] += int64(vt)
	first, second := topTwo(v.base)
	t.topTwo[first*(t.k0+1)+second]++
	m0, tied0 := modal.Mode(v.base, c.ties)
	mt, tiedT := modal.Mode(v.variant, c.ties)
	if tied0 {
		t.tiedBase++
	}
	if tiedT {
		t.tiedVariant++
	}
	if tied0 || tiedT {
		t.tied++
	}
	if m0 != mt {
		t.pie.add(row)
		t.right[1][0] += int64(v0)
		t.right[1][1] += int64(vt)
	}
	if c.units == nil {
		t.independent(v)
		t.pattern[row] = 1 + t.book.note(t.code.unpaired(v))
		return
	}
	t.unit.read(v, c.units)
	t.paired(c)
	t.pattern[row] = 1 + t.book.note(t.code.paired(v, &t.unit, c.units, c.ties))
}

// topTwo are the votes for the two labels that have most.
func topTwo(votes []int) (first, second int) {
	for _, n := range votes {
		if n > first {
			first, second = n, first
		} else if n > second {
			second = n
		}
	}
	return first, second
}

func (t *counter) independent(v *ballot) {
	for j, n := range v.base {
		t.taxicab += int64(abs(n*t.kt - v.variant[j]*t.k0))
		t.spread[n+v.variant[j]]++
	}
}

func (t *counter) paired(c *comparison) {
	if len(t.unit.moves) == 0 {
		return
	}
	t.unitExamples++
	t.taxicab += t.unit.taxicab()
	if mode(t.unit.base, c.ties) != mode(t.unit.variant, c.ties) {
		t.unitPIEs++
	}
	clear(t.unit.diff)
	for _, e := range t.unit.entries {
		t.unit.diff[e.slot]++
	}
	for _, n := range t.unit.diff {
		t.spread[n]++
	}
}

// agreements counts the split examples on which each pair of members agrees.
func (t *counter) agreements(b *audit.Block, at []int) {
	members := t.k0 + t.kt
	t.column = resize(t.column, members)
	k := 0
	for _, population := range b.Pred {
		for _, pred := range population {
			t.column[k] = resize(t.column[k], len(at))
			for j, i := range at {
				t.column[k][j] = pred[i]
			}
			k++
		}
	}
	for k, x := range t.column {
		for l := k + 1; l < members; l++ {
			t.agree[k*members+l] += equal(x, t.column[l])
		}
	}
}

// equal counts the places where x and y are equal.
func equal(x, y []int32) int64 {
	y = y[:len(x)]
	n := 0
	for i, v := range x {
		if v == y[i] {
			n++
		}
	}
	return int64(n)
}
