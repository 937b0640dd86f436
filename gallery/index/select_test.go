package index

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/finding"
)

// scan answers a query by looking at every row.
type scan struct {
	m *made
	q Query
	v int
}

func (m *made) scan(x *Index, q Query) *scan {
	v := 0
	for i := range x.Variants() {
		if x.Variants()[i].Name == q.Variant {
			v = i
		}
	}
	return &scan{m, q, v}
}

func (s *scan) row(i int) *finding.ExampleRow { return &s.m.rows[s.v][i] }

// small makes A to Z small and nothing else.
func small(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

func share(n, k int32) float64 { return float64(n) / float64(k) }

func within(r Range, v float64) bool { return !r.Set || v >= r.Low && v <= r.High }

func (s *scan) matches(i int) bool {
	r, q := s.row(i), &s.q
	class := func(want []int, c int32) bool { return len(want) == 0 || slices.Contains(want, int(c)) }
	return class(q.Truth, r.Label) && class(q.Base, r.BaseModal) && class(q.Label, r.VariantModal) &&
		(len(q.Flips) == 0 || slices.Contains(q.Flips, r.Flip)) &&
		(!q.PIE || r.PIE) && (!q.Certified || r.Certified) && (!q.Changed || r.Changed) && (!q.Tie || r.Tie) &&
		within(q.Margin, r.Margin) && within(q.BaseShare, share(r.BaseVotes, r.BaseK)) && within(q.VariantShare, share(r.VariantVotes, r.VariantK)) &&
		strings.Contains(strings.Map(small, r.ID), strings.Map(small, q.Text)) &&
		(q.Only == nil || q.Only.Contains(uint32(i))) && s.grouped(i) && (q.Shift == "" || s.shifted(q.Shift, i))
}

// value is the value of an attribute of an example.
func (s *scan) value(a, i int) Value {
	from := &s.m.table.Attributes[a]
	if c := from.Codes[i]; c >= 0 {
		return Value{Name: from.Name, Value: from.Values[c]}
	}
	return Value{Name: from.Name, Missing: true}
}

func (s *scan) grouped(i int) bool {
	for a := range s.m.table.Attributes {
		wanted, ok := false, false
		for _, v := range s.q.Attributes {
			if v.Name == s.m.table.Attributes[a].Name {
				wanted = true
				ok = ok || v == s.value(a, i)
			}
		}
		if wanted && !ok {
			return false
		}
	}
	return true
}

func (s *scan) shifted(name string, i int) bool {
	for j := range s.m.table.Shifts {
		if sh := &s.m.table.Shifts[j]; sh.Shift.Name == name {
			highest, c := s.m.cfg.Settings.Ties == "highest", len(s.m.table.Classes)
			_, a, _ := tally(sh.Table.Variants[0].Members, i, c, highest)
			_, b, _ := tally(sh.Table.Variants[1+s.v].Members, i, c, highest)
			return a != b
		}
	}
	panic("no shift " + name)
}

func (s *scan) rows() []int32 {
	out := []int32{}
	for i := range s.m.rows[s.v] {
		if s.matches(i) {
			out = append(out, int32(i))
		}
	}
	q := func(r *finding.ExampleRow) float64 {
		if r.Q == nil {
			return 2
		}
		return *r.Q
	}
	slices.SortFunc(out, func(i, j int32) int {
		a, b := s.row(int(i)), s.row(int(j))
		by := 0
		switch s.q.Sort {
		case SortDrop:
			drop := func(r *finding.ExampleRow) int32 { return r.BaseVotes*r.VariantK - r.VariantVotes*r.BaseK }
			by = cmp.Compare(drop(b), drop(a))
		case SortMargin:
			by = cmp.Compare(b.Margin, a.Margin)
		case SortBaseShare:
			by = cmp.Compare(b.BaseVotes, a.BaseVotes)
		case SortVariantShare:
			by = cmp.Compare(a.VariantVotes, b.VariantVotes)
		case SortRow:
			by = cmp.Compare(i, j)
		}
		return cmp.Or(by, cmp.Compare(b.Taxicab, a.Taxicab), cmp.Compare(q(a), q(b)), cmp.Compare(i, j))
	})
	if s.q.Reverse {
		slices.Reverse(out)
	}
	return out
}

// drawQuery sets each part of a query some of the time.
func drawQuery(random *rand.Rand, m *made, x *Index) Query {
	some := func() bool { return random.IntN(5) == 0 }
	q := Query{Variant: x.Variants()[random.IntN(len(x.Variants()))].Name, Sort: Sorts()[random.IntN(len(Sorts()))], Reverse: some()}
	classes := func() (out []int) {
		for some() || len(out) == 0 && some() {
			out = append(out, random.IntN(len(x.Classes())))
		}
		return out
	}
	q.Truth, q.Base, q.Label = classes(), classes(), classes()
	for some() {
		q.Flips = append(q.Flips, flips()[random.IntN(4)])
	}
	q.PIE, q.Certified, q.Changed, q.Tie = random.IntN(2) == 0, random.IntN(9) == 0, random.IntN(9) == 0, random.IntN(9) == 0
	interval := func() Range {
		if !some() {
			return Range{}
		}
		a, b := float64(random.IntN(11))/10, float64(random.IntN(11))/10
		if random.IntN(2) == 0 {
			a = float64(random.IntN(x.baseline.K+1)) / float64(x.baseline.K) // a bound that rows lie on
		}
		return Range{min(a, b), max(a, b), true}
	}
	q.Margin, q.BaseShare, q.VariantShare = interval(), interval(), interval()
	for some() && len(m.table.Attributes) > 0 {
		a := &m.table.Attributes[random.IntN(len(m.table.Attributes))]
		v := Value{Name: a.Name, Missing: true}
		if k := random.IntN(len(a.Values) + 1); k < len(a.Values) {
			v = Value{Name: a.Name, Value: a.Values[k]}
		}
		q.Attributes = append(q.Attributes, v)
	}
	if s := x.Shifts(); some() && len(s) > 0 {
		q.Shift = s[random.IntN(len(s))]
	}
	if some() {
		q.Text = []string{"cat", "1", "TEST/", "<B>0", "g", "png", "nothing of the kind", "Ä0"}[random.IntN(8)]
	}
	if some() {
		q.Only = roaring.BitmapOf(uint32(random.IntN(x.Len())), uint32(x.Len()+5))
		q.Only.AddRange(0, uint64(random.IntN(x.Len())))
	}
	return q
}

func plans() map[string]plan {
	few := defaultPlan()
	few.n, few.classes, few.members, few.attributes, few.shifts = 3, 2, []int{1, 1}, 0, 0
	ties := defaultPlan()
	ties.highest, ties.positions, ties.members, ties.hard = true, true, []int{4, 2, 6}, 1
	many := defaultPlan()
	many.n, many.classes, many.members, many.shifts = 900, 400, []int{3, 3, 2, 2}, 1
	return map[string]plan{"default": defaultPlan(), "few": few, "ties to the highest": ties, "many classes": many}
}

// TestSelectAgainstScan: for random queries the index answers what a look at
// every row answers.
func TestSelectAgainstScan(t *testing.T) {
	for name, p := range plans() {
		t.Run(name, func(t *testing.T) {
			m := p.make(t)
			x := m.index(t)
			random := rand.New(rand.NewPCG(p.seed, 7))
			found := 0
			for range 300 {
				q := drawQuery(random, m, x)
				want := m.scan(x, q).rows()
				r, err := x.Select(q)
				if err != nil {
					t.Fatalf("%+v: %v", q, err)
				}
				if got := r.Page(0, len(want)+10); r.Total != len(want) || len(want) > 0 && !slices.Equal(got, want) {
					t.Fatalf("%+v: %d rows %v, want %d: %v", q, r.Total, got, len(want), want)
				}
				found += len(want)
				checkPages(t, random, r, want)
			}
			if found == 0 {
				t.Error("no query matched anything")
			}
		})
	}
}

// checkPages compares some pages, the places of rows and the set.
func checkPages(t *testing.T, random *rand.Rand, r *Result, want []int32) {
	t.Helper()
	offset, n := random.IntN(len(want)+3), 1+random.IntN(20)
	page := want[min(offset, len(want)):min(offset+n, len(want))]
	if got := r.Page(offset, n); len(got) != len(page) || len(page) > 0 && !slices.Equal(got, page) {
		t.Fatalf("%d rows from %d: %v, want %v", n, offset, got, page)
	}
	set := r.Bitmap()
	if int(set.GetCardinality()) != len(want) {
		t.Fatalf("the set has %d rows, want %d", set.GetCardinality(), len(want))
	}
	row := int32(random.IntN(r.n))
	at, prev, next := slices.Index(want, row), int32(-1), int32(-1)
	if at > 0 {
		prev = want[at-1]
	}
	if at >= 0 && at+1 < len(want) {
		next = want[at+1]
	}
	if a, b, c := r.Around(row); a != at || b != prev || c != next || set.Contains(uint32(row)) != (at >= 0) {
		t.Fatalf("around row %d: %d, %d, %d, want %d, %d, %d", row, a, b, c, at, prev, next)
	}
}

// TestFacetsAgainstScan: each count is that of the rows that a query would have
// with that choice in place of its own.
func TestFacetsAgainstScan(t *testing.T) {
	for name, p := range plans() {
		t.Run(name, func(t *testing.T) {
			m := p.make(t)
			x := m.index(t)
			random := rand.New(rand.NewPCG(p.seed, 8))
			for range 25 {
				q := drawQuery(random, m, x)
				got, err := x.Facets(q)
				if err != nil {
					t.Fatal(err)
				}
				if want := m.facets(x, q); !reflect.DeepEqual(got, want) {
					t.Fatalf("%+v: facets\n%+v\nwant\n%+v", q, got, want)
				}
			}
		})
	}
}

func (m *made) facets(x *Index, q Query) *Facets {
	number := func(change func(q *Query)) int {
		c := q
		change(&c)
		return len(m.scan(x, c).rows())
	}
	out := &Facets{Total: number(func(*Query) {}), Truth: []int{}, Base: []int{}, Label: []int{}}
	for c := range x.Classes() {
		if len(x.Classes()) > 50 && c%97 != 0 { // compared in part: a scan a class is slow
			f, _ := x.Facets(q)
			out.Truth, out.Base, out.Label = append(out.Truth, f.Truth[c]), append(out.Base, f.Base[c]), append(out.Label, f.Label[c])
			continue
		}
		out.Truth = append(out.Truth, number(func(q *Query) { q.Truth = []int{c} }))
		out.Base = append(out.Base, number(func(q *Query) { q.Base = []int{c} }))
		out.Label = append(out.Label, number(func(q *Query) { q.Label = []int{c} }))
	}
	for _, f := range flips() {
		out.Flips = append(out.Flips, FlipCount{f, number(func(q *Query) { q.Flips = []finding.Flip{f} })})
	}
	out.PIE, out.Certified = number(func(q *Query) { q.PIE = true }), number(func(q *Query) { q.Certified = true })
	out.Changed, out.Tie = number(func(q *Query) { q.Changed = true }), number(func(q *Query) { q.Tie = true })
	for i := range m.table.Attributes {
		a := &m.table.Attributes[i]
		with := func(v Value) int {
			return number(func(q *Query) {
				q.Attributes = slices.DeleteFunc(slices.Clone(q.Attributes), func(o Value) bool { return o.Name == v.Name })
				q.Attributes = append(q.Attributes, v)
			})
		}
		c := AttributeCount{Name: a.Name, Values: a.Values, N: []int{}, Missing: with(Value{Name: a.Name, Missing: true})}
		for _, v := range a.Values {
			c.N = append(c.N, with(Value{Name: a.Name, Value: v}))
		}
		out.Attributes = append(out.Attributes, c)
	}
	for _, s := range x.Shifts() {
		out.Shifts = append(out.Shifts, ShiftCount{s, number(func(q *Query) { q.Shift = s })})
	}
	return out
}

// TestSharesAgainstScan: the cells are the rows by their two votes for the
// truth, the ranges of the two shares left out.
func TestSharesAgainstScan(t *testing.T) {
	for name, p := range plans() {
		m := p.make(t)
		x := m.index(t)
		random := rand.New(rand.NewPCG(p.seed, 9))
		for range 50 {
			q := drawQuery(random, m, x)
			got, err := x.Shares(q)
			if err != nil {
				t.Fatal(err)
			}
			q.BaseShare, q.VariantShare = Range{}, Range{}
			s := m.scan(x, q)
			cells := map[[2]int]*Cell{}
			for _, row := range s.rows() {
				r := s.row(int(row))
				at := [2]int{int(r.BaseVotes), int(r.VariantVotes)}
				if cells[at] == nil {
					cells[at] = &Cell{Base: at[0], Variant: at[1]}
				}
				cells[at].N++
				cells[at].Flips[slices.Index(flips(), r.Flip)]++
			}
			if len(got.Cells) != len(cells) || got.BaseK != p.members[0] || got.VariantK != p.members[1+s.v] {
				t.Fatalf("%s: %+v: %d cells of %d x %d members, want %d", name, q, len(got.Cells), got.BaseK, got.VariantK, len(cells))
			}
			for i, c := range got.Cells {
				if want := cells[[2]int{c.Base, c.Variant}]; want == nil || c != *want {
					t.Fatalf("%s: cell %+v, want %+v", name, c, want)
				}
				if i > 0 && fmt.Sprintf("%05d %05d", got.Cells[i-1].Base, got.Cells[i-1].Variant) >= fmt.Sprintf("%05d %05d", c.Base, c.Variant) {
					t.Fatalf("%s: cells %d and %d are out of order", name, i-1, i)
				}
			}
		}
	}
}

// TestTextsAreFoundAgain: searches beyond those that are kept, in any order,
// find what they found first.
func TestTextsAreFoundAgain(t *testing.T) {
	m := defaultPlan().make(t)
	x := m.index(t)
	random := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		q := Query{Variant: "pruned-1", Text: fmt.Sprint(random.IntN(2 * maxFound)), Sort: SortRow}
		want := m.scan(x, q).rows()
		if r, err := x.Select(q); err != nil || !slices.Equal(r.Page(0, len(want)), want) {
			t.Fatalf("%q: %+v, %v, want %d rows", q.Text, r, err, len(want))
		}
	}
	if len(x.ids.recent) != maxFound {
		t.Errorf("%d searches are kept, want %d", len(x.ids.recent), maxFound)
	}
}

