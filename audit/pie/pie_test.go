package pie

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/modal"
	"github.com/lethe-audit/lethe/stat/voteshift"
)

func value(x *float64) float64 {
	if x == nil {
		return math.Inf(-1)
	}
	return *x
}

// expectFinding compares a finding's outcome and reason.
func expectFinding(t *testing.T, f finding.Finding, o finding.Outcome, r finding.Reason) {
	t.Helper()
	if f.Outcome != o || f.Reason != r {
		t.Errorf("%s: %s %q, want %s %q", f.ID, f.Outcome, f.Reason, o, r)
	}
}

func TestPageFirstLine(t *testing.T) {
	page := New().Page()
	if !strings.HasPrefix(page, "# pie: ") {
		t.Errorf("page starts %q", page[:20])
	}
	for _, section := range []string{"Question", "How", "Reads", "Not measurable", "What to do"} {
		if !strings.Contains(page, "\n## "+section+"\n") {
			t.Errorf("no section %s", section)
		}
	}
}

// Every row says what plain counting says.
func TestExampleRows(t *testing.T) {
	for _, ties := range []audit.Ties{audit.LowestTie, audit.HighestTie} {
		table := random(41, 2500, 5, 6, 1)
		o := options(ties)
		o.Resample = false
		c := audittest.Run(t, New(), table, o)
		if len(c.Examples) != 2*table.Len() {
			t.Fatalf("%d rows, want %d", len(c.Examples), 2*table.Len())
		}
		slow := []naive{naiveOf(table, 1, tiesOf(ties)), naiveOf(table, 2, tiesOf(ties))}
		exact := map[string]float64{}
		for j, row := range c.Examples {
			variant, i := 1+j/table.Len(), j%table.Len()
			n := slow[variant-1]
			a, b := n.votes(0, i, n.all(0)), n.votes(1, i, n.all(1))
			m0, mt, y := n.mode(a), n.mode(b), n.labels[i]
			_, tied0 := modal.Mode(a, n.ties)
			_, tiedT := modal.Mode(b, n.ties)
			first, second := topTwo(a)
			want := finding.ExampleRow{
				ID: fmt.Sprint(i), Row: int64(i), Variant: table.Variants[variant].Name, Label: int32(y),
				BaseModal: int32(m0), VariantModal: int32(mt), Tie: tied0 || tiedT, PIE: m0 != mt, Flip: finding.FlipNone,
				BaseVotes: int32(a[y]), VariantVotes: int32(b[y]), BaseTop: int32(a[m0]), VariantTop: int32(b[mt]),
				BaseK: 5, VariantK: int32(len(n.pred[1])), Votes: ballotText(a) + "|" + ballotText(b),
				Margin: float64(first-second) / 5, Taxicab: voteshift.Taxicab(a, b),
			}
			if m0 != mt {
				want.Flip = finding.FlipWrongToWrong
				if m0 == y {
					want.Flip = finding.FlipRightToWrong
				} else if mt == y {
					want.Flip = finding.FlipWrongToRight
				}
			}
			if (row.P == nil) != (row.Q == nil) || (row.P == nil) != (row.CertifiedP == nil) || row.P == nil && (row.Changed || row.Certified) {
				t.Fatalf("row %d: %+v", j, row)
			}
			p, known := exact[row.Votes]
			if row.P != nil && !known {
				p = shuffled(a, b)
				exact[row.Votes] = p
			}
			if row.P != nil && (*row.Q < *row.P || *row.CertifiedQ < *row.CertifiedP || !close64(*row.P, p)) {
				t.Fatalf("row %d: p %v q %v, certified p %v q %v", j, *row.P, *row.Q, *row.CertifiedP, *row.CertifiedQ)
			}
			row.P, row.Q, row.CertifiedP, row.CertifiedQ, row.Changed, row.Certified = nil, nil, nil, nil, false, false
			if row != want {
				t.Fatalf("row %d:\n%+v, want\n%+v", j, row, want)
			}
		}
	}
}

func ballotText(votes []int) string {
	order := upTo(len(votes))
	slices.SortStableFunc(order, func(a, b int) int { return votes[b] - votes[a] })
	var parts []string
	for _, c := range order {
		if votes[c] > 0 {
			parts = append(parts, fmt.Sprintf("%d:%d", c, votes[c]))
		}
	}
	return strings.Join(parts, " ")
}

// shapes are tables of every design.
func shapes() map[string]*prediction.Table {
	return map[string]*prediction.Table{
		"independent": random(51, 4500, 10, 9, 3),
		"paired":      paired(52, 4500, 9),
		"single pair": random(53, 4500, 1, 1),
		"many":        planting{examples: 2100, classes: 6, members: []int{40, 41}, hard: 0.2, shift: 0.5, seed: 54}.table(),
	}
}

func TestSameAtAnyThreads(t *testing.T) {
	for what, table := range shapes() {
		for _, paper := range []bool{false, true} {
			o := options(audit.LowestTie)
			if paper {
				o = audit.PaperOptions()
			}
			t.Run(fmt.Sprintf("%s, paper %t", what, paper), func(t *testing.T) {
				audittest.SameAtAnyThreads(t, New, table, o)
			})
		}
	}
}

