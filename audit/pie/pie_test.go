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

// What few members cannot say is said, with a reason.
func TestFewMembers(t *testing.T) {
	o := options(audit.LowestTie)
	find := func(table *prediction.Table, question, scope string) finding.Finding {
		return audittest.Run(t, New(), table, o).Find(t, "pie/"+question+"/pruned-1/"+scope)
	}
	one := random(1, 300, 1, 1)
	changed := 0
	for i := range one.Len() {
		if one.Variants[0].Members[0].Predicted.At(i) != one.Variants[1].Members[0].Predicted.At(i) {
			changed++
		}
	}
	f := find(one, "pie-share", "overall")
	expectFinding(t, f, finding.Described, "")
	if value(f.Estimate) != float64(changed)/300 || f.Reference != nil {
		t.Errorf("one pair: PIE share %v beside %v, want %d of 300 beside nothing", value(f.Estimate), f.Reference, changed)
	}
	expectFinding(t, find(one, "floor-excess", "overall"), finding.NotMeasurable, finding.TooFewMembers)
	expectFinding(t, find(one, "own-floor", "overall"), finding.NotMeasurable, finding.TooFewMembers)
	expectFinding(t, find(one, "vote-shift", "overall"), finding.NotMeasurable, finding.TooFewMembers)
	expectFinding(t, find(one, "vote-changed", "examples:vote changed"), finding.NotMeasurable, finding.KTooSmall)
	expectFinding(t, find(one, "certified", "examples:certified PIE"), finding.NotMeasurable, finding.KTooSmall)
	expectFinding(t, find(one, "accuracy-on-pie", "examples:PIE"), finding.NotMeasurable, finding.TooFewMembers)

	three := random(1, 300, 3, 3)
	f = find(three, "vote-changed", "examples:vote changed")
	expectFinding(t, f, finding.NotMeasurable, finding.KTooSmall)
	if f.Needed != "at least 4 members in each population" {
		t.Errorf("needed: %q", f.Needed)
	}
	if f = find(three, "vote-shift", "overall"); f.Reason != finding.KTooSmall || f.Estimate == nil {
		t.Errorf("3 against 3 members: vote shift %+v; a p of .1 at best", f)
	}
	four := random(1, 300, 4, 4)
	if f = find(four, "vote-changed", "examples:vote changed"); f.Outcome == finding.NotMeasurable {
		t.Errorf("4 against 4 members: %s", f.Reason)
	}
	f = find(four, "certified", "examples:certified PIE")
	expectFinding(t, f, finding.NotMeasurable, finding.KTooSmall)
	if f.Needed != "at least 6 members in each population" {
		t.Errorf("needed: %q", f.Needed)
	}
	five := paired(1, 300, 5)
	f = find(five, "swap-excess", "overall")
	expectFinding(t, f, finding.NotMeasurable, finding.KTooSmall)
	if f.Estimate == nil || f.Needed != "at least 6 lineages with members on both sides" {
		t.Errorf("5 lineages: %+v", f)
	}
}

// Populations that are the same have nothing to measure, and nothing is found.
func TestIdentical(t *testing.T) {
	table := random(1, 300, 9, 9)
	table.Variants[1].Members = table.Variants[0].Members
	c := audittest.Run(t, New(), table, options(audit.LowestTie))
	for question, scope := range map[string]string{"accuracy-on-controls": "", "over-representation": "overall"} {
		if scope != "" {
			expectFinding(t, c.Find(t, "pie/"+question+"/pruned-1/"+scope), finding.NotMeasurable, finding.NothingToMeasure)
		}
	}
	for _, f := range c.Findings {
		if f.Outcome == finding.Worse {
			t.Errorf("%s is %s", f.ID, f.Word)
		}
	}
	if f := c.Find(t, "pie/pie-share/pruned-1/overall"); value(f.Estimate) != 0 {
		t.Errorf("PIE share %v", value(f.Estimate))
	}
}

