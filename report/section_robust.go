package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// robust says whether compression costs more under shifts than on clean data.
func (b *builder) robust() *Section {
	found := b.c.find(query{check: "robust", question: "excess", scope: finding.Corruption})
	if len(found) == 0 {
		return nil
	}
	for _, q := range []query{
		{question: "excess"}, {question: "log-odds"}, {question: "harm"}, {question: "mean-excess"}, {question: "severity-slope"}, {question: "corruption-error"}, {question: "worst-case"},
	} {
		q.check = "robust"
		b.take(b.c.find(q))
	}
	s := &Section{
		ID: "robust", Title: "Shifted data", Checks: []string{"robust"},
		Ask:    "Does compression cost more under a corruption or another shift than it does on clean data?",
		Method: b.method(found),
	}
	if p := b.specimens(); p != nil {
		s.Parts = append(s.Parts, *p)
	}
	for _, name := range b.c.variants() {
		list := b.c.find(query{check: "robust", question: "excess", variant: name, scope: finding.Corruption})
		if len(list) == 0 {
			continue
		}
		p := Part{ID: anchor("robust", name), Title: name, Lead: []Text{{S: b.robustLead(name, list)}}}
		if f := b.excessFigure(name); f != nil {
			p.Blocks = append(p.Blocks, f)
		}
		p.Blocks = append(p.Blocks, b.excessTable(name, list))
		if t := b.c.table("shifts", name); t != nil {
			shifts := b.raw(t)
			shifts.Minor = len(p.Blocks) > 1 // the map says the most of it
			p.Blocks = append(p.Blocks, shifts)
		}
		if t := b.togetherTable(name); t != nil {
			p.Blocks = append(p.Blocks, t)
		}
		if t := b.insideTable(name); t != nil {
			p.Blocks = append(p.Blocks, t)
		}
		if t := b.c.table("shifted-classes", name); t != nil && len(t.Rows) > 0 {
			p.Blocks = append(p.Blocks, b.raw(t))
		}
		s.Parts = append(s.Parts, p)
	}
	return s
}

// robustLead names the corruptions that stand out, and the means over benchmarks.
func (b *builder) robustLead(name string, list []*finding.Finding) string {
	var brittle, points []string
	for _, f := range list {
		switch f.Word {
		case finding.MoreBrittle:
			brittle = append(brittle, fmt.Sprintf("%s (%s)", f.Scope.Name, num.PP(*f.Estimate)))
		case finding.LosesMorePoints:
			points = append(points, fmt.Sprintf("%s (%s)", f.Scope.Name, num.PP(*f.Estimate)))
		}
	}
	var out []string
	if len(brittle) > 0 {
		out = append(out, "More brittle than the baseline, in points and in log-odds, under "+list2(brittle)+".")
	}
	if len(points) > 0 {
		out = append(out, "Loses more points under "+list2(points)+", which depends on the scale: in log-odds it does not.")
	}
	if len(out) == 0 {
		out = append(out, fmt.Sprintf("No loss under a shift beyond that on clean data was detected for %s.", name))
	}
	for _, f := range b.c.find(query{check: "robust", question: "mean-excess", variant: name}) {
		text := fmt.Sprintf("Mean excess over %s: %s", f.Scope.Name, num.PP(*f.Estimate))
		if f.Interval != nil {
			text += " " + bounds(f.Interval, f.Unit)
		}
		out = append(out, text+".")
	}
	for _, f := range b.c.find(query{check: "robust", question: "severity-slope", variant: name, scope: finding.Overall}) {
		text := fmt.Sprintf("The accuracy difference changes by %s", num.PP(*f.Estimate))
		if f.Interval != nil {
			text += " " + bounds(f.Interval, f.Unit)
		}
		out = append(out, text+" for each step of severity.")
	}
	return strings.Join(append(out, b.amongAll(name)...), " ")
}

// amongAll says what models are right on where they choose among all classes, for
// shifts of some classes.
func (b *builder) amongAll(name string) []string {
	g := read(b.c.table("shifts", name), "shift", "base_top1_all", "top1_all")
	var out []string
	for i := 0; g != nil && i < g.len(); i++ {
		base, top := g.number(i, "base_top1_all"), g.number(i, "top1_all")
		if base != nil && top != nil {
			out = append(out, fmt.Sprintf("On %s models choose among the classes that it has; among all classes, %s is right on %s and %s on %s.",
				g.text(i, "shift"), b.c.baseline(), opt(base, finding.Share), name, opt(top, finding.Share)))
		}
	}
	return out
}