// same compares the numbers of two sets of findings up to rounding.
func same(t *testing.T, what string, a, b []finding.Finding) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d findings, then %d", what, len(a), len(b))
	}
	for i := range a {
		x, y := a[i], b[i]
		if x.ID != y.ID || x.Outcome != y.Outcome || x.Reason != y.Reason || x.N != y.N {
			t.Errorf("%s: %s %s %s, then %s %s %s", what, x.ID, x.Outcome, x.Reason, y.ID, y.Outcome, y.Reason)
		}
		pairs := [][2]*float64{{x.Estimate, y.Estimate}, {x.Value, y.Value}, {x.BaseValue, y.BaseValue}, {x.Reference, y.Reference}, {x.Evidence.StdErr, y.Evidence.StdErr}}
		if x.Test != nil && y.Test != nil {
			pairs = append(pairs, [2]*float64{x.Test.P, y.Test.P})
		}
		for _, p := range pairs {
			if v, w := value(p[0]), value(p[1]); v != w && !(math.Abs(v-w) <= 1e-9) {
				t.Errorf("%s: %s: %v, then %v", what, x.ID, v, w)
			}
		}
	}
}

// The order of the examples does not matter.
func TestExampleOrder(t *testing.T) {
	for what, table := range shapes() {
		order := rand.New(rand.NewPCG(1, 1)).Perm(table.Len())
		o := options(audit.LowestTie)
		a, b := audittest.Run(t, New(), table, o), audittest.Run(t, New(), audittest.Permuted(table, order), o)
		same(t, what, a.Findings, b.Findings)
	}
}

// The order of the members does not matter to what draws nothing at random.
func TestMemberOrder(t *testing.T) {
	table := random(51, 1500, 10, 9)
	other := *table
	other.Variants = slices.Clone(table.Variants)
	for v := range other.Variants {
		other.Variants[v].Members = slices.Clone(table.Variants[v].Members)
		slices.Reverse(other.Variants[v].Members)
	}
	drawn := []string{"accuracy-on-pie", "accuracy-on-controls", "stability", "over-representation", "vote-shift", "vote-changed", "certified"}
	fixed := func(c *audittest.Collector) []finding.Finding {
		return slices.DeleteFunc(c.Findings, func(f finding.Finding) bool { return slices.Contains(drawn, f.Question) })
	}
	o := options(audit.LowestTie)
	a, b := audittest.Run(t, New(), table, o), audittest.Run(t, New(), &other, o)
	for i := range a.Examples {
		if a.Examples[i].Votes != b.Examples[i].Votes || value(a.Examples[i].Q) != value(b.Examples[i].Q) {
			t.Fatalf("row %d: %+v, then %+v", i, a.Examples[i], b.Examples[i])
		}
	}
	if fa := fixed(a); len(fa) < 4 {
		t.Fatalf("%d findings compared", len(fa))
	} else {
		same(t, "members reversed", fa, fixed(b))
	}
}

// Exchanging the populations keeps what treats them alike.
func TestSwappedPopulations(t *testing.T) {
	for what, table := range map[string]*prediction.Table{"independent": random(61, 1500, 10, 10), "paired": paired(62, 1500, 9)} {
		o := options(audit.LowestTie)
		a, b := audittest.Run(t, New(), table, o), audittest.Run(t, New(), audittest.Swapped(table), o)
		id := func(question, scope string) string { return "pie/" + question + "/pruned-1/" + scope }
		for _, x := range []string{id("pie-share", "overall"), id("vote-shift", "overall"), id("taxicab", "overall"), id("vote-changed", "examples:vote changed"), id("certified", "examples:certified PIE"), id("over-representation", "class:c2")} {
			if v, w := a.Find(t, x).Estimate, b.Find(t, x).Estimate; !close64(value(v), value(w)) {
				t.Errorf("%s: %s %v, exchanged %v", what, x, value(v), value(w))
			}
		}
		if what == "paired" {
			v, w := a.Find(t, id("swap-excess", "overall")), b.Find(t, id("swap-excess", "overall"))
			if !close64(value(v.Estimate), value(w.Estimate)) || *v.Test.P != *w.Test.P {
				t.Errorf("swap excess %v p %v, exchanged %v p %v", value(v.Estimate), *v.Test.P, value(w.Estimate), *w.Test.P)
			}
			continue
		}
		v, w := a.Find(t, id("own-floor", "overall")), b.Find(t, id("own-floor", "overall"))
		if !close64(value(v.Estimate), value(w.Estimate)) || !close64(*v.Evidence.StdErr, *w.Evidence.StdErr) {
			t.Errorf("own-floor %v, exchanged %v", value(v.Estimate), value(w.Estimate))
		}
		v, w = a.Find(t, id("floor-excess", "overall")), b.Find(t, id("floor-excess", "overall"))
		if !close64(value(v.Value), value(w.Value)) || close64(value(v.Reference), value(w.Reference)) {
			t.Errorf("floor-excess: PIE share %v floor %v, exchanged %v and %v", value(v.Value), value(v.Reference), value(w.Value), value(w.Reference))
		}
	}
}

// A sink that fails stops the check with its error.
func TestSinkFails(t *testing.T) {
	boom := errors.New("disk full")
	for after := range 3 {
		v := view(t, random(1, 9000, 3, 3), options(audit.LowestTie))
		if err := New().Run(context.Background(), v, &failing{left: after * 2500, err: boom}); !errors.Is(err, boom) {
			t.Errorf("after %d rows: %v", after*2500, err)
		}
	}
}

type failing struct {
	discard
	left int
	err  error
}

func (f *failing) Example(finding.ExampleRow) error {
	if f.left--; f.left < 0 {
		return f.err
	}
	return nil
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := New().Run(ctx, view(t, random(1, 9000, 3, 3), options(audit.LowestTie)), discard{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
