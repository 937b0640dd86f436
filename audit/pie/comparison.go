package pie

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/modal"
)

// comparison is one variant against the baseline.
type comparison struct {
	view   *audit.View
	t      int
	k0, kt int
	ties   modal.Ties
	units  *lineages // nil unless paired by lineage
}

func newComparison(v *audit.View, t int) *comparison {
	c := &comparison{
		view: v, t: t, ties: tiesOf(v.Options.Ties),
		k0: len(v.Table.Variants[0].Members),
		kt: len(v.Table.Variants[t].Members),
	}
	if p := v.Pairing(t); p.Design == audit.Paired {
		c.units = newLineages(p.Lineages, c.k0)
	}
	return c
}

func tiesOf(t audit.Ties) modal.Ties {
	if t == audit.HighestTie {
		return modal.Highest
	}
	return modal.Lowest
}

// blocks reads the predictions of both populations; fn also gets the worker's
// own reader.
func (c *comparison) blocks(ctx context.Context, fn func(worker int, r *reader, b *audit.Block)) error {
	readers := make([]reader, c.view.Threads())
	return c.view.Blocks(ctx, []int{0, c.t}, func(worker int, b *audit.Block) error {
		fn(worker, &readers[worker], b)
		return nil
	})
}

// ballots calls fn with every example on which not all members agree.
func (c *comparison) ballots(ctx context.Context, fn func(worker int, b *audit.Block, i int, v *ballot)) error {
	return c.blocks(ctx, func(worker int, r *reader, b *audit.Block) {
		for _, i := range r.split(b) {
			r.read(b, i)
			fn(worker, b, i, &r.ballot)
		}
	})
}

// size is N, the number of examples.
func (c *comparison) size() int { return c.view.Table.Len() }

// lineages are the units of a paired comparison. A lineage may have several
// members on a side (several calibrations of one checkpoint); they share one
// vote between them. Votes are kept in whole numbers: each lineage has weight
// votes on either side.
type lineages struct {
	list   []lineage
	weight int64 // votes of one lineage on one side
	single bool  // every lineage has one member on each side
}

type lineage struct {
	base, variant     []int // member numbers in a ballot
	baseBy, variantBy int64 // votes of one member
}

func newLineages(in []audit.Lineage, k0 int) *lineages {
	u := &lineages{weight: 1, single: true}
	for _, l := range in {
		u.weight = audit.LCM(u.weight, audit.LCM(int64(len(l.Base)), int64(len(l.Variant))))
		u.single = u.single && len(l.Base) == 1 && len(l.Variant) == 1
	}
	for _, l := range in {
		x := lineage{base: l.Base, baseBy: u.weight / int64(len(l.Base)), variantBy: u.weight / int64(len(l.Variant))}
		for _, k := range l.Variant {
			x.variant = append(x.variant, k0+k)
		}
		u.list = append(u.list, x)
	}
	return u
}

// unitBallot is a ballot counted by lineage.
type unitBallot struct {
	base, variant []int64 // votes by label slot; each sums to weight times the lineages
	moves         []move  // lineages whose two sides differ
	entries       []entry // backing store of the moves

	diff []int64
}

// move is what one lineage takes from the baseline's side, by label slot:
// baseline votes minus variant votes. A swap of the lineage adds the move to
// the variant's side and takes it from the baseline's.
type move struct {
	lineage  int
	from, to int // entries[from:to], by ascending slot
}

type entry struct {
	slot int32
	by   int64
}

// read counts the ballot by lineage.
func (x *unitBallot) read(v *ballot, u *lineages) {
	n := len(v.label)
	x.base, x.variant, x.diff = resize(x.base, n), resize(x.variant, n), resize(x.diff, n)
	clear(x.base)
	clear(x.variant)
	x.moves, x.entries = x.moves[:0], x.entries[:0]
	for l := range u.list {
		x.add(v, l, &u.list[l])
	}
}

func (x *unitBallot) add(v *ballot, l int, in *lineage) {
	if len(in.base) == 1 && len(in.variant) == 1 {
		b, t := v.slot[in.base[0]], v.slot[in.variant[0]]
		x.base[b] += in.baseBy
		x.variant[t] += in.variantBy
		if b != t {
			from := len(x.entries)
			if b < t {
				x.entries = append(x.entries, entry{b, in.baseBy}, entry{t, -in.variantBy})
			} else {
				x.entries = append(x.entries, entry{t, -in.variantBy}, entry{b, in.baseBy})
			}
			x.moves = append(x.moves, move{l, from, len(x.entries)})
		}
		return
	}
	clear(x.diff)
	for _, k := range in.base {
		x.base[v.slot[k]] += in.baseBy
		x.diff[v.slot[k]] += in.baseBy
	}
	for _, k := range in.variant {
		x.variant[v.slot[k]] += in.variantBy
		x.diff[v.slot[k]] -= in.variantBy
	}
	from := len(x.entries)
	for j, d := range x.diff {
		if d != 0 {
			x.entries = append(x.entries, entry{int32(j), d})
		}
	}
	if len(x.entries) > from {
		x.moves = append(x.moves, move{l, from, len(x.entries)})
	}
}

// taxicab is Σ|base − variant|, in votes.
func (x *unitBallot) taxicab() int64 {
	var d int64
	for j, b := range x.base {
		d += abs(b - x.variant[j])
	}
	return d
}

// mode is the slot with the most votes.
func mode(votes []int64, ties modal.Ties) int {
	best, most := 0, int64(-1)
	for j, n := range votes {
		if n > most || n == most && ties == modal.Highest {
			best, most = j, n
		}
	}
	return best
}

func abs[T int | int64](v T) T {
	if v < 0 {
		return -v
	}
	return v
}