// list2 is a list of at most six.
func list2(texts []string) string { return list(capped(texts, 6, "others")) }

// excessFigure is the map of corruptions by severity; nil where no shift has one.
func (b *builder) excessFigure(name string) *Figure {
	g := read(b.c.table("shifts", name), "shift", "corruption", "excess")
	if g == nil {
		return nil
	}
	h := &chart.Heat{Name: "Excess by corruption and severity, " + name, RowAxis: "corruption", ColAxis: "severity", Axes: "corruptions by severities"}
	for i := range g.len() {
		if c := g.text(i, "corruption"); c != "" && !slices.Contains(h.Rows, c) {
			h.Rows = append(h.Rows, c)
		}
		if _, severity, ok := strings.Cut(g.text(i, "shift"), ":"); ok && !slices.Contains(h.Cols, severity) {
			h.Cols = append(h.Cols, severity)
		}
	}
	slices.Sort(h.Cols)
	for i := range g.len() {
		_, severity, ok := strings.Cut(g.text(i, "shift"), ":")
		v := g.number(i, "excess")
		if !ok || v == nil {
			continue
		}
		tone := chart.Worse
		if *v > 0 {
			tone = chart.Better
		}
		h.Cells = append(h.Cells, chart.HeatCell{
			Row: slices.Index(h.Rows, g.text(i, "corruption")), Col: slices.Index(h.Cols, severity), Value: *v, Text: num.PPValue(*v), Tone: tone,
			Tip:  fmt.Sprintf("%s: %s beyond the change on clean data", g.text(i, "shift"), num.PP(*v)),
			Link: b.rowLink(g, i),
		})
	}
	if len(h.Cells) == 0 {
		return nil
	}
	return &Figure{
		ID: anchor("robust-map", name), Title: "Excess by corruption and severity, " + name, Layout: Wide,
		Caption: "Accuracy that the variant loses (or gains) under a corruption beyond what it loses on clean data, in percentage points against the baseline on the same images. Cells are estimates; the table says which corruptions are beyond chance.",
		Legend:  []Legend{{chart.Worse, "mark", "loses more than on clean data"}, {chart.Better, "mark", "loses less"}},
		Panels:  []Panel{{Title: name, Draw: h}}, Numbers: excessGrid(name, h),
	}
}

// excessGrid are the numbers of the map.
func excessGrid(name string, h *chart.Heat) *Table {
	t := &Table{ID: anchor("robust-grid", name), Title: "Excess by corruption and severity, pp, " + name, Total: len(h.Rows), Columns: []Column{{Name: "corruption", Min: 12}}}
	for _, severity := range h.Cols {
		t.Columns = append(t.Columns, Column{Name: "severity " + severity, Right: true})
	}
	for _, corruption := range h.Rows {
		row := make([]Cell, len(t.Columns))
		row[0].Text = corruption
		t.Rows = append(t.Rows, row)
	}
	for _, c := range h.Cells {
		t.Rows[c.Row][1+c.Col] = Cell{Text: c.Text, Link: c.Link}
	}
	return t
}

// togetherTable has what is said of several corruptions together: means over
// benchmarks, the worst case of each family. nil if nothing is.
func (b *builder) togetherTable(name string) *Table {
	t := &Table{ID: anchor("robust-together", name), Title: "Several corruptions together, " + name, Minor: true, Columns: []Column{
		{Name: "over", Min: 12}, {Name: "measure", Min: 12}, {Name: "baseline", Right: true, Drop: 2}, {Name: "variant", Right: true, Drop: 1}, {Name: "value", Right: true}, {Name: "interval", Right: true},
	}}
	for _, q := range []struct{ question, measure string }{
		{"mean-excess", "mean excess"}, {"corruption-error", "error relative to the baseline's"}, {"worst-case", "right under every corruption and severity"},
	} {
		for _, f := range b.c.find(query{check: "robust", question: q.question, variant: name}) {
			t.Rows = append(t.Rows, []Cell{{Text: f.Scope.Name}, {Text: q.measure}, {Text: opt(f.BaseValue, shareOf(f))}, {Text: opt(f.Value, shareOf(f))}, {Text: opt(f.Estimate, f.Unit)}, {Text: bounds(f.Interval, f.Unit)}})
		}
	}
	if t.Total = len(t.Rows); t.Total == 0 {
		return nil
	}
	return trim(t)
}

