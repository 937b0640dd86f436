package curve

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// loss is the largest loss of recall of a class at any variant of the curves.
func (c *classCurves) loss(class int) float64 {
	worst := 0.0
	for _, m := range c.from {
		if d, ok := m.Difference(class); ok {
			worst = max(worst, -d)
		}
	}
	return worst
}

// order is the classes that have examples, the largest loss first.
func (c *classCurves) order() []int {
	var out []int
	losses := make([]float64, len(c.view.Table.Classes))
	for class, n := range c.view.ClassSizes() {
		if n > 0 {
			losses[class] = c.loss(class)
			out = append(out, class)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(losses[b], losses[a]) })
	return out
}

// recalls is the table of recall by class and variant.
func (c *classCurves) recalls() finding.Table {
	t := c.view.Table
	out := finding.Table{
		Name: "curve-class", Check: Name, Title: "Recall of each class as compression grows",
		Columns: []finding.Column{{Name: "class"}, {Name: t.Baseline().Name, Unit: finding.Share, Doc: "recall, mean over members"}},
	}
	var steps []int
	for _, l := range c.lines {
		for _, v := range l.variants {
			steps = append(steps, v)
			out.Columns = append(out.Columns, finding.Column{Name: t.Variants[v].Name, Unit: finding.Share, Doc: "recall, mean over members"})
		}
		if l.byFile {
			out.Note = "the variants have no levels: they are in the order of the file"
		}
	}
	classes := c.order()
	out.Total = len(classes)
	for _, class := range classes[:min(len(classes), c.view.Options.MaxTableRows)] {
		row := []any{t.Classes[class], c.meanRecall(steps[0], class, true)}
		for _, v := range steps {
			row = append(row, c.meanRecall(v, class, false))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// meanRecall is the mean recall of all members, of the baseline or of variant
// t, from the counts in t's harm findings.
func (c *classCurves) meanRecall(t, class int, base bool) float64 {
	e := c.harm[t][class].Evidence
	right := e.Correct
	if base {
		right = e.BaseCorrect
	}
	var sum int64
	for _, x := range right {
		sum += x
	}
	return float64(sum) / (float64(len(right)) * float64(c.view.ClassSizes()[class]))
}

// first is where a class is lost along one line; -1 for nowhere.
type first struct {
	class    int
	detected int // variant with a detected harm
	beyond   int // variant whose loss exceeds the margin as a point estimate
	regained bool
}

// firsts finds where each class is lost along a line.
func (c *classCurves) firsts(l line) []first {
	var out []first
	for class, n := range c.view.ClassSizes() {
		if n == 0 {
			continue
		}
		f := first{class: class, detected: -1, beyond: -1}
		for _, t := range l.variants {
			harmed := c.harm[t][class].Outcome == finding.Worse
			if harmed && f.detected < 0 {
				f.detected = t
			}
			f.regained = f.regained || !harmed && f.detected >= 0
			if d, ok := c.from[t].Difference(class); ok && f.beyond < 0 && -d > c.view.Options.Margin {
				f.beyond = t
			}
		}
		if f.detected >= 0 || f.beyond >= 0 {
			out = append(out, f)
		}
	}
	return out
}

// firstLost is the table of the classes that are lost somewhere.
func (c *classCurves) firstLost() finding.Table {
	t := c.view.Table
	out := finding.Table{
		Name: "curve-first-lost", Check: Name, Title: "Where each class is first lost",
		Columns: []finding.Column{
			{Name: "class"},
			{Name: "kind", Doc: "kind of variants that form the curve"},
			{Name: "detected", Doc: "first variant with a detected harm; null for none"},
			{Name: "beyond_margin", Doc: "first variant whose loss exceeds the margin as a point estimate; null for none"},
			{Name: "regained", Doc: "yes where a later variant's harm was not detected"},
		},
	}
	name := func(v int) any {
		if v < 0 {
			return nil
		}
		return t.Variants[v].Name
	}
	for _, l := range c.lines {
		at := func(v int) int {
			if i := slices.Index(l.variants, v); i >= 0 {
				return i
			}
			return len(l.variants)
		}
		lost := c.firsts(l)
		slices.SortStableFunc(lost, func(a, b first) int {
			return cmp.Or(cmp.Compare(at(a.detected), at(b.detected)), cmp.Compare(at(a.beyond), at(b.beyond)))
		})
		for _, f := range lost {
			regained := "no"
			if f.regained {
				regained = "yes"
			}
			out.Rows = append(out.Rows, []any{t.Classes[f.class], string(l.kind), name(f.detected), name(f.beyond), regained})
		}
	}
	out.Total = len(out.Rows)
	out.Rows = out.Rows[:min(len(out.Rows), c.view.Options.MaxTableRows)]
	return out
}

// findings are one description per class that is lost, at the variant where
// harm is first detected, and one per line.
func (c *classCurves) findings() []finding.Finding {
	var out []finding.Finding
	for _, l := range c.lines {
		lost, regained := 0, 0
		for _, f := range c.firsts(l) {
			if f.detected < 0 {
				continue
			}
			lost++
			if f.regained {
				regained++
			}
			out = append(out, c.classLost(f))
		}
		out = append(out, c.classesLost(l, lost, regained))
	}
	return out
}

// classLost repeats the harm finding at the first variant where harm was
// detected, as a description: the test belongs to the harm question.
func (c *classCurves) classLost(at first) finding.Finding {
	f := c.harm[at.detected][at.class]
	f.Question, f.Metric = "first-lost", "recall difference where harm is first detected"
	f.ID = audit.ID(Name, f.Question, f.Variant, f.Scope)
	f.Outcome, f.Word, f.Reason, f.MDE = finding.Described, "", "", nil
	if at.regained {
		f.Warnings = append(slices.Clone(f.Warnings), finding.Warning{Code: "not-monotone",
			Text: "At a later level of compression this class's harm was not detected: read the recalls along the curve."})
	}
	return f
}

func (c *classCurves) classesLost(l line, lost, regained int) finding.Finding {
	t := c.view.Table
	last := l.variants[len(l.variants)-1]
	scope := finding.Scope{Kind: finding.Overall, Name: string(l.kind)}
	f := finding.Finding{
		ID: audit.ID(Name, "classes-lost", t.Variants[last].Name, scope), Check: Name, Question: "classes-lost",
		Baseline: t.Baseline().Name, Variant: t.Variants[last].Name, Scope: scope,
		Metric: "classes with a harm detected at some level", Unit: finding.Count, Estimate: finding.Float(float64(lost)),
		Outcome: finding.Described, N: t.Len(), KBase: len(t.Baseline().Members), K: len(t.Variants[last].Members),
	}
	if regained > 0 {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "not-monotone",
			Text: fmt.Sprintf("For %d of these classes a stronger level shows no detected harm: read the recalls along the curve.", regained)})
	}
	if l.byFile {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "file-order", Text: "The variants have no levels: the order of the file is taken as the order of compression."})
	}
	return f
}