// Without resampling the same questions are answered or said to be left out.
func TestNotComputed(t *testing.T) {
	for _, table := range []*prediction.Table{random(71, 600, 10, 9), paired(71, 600, 9)} {
		o := options(audit.LowestTie)
		full := audittest.Run(t, New(), table, o)
		o.Resample = false
		quick := audittest.Run(t, New(), table, o)
		left := 0
		for _, f := range quick.Findings {
			if f.Reason == finding.NotComputed {
				left++
			} else if g := full.Find(t, f.ID); value(f.Estimate) != value(g.Estimate) {
				t.Errorf("%s: %v without resampling, %v with", f.ID, value(f.Estimate), value(g.Estimate))
			}
		}
		if left < 4 {
			t.Errorf("%d findings left out", left)
		}
		for i := range full.Examples {
			if value(full.Examples[i].Q) != value(quick.Examples[i].Q) {
				t.Fatalf("row %d differs", i)
			}
		}
	}
}

// The measured floor is the difference of two PIE shares, with the jackknife
// over three populations.
func TestMeasuredFloor(t *testing.T) {
	table := random(81, 30, 4, 5, 3)
	table.Variants[2].Kind = prediction.KindNull
	null := table.Variants[2].Name
	f := audittest.Run(t, New(), table, options(audit.LowestTie)).Find(t, "pie/measured-floor/pruned-1/overall:"+null)
	n, z := naiveOf(table, 1, modal.Lowest), naiveOf(table, 2, modal.Lowest)
	theta := func(base, variant, other []int) float64 {
		return average(n.pieM(1, base, variant)) - average(z.pieM(1, base, other))
	}
	all, allT, allZ := n.all(0), n.all(1), z.all(1)
	want := theta(all, allT, allZ)
	v := jackknifed(naive{pred: [2][][]int{n.pred[0], n.pred[1]}}, func(base, variant []int) float64 { return theta(base, variant, allZ) })
	v += jackknifed(naive{pred: [2][][]int{z.pred[1], nil}}, func(other, _ []int) float64 { return theta(all, allT, other) })
	each := combine(n.pieM(1, all, allT), z.pieM(1, all, allZ), make([]float64, 30), 1, 0)
	if !close64(value(f.Estimate), want) || !close64(*f.Evidence.VarMembers, v) || !close64(*f.Evidence.VarExamples, variance(each)/30) {
		t.Errorf("%v, variances %v and %v; want %v, %v, %v", value(f.Estimate), *f.Evidence.VarMembers, *f.Evidence.VarExamples, want, v, variance(each)/30)
	}
}

