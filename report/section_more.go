package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// heatSide is how many true and predicted classes a confusion picture has.
const heatSide = 12

// confusion says where lost examples go.
func (b *builder) confusion() *Section {
	found := b.take(b.c.find(query{check: "confusion"}))
	s := &Section{
		ID: "confusion", Title: "Where lost examples go", Checks: []string{"confusion"},
		Ask:    "What does the compressed model predict instead? Shares of the true class's examples, variant minus baseline.",
		Method: b.method(found),
	}
	for _, name := range b.c.variants() {
		p := Part{ID: anchor("confusion", name), Title: name}
		t := b.c.table("confusion", name)
		if g := read(t, "true", "predicted", "difference"); g != nil && g.len() > 0 {
			numbers := b.raw(t)
			p.Blocks = append(p.Blocks, &Figure{
				ID: anchor("confusion-heat", name), Title: "Confusion difference, " + name, Layout: Wide,
				Caption: "Rows are true classes, columns predicted ones; numbers are percentage points. On the diagonal a loss is recall lost; elsewhere a gain is a new mistake. Classes with the largest changes only.",
				Legend:  []Legend{{chart.Worse, "bar", "more mistakes or less recall"}, {chart.Better, "bar", "fewer mistakes or more recall"}},
				Panels:  []Panel{{Title: name, Draw: b.heat(name, g)}}, Numbers: numbers,
			})
		}
		overall := b.c.find(query{check: "confusion", variant: name, scope: finding.Overall})
		if len(overall) > 0 {
			p.Blocks = append(p.Blocks, b.measures(anchor("confusion-table", name), "Measures, "+name, "measure", questionText, overall))
		}
		if list := b.c.find(query{check: "confusion", variant: name, scope: finding.Class}); len(list) > 0 {
			p.Blocks = append(p.Blocks, b.destinations(name, list))
		}
		if len(p.Blocks) > 0 {
			s.Parts = append(s.Parts, p)
		}
	}
	return s
}

// destinations says what the answers that a class lost became. The sentence
// about all its gains stands in the table, not among the footnotes.
func (b *builder) destinations(name string, found []*finding.Finding) *Table {
	t := &Table{ID: anchor("destinations", name), Title: "What lost answers became, " + name, Minor: true, Total: len(found), Columns: []Column{
		{Name: "class", Min: 12}, {Name: "largest gain", Min: 14}, {Name: "before", Right: true}, {Name: "after", Right: true}, {Name: "change", Right: true}, {Name: "all gains", Min: 30},
	}}
	for _, f := range found[:b.room(len(found))] {
		var notes []finding.Warning
		gains := ""
		for _, w := range f.Warnings {
			if w.Code == "destinations" {
				gains = w.Text
				continue
			}
			notes = append(notes, w)
		}
		t.Rows = append(t.Rows, []Cell{{Text: scopeName(f), Notes: b.notes.refer(notes), Link: b.linkOf(f)}, {Text: strings.TrimPrefix(questionText(f), "share predicted as ")},
			{Text: opt(f.BaseValue, finding.Share)}, {Text: opt(f.Value, finding.Share)}, {Text: opt(f.Estimate, f.Unit)}, {Text: gains}})
	}
	return trim(t)
}

// heat draws the classes of the largest cells: all classes in order on both
// axes where they are few, else the true and the predicted classes of the
// largest cells.
func (b *builder) heat(name string, g *grid) *chart.Heat {
	h := &chart.Heat{Name: "Confusion difference, " + name, RowAxis: "true", ColAxis: "predicted"}
	if classes := b.c.config.Classes; len(classes) <= heatSide {
		h.Rows, h.Cols = classes, classes
	} else {
		h.Rows, h.Cols = firstTexts(g, "true", heatSide), firstTexts(g, "predicted", heatSide)
	}
	seen := map[[2]int]bool{}
	for i := range g.len() {
		truth, predicted, d := g.text(i, "true"), g.text(i, "predicted"), g.or(i, "difference")
		at := [2]int{slices.Index(h.Rows, truth), slices.Index(h.Cols, predicted)}
		if at[0] < 0 || at[1] < 0 || seen[at] {
			continue
		}
		seen[at] = true
		tone := chart.Worse
		if (truth == predicted) == (d > 0) {
			tone = chart.Better
		}
		h.Cells = append(h.Cells, chart.HeatCell{Row: at[0], Col: at[1], Value: d, Text: num.PPValue(d), Tone: tone,
			Tip: fmt.Sprintf("%s predicted as %s: %s", truth, predicted, num.PP(d)), Link: b.rowLink(g, i)})
	}
	return h
}

