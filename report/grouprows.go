package report

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
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

// groupRows joins the findings of a check by scope, worst first. The rows are
// made once.
func (b *builder) groupRows(check, variant string, kind finding.ScopeKind) []*groupRow {
	key := rowsKey{check, variant, kind}
	if _, made := b.rows[key]; !made {
		b.rows[key] = b.joinRows(check, variant, kind)
	}
	return b.rows[key]
}

// rowsKey names the rows of one check, variant and kind of scope.
type rowsKey struct {
	check, variant string
	kind           finding.ScopeKind
}

func (b *builder) joinRows(check, variant string, kind finding.ScopeKind) []*groupRow {
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
			s += "; " + couldMiss(*t.missed) + " in the least well measured of them"
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
	cells[0].Notes, cells[0].Link = b.notes.refer(warnings), b.linkOf(f)
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
