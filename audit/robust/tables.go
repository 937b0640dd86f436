package robust

import (
	"cmp"
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// number is a cell of a table: the number, or null.
func number(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

// relative is the change relative to the baseline on the same data.
func relative(base, top *float64) any {
	if base == nil || top == nil || *base == 0 {
		return nil
	}
	return (*top - *base) / *base
}

// shiftTable has a row for the clean data and one for every shift.
func (r *run) shiftTable(x *variant) finding.Table {
	t := finding.Table{
		Name: "shifts", Check: Name, Variant: x.name, Title: "Accuracy under shifts, " + x.name, Total: len(x.cells) + 1,
		Columns: []finding.Column{
			{Name: "shift"}, {Name: "corruption"}, {Name: "severity", Unit: finding.Count}, {Name: "benchmark"}, {Name: "n", Unit: finding.Count},
			{Name: "base_top1", Unit: finding.Share}, {Name: "top1", Unit: finding.Share}, {Name: "relative_top1", Unit: finding.Share, Doc: "change relative to the baseline on the same data"},
			{Name: "base_top5", Unit: finding.Share, Doc: "null where scores are not known"}, {Name: "top5", Unit: finding.Share}, {Name: "relative_top5", Unit: finding.Share},
			{Name: "excess", Unit: finding.Difference, Doc: "change of accuracy under the shift, variant minus baseline; no test by itself"},
			{Name: "excess_low", Unit: finding.Difference}, {Name: "excess_high", Unit: finding.Difference},
			{Name: "log_odds", Unit: finding.Nats, Doc: "the same in log-odds"},
			{Name: "pie_share", Unit: finding.Share, Doc: "examples whose modal label differs; noise is part of it"},
			{Name: "base_top1_all", Unit: finding.Share, Doc: "top-1 among all classes, where models choose among those of the data (top1); else null"}, {Name: "top1_all", Unit: finding.Share},
		},
		Rows: [][]any{},
	}
	c := r.pair(r.clean, x)
	base := r.view.Table.Baseline().Name
	clean := cell{n: len(r.clean.labels), base: x.design.mean(c.base, true, 1), top: x.design.mean(c.variant, false, 1),
		base5: topFive(r.clean, base), top5: topFive(r.clean, x.name), pie: differ(r.view.Table, base, x.name, r.view.Options.Ties),
		baseAll: unmasked(r.clean, base), topAll: unmasked(r.clean, x.name)}
	row := func(c *cell) []any {
		out := []any{"clean", nil, nil, nil, c.n, c.base, c.top, relative(&c.base, &c.top), number(c.base5), number(c.top5), relative(c.base5, c.top5),
			number(c.excess), number(c.low), number(c.high), number(c.odds), c.pie, number(c.baseAll), number(c.topAll)}
		if s := c.shift; s != nil {
			out[0] = s.Name
			if s.Corruption != "" {
				out[1], out[2] = s.Corruption, s.Severity
			}
			if s.Benchmark != "" {
				out[3] = s.Benchmark
			}
		}
		return out
	}
	t.Rows = append(t.Rows, row(&clean))
	for i := range x.cells {
		if len(t.Rows) == r.view.Options.MaxTableRows {
			break
		}
		t.Rows = append(t.Rows, row(&x.cells[i]))
	}
	return t
}

// corruptionTable has a row for every corruption, a mean over its severities, and
// for every natural shift.
func (r *run) corruptionTable(x *variant) finding.Table {
	t := finding.Table{
		Name: "corruptions", Check: Name, Variant: x.name, Title: "Excess by corruption, " + x.name, Total: len(r.groups),
		Columns: []finding.Column{
			{Name: "corruption"}, {Name: "severities", Unit: finding.Count},
			{Name: "corruption_error", Unit: finding.Ratio, Doc: "errors summed over severities, relative to the baseline's; no AlexNet is part of it"},
			{Name: "relative_corruption_error", Unit: finding.Ratio, Doc: "the same beyond the errors on clean data; null where the baseline makes no more errors"},
			{Name: "slope", Unit: finding.Difference, Doc: "change of the accuracy difference for each step of severity"},
			{Name: "slope_low", Unit: finding.Difference}, {Name: "slope_high", Unit: finding.Difference},
		},
		Rows: [][]any{},
	}
	for i, m := range x.groups {
		if len(t.Rows) == r.view.Options.MaxTableRows {
			break
		}
		row := []any{r.groups[i].name, len(r.groups[i].members), number(m.error), number(m.relativeError), nil, nil, nil}
		if !r.groups[i].paired {
			row[1] = nil
		}
		if m.slope != nil {
			row[4] = m.slope.estimate
			if iv := m.slope.interval; iv != nil {
				row[5], row[6] = iv.Low, iv.High
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// classTable has the classes by what they lose over all corruptions, the largest
// loss first.
func (r *run) classTable(x *variant) finding.Table {
	t := finding.Table{
		Name: "shifted-classes", Check: Name, Variant: x.name, Title: "Classes under corruption, " + x.name,
		Columns: []finding.Column{
			{Name: "class"}, {Name: "base_recall", Unit: finding.Share, Doc: "mean over all corruptions and severities"}, {Name: "recall", Unit: finding.Share},
			{Name: "change", Unit: finding.Difference}, {Name: "clean_change", Unit: finding.Difference, Doc: "on clean data"},
			{Name: "excess", Unit: finding.Difference, Doc: "change minus clean_change; no test"},
		},
		Rows: [][]any{}, Note: "Means without a test: findings say what is beyond chance.",
	}
	sizes := r.view.ClassSizes()
	for c, l := range x.worst {
		if l.shifts == 0 || sizes[c] == 0 {
			continue
		}
		n := float64(l.shifts)
		change, clean := (l.top-l.base)/n, l.cleanTop-l.cleanBase
		t.Rows = append(t.Rows, []any{r.view.Table.Classes[c], l.base / n, l.top / n, change, clean, change - clean})
	}
	slices.SortStableFunc(t.Rows, func(a, b []any) int { return cmp.Compare(a[3].(float64), b[3].(float64)) })
	t.Total = len(t.Rows)
	t.Rows = t.Rows[:min(len(t.Rows), r.view.Options.MaxTableRows)]
	return t
}
