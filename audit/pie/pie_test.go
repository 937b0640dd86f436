package pie

import (
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
)

func TestX(t *testing.T) {
	tab := planting{examples: 3000, classes: 10, members: []int{30, 30, 12}, hard: 0.4, shift: 0.3, seed: 1}.table()
	c := audittest.Run(t, New(), tab, audit.DefaultOptions())
	for _, f := range c.Findings {
		p := func(x *float64) float64 { if x == nil { return -99 }; return *x }
		t.Log(f.ID, f.Outcome, f.Reason, f.Word, p(f.Estimate), p(f.Value), p(f.BaseValue), p(f.Reference), f.Interval)
		if f.Test != nil { t.Log("   ", f.Test.Name, p(f.Test.P), f.Test.Family) }
		for _, w := range f.Warnings { t.Log("      ", w.Text) }
	}
	tab = planting{examples: 3000, classes: 10, members: []int{30, 30}, hard: 0.4, shift: 0.3, seed: 1, lineage: true, flips: .1}.table()
	c = audittest.Run(t, New(), tab, audit.DefaultOptions())
	for _, f := range c.Findings {
		p := func(x *float64) float64 { if x == nil { return -99 }; return *x }
		t.Log(f.ID, f.Outcome, f.Reason, f.Word, p(f.Estimate), p(f.Value), p(f.BaseValue), p(f.Reference), f.Interval)
		if f.Test != nil { t.Log("   ", f.Test.Name, p(f.Test.P), f.Test.Family) }
		for _, w := range f.Warnings { t.Log("      ", w.Text) }
	}
}
