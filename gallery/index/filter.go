package index

import (
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// dimension is one part of a query that filters.
type dimension string

// The dimensions that counts are made for; an attribute is one of its own,
// named attributeDimension.
const (
	byTruth     dimension = "truth"
	byBase      dimension = "base"
	byLabel     dimension = "label"
	byFlip      dimension = "flip"
	byPIE       dimension = "pie"
	byCertified dimension = "certified"
	byChanged   dimension = "changed"
	byTie       dimension = "tie"
	byMargin    dimension = "margin"
	byBaseVotes dimension = "base-share"
	byVotes     dimension = "variant-share"
	byShift     dimension = "shift"
	byText      dimension = "text"
	byOnly      dimension = "only"
)

func attributeDimension(name string) dimension { return dimension("attribute " + name) }

// filter are the dimensions that are set, and the rows that each allows.
type filter struct {
	x    *Index
	v    int
	d    *variantData
	name []dimension
	rows []*roaring.Bitmap
}

func (f *filter) add(name dimension, rows *roaring.Bitmap) {
	f.name, f.rows = append(f.name, name), append(f.rows, rows)
}

// filter waits for what the query needs and checks it.
func (x *Index) filter(q *Query) (*filter, error) {
	v, d, err := x.ready(q.Variant)
	if err != nil {
		return nil, err
	}
	f := &filter{x: x, v: v, d: d}
	for _, part := range []func(*Query) error{f.classes, f.flags, f.ranges, f.attributes, f.rest} {
		if err := part(q); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *filter) classes(q *Query) error {
	for _, c := range []struct {
		name dimension
		want []int
		rows func() []*roaring.Bitmap
	}{{byTruth, q.Truth, f.x.truths}, {byBase, q.Base, f.x.modals}, {byLabel, q.Label, f.labels}} {
		if len(c.want) == 0 {
			continue
		}
		var sets []*roaring.Bitmap
		for _, class := range c.want {
			if class < 0 || class >= len(f.x.classes) {
				return fmt.Errorf("gallery: %s: class %d is outside 0 to %d", c.name, class, len(f.x.classes)-1)
			}
			sets = append(sets, c.rows()[class])
		}
		f.add(c.name, union(sets))
	}
	return nil
}

func (x *Index) truths() []*roaring.Bitmap {
	return x.shared.byTruth.of(x.shared.truth, len(x.classes))
}

func (x *Index) modals() []*roaring.Bitmap {
	return x.shared.byModal.of(x.shared.modal, len(x.classes))
}

func (f *filter) labels() []*roaring.Bitmap {
	return f.d.byModal.of(f.d.modal, len(f.x.classes))
}

func (f *filter) flags(q *Query) error {
	if len(q.Flips) > 0 {
		var sets []*roaring.Bitmap
		for _, want := range q.Flips {
			code := slices.Index(flips(), want)
			if code < 0 {
				return unknown("flip", string(want), names(flips()))
			}
			sets = append(sets, f.d.is.flips[code])
		}
		f.add(byFlip, union(sets))
	}
	for _, c := range f.flagSets() {
		if c.on(q) {
			f.add(c.name, c.rows)
		}
	}
	return nil
}

// flagSet is one flag of rows.
type flagSet struct {
	name dimension
	on   func(*Query) bool
	rows *roaring.Bitmap
}

func (f *filter) flagSets() []flagSet {
	s := &f.d.is
	return []flagSet{
		{byPIE, func(q *Query) bool { return q.PIE }, s.pie},
		{byCertified, func(q *Query) bool { return q.Certified }, s.certified},
		{byChanged, func(q *Query) bool { return q.Changed }, s.changed},
		{byTie, func(q *Query) bool { return q.Tie }, s.tie},
	}
}

func (f *filter) ranges(q *Query) error {
	s, k0, kt := &f.x.shared, f.x.baseline.K, f.x.variants[f.v].K
	for _, c := range []struct {
		name dimension
		in   Range
		k    int
		rows func() []*roaring.Bitmap
	}{
		{byMargin, q.Margin, k0, func() []*roaring.Bitmap { return s.byMargin.of(s.margin, k0+1) }},
		{byBaseVotes, q.BaseShare, k0, func() []*roaring.Bitmap { return s.byVotes.of(s.votes, k0+1) }},
		{byVotes, q.VariantShare, kt, func() []*roaring.Bitmap { return f.d.byVotes.of(f.d.votes, kt+1) }},
	} {
		if !c.in.Set {
			continue
		}
		if err := c.in.check(string(c.name)); err != nil {
			return err
		}
		var sets []*roaring.Bitmap
		for n, rows := range c.rows() {
			if c.in.holds(n, c.k) {
				sets = append(sets, rows)
			}
		}
		f.add(c.name, union(sets))
	}
	return nil
}

func (r Range) check(name string) error {
	if !(r.Low >= 0 && r.High <= 1 && r.Low <= r.High) {
		return fmt.Errorf("gallery: %s: from %v to %v, want shares from 0 to 1, the lower first", name, r.Low, r.High)
	}
	return nil
}

func (f *filter) attributes(q *Query) error {
	if len(q.Attributes) == 0 {
		return nil
	}
	if err := f.x.groups(); err != nil {
		return err
	}
	sets := map[string][]*roaring.Bitmap{}
	var order []string
	for _, want := range q.Attributes {
		rows, err := f.x.loaded.rowsOf(want)
		if err != nil {
			return err
		}
		if sets[want.Name] == nil {
			order = append(order, want.Name)
		}
		sets[want.Name] = append(sets[want.Name], rows)
	}
	for _, name := range order {
		f.add(attributeDimension(name), union(sets[name]))
	}
	return nil
}

func (f *filter) rest(q *Query) error {
	if q.Sort != "" && !slices.Contains(Sorts(), q.Sort) {
		return unknown("order", string(q.Sort), names(Sorts()))
	}
	if q.Shift != "" {
		rows, err := f.x.shifted(q.Shift, f.v)
		if err != nil {
			return err
		}
		f.add(byShift, rows)
	}
	if len(q.Text) > maxText {
		return errText
	}
	if q.Text != "" {
		f.add(byText, f.x.ids.containing(q.Text))
	}
	if q.Only != nil {
		only := q.Only
		if !only.IsEmpty() && int(only.Maximum()) >= f.x.n {
			only = roaring.And(only, everything(f.x.n))
		}
		f.add(byOnly, only)
	}
	return nil
}

// maxText is the longest text that is looked for, in bytes.
const maxText = 1000

// without is the set of rows that every dimension allows, those named left
// out; nil stands for all rows.
func (f *filter) without(names ...dimension) *roaring.Bitmap {
	var sets []*roaring.Bitmap
	for i, name := range f.name {
		if !slices.Contains(names, name) {
			sets = append(sets, f.rows[i])
		}
	}
	switch len(sets) {
	case 0:
		return nil
	case 1:
		return sets[0]
	}
	return roaring.FastAnd(sets...)
}

// union is the set of rows in one of the sets, which are not changed.
func union(sets []*roaring.Bitmap) *roaring.Bitmap {
	if len(sets) == 1 {
		return sets[0]
	}
	return roaring.FastOr(sets...)
}

// names are values as text.
func names[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// count is the number of rows of a set that are in another; nil is all rows.
func count(of, in *roaring.Bitmap) int {
	if in == nil {
		return int(of.GetCardinality())
	}
	return int(of.AndCardinality(in))
}
