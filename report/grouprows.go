package report

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// groupRow is what was asked about one class or subgroup of one variant.
type groupRow struct {
	name   string
	harm   *finding.Finding // did it lose?
	more   *finding.Finding // did it lose more than the model did? nil where not asked
	margin *finding.Finding // is the loss shown to be within the margin? nil where not asked
}

// main is the finding that decides the row: harm, in paper mode
// disproportion.
func (g *groupRow) main(paper bool) *finding.Finding {
	if g.harm == nil || paper && g.more != nil {
		return g.more
	}
	return g.harm
}

// word is the row's verdict.
func (g *groupRow) word(paper bool) (string, Mark) {
	f := g.main(paper)
	if g.more != nil && g.more.Word == finding.HarmedMore {
		return string(finding.HarmedMore), MarkWorse
	}
	return wordOf(f), MarkOf(f.Outcome)
}

// within says whether the loss is shown to stay within the margin.
func (g *groupRow) within() string {
	switch {
	case g.margin == nil:
		return ""
	case g.margin.Word == finding.WithinMargin:
		return "yes"
	case g.margin.Outcome == finding.Worse:
		return "no"
	default:
		return "open"
	}
}

// groupRows joins the findings of a check by scope, worst first.
func (b *builder) groupRows(check, variant string, kind finding.ScopeKind) []*groupRow {
	rows := map[string]*groupRow{}
	var order []*groupRow
	paper := b.paper()
	for _, f := range b.c.find(query{check: check, variant: variant, scope: kind}) {
		var slot func(*groupRow) **finding.Finding
		switch f.Question {
		case "harm":
			slot = func(g *groupRow) **finding.Finding { return &g.harm }
		case "disproportion":
			slot = func(g *groupRow) **finding.Finding { return &g.more }
		case "non-inferiority":
			slot = func(g *groupRow) **finding.Finding { return &g.margin }
		default:
			continue
		}
		key := f.Scope.Name
		if f.Scope.Class != nil {
			key = fmt.Sprintf("%d/%s", *f.Scope.Class, key)
		}
		g := rows[key]
		if g == nil {
			g = &groupRow{name: scopeName(f)}
			rows[key] = g
			order = append(order, g)
		}
		*slot(g) = f
		b.used[f] = true
	}
	order = slices.DeleteFunc(order, func(g *groupRow) bool { return g.main(paper) == nil })
	slices.SortStableFunc(order, func(x, y *groupRow) int { return worstFirst(x.main(paper), y.main(paper)) })
	return order
}

func (b *builder) paper() bool { return b.c.config.Mode == "paper" }

// tally counts the answers of one variant's rows.
type tally struct {
	total, worse, more, better, none, within, unknown int
	reasons                                           map[finding.Reason]int
	missed                                            *float64 // the largest minimum detectable effect of rows where nothing was detected
	needed                                            []string
}

func (b *builder) tally(rows []*groupRow) tally {
	t := tally{total: len(rows), reasons: map[finding.Reason]int{}}
	for _, g := range rows {
		f := g.main(b.paper())
		if g.more != nil && g.more.Word == finding.HarmedMore {
			t.more++
		}
		if g.margin != nil && g.margin.Word == finding.WithinMargin {
			t.within++
		}
		switch f.Outcome {
		case finding.Worse:
			t.worse++
		case finding.Better:
			t.better++
		case finding.NotMeasurable, finding.Failed:
			t.unknown++
			t.reasons[f.Reason]++
			if f.Needed != "" && !slices.Contains(t.needed, f.Needed) {
				t.needed = append(t.needed, f.Needed)
			}
		default:
			t.none++
			if f.MDE != nil && (t.missed == nil || *f.MDE > *t.missed) {
				t.missed = f.MDE
			}
		}
	}
	return t
}

