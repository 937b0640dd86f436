package index

import (
	"errors"
	"iter"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Facets are how many examples there would be for each choice of one part of
// a query, all its other parts holding.
type Facets struct {
	Total int // examples that match the whole query

	Truth, Base, Label []int // by class number
	Flips              []FlipCount

	PIE, Certified, Changed, Tie int

	Attributes []AttributeCount
	Shifts     []ShiftCount
	// Pending is set where attributes and shifts are not counted because they are
	// still being read.
	Pending bool
}

// FlipCount is the number of examples with a flip.
type FlipCount struct {
	Flip finding.Flip
	N    int
}

// AttributeCount is the number of examples with each value of an attribute.
type AttributeCount struct {
	Name    string
	Values  []string
	N       []int // by value
	Missing int   // the attribute is not known
}

// ShiftCount is the number of examples whose modal labels differ under a shift.
type ShiftCount struct {
	Name string
	N    int
}

// Facets counts the choices beside a query.
func (x *Index) Facets(q Query) (*Facets, error) {
	f, err := x.filter(&q)
	if err != nil {
		return nil, err
	}
	out := &Facets{
		Truth: f.counts(x.shared.truth, x.truths, len(x.classes), byTruth),
		Base:  f.counts(x.shared.modal, x.modals, len(x.classes), byBase),
		Label: f.counts(f.d.modal, f.labels, len(x.classes), byLabel),
	}
	all := f.without()
	if out.Total = x.n; all != nil {
		out.Total = int(all.GetCardinality())
	}
	flip := f.without(byFlip)
	for code, name := range flips() {
		out.Flips = append(out.Flips, FlipCount{name, count(f.d.is.flips[code], flip)})
	}
	for i, c := range f.flagSets() {
		*[]*int{&out.PIE, &out.Certified, &out.Changed, &out.Tie}[i] = count(c.rows, f.without(c.name))
	}
	return out, f.more(out, all)
}

// more counts what is in the predictions, as far as it has been read.
func (f *filter) more(out *Facets, all *roaring.Bitmap) error {
	l := &f.x.loaded
	if !l.groupsOnce.done.Load() {
		out.Pending = f.x.hasPredictions
		return nil
	}
	if err := l.groupsOnce.err; err != nil && !errors.Is(err, ErrNoPredictions) {
		return err
	}
	for i := range l.attributes {
		a := &l.attributes[i]
		n := f.counts(a.codes, a.sets, len(a.Values)+1, attributeDimension(a.Name))
		out.Attributes = append(out.Attributes, AttributeCount{a.Name, a.Values, n[1:], n[0]})
	}
	if len(f.x.Shifts()) == 0 {
		return nil
	}
	if !l.membersOnce.done.Load() {
		out.Pending = true
		return nil
	}
	for i := range l.shifts {
		out.Shifts = append(out.Shifts, ShiftCount{l.shifts[i].name, count(l.shifts[i].pie[f.v], f.without(byShift))})
	}
	return l.membersOnce.err
}

// counts counts the examples with each value of a column, the filters but one
// holding: by the bitmaps of few values, by the column of the examples that are
// left where that is less work.
func (f *filter) counts(c prediction.Column, sets func() []*roaring.Bitmap, values int, but dimension) []int {
	in := f.without(but)
	left := c.Len()
	if in != nil {
		left = int(in.GetCardinality())
	}
	out := make([]int, values)
	const wordsAsLong = 5 // as long as one example of the column takes: words of two bitmaps, measured
	if values*(c.Len()/64+64) < left*wordsAsLong {
		for v, rows := range sets() {
			out[v] = count(rows, in)
		}
		return out
	}
	if in == nil {
		var block [4096]int32
		for at := 0; at < c.Len(); at += len(block) {
			for _, v := range block[:c.Read(block[:], at)] {
				out[v]++
			}
		}
		return out
	}
	for rows := range blocksOf(in) {
		for _, r := range rows {
			out[c.At(int(r))]++
		}
	}
	return out
}

// blocksOf are the rows of a set, many at a time; a block is valid until the
// next.
func blocksOf(rows *roaring.Bitmap) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		var block [4096]uint32
		for it := rows.ManyIterator(); ; {
			n := it.NextMany(block[:])
			if n == 0 || !yield(block[:n]) {
				return
			}
		}
	}
}

// Grid counts examples by the votes of both populations for the true class.
type Grid struct {
	BaseK, VariantK int    // members
	Cells           []Cell // those with examples, by Base and then Variant
}

// Cell are the examples with the same votes for the true class.
type Cell struct {
	Base, Variant int // members that predict it
	N             int
	Flips         [4]int // of N: none, right to wrong, wrong to right, wrong to another wrong label
}

// Shares counts the examples of a query for a scatter of the baseline's share
// for the true class against the variant's. The query's own ranges of the two
// shares do not apply: they are what is chosen in the scatter.
func (x *Index) Shares(q Query) (*Grid, error) {
	f, err := x.filter(&q)
	if err != nil {
		return nil, err
	}
	g := &Grid{BaseK: x.baseline.K, VariantK: x.variants[f.v].K}
	in := f.without(byBaseVotes, byVotes)
	if in == nil {
		in = everything(x.n)
	}
	cells := make([]Cell, (g.BaseK+1)*(g.VariantK+1))
	for rows := range blocksOf(in) {
		for _, r := range rows {
			c := &cells[x.shared.votes.At(int(r))*(g.VariantK+1)+f.d.votes.At(int(r))]
			c.N++
			c.Flips[f.d.flags[r]&flipMask]++
		}
	}
	for i, c := range cells {
		if c.N > 0 {
			c.Base, c.Variant = i/(g.VariantK+1), i%(g.VariantK+1)
			g.Cells = append(g.Cells, c)
		}
	}
	return g, nil
}
