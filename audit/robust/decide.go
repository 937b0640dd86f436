package robust

import (
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/multiple"
	"github.com/lethe-audit/lethe/stat/power"
	"github.com/lethe-audit/lethe/stat/tail"
)

// decide corrects the first level and gives its findings their words: the excess
// of every variant under every corruption is one family, the accuracy differences
// of a variant another.
func (r *run) decide() {
	var excess []*finding.Finding
	for _, x := range r.variants {
		var harm []*finding.Finding
		for _, m := range x.groups {
			excess, harm = append(excess, &m.excess), append(harm, &m.harm)
		}
		correct(harm, "harm by corruption, "+x.name)
		for _, f := range harm {
			r.harmWord(f)
		}
	}
	correct(excess, "excess by variant and corruption")
	for _, x := range r.variants {
		for _, m := range x.groups {
			r.excessWord(&m.excess, *m.odds.Estimate)
		}
	}
}

// correct adjusts the p-values of one family; what has no test is not of it.
func correct(family []*finding.Finding, name string) {
	var p []float64
	var tests []*finding.Test
	for _, f := range family {
		if f.Test != nil {
			p, tests = append(p, *f.Test.P), append(tests, f.Test)
		}
	}
	if len(p) == 0 {
		return
	}
	adjust := func(by func([]float64) ([]float64, error)) []float64 {
		q, err := by(p)
		if err != nil {
			panic(fmt.Sprintf("robust: p-values of the family %s: %v", name, err)) // tests give p in [0, 1]
		}
		return q
	}
	bh, by, holm := adjust(multiple.BenjaminiHochberg), adjust(multiple.BenjaminiYekutieli), adjust(multiple.Holm)
	for i, t := range tests {
		t.Q, t.BY, t.Holm = &bh[i], &by[i], &holm[i]
		t.Family = &finding.Family{Name: name, Size: len(p)}
	}
}

// detected reports whether the corrected p-value is at or below the level.
func (r *run) detected(f *finding.Finding) bool {
	if f.Test == nil || f.Outcome == finding.NotMeasurable {
		return false
	}
	p := f.Test.Q
	switch r.view.Options.FDR {
	case audit.BY:
		p = f.Test.BY
	case audit.Holm:
		p = f.Test.Holm
	case audit.NoFDR:
		p = f.Test.P
	}
	return *p <= r.view.Options.Alpha
}

func (r *run) harmWord(f *finding.Finding) {
	switch {
	case f.Outcome == finding.NotMeasurable:
	case !r.detected(f):
		r.undetected(f)
	case *f.Estimate < 0:
		f.Outcome, f.Word = finding.Worse, finding.Harmed
	default:
		f.Outcome, f.Word = finding.Better, finding.Gained
	}
}

// excessWord says more or less brittle only where points and log-odds agree: the
// excess in points depends on the level that the baseline starts from.
func (r *run) excessWord(f *finding.Finding, odds float64) {
	switch {
	case f.Outcome == finding.NotMeasurable:
	case !r.detected(f):
		r.undetected(f)
	case *f.Estimate < 0 && odds < 0:
		f.Outcome, f.Word = finding.Worse, finding.MoreBrittle
	case *f.Estimate < 0:
		f.Outcome, f.Word = finding.Described, finding.LosesMorePoints
	case odds > 0:
		f.Outcome, f.Word = finding.Better, finding.LessBrittle
	default:
		f.Outcome, f.Word = finding.Described, finding.LosesFewerPoints
	}
}

// undetected sets the outcome and the smallest effect that would have been
// detected.
func (r *run) undetected(f *finding.Finding) {
	f.Outcome, f.Word = finding.NotDetected, finding.NoDifference
	o := r.view.Options
	var mde float64
	switch t, e := f.Test, f.Evidence; {
	case t.DoF != nil && e.VarMembers != nil:
		if d, err := power.Noncentrality(*t.DoF, o.Alpha, o.MDEPower); err == nil {
			mde = d * math.Sqrt(*e.VarMembers)
		}
	case e.StdErr != nil:
		mde = (tail.NormalQuantile(o.Alpha/2) + tail.NormalQuantile(1-o.MDEPower)) * *e.StdErr
	}
	if mde > 0 {
		f.MDE = &mde
	}
}