// shareOf is the unit of the two values that a finding compares: of changes of
// accuracy they are differences, else shares.
func shareOf(f *finding.Finding) finding.Unit {
	if f.Question == "worst-case" {
		return finding.Share
	}
	return f.Unit
}

// excessTable lists the corruptions.
func (b *builder) excessTable(name string, found []*finding.Finding) *Table {
	t := &Table{ID: anchor("robust-table", name), Title: "Excess by corruption, " + name, Total: len(found), Columns: []Column{
		{Name: "corruption", Min: 12},
		{Name: "baseline", Right: true, Drop: 4, Doc: "accuracy on the shifted data"}, {Name: "variant", Right: true, Drop: 3},
		{Name: "excess", Right: true, Doc: "change of accuracy under the shift, variant minus baseline"},
		{Name: "interval", Right: true}, {Name: "p or q", Right: true},
		{Name: "log-odds", Right: true, Drop: 2, Doc: "the same in log-odds"},
		{Name: "error", Right: true, Drop: 5, Doc: "corruption error relative to the baseline's"},
		{Name: "slope", Right: true, Drop: 6, Doc: "change of the accuracy difference for each step of severity"},
		{Name: "verdict", Min: 18, Drop: 1},
	}}
	g := read(b.c.table("corruptions", name), "corruption", "corruption_error", "slope")
	for _, f := range found[:b.room(len(found))] {
		_, p := decides(f, &b.c.config.Settings)
		row := []Cell{{Text: f.Scope.Name, Notes: b.notes.refer(f.Warnings), Link: b.linkOf(f)}, {}, {}, {Text: opt(f.Estimate, f.Unit)}, {Text: bounds(f.Interval, f.Unit)}, {Text: optP(p)}, {}, {}, {}, {Text: wordOf(f), Mark: MarkOf(f.Outcome)}}
		for _, x := range b.c.find(query{check: "robust", variant: name, scope: finding.Corruption}) {
			switch {
			case x.Scope.Name != f.Scope.Name:
			case x.Question == "harm":
				row[1].Text, row[2].Text = opt(x.BaseValue, finding.Share), opt(x.Value, finding.Share)
			case x.Question == "log-odds" && x.Estimate != nil:
				row[6].Text = fmt.Sprintf("%+.3f", *x.Estimate)
			}
		}
		for i := 0; g != nil && i < g.len(); i++ {
			if g.text(i, "corruption") == f.Scope.Name {
				row[7].Text, row[8].Text = opt(g.number(i, "corruption_error"), finding.Ratio), opt(g.number(i, "slope"), finding.Difference)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return trim(t)
}

// insideTable lists what was detected inside corruptions; nil if nothing was.
func (b *builder) insideTable(name string) *Table {
	var inside []*finding.Finding
	for _, f := range b.c.find(query{check: "robust", question: "excess", variant: name}) {
		if _, p := decides(f, &b.c.config.Settings); f.Scope.Shift != "" && p != nil && *p <= b.c.config.Settings.Alpha {
			inside = append(inside, f)
		}
	}
	if len(inside) == 0 {
		return nil
	}
	tested := 0
	for _, f := range b.c.find(query{check: "robust", question: "excess", variant: name}) {
		if f.Scope.Shift != "" && f.Test != nil {
			tested++
		}
	}
	slices.SortStableFunc(inside, func(x, y *finding.Finding) int {
		switch {
		case *x.Estimate < *y.Estimate:
			return -1
		case *x.Estimate > *y.Estimate:
			return 1
		}
		return 0
	})
	t := &Table{ID: anchor("robust-inside", name), Title: "Severities, classes and subgroups with a detected excess, " + name, Total: len(inside), Columns: []Column{
		{Name: "under", Min: 8}, {Name: "which", Min: 10}, {Name: "n", Right: true, Drop: 2}, {Name: "excess", Right: true}, {Name: "interval", Right: true}, {Name: "p or q", Right: true}, {Name: "verdict", Min: 18, Drop: 1},
	}, Note: fmt.Sprintf("%d were tested, inside corruptions with a detected excess only.", tested)}
	for _, f := range inside[:b.room(len(inside))] {
		_, p := decides(f, &b.c.config.Settings)
		t.Rows = append(t.Rows, []Cell{{Text: f.Scope.Shift, Link: b.linkOf(f)}, {Text: f.Scope.Name}, {Text: num.Count(f.N)}, {Text: opt(f.Estimate, f.Unit)}, {Text: bounds(f.Interval, f.Unit)}, {Text: optP(p)}, {Text: wordOf(f), Mark: MarkOf(f.Outcome)}})
	}
	return t
}
