package index

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// TestRowsComeBack: a row is what the table of examples says, whatever was
// packed.
func TestRowsComeBack(t *testing.T) {
	for name, p := range plans() {
		m := p.make(t)
		x := m.index(t)
		for v := range m.rows {
			for i := range m.rows[v] {
				r, want := &m.rows[v][i], Row{}
				want = Row{int32(r.Row), r.ID, r.Variant, int(r.Label), int(r.BaseModal), int(r.VariantModal), int(r.BaseK), int(r.VariantK),
					int(r.BaseVotes), int(r.VariantVotes), int(r.BaseTop), int(r.VariantTop), r.Margin, r.Taxicab, r.Flip, r.PIE, r.Tie, r.Changed, r.Certified,
					r.P, r.Q, r.CertifiedP, r.CertifiedQ}
				got, err := x.Row(r.Variant, int32(i))
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: %+v, %v, want %+v", name, got, err, want)
				}
				if row, ok := x.Find(r.ID); !ok || row != int32(i) || x.ID(row) != r.ID {
					t.Fatalf("%s: example %q is found at %d, %t, want %d", name, r.ID, row, ok, i)
				}
			}
		}
		if row, ok := x.Find("nothing"); ok {
			t.Errorf("%s: an example that is not there is found at %d", name, row)
		}
	}
}

// TestVotes compares votes with the predictions.
func TestVotes(t *testing.T) {
	p := defaultPlan()
	m := p.make(t)
	x := m.index(t)
	for v := range m.table.Variants {
		for i := range 200 {
			votes, _, _ := tally(m.table.Variants[v].Members, i, p.classes, false)
			got, err := x.Votes(m.table.Variants[v].Name, int32(i))
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			for j, g := range got {
				sum += g.N
				if votes[g.Class] != g.N || j > 0 && got[j-1].N < g.N {
					t.Fatalf("variant %d, row %d: %v, want %v by class", v, i, got, votes)
				}
			}
			if sum != p.members[v] {
				t.Fatalf("variant %d, row %d: %d votes, want %d", v, i, sum, p.members[v])
			}
		}
	}
	for want, text := range map[string]string{
		"want CLASS:MEMBERS": "3:4", `"3;4"`: "3;4|1:5", `"5:5" is not`: "5:5|1:5", `"-1:5" is not`: "-1:5|1:5",
		`"1:6" is not`: "1:6|1:5", "4 votes of 5": "1:4|1:5", "0 votes of 5": "|1:5",
	} {
		if _, err := parseVotes(text, 0, 5, 5); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("votes %q: want an error with %q, got %v", text, want, err)
		}
	}
}

// distanceOf counts the members that predict another label, one by one.
func distanceOf(t *prediction.Table, a, b int) int {
	d := 0
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			if c := &t.Variants[v].Members[k].Predicted; c.At(a) != c.At(b) {
				d++
			}
		}
	}
	return d
}

// TestNearestAgainstScan, in lanes of 1, 2 and 4 bytes.
func TestNearestAgainstScan(t *testing.T) {
	for classes, members := range map[int][]int{5: {5, 4, 1}, 256: {1, 30, 30}, 257: {3, 3, 3}, 70_000: {2, 1}} {
		p := defaultPlan()
		p.n, p.classes, p.members, p.hard, p.shifts = 400, classes, members, 0.9, 0
		m := p.make(t)
		if classes > 100 { // few labels far apart, so that there are near examples and every byte of a lane counts
			random := rand.New(rand.NewPCG(1, 5))
			few := []int{0, 1, classes - 1, classes / 2, 255}
			for v := range m.table.Variants {
				for k := range m.table.Variants[v].Members {
					for i := range p.n {
						m.table.Variants[v].Members[k].Predicted.Set(i, few[(i/40+random.IntN(2))%5])
					}
				}
			}
		}
		x := m.index(t)
		random := rand.New(rand.NewPCG(2, 6))
		for range 40 {
			row, n := random.IntN(p.n), 1+random.IntN(30)
			var want []Neighbor
			for i := range p.n {
				if i != row {
					want = append(want, Neighbor{int32(i), distanceOf(m.table, row, i), 0})
				}
			}
			slices.SortFunc(want, func(a, b Neighbor) int { return cmp.Or(a.Distance-b.Distance, int(a.Row-b.Row)) })
			got, err := x.Nearest(int32(row), n)
			if err != nil || len(got) != n {
				t.Fatalf("%d classes: %d neighbours, %v, want %d", classes, len(got), err, n)
			}
			for i, g := range got {
				total := 0
				for _, k := range members {
					total += k
				}
				if g.Row != want[i].Row || g.Distance != want[i].Distance || g.Members != total {
					t.Fatalf("%d classes: neighbour %d of row %d is %+v, want %+v of %d", classes, i, row, g, want[i], total)
				}
			}
		}
	}
	x := plans()["few"].make(t).index(t)
	if got, err := x.Nearest(0, 50); err != nil || len(got) != 2 {
		t.Errorf("neighbours of one of three: %v, %v, want two", got, err)
	}
	if got, err := x.Nearest(0, 0); err != nil || len(got) != 0 {
		t.Errorf("no neighbours asked for: %v, %v", got, err)
	}
}

