package pie

import (
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/modal"
)

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