// why lists reasons with their counts, most first.
func why(reasons map[finding.Reason]int) string {
	keys := make([]finding.Reason, 0, len(reasons))
	for r := range reasons {
		keys = append(keys, r)
	}
	sort.Slice(keys, func(i, j int) bool {
		if reasons[keys[i]] != reasons[keys[j]] {
			return reasons[keys[i]] > reasons[keys[j]]
		}
		return keys[i] < keys[j]
	})
	var parts []string
	for _, r := range keys {
		s := reasonText(r)
		if len(keys) > 1 {
			s += fmt.Sprintf(" (%s)", num.Count(reasons[r]))
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

// noun is what the rows are called.
type noun struct{ one, many string }

func (n noun) of(k, total int) string {
	if k == total && total == 1 {
		return "the only " + n.one
	}
	return fmt.Sprintf("%s of %s", num.Count(k), num.Plural(total, n.one, n.many))
}

// lead says in sentences what the rows of one variant found.
func (b *builder) lead(rows []*groupRow, t tally, n noun) []Text {
	var out []Text
	add := func(format string, args ...any) { out = append(out, Text{S: fmt.Sprintf(format, args...)}) }
	switch {
	case b.paper():
		out = append(out, Text{S: b.paperLead(t, n)})
	case t.worse > 0:
		s := fmt.Sprintf("%s harmed", capital(n.of(t.worse, t.total)))
		switch {
		case t.more == 0:
		case t.more == t.worse && t.worse == 1:
			s += ", disproportionately: it lost more than the model did"
		case t.more == t.worse:
			s += ", all of them disproportionately: they lost more than the model did"
		default:
			s += fmt.Sprintf(", %s of them disproportionately (more than the model lost)", num.Count(t.more))
		}
		worst := rows[0].main(false)
		add("%s. Worst: %s, %s, %s.", s, rows[0].name, estimate(worst), surely(worst, &b.c.config.Settings))
	default:
		add("No harm detected in any of %s.", num.Plural(t.total, n.one, n.many))
	}
	if t.better > 0 && !b.paper() {
		add("%s gained.", capital(n.of(t.better, t.total)))
	}
	if t.none > 0 {
		s := fmt.Sprintf("No difference detected in %s", num.Count(t.none))
		if t.missed != nil {
			s += fmt.Sprintf("; a change smaller than %s could have been missed in the least well measured of them", num.PP(*t.missed))
		}
		add("%s.", s)
	}
	if t.within > 0 {
		add("%s shown to lose no more than the margin of %s.", capital(n.of(t.within, t.total)), num.PP(b.c.config.Settings.Margin))
	}
	if t.unknown > 0 {
		add("%s cannot be judged: %s.", capital(n.of(t.unknown, t.total)), why(t.reasons))
	}
	return out
}

// paperLead counts the raw p-values at or below the level, and how many of them
// chance alone would give.
func (b *builder) paperLead(t tally, n noun) string {
	alpha := b.c.config.Settings.Alpha
	expected := "fewer than 1"
	if e := alpha * float64(t.total); e >= 1 {
		expected = "about " + num.Count(int(math.Round(e)))
	}
	return fmt.Sprintf("%s moved differently from the model (raw p at or below %s, not corrected; %s would by chance alone): %s lost more, %s lost less or gained.",
		capital(n.of(t.worse+t.better, t.total)), num.Setting(alpha), expected, num.Count(t.worse), num.Count(t.better))
}

func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// groupTable lists the rows of one variant.
func (b *builder) groupTable(id, title, what, metric string, rows []*groupRow) *Table {
	letter := "p"
	if b.c.config.Settings.FDR != "none" {
		letter = "q"
	}
	t := &Table{ID: id, Title: title, Total: len(rows), Columns: []Column{
		{Name: what, Min: 14},
		{Name: "n", Right: true, Drop: 2, Doc: "examples"},
		{Name: "baseline", Right: true, Drop: 6, Doc: metric + " of the baseline, mean over members"},
		{Name: "variant", Right: true, Drop: 6, Doc: metric + " of the variant, mean over members"},
		{Name: "change, pp", Right: true, Doc: "variant minus baseline, percentage points"},
		{Name: "interval", Right: true},
		{Name: letter, Right: true, Drop: 1},
		{Name: "beyond model, pp", Right: true, Drop: 5, Doc: "the change minus the whole model's change"},
		{Name: letter + " of it", Right: true, Drop: 8},
		{Name: "could miss, pp", Right: true, Drop: 7, Doc: "minimum detectable effect at 80 % power, where nothing was detected"},
		{Name: "within " + num.PP(b.c.config.Settings.Margin), Drop: 3, Doc: "is the loss shown to be smaller than the margin? open: the data cannot say"},
		{Name: "verdict", Min: 26},
	}}
	for _, g := range rows[:b.room(len(rows))] {
		t.Rows = append(t.Rows, b.groupCells(g))
	}
	return trim(t)
}

func (b *builder) groupCells(g *groupRow) []Cell {
	s := &b.c.config.Settings
	word, mark := g.word(b.paper())
	f := g.harm
	if f == nil {
		f = g.more
	}
	warnings := slices.Clone(f.Warnings)
	cells := []Cell{{Text: g.name}, {Text: num.Count(f.N)}, {}, {}, {}, {}, {}, {}, {}, {}, {Text: g.within()}, {Text: word, Mark: mark}}
	if h := g.harm; h != nil {
		cells[2].Text, cells[3].Text = opt(h.BaseValue, finding.Share), opt(h.Value, finding.Share)
		cells[4].Text, cells[5].Text = ppCell(h)
		_, p := decides(h, s)
		cells[6].Text = optP(p)
		if h.MDE != nil {
			cells[9].Text = num.PPValue(*h.MDE)
		}
	}
	if m := g.more; m != nil {
		cells[7].Text, _ = ppCell(m)
		_, p := decides(m, s)
		cells[8].Text = optP(p)
		warnings = append(warnings, m.Warnings...)
	}
	cells[0].Notes = b.notes.refer(warnings)
	return cells
}

// ppCell formats an estimate and its interval for columns in percentage
// points.
func ppCell(f *finding.Finding) (estimate, interval string) {
	if f.Estimate == nil {
		return "", ""
	}
	if f.Interval == nil {
		return num.PPValue(*f.Estimate), ""
	}
	whole := num.PPInterval(*f.Estimate, f.Interval.Low, f.Interval.High)
	estimate, interval, _ = strings.Cut(whole, " pp ")
	return estimate, interval
}

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
		figure.Caption = "Left: change against certainty; each mark is one group, further left lost more, higher up is surer; above the dotted line it counts after the correction. Right: the same, worst first, with intervals; a pale bar is the change that could have been missed where nothing was detected. The dashed line is the margin."
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
		row := chart.RankedRow{Label: g.name, X: *f.Estimate, Tone: toneOf(f.Outcome), Tip: b.tip(g), MDE: f.MDE}
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
		v.Points = append(v.Points, chart.VolcanoPoint{Label: g.name, X: *f.Estimate, P: p, Tone: tone, Tip: b.tip(g)})
	}
	if len(v.Points) < 8 {
		return nil
	}
	return v
}
