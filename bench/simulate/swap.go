package main

import (
	"context"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// swapTest measures the PIE share of a variant that shares the baseline's
// lineages against swaps within them.
type swapTest struct{ spec planted.Spec }

// Run tests one table.
func (s *swapTest) Run(ctx context.Context, seed uint64) (values, error) {
	v, _, err := view(s.spec, seed)
	if err != nil {
		return nil, err
	}
	v.Options.Replicates = 999 // p = (1 + #)/(B + 1) is exact at any B
	m, err := pie.MeasureSwap(ctx, v, 1)
	if err != nil {
		return nil, err
	}
	return values{
		"rejects": indicator(m.P <= v.Options.Alpha),
		"share":   m.PIE, "reference": m.Reference, "excess": m.PIE - m.Reference,
	}, nil
}

// Criteria judges the size of the test; with an effect the power is shown.
func (s *swapTest) Criteria(t tally, b bounds) []criterion {
	mean, se := t.mean("rejects")
	share, shareSE := t.mean("share")
	excess, excessSE := t.mean("excess")
	out := []criterion{shown("power of the swap test", mean, se)}
	if s.spec.Variants[1].Reshuffle == 0 && len(s.spec.Variants[1].ClassLoss) == 0 {
		limit := 0.05 + 3*b.shareSE(0.05)
		out[0] = b.atMost("(iv)", "size of the swap test", "≤ .05 + 3 SE", mean, b.shareSE(0.05), limit)
	}
	return append(out, shown("PIE share", share, shareSE), shown("excess over the swap reference", excess, excessSE))
}

// exampleTests runs the whole PIE check and judges what it says of single
// examples. Every seed draws its own examples.
type exampleTests struct{ spec planted.Spec }

// rowCollector keeps the example rows.
type rowCollector struct{ rows []finding.ExampleRow }

func (c *rowCollector) Finding(finding.Finding) error { return nil }
func (c *rowCollector) Table(finding.Table) error     { return nil }
func (c *rowCollector) Example(r finding.ExampleRow) error {
	c.rows = append(c.rows, r)
	return nil
}

// Run audits one table.
func (e *exampleTests) Run(ctx context.Context, seed uint64) (values, error) {
	v, truth, err := view(e.spec, seed)
	if err != nil {
		return nil, err
	}
	v.Options.Resample = false // the examples' own tests need none of it
	var out rowCollector
	if err := audit.Run(ctx, v, []audit.Check{pie.New()}, &out, audit.Progress{}); err != nil {
		return nil, err
	}
	changed, falseChanged, certified, falseCertified := 0.0, 0.0, 0.0, 0.0
	for i := range out.rows {
		row := &out.rows[i]
		base, variant := truth.Example(1, int(row.Row))
		if row.Changed {
			changed++
			falseChanged += indicator(math.Abs(base-variant) < 1e-12)
		}
		if row.Certified {
			certified++
			falseCertified += indicator(e.rightWins(base) == e.rightWins(variant))
		}
	}
	return values{
		"changed": changed, "changed any": indicator(changed > 0), "changed fdp": falseChanged / math.Max(1, changed),
		"certified": certified, "certified any": indicator(certified > 0), "certified fdp": falseCertified / math.Max(1, certified),
	}, nil
}

// rightWins reports whether the true label is the likeliest answer.
func (e *exampleTests) rightWins(p float64) bool { return p > (1-p)*e.spec.RunnerShare }

// Criteria judges the first two criteria for examples: the tests are exact and
// the examples share members, so false discovery is bounded from above.
func (e *exampleTests) Criteria(t tally, b bounds) []criterion {
	var out []criterion
	null := e.spec.Variants[1].Reshuffle == 0
	for _, q := range []string{"changed", "certified"} {
		if null {
			mean, _ := t.mean(q + " any")
			out = append(out, b.atMost("(i)", "P(any "+q+" example)", "≤ .064", mean, b.shareSE(0.05), 0.064))
			continue
		}
		mean, se := t.mean(q + " fdp")
		out = append(out, b.atMost("(ii)", "mean false discovery proportion, "+q+" examples", "≤ .05 + 3 SE", mean, se, 0.05+3*se))
		mean, se = t.mean(q)
		out = append(out, shown(q+" examples of 600", mean, se))
	}
	return out
}
