package index

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/finding"
)

// Query says which examples of a variant are asked for. What is not set does
// not filter; what is set must all hold.
type Query struct {
	Variant string // name; "" is the first

	// Truth, Base and Label are class numbers: of the true class, of the
	// baseline's modal label and of the variant's; one of those given must hold.
	Truth, Base, Label []int
	// Attributes are the groups of examples: one of those given of each attribute
	// must hold.
	Attributes []Value
	Flips      []finding.Flip // one must hold

	PIE       bool // only examples whose modal labels differ
	Certified bool // only those whose change of the majority label is beyond chance
	Changed   bool // only those whose change of the votes is beyond chance
	Tie       bool // only those with a tied vote

	Margin       Range // lead of the baseline's first label, a share of its votes
	BaseShare    Range // share of the baseline's members that predict the true class
	VariantShare Range // share of the variant's members that predict the true class

	// Shift is the name of a shift of the same images: only examples whose modal
	// labels of baseline and variant differ under it, whatever they are on the
	// clean images.
	Shift string
	Text  string // in the id, whatever the case of the letters A to Z
	// Only are rows of which the examples must be, such as those that people have
	// marked; nil for all. It is not part of an address.
	Only *roaring.Bitmap

	Sort    Sort // "" is SortWorst
	Reverse bool // the order backwards
}

// Range is an interval of shares; both bounds are in it.
type Range struct {
	Low, High float64 // in [0, 1]
	Set       bool    // false: any share
}

// holds reports whether n of k is in the range.
func (r Range) holds(n, k int) bool {
	share := float64(n) / float64(k)
	return !r.Set || share >= r.Low && share <= r.High
}

// Value is one value of an attribute.
type Value struct {
	Name  string // of the attribute
	Value string
	// Missing stands for the examples for which the attribute is not known; Value
	// is "" then.
	Missing bool
}

// Sort is an order of examples. Examples that are equal by it come worst
// first, and then in the order of the data.
type Sort string

// The orders.
const (
	SortWorst        Sort = "worst"         // most changed votes first, then the least q, as in the audit's own table
	SortDrop         Sort = "drop"          // largest fall of the share that predicts the true class first
	SortMargin       Sort = "margin"        // what the baseline was surest of first
	SortBaseShare    Sort = "base-share"    // what most of the baseline's members had right first
	SortVariantShare Sort = "variant-share" // what fewest of the variant's members have right first
	SortRow          Sort = "row"           // as the data are
)

// Sorts are all orders.
func Sorts() []Sort {
	return []Sort{SortWorst, SortDrop, SortMargin, SortBaseShare, SortVariantShare, SortRow}
}

// canonical returns the query in the one form that equal queries share: lists
// ascending without repetition, the variant and the order by name.
func (q Query) canonical(x *Index) Query {
	if q.Variant == "" {
		q.Variant = x.variants[0].Name
	}
	if q.Sort == "" {
		q.Sort = SortWorst
	}
	q.Truth, q.Base, q.Label = unique(q.Truth, cmp.Compare), unique(q.Base, cmp.Compare), unique(q.Label, cmp.Compare)
	q.Flips = unique(q.Flips, func(a, b finding.Flip) int { return cmp.Compare(slices.Index(flips(), a), slices.Index(flips(), b)) })
	q.Attributes = unique(q.Attributes, func(a, b Value) int {
		missing := 0
		switch {
		case a.Missing && !b.Missing:
			missing = 1
		case b.Missing && !a.Missing:
			missing = -1
		}
		return cmp.Or(cmp.Compare(a.Name, b.Name), missing, cmp.Compare(a.Value, b.Value))
	})
	return q
}

// unique returns a sorted copy without repetitions, nil where it is empty.
func unique[T comparable](s []T, order func(a, b T) int) []T {
	if len(s) == 0 {
		return nil
	}
	s = slices.Clone(s)
	slices.SortFunc(s, order)
	return slices.Compact(s)
}
