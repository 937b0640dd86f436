package report

import (
	"fmt"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// frontier says which of several variants to take.
func (b *builder) frontier() *Section {
	found := b.take(b.c.find(query{check: "frontier"}))
	t := b.c.table("frontier", "")
	g := read(t, "variant", "bytes_zstd", "size", "worst_change", "verdict", "pareto", "chosen")
	if len(found) == 0 || g == nil || g.len() == 0 {
		return nil
	}
	s := &Section{
		ID: "frontier", Title: "Size against harm", Checks: []string{"frontier"},
		Ask:    "Which is the most compressed variant without detected or undecided harm at the margin?",
		Method: b.method(found),
	}
	chosen := b.c.one(query{check: "frontier", question: "choice"})
	p := Part{ID: "frontier-all", Lead: []Text{{S: b.choiceText(chosen)}}}
	divide, unit := 1.0, "bytes"
	for i := range g.len() {
		switch v := g.or(i, "bytes_zstd"); {
		case v >= 2<<20:
			divide, unit = 1<<20, "MiB"
		case v >= 2<<10 && divide < 1<<10:
			divide, unit = 1<<10, "KiB"
		}
	}
	c := &chart.Frontier{Name: "Size against the largest loss of a class", XLabel: "size after zstd, " + unit,
		YLabel: "largest loss of a class, percentage points", Margin: b.c.config.Settings.Margin}
	for i := range g.len() {
		worst := g.number(i, "worst_change")
		if worst == nil {
			continue
		}
		name := g.text(i, "variant")
		point := chart.FrontierPoint{
			Label: name, Size: g.or(i, "bytes_zstd") / divide, Loss: -*worst, Bound: g.number(i, "bound"),
			Pareto: g.text(i, "pareto") == "yes", Chosen: g.text(i, "chosen") == "yes", Tone: verdictTone(g.text(i, "verdict")),
		}
		point.Tip = fmt.Sprintf("%s: %.4g %s, %s of the baseline; %s %s; %s", name, point.Size, unit, num.Share(g.or(i, "size")), g.text(i, "worst_class"), num.PP(*worst), g.text(i, "verdict"))
		c.Points = append(c.Points, point)
	}
	p.Blocks = []Block{&Figure{
		ID: "frontier-figure", Title: "Size against the largest loss of a class", Layout: Wide,
		Caption: "Every variant by its size after zstd and the recall that its worst class loses. Whiskers reach to the upper bound of that loss; the dashed line is the margin. The stepped line is the Pareto front: variants than which no other one is smaller and loses less, by the estimates. The large mark is the choice. Losses of more than six margins stand at the upper edge with their number.",
		Legend:  []Legend{{chart.Better, "mark", "every class within the margin"}, {chart.Worse, "mark", "some class beyond it"}, {chart.Unknown, "mark", "undecided"}, {"accent", "line", "Pareto front"}},
		Panels:  []Panel{{Title: "all variants", Draw: c}}, Numbers: b.frontierTable(g, t),
	}}
	s.Parts = []Part{p}
	return s
}

func verdictTone(verdict string) chart.Tone {
	switch verdict {
	case "within the margin":
		return chart.Better
	case "beyond the margin":
		return chart.Worse
	case "baseline":
		return chart.Reference
	default:
		return chart.Unknown
	}
}

// choiceText names the chosen variant.
func (b *builder) choiceText(f *finding.Finding) string {
	margin := num.PP(b.c.config.Settings.Margin)
	if f == nil || f.Outcome == finding.NotMeasurable || f.Estimate == nil || f.Value == nil {
		return "No variant is shown to lose less than " + margin + " in every class."
	}
	return fmt.Sprintf("Most compressed variant without detected or undecided harm at %s: %s, %s after zstd, %s of the baseline.",
		margin, f.Variant, num.Bytes(int64(*f.Value+0.5)), num.Share(*f.Estimate))
}

// frontierTable lists the variants by size.
func (b *builder) frontierTable(g *grid, from *finding.Table) *Table {
	t := &Table{ID: "frontier-table", Title: from.Title, Total: g.len(), Columns: []Column{
		{Name: "variant", Min: 12},
		{Name: "bytes", Right: true, Drop: 4, Doc: "on disk"},
		{Name: "zstd", Right: true, Doc: "bytes after zstd"},
		{Name: "of baseline", Right: true, Drop: 2},
		{Name: "accuracy", Right: true},
		{Name: "worst class", Min: 10, Drop: 1},
		{Name: "change", Right: true, Doc: "recall difference of the worst class"},
		{Name: "at most", Right: true, Doc: "upper bound of the largest loss of a class"},
		{Name: "Pareto", Drop: 3},
		{Name: "verdict", Min: 18},
	}}
	bytes := func(v float64) string { return num.Bytes(int64(v + 0.5)) }
	for i := range g.len() {
		verdict, mark := g.text(i, "verdict"), NoMark
		switch verdictTone(verdict) {
		case chart.Better:
			mark = MarkGood
		case chart.Worse:
			mark = MarkWorse
		case chart.Unknown:
			mark = MarkAsk
		}
		if g.text(i, "chosen") == "yes" {
			verdict += ", chosen"
		}
		row := []Cell{
			{Text: g.text(i, "variant")}, {Text: bytes(g.or(i, "bytes"))}, {Text: bytes(g.or(i, "bytes_zstd"))},
			{Text: num.Share(g.or(i, "size"))}, {Text: num.Share(g.or(i, "accuracy"))}, {Text: g.text(i, "worst_class")},
			{Text: opt(g.number(i, "worst_change"), finding.Difference)}, {Text: opt(g.number(i, "bound"), finding.Difference)},
			{}, {Text: verdict, Mark: mark},
		}
		if g.text(i, "pareto") == "yes" {
			row[8].Text = "yes"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
