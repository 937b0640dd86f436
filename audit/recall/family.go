package recall

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/multiple"
)

// correct adjusts the p-values of one family and names it in every test.
func (m *Measured) correct(answers []answer, question string) error {
	var p []float64
	var at []int
	for i := range answers {
		if answers[i].inTest {
			p = append(p, *answers[i].f.Test.P)
			at = append(at, i)
		}
	}
	if len(p) == 0 {
		return nil
	}
	adjust := func(f func([]float64) ([]float64, error)) []float64 {
		q, err := f(p)
		if err != nil {
			panic(fmt.Sprintf("recall: p-values of the family %s: %v", question, err)) // tests give p in [0, 1]
		}
		return q
	}
	bh, by, holm := adjust(multiple.BenjaminiHochberg), adjust(multiple.BenjaminiYekutieli), adjust(multiple.Holm)
	name := fmt.Sprintf("%s by %s, %s", question, m.Grouping.Name, m.view.Table.Variants[m.Variant].Name)
	if answers[at[0]].f.Scope.Kind == finding.Overall {
		name = fmt.Sprintf("%s overall, %s", question, m.view.Table.Variants[m.Variant].Name)
	}
	for j, i := range at {
		t := answers[i].f.Test
		t.Q, t.BY, t.Holm = &bh[j], &by[j], &holm[j]
		t.Family = &finding.Family{Name: name, Size: len(p)}
	}
	return nil
}

// significant reports whether the p-value, corrected as the options say, is at
// or below the level.
func (m *Measured) significant(a *answer) bool {
	t := a.f.Test
	if t == nil {
		return false
	}
	p := t.Q
	switch m.view.Options.FDR {
	case audit.BY:
		p = t.BY
	case audit.Holm:
		p = t.Holm
	case audit.NoFDR:
		p = t.P
	}
	return *p <= m.view.Options.Alpha
}
