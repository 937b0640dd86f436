package slice

import (
	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// row is one subgroup in the table of one variant.
type row struct {
	name                string
	harm, disproportion *finding.Finding
	rates               groupRates
}

func newRow(harm, disproportion *finding.Finding, r groupRates) row {
	return row{name: harm.Scope.Name, harm: harm, disproportion: disproportion, rates: r}
}

// table lists the subgroups in the order of their groupings.
func (r *result) table(v *audit.View, t int) finding.Table {
	variant := v.Table.Variants[t].Name
	out := finding.Table{
		Name: "subgroups", Check: Name, Variant: variant, Total: len(r.rows),
		Title: "Subgroups, " + variant + " against " + v.Table.Baseline().Name,
		Columns: []finding.Column{
			{Name: "subgroup"},
			{Name: "n", Unit: finding.Count},
			{Name: "accuracy_base", Unit: finding.Share},
			{Name: "accuracy", Unit: finding.Share},
			{Name: "difference", Unit: finding.Difference, Doc: "of accuracy, variant minus baseline"},
			{Name: "low", Unit: finding.Difference},
			{Name: "high", Unit: finding.Difference},
			{Name: "q", Unit: finding.Plain, Doc: "harm, corrected within the grouping"},
			{Name: "outcome", Doc: "of the harm question"},
			{Name: "excess_gap", Unit: finding.Difference, Doc: "excess accuracy gap: loss of the subgroup minus loss of the model"},
			{Name: "error_relative", Unit: finding.Ratio, Doc: "change of the error rate relative to the baseline's"},
		},
	}
	rates := r.rows[0].rates.fpr != nil
	if rates {
		for _, name := range []string{"fpr", "fnr"} {
			out.Columns = append(out.Columns,
				finding.Column{Name: name + "_base", Unit: finding.Share},
				finding.Column{Name: name, Unit: finding.Share},
				finding.Column{Name: name + "_relative", Unit: finding.Ratio, Doc: "change relative to the baseline's; null where that is 0"})
		}
		out.Columns = append(out.Columns, finding.Column{Name: "precision_base", Unit: finding.Share}, finding.Column{Name: "precision", Unit: finding.Share})
	}
	for i := range r.rows[:min(len(r.rows), v.Options.MaxTableRows)] {
		out.Rows = append(out.Rows, r.rows[i].cells(rates))
	}
	return out
}

func (r *row) cells(rates bool) []any {
	h := r.harm
	out := []any{r.name, h.N, number(h.BaseValue), number(h.Value), number(h.Estimate), nil, nil, nil, string(h.Outcome), nil, nil}
	if h.Interval != nil {
		out[5], out[6] = h.Interval.Low, h.Interval.High
	}
	if h.Test != nil {
		out[7] = number(h.Test.Q)
	}
	if d := r.disproportion.Estimate; d != nil {
		out[9] = 0 - *d
	}
	if h.Estimate != nil && *h.BaseValue < 1 {
		out[10] = (0 - *h.Estimate) / (1 - *h.BaseValue)
	}
	if !rates {
		return out
	}
	for _, f := range []*finding.Finding{r.rates.fpr, r.rates.fnr} {
		out = append(out, number(f.BaseValue), number(f.Value))
		if f.BaseValue != nil && *f.BaseValue > 0 {
			out = append(out, *f.Estimate / *f.BaseValue)
		} else {
			out = append(out, nil)
		}
	}
	return append(out, number(r.rates.precision.BaseValue), number(r.rates.precision.Value))
}

// number is the value, or null.
func number(p *float64) any {
	if p == nil {
		return nil
	}
	return *p
}