// firstTexts are the first n different texts of a column.
func firstTexts(g *grid, column string, n int) []string {
	var out []string
	for i := 0; i < g.len() && len(out) < n; i++ {
		if s := g.text(i, column); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// curvePanels is how many classes have a panel of their own.
const curvePanels = 24

// curves says where each class is first lost as compression grows.
func (b *builder) curves() *Section {
	found := b.take(b.c.find(query{check: "curve"}))
	if len(found) == 0 && b.c.table("curve-class", "") == nil {
		return nil
	}
	s := &Section{
		ID: "curves", Title: "Forgetting curves", Checks: []string{"curve"},
		Ask:    "How does each class's recall fall as compression grows, and where is it first lost?",
		Method: b.method(found),
	}
	p := Part{ID: "curves-all"}
	for _, f := range found {
		if f.Outcome == finding.NotMeasurable {
			p.Lead = append(p.Lead, Text{S: notMeasured(f), Notes: b.notes.refer(f.Warnings)})
		}
	}
	if t := b.c.table("curve-class", ""); t != nil && len(t.Columns) > 2 && len(t.Rows) > 0 {
		p.Blocks = append(p.Blocks, b.curveFigure(t))
	}
	for _, t := range b.c.tables {
		if t.Check == "curve" && t.Name != "curve-class" {
			p.Blocks = append(p.Blocks, b.raw(t))
		}
	}
	var measured []*finding.Finding
	for _, f := range found {
		if f.Outcome != finding.NotMeasurable {
			measured = append(measured, f)
		}
	}
	if len(measured) > 0 {
		name := func(f *finding.Finding) string {
			return fmt.Sprintf("%s: %s (%s)", scopeName(f), questionText(f), f.Variant)
		}
		list := b.measures("curve-measures", "First lost, with intervals", "class", name, sorted(measured))
		list.Minor = true
		p.Blocks = append(p.Blocks, list)
	}
	s.Parts = []Part{p}
	return s
}

// curveFigure draws the first rows of the table, which has the largest loss
// first.
func (b *builder) curveFigure(t *finding.Table) *Figure {
	f := &Figure{
		ID: "curve-classes", Title: "Recall by class as compression grows", Layout: Multiples,
		Caption: "The classes with the largest loss. Recall in percent from the baseline to the strongest compression; the dashed line is the baseline's recall. All panels share one scale.",
		Numbers: b.curveTable(t),
	}
	lo, hi := 1.0, 0.0
	rows := t.Rows[:min(len(t.Rows), curvePanels)]
	for _, row := range rows {
		for _, v := range row[1:] {
			if x, ok := v.(float64); ok {
				lo, hi = math.Min(lo, x), math.Max(hi, x)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	pad := math.Max((hi-lo)*0.06, 0.005)
	lo, hi = math.Max(0, lo-pad), math.Min(1, hi+pad)
	for _, row := range rows {
		name, _ := row[0].(string)
		c := &chart.Curve{Name: "Recall of " + name, Lo: lo, Hi: hi, Tone: "accent"}
		for j, v := range row[1:] {
			c.X = append(c.X, t.Columns[j+1].Name)
			c.Break = append(c.Break, j > 1 && b.kind(t.Columns[j+1].Name) != b.kind(t.Columns[j].Name))
			if x, ok := v.(float64); ok {
				c.Y = append(c.Y, &x)
			} else {
				c.Y = append(c.Y, nil)
			}
		}
		if first := b.firstLost(name); first != "" {
			for j, x := range c.X {
				if x == first {
					c.Mark, c.Tone = j, chart.Worse
				}
			}
			f.Legend = []Legend{{chart.Worse, "mark", "harm detected, first at the large mark"}, {"accent", "mark", "no harm detected"}}
		}
		panel := Panel{Title: name, Draw: c}
		if truth := b.class(name); truth != nil {
			panel.Link = b.link(Target{Truth: truth})
		}
		f.Panels = append(f.Panels, panel)
	}
	return f
}

func (b *builder) kind(variant string) string {
	if p := b.c.population(variant); p != nil {
		return p.Kind
	}
	return ""
}

// firstLost is the first variant with a detected harm of a class, or "".
func (b *builder) firstLost(class string) string {
	g := read(b.c.table("curve-first-lost", ""), "class", "detected")
	if g == nil {
		return ""
	}
	for i := range g.len() {
		if g.text(i, "class") == class {
			return g.text(i, "detected")
		}
	}
	return ""
}

// curveTable keeps the names of variants as they are.
func (b *builder) curveTable(t *finding.Table) *Table {
	out := b.raw(t)
	for j := range out.Columns {
		name := t.Columns[j].Name
		out.Columns[j].Name = name
		if j == 0 || name == b.c.baseline() || b.c.population(name) == nil {
			continue
		}
		for _, row := range out.Rows {
			if truth := b.class(row[0].Text); truth != nil {
				row[j].Link = b.link(Target{Variant: name, Truth: truth})
			}
		}
	}
	return out
}

// calibration compares confidence with accuracy.
func (b *builder) calibration() *Section {
	found := b.take(b.c.find(query{check: "calibration"}))
	var draws []Panel
	base := b.reliability(b.c.baseline())
	var tables []*Table
	for _, p := range b.c.config.Populations {
		bins := b.reliability(p.Name)
		if len(bins) == 0 {
			continue
		}
		r := &chart.Reliability{Name: "Reliability, " + p.Name, Bins: bins}
		if p.Name != b.c.baseline() {
			r.Base = base
		}
		draws = append(draws, Panel{Title: p.Name, Draw: r})
		tables = append(tables, b.raw(b.c.table("reliability", p.Name)))
	}
	if len(found) == 0 && len(draws) == 0 {
		return nil
	}
	s := &Section{
		ID: "calibration", Title: "Confidence", Checks: []string{"calibration"},
		Ask:    "Does the compressed model still know when it is wrong?",
		Method: b.method(found),
	}
	p := Part{ID: "calibration-all"}
	if len(draws) > 0 {
		p.Blocks = append(p.Blocks, &Figure{
			ID: "reliability", Title: "Reliability", Layout: Multiples,
			Caption: "Accuracy against confidence in bins. On the dashed line confidence equals accuracy; below it the model is overconfident. Gray is the baseline; bars at the bottom are the number of answers.",
			Legend:  []Legend{{"accent", "mark", "this variant"}, {chart.Reference, "mark", "baseline"}},
			Panels:  draws, Numbers: tables[0],
		})
		for _, t := range tables[1:] {
			t.Numbers = true
			p.Blocks = append(p.Blocks, t)
		}
		tables[0].Numbers = true
	}
	var measured []*finding.Finding
	for _, f := range found {
		if f.Outcome == finding.NotMeasurable {
			if text := notMeasured(f); !hasText(p.Lead, text) {
				p.Lead = append(p.Lead, Text{S: text})
			}
			continue
		}
		measured = append(measured, f)
	}
	if len(measured) > 0 {
		name := func(f *finding.Finding) string { return f.Variant + ": " + questionText(f) }
		p.Blocks = append(p.Blocks, b.measures("calibration-table", "Calibration", "measure", name, measured))
	}
	s.Parts = []Part{p}
	return s
}

func (b *builder) reliability(variant string) []chart.ReliabilityBin {
	g := read(b.c.table("reliability", variant), "count", "confidence", "accuracy")
	if g == nil {
		return nil
	}
	var out []chart.ReliabilityBin
	for i := range g.len() {
		confidence, accuracy := g.number(i, "confidence"), g.number(i, "accuracy")
		if confidence == nil || accuracy == nil {
			continue
		}
		out = append(out, chart.ReliabilityBin{Confidence: *confidence, Accuracy: *accuracy, Count: int64(g.or(i, "count"))})
	}
	return out
}