// TestShiftedRows compares votes under shifts with a count of one example at a
// time.
func TestShiftedRows(t *testing.T) {
	for _, name := range []string{"default", "ties to the highest"} {
		p := plans()[name]
		m := p.make(t)
		x := m.index(t)
		for v := 1; v < len(p.members); v++ {
			for i := range 150 {
				got, err := x.Shifted(m.table.Variants[v].Name, int32(i))
				if err != nil || len(got) != p.shifts {
					t.Fatalf("%s: %d shifts, %v, want %d", name, len(got), err, p.shifts)
				}
				for s, g := range got {
					from := &m.table.Shifts[s]
					truth := m.table.Labels.At(i)
					a, base, _ := tally(from.Table.Variants[0].Members, i, p.classes, p.highest)
					b, label, _ := tally(from.Table.Variants[v].Members, i, p.classes, p.highest)
					if want := (ShiftedRow{from.Shift.Name, base, label, a[truth], b[truth]}); g != want {
						t.Fatalf("%s: row %d: %+v, want %+v", name, i, g, want)
					}
				}
			}
		}
	}
}

// TestForgetting: the baseline first, lost where right became wrong.
func TestForgetting(t *testing.T) {
	p := defaultPlan()
	m := p.make(t)
	x := m.index(t)
	lost := 0
	for i := range p.n {
		got, err := x.Forgetting(int32(i))
		if err != nil || len(got) != len(p.members) {
			t.Fatalf("%d points, %v", len(got), err)
		}
		for v, g := range got {
			votes, mode, _ := tally(m.table.Variants[v].Members, i, p.classes, false)
			truth := m.table.Labels.At(i)
			want := Point{m.table.Variants[v].Name, m.table.Variants[v].Level, mode, votes[truth], p.members[v], false}
			if v > 0 {
				want.Lost = m.rows[v-1][i].Flip == finding.FlipRightToWrong
			}
			if g != want {
				t.Fatalf("row %d: %+v, want %+v", i, g, want)
			}
			if g.Lost {
				lost++
			}
		}
	}
	if lost == 0 {
		t.Error("no example was lost")
	}
}

// TestGroups: values by example, and what is said without predictions.
func TestGroups(t *testing.T) {
	p := defaultPlan()
	m := p.make(t)
	x := m.index(t)
	for i := range p.n {
		s := scan{m: m}
		for a, v := range x.Groups(int32(i)) {
			if want := s.value(a, i); v != want {
				t.Fatalf("row %d: %+v, want %+v", i, v, want)
			}
		}
	}
	attributes, err := x.Attributes()
	if err != nil || len(attributes) != 2 || attributes[1].Name != "a=b&c" || len(attributes[1].Values) != 3 {
		t.Errorf("attributes %+v, %v", attributes, err)
	}
	bare, err := Build(context.Background(), Input{Config: m.cfg, Examples: m.reader(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	if err := bare.Wait(context.Background()); err != nil {
		t.Errorf("without predictions: %v", err)
	}
	if a, err := bare.Attributes(); a != nil || err != nil || bare.Groups(0) != nil || bare.Shifts() != nil {
		t.Errorf("without predictions there are attributes %v, %v", a, err)
	}
	if r, err := bare.Shifted("", 0); r != nil || err != nil {
		t.Errorf("without predictions there are shifts %v, %v", r, err)
	}
	if f, err := bare.Facets(Query{}); err != nil || f.Pending || f.Attributes != nil || f.Total != p.n {
		t.Errorf("without predictions: facets %+v, %v", f, err)
	}
	if _, err := bare.Nearest(0, 3); !errors.Is(err, ErrNoPredictions) {
		t.Errorf("neighbours without predictions: %v", err)
	}
	if _, err := bare.Select(Query{Attributes: []Value{{Name: "light", Value: "day"}}}); !errors.Is(err, ErrNoPredictions) {
		t.Errorf("a group without predictions: %v", err)
	}
}

// TestNoSuchRow: every question about a row refuses one that is not there.
func TestNoSuchRow(t *testing.T) {
	x := defaultPlan().make(t).index(t)
	for _, row := range []int32{-1, int32(x.Len())} {
		_, err1 := x.Row("", row)
		_, err2 := x.Votes("dense", row)
		_, err3 := x.Nearest(row, 1)
		_, err4 := x.Forgetting(row)
		_, err5 := x.Shifted("", row)
		for i, err := range []error{err1, err2, err3, err4, err5} {
			if err == nil || !strings.Contains(err.Error(), "rows are 0 to 699") {
				t.Errorf("question %d about row %d: %v", i+1, row, err)
			}
		}
		if x.ID(row) != "" || x.Groups(row) != nil {
			t.Errorf("row %d has an id or groups", row)
		}
	}
	_, err1 := x.Row("nope", 0)
	_, err2 := x.Votes("nope", 0)
	_, err3 := x.Shifted("nope", 0)
	for i, err := range []error{err1, err2, err3} {
		if err == nil || !strings.Contains(err.Error(), `variant "nope" is unknown`) {
			t.Errorf("question %d about a variant that is not there: %v", i+1, err)
		}
	}
}