// Paper mode: highest label wins, accuracies of the members that chose.
func TestPaperMode(t *testing.T) {
	table := random(91, 400, 6, 6)
	for v := range table.Variants {
		for k := range table.Variants[v].Members {
			m := &table.Variants[v].Members[k]
			m.TopK = append(m.TopK, m.Predicted)
			for j := 1; j < 5; j++ {
				col := prediction.NewColumn(400, 4)
				for i := range 400 {
					col.Set(i, (m.Predicted.At(i)+(j+1)/2)%4) // classes 1 and 2 above: never the class below
				}
				m.TopK = append(m.TopK, col)
			}
		}
	}
	c := audittest.Run(t, New(), table, audit.PaperOptions())
	n := naiveOf(table, 1, modal.Highest)
	pies := n.pies()
	if f := c.Find(t, "pie/pie-share/pruned-1/overall"); value(f.Estimate) != float64(number(pies))/400 {
		t.Errorf("PIE share %v, want %d of 400", value(f.Estimate), number(pies))
	}
	accuracy := func(p int, in func(i int) bool, right func(pred, label int) bool) float64 {
		hit, all := 0, 0
		for i := range n.labels {
			if in(i) {
				for _, m := range n.pred[p] {
					all++
					if right(m[i], n.labels[i]) {
						hit++
					}
				}
			}
		}
		return float64(hit) / float64(all)
	}
	first := func(p, y int) bool { return p == y }
	five := func(p, y int) bool { return p == y || (p+1)%4 == y || (p+2)%4 == y }
	for scope, in := range map[string]func(int) bool{"PIE": func(i int) bool { return pies[i] }, "non-PIE": func(i int) bool { return !pies[i] }, "all": func(int) bool { return true }} {
		for question, right := range map[string]func(p, y int) bool{"accuracy-on-pie-paper": first, "top5-accuracy-on-pie-paper": five} {
			f := c.Find(t, "pie/"+question+"/pruned-1/examples:"+scope)
			if b, v := accuracy(0, in, right), accuracy(1, in, right); !close64(*f.BaseValue, b) || !close64(*f.Value, v) || !close64(*f.Estimate, v-b) {
				t.Errorf("%s: %v and %v, want %v and %v", f.ID, *f.BaseValue, *f.Value, b, v)
			}
		}
	}
	for _, f := range c.Findings {
		if f.Test != nil || slices.Contains([]string{"floor-excess", "vote-changed"}, f.Question) {
			t.Errorf("paper mode tests %s", f.ID)
		}
	}
}

func TestOverRepresentation(t *testing.T) {
	table := random(95, 300, 5, 4)
	c := audittest.Run(t, New(), table, options(audit.LowestTie))
	pies := naiveOf(table, 1, modal.Lowest).pies()
	in, of := map[string]float64{}, map[string]float64{}
	for i, pie := range pies {
		for _, g := range []string{"class:" + table.Classes[table.Labels.At(i)], "subgroup:a0=" + table.Attributes[0].Values[table.Attributes[0].Codes[i]]} {
			of[g]++
			if pie {
				in[g]++
			}
		}
	}
	if len(of) != 7 {
		t.Fatalf("%d groups", len(of))
	}
	for g, n := range of {
		f := c.Find(t, "pie/over-representation/pruned-1/"+g)
		if want := in[g] / float64(number(pies)) / (n / 300); !close64(value(f.Estimate), want) || f.Reference == nil || f.N != int(n) {
			t.Errorf("%s: %v, want %v", g, value(f.Estimate), want)
		}
	}
}

func TestTables(t *testing.T) {
	table := random(96, 2200, 40, 12, 5)
	c := audittest.Run(t, New(), table, options(audit.LowestTie))
	for v := 1; v <= 2; v++ {
		total := int64(0)
		scatter := c.Get(t, "vote-scatter", table.Variants[v].Name)
		for _, row := range scatter.Rows {
			total += row[2].(int64)
		}
		if total != 2200 || len(scatter.Rows) > 31*31 {
			t.Errorf("scatter of %d examples in %d bins", total, len(scatter.Rows))
		}
		top := c.Get(t, "top-examples", table.Variants[v].Name)
		rows := slices.Clone(c.Examples[(v-1)*2200 : v*2200])
		slices.SortStableFunc(rows, func(a, b finding.ExampleRow) int { return compareRows(&a, &b) })
		for i, row := range top.Rows {
			if row[0] != rows[i].ID || row[8] != rows[i].Taxicab {
				t.Fatalf("row %d of the worst is %v, want %s", i, row, rows[i].ID)
			}
		}
		if len(top.Rows) != maxTop {
			t.Errorf("%d rows", len(top.Rows))
		}
	}
	all := c.Get(t, "pie-by-variant", "")
	for v, row := range all.Rows {
		f := c.Find(t, "pie/floor-excess/"+table.Variants[v+1].Name+"/overall")
		if row[4] != *f.Reference || row[5] != *f.Value || row[6] != *f.Estimate || row[7] != f.Interval.Low || row[8] != f.Interval.High {
			t.Errorf("row %v is not finding %+v", row, f)
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