// TestSelectRefuses: what is unknown is an error that says the nearest known.
func TestSelectRefuses(t *testing.T) {
	x := defaultPlan().make(t).index(t)
	for want, q := range map[string]Query{
		`variant "pruned1" is unknown; the nearest known is "pruned-1"`:           {Variant: "pruned1"},
		`truth: class 5 is outside 0 to 4`:                                        {Truth: []int{5}},
		`label: class -1 is outside 0 to 4`:                                       {Label: []int{-1}},
		`flip "right to wrong" is unknown; the nearest known is "right_to_wrong"`: {Flips: []finding.Flip{"right to wrong"}},
		`order "margins" is unknown; the nearest known is "margin"`:               {Sort: "margins"},
		`shift "fog:4" is unknown; the nearest known is "fog:1"`:                  {Shift: "fog:4"},
		`attribute "lights" is unknown; the nearest known is "light"`:             {Attributes: []Value{{Name: "lights", Value: "day"}}},
		`value of attribute light "days" is unknown; the nearest known is "day"`:  {Attributes: []Value{{Name: "light", Value: "days"}}},
		`margin: from 0.5 to 0.2, want shares from 0 to 1`:                        {Margin: Range{0.5, 0.2, true}},
		`variant-share: from 0 to 2, want shares from 0 to 1`:                     {VariantShare: Range{0, 2, true}},
		`longer than 1,000 bytes`:                                                 {Text: strings.Repeat("x", 1001)},
	} {
		_, err := x.Select(q)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: want an error with %q, got %v", q, want, err)
		}
		if _, err2 := x.Facets(q); err2 == nil || err2.Error() != err.Error() {
			t.Errorf("facets of %+v: want the error of Select, got %v", q, err2)
		}
	}
}
