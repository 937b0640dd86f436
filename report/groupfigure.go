package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// The ranked plot shows so many rows from the worst and from the best end.
const (
	rankedWorst = 40
	rankedBest  = 5
)

// groupFigure is the ranked plot of one variant's rows and, where there are
// enough tests, the volcano beside it; the rows are their table.
func (b *builder) groupFigure(id, name, metric string, rows []*groupRow, numbers *Table) Block {
	ranked := b.ranked(name, metric, rows)
	if ranked == nil {
		return numbers
	}
	figure := &Figure{
		ID: anchor("changes", id), Title: "Change of " + metric + ", " + name, Layout: Wide,
		Caption: "Worst first. Whiskers are the interval; a pale bar is the change that could have been missed where nothing was detected; the dashed line is the margin.",
		Legend:  outcomeLegend(), Numbers: numbers,
		Panels: []Panel{{Title: "Ranked, " + name, Draw: ranked}},
	}
	if volcano := b.volcano(name, metric, rows); volcano != nil {
		figure.Layout = Duo
		figure.Caption = "First, change against certainty: each mark is one group, further left lost more, higher up is surer; above the dotted line it counts after the correction. Then the same, worst first, with intervals: a pale bar is the change that could have been missed where nothing was detected. The dashed line is the margin."
		figure.Panels = []Panel{{Title: "Volcano, " + name, Draw: volcano}, figure.Panels[0]}
	}
	return figure
}

func outcomeLegend() []Legend {
	return []Legend{
		{chart.Worse, "mark", "lost, beyond chance"}, {chart.Better, "mark", "gained, beyond chance"},
		{chart.Undetect, "mark", "no difference detected"}, {chart.Unknown, "mark", "cannot say"},
	}
}

func (b *builder) tip(g *groupRow) string {
	f := g.main(b.paper())
	word, _ := g.word(b.paper())
	parts := []string{g.name, estimate(f), surely(f, &b.c.config.Settings), "n = " + num.Count(f.N), word}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func (b *builder) ranked(name, metric string, rows []*groupRow) *chart.Ranked {
	r := &chart.Ranked{Name: "Ranked changes of " + metric + ", " + name, XLabel: "change of " + metric + ", percentage points", Margin: b.c.config.Settings.Margin, Percent: true}
	var shown []*groupRow
	for _, g := range rows {
		if g.main(b.paper()).Estimate != nil {
			shown = append(shown, g)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	if n := len(shown) - rankedWorst - rankedBest; n > 1 {
		r.Gap, r.GapText = rankedWorst, fmt.Sprintf("%s between, not drawn", num.Count(n))
		shown = append(shown[:rankedWorst:rankedWorst], shown[len(shown)-rankedBest:]...)
	}
	for _, g := range shown {
		f := g.main(b.paper())
		row := chart.RankedRow{Label: g.name, X: *f.Estimate, Tone: toneOf(f.Outcome), Tip: b.tip(g), MDE: f.MDE, Link: b.linkOf(f)}
		row.Text, _ = ppCell(f)
		if f.Interval != nil {
			row.Low, row.High = &f.Interval.Low, &f.Interval.High
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

// volcano needs a handful of tests to be worth a picture.
func (b *builder) volcano(name, metric string, rows []*groupRow) *chart.Volcano {
	v := &chart.Volcano{Name: "Volcano of " + metric + ", " + name, XLabel: "change of " + metric + ", percentage points", Margin: b.c.config.Settings.Margin}
	for _, g := range rows {
		f := g.main(b.paper())
		if f.Estimate == nil || f.Test == nil || f.Test.P == nil {
			continue
		}
		p := *f.Test.P
		tone := toneOf(f.Outcome)
		if (tone == chart.Worse || tone == chart.Better) && (v.Cut == nil || p > *v.Cut) {
			v.Cut = &p
		}
		v.Points = append(v.Points, chart.VolcanoPoint{Label: g.name, X: *f.Estimate, P: p, Tone: tone, Tip: b.tip(g), Link: b.linkOf(f)})
	}
	if len(v.Points) < 8 {
		return nil
	}
	return v
}