// within looks inside the corruptions whose excess was detected: severities,
// classes and subgroups, a family each.
func (r *run) within(g *group) {
	for _, x := range r.variants {
		m := x.groups[g.index]
		if !r.detected(&m.excess) {
			continue
		}
		g.load()
		if len(g.answers) > 1 {
			r.severities(g, x, m)
		}
		r.classes(g, x, m)
		if g.paired {
			for a := range r.view.Table.Attributes {
				r.subgroups(g, x, m, a)
			}
		}
	}
	g.answers, g.all = nil, nil
}

// family corrects second-level findings and adds them to the corruption's.
func (r *run) family(m *measured, list []finding.Finding, odds []float64, name string) {
	pointers := make([]*finding.Finding, len(list))
	for i := range list {
		pointers[i] = &list[i]
	}
	correct(pointers, name)
	for i, f := range pointers {
		r.excessWord(f, odds[i])
	}
	m.inside = append(m.inside, list...)
}

func (r *run) severities(g *group, x *variant, m *measured) {
	var list []finding.Finding
	var odds []float64
	for j, a := range g.answers {
		scope := finding.Scope{Kind: finding.Severity, Name: g.members[j].Shift.Name, Shift: g.name}
		list = append(list, r.excessFinding(g, x, scope, []*answers{a}, nil, nil))
		o, _ := x.design.odds([]two{r.pair(a, x)}, r.pair(r.clean, x))
		odds = append(odds, o)
	}
	r.family(m, list, odds, fmt.Sprintf("excess by severity of %s, %s", g.name, x.name))
}

// part is the excess and its log-odds twin for some examples.
func (r *run) part(g *group, x *variant, scope finding.Scope, idx, cleanIdx []int32) (finding.Finding, float64) {
	f := r.excessFinding(g, x, scope, g.answers, idx, cleanIdx)
	if f.Estimate == nil {
		return f, 0
	}
	odds, _ := x.design.odds(r.sides(g, x, g.answers, idx), r.cleanSide(g, x, cleanIdx))
	return f, odds
}

func (r *run) classes(g *group, x *variant, m *measured) {
	idx, clean := byClass(g.answers[0].labels, len(r.view.Table.Classes)), byClass(r.clean.labels, len(r.view.Table.Classes))
	var list []finding.Finding
	var odds []float64
	subset := g.members[0].Table.Subset
	for c, name := range r.view.Table.Classes {
		if subset != nil && !slices.Contains(subset, c) {
			continue // of which there are no shifted examples
		}
		f, o := r.part(g, x, finding.Scope{Kind: finding.Class, Class: finding.Int(c), Name: name, Shift: g.name}, idx[c], clean[c])
		list, odds = append(list, f), append(odds, o)
	}
	r.family(m, list, odds, fmt.Sprintf("excess by class under %s, %s", g.name, x.name))
}

func (r *run) subgroups(g *group, x *variant, m *measured, attribute int) {
	a := &r.view.Table.Attributes[attribute]
	idx := make([][]int32, len(a.Values))
	for i := range idx {
		idx[i] = []int32{}
	}
	for i, c := range a.Codes {
		if c >= 0 {
			idx[c] = append(idx[c], int32(i))
		}
	}
	var list []finding.Finding
	var odds []float64
	for v, value := range a.Values {
		scope := finding.Scope{Kind: finding.Subgroup, Name: a.Name + "=" + value, Groups: []finding.Group{{Attribute: a.Name, Value: value}}, Shift: g.name}
		f, o := r.part(g, x, scope, idx[v], idx[v])
		list, odds = append(list, f), append(odds, o)
	}
	r.family(m, list, odds, fmt.Sprintf("excess by %s under %s, %s", a.Name, g.name, x.name))
}
