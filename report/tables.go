package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// trim leaves out the columns that have no text in any row.
func trim(t *Table) *Table {
	used := make([]bool, len(t.Columns))
	for _, row := range t.Rows {
		for j, c := range row {
			used[j] = used[j] || c.Text != ""
		}
	}
	if !slices.Contains(used, false) || len(t.Rows) == 0 {
		return t
	}
	var columns []Column
	for j, c := range t.Columns {
		if used[j] {
			columns = append(columns, c)
		}
	}
	for i, row := range t.Rows {
		var cells []Cell
		for j, c := range row {
			if used[j] {
				cells = append(cells, c)
			}
		}
		t.Rows[i] = cells
	}
	t.Columns = columns
	return t
}

// room is how many of n rows a table may show.
func (b *builder) room(n int) int {
	if b.o.Rows > 0 {
		return min(n, b.o.Rows)
	}
	return n
}

// rank orders findings worst first: what is void, what is worse, then the
// others; within each the largest change in the bad direction.
func rank(f *finding.Finding) int {
	switch f.Outcome {
	case finding.Failed:
		return 0
	case finding.Worse:
		return 1
	default:
		return 2
	}
}

// badness is how bad a finding's estimate is: larger is worse, whatever sign
// the metric has. Estimates of unmeasured findings come last.
func badness(f *finding.Finding) float64 {
	if f.Estimate == nil {
		return math.Inf(-1)
	}
	if moreIsBad(f) {
		return *f.Estimate
	}
	return -*f.Estimate
}

// moreIsBad reports whether a larger estimate of the finding's metric is the
// worse one: rates of errors and measures of change.
func moreIsBad(f *finding.Finding) bool {
	switch f.Question {
	case "error", "fpr", "fnr", "ece", "over-representation":
		return true
	}
	return f.Unit == finding.Ratio
}

func worstFirst(x, y *finding.Finding) int {
	if c := cmp.Compare(rank(x), rank(y)); c != 0 {
		return c
	}
	return cmp.Compare(badness(y), badness(x))
}

// sorted is a copy of the findings, worst first; equal ones keep their order.
func sorted(findings []*finding.Finding) []*finding.Finding {
	out := slices.Clone(findings)
	slices.SortStableFunc(out, worstFirst)
	return out
}

// scopeName is what a finding is about.
func scopeName(f *finding.Finding) string {
	switch {
	case f.Scope.Name != "":
		return f.Scope.Name
	case f.Scope.Kind == finding.Overall:
		return "all examples"
	default:
		return string(f.Scope.Kind)
	}
}

// measures is a table of findings that are different measures or different
// groups of one variant; columns that nothing fills are left out.
func (b *builder) measures(id, title, what string, name func(*finding.Finding) string, findings []*finding.Finding) *Table {
	t := &Table{ID: id, Title: title, Total: len(findings), Columns: []Column{
		{Name: what, Min: 24},
		{Name: "n", Right: true, Drop: 6, Doc: "examples"},
		{Name: "baseline", Right: true, Drop: 4},
		{Name: "variant", Right: true, Drop: 4},
		{Name: "value", Right: true},
		{Name: "interval", Right: true},
		{Name: "no effect", Right: true, Drop: 1, Doc: "what the measure would be if compression changed nothing"},
		{Name: "p or q", Right: true, Drop: 2},
		{Name: "verdict", Min: 18},
	}}
	for _, f := range findings[:b.room(len(findings))] {
		_, p := decides(f, &b.c.config.Settings)
		n := ""
		if f.N > 0 {
			n = num.Count(f.N)
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: name(f), Notes: b.notes.refer(f.Warnings), Link: b.linkOf(f)},
			{Text: n},
			{Text: opt(f.BaseValue, sideUnit(f))},
			{Text: opt(f.Value, sideUnit(f))},
			{Text: opt(f.Estimate, f.Unit)},
			{Text: bounds(f.Interval, f.Unit)},
			{Text: reference(f)},
			{Text: optP(p)},
			{Text: wordOf(f), Mark: MarkOf(f.Outcome)},
		})
	}
	return trim(t)
}

// reference is what no effect would give. Beside an excess it is the floor, a
// share; beside other differences a difference; a margin is no reference.
func reference(f *finding.Finding) string {
	switch {
	case f.Question == "non-inferiority":
		return ""
	case strings.HasSuffix(f.Question, "floor-excess"), f.Question == "own-floor", f.Question == "swap-excess", f.Question == "measured-floor":
		return opt(f.Reference, finding.Share)
	default:
		return opt(f.Reference, f.Unit)
	}
}

func optP(p *float64) string {
	if p == nil {
		return ""
	}
	return num.PValue(*p)
}

// grid reads a [finding.Table] by column name.
type grid struct {
	t  *finding.Table
	at map[string]int
}

// read returns the grid of a table that has all the named columns; a table of
// another shape is none.
func read(t *finding.Table, columns ...string) *grid {
	if t == nil {
		return nil
	}
	g := &grid{t: t, at: map[string]int{}}
	for j, c := range t.Columns {
		if _, seen := g.at[c.Name]; !seen {
			g.at[c.Name] = j
		}
	}
	for _, c := range columns {
		if _, ok := g.at[c]; !ok {
			return nil
		}
	}
	return g
}

func (g *grid) cell(row int, column string) any {
	j, ok := g.at[column]
	if !ok {
		return nil
	}
	return g.t.Rows[row][j]
}

// number is a cell's number, or nil.
func (g *grid) number(row int, column string) *float64 {
	if v, ok := g.cell(row, column).(float64); ok {
		return &v
	}
	return nil
}

// or is a cell's number, or 0.
func (g *grid) or(row int, column string) float64 {
	if v := g.number(row, column); v != nil {
		return *v
	}
	return 0
}

// text is a cell's text; numbers are formatted plainly.
func (g *grid) text(row int, column string) string {
	switch v := g.cell(row, column).(type) {
	case string:
		return v
	case float64:
		return num.Number(v)
	}
	return ""
}

func (g *grid) len() int { return len(g.t.Rows) }

// raw lays out a finding's table as it is.
func (b *builder) raw(t *finding.Table) *Table {
	out := &Table{ID: anchor(t.Name, t.Variant), Title: t.Title, Total: max(t.Total, len(t.Rows)), Note: t.Note}
	for j, c := range t.Columns {
		column := Column{Name: columnName(c.Name), Doc: c.Doc, Right: c.Unit != "", Drop: max(0, j-3)}
		if !column.Right {
			column.Min = 12
		}
		out.Columns = append(out.Columns, column)
	}
	g := read(t)
	for i, row := range t.Rows[:b.room(len(t.Rows))] {
		cells := make([]Cell, len(row))
		for j, v := range row {
			switch v := v.(type) {
			case string:
				cells[j].Text = v
			case float64:
				cells[j].Text = tableValue(v, t.Columns[j].Unit)
			}
		}
		if len(cells) > 0 {
			cells[0].Link = b.rowLink(g, i)
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// tableValue formats a cell; the differences of a table have their unit in the
// column's head.
func tableValue(v float64, u finding.Unit) string {
	if u == finding.Difference {
		return num.PP(v)
	}
	return value(v, u)
}
