package main

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// The two questions of the class check, each its own family of tests.
var questions = []string{recall.HarmQuestion, recall.DisproportionQuestion}

// classTests audits the classes of one variant.
type classTests struct {
	spec    planted.Spec
	sim     *planted.Simulator // nil where each seed draws its own examples
	truth   *planted.Truth     // of the examples, or of their population
	options audit.Options
	exact   bool // tests are exact or classes depend on each other: false discovery is bounded from above only

	predict func(question string, class int) (power float64, ok bool)
	change  func(*prediction.Table) // nil, or what a test of the study breaks on purpose
}

// collector keeps findings.
type collector struct{ findings []finding.Finding }

func (c *collector) Finding(f finding.Finding) error {
	c.findings = append(c.findings, f)
	return nil
}
func (c *collector) Table(finding.Table) error        { return nil }
func (c *collector) Example(finding.ExampleRow) error { return nil }

// auditOptions are the default settings on one thread: seeds run in parallel.
func auditOptions(seed uint64) audit.Options {
	o := audit.DefaultOptions()
	o.Threads, o.Seed = 1, seed
	return o
}

func newClassTests(spec planted.Spec, exact bool) (*classTests, error) {
	c := &classTests{spec: spec, exact: exact, options: auditOptions(1)}
	sim, err := planted.NewSimulator(spec)
	if err != nil {
		return nil, err
	}
	c.truth = sim.Truth().Population()
	if spec.Sampling == planted.Quota {
		c.sim = sim
	}
	return c, nil
}

// Run audits one table with the class check.
func (c *classTests) Run(ctx context.Context, seed uint64) (values, error) {
	sim := c.sim
	if sim == nil {
		spec := c.spec
		spec.Seed = seed
		var err error
		if sim, err = planted.NewSimulator(spec); err != nil {
			return nil, err
		}
	}
	o := c.options
	o.Seed = seed
	table := sim.Table(seed)
	if c.change != nil {
		c.change(table)
	}
	view, err := audit.NewView(table, o)
	if err != nil {
		return nil, err
	}
	var out collector
	if err := audit.Run(ctx, view, []audit.Check{classimpact.New()}, &out, audit.Progress{}); err != nil {
		return nil, err
	}
	v := values{}
	anyFinding := false
	for _, q := range questions {
		found, err := c.score(q, out.findings, v)
		if err != nil {
			return nil, err
		}
		anyFinding = anyFinding || found
	}
	v["any"] = indicator(anyFinding)
	return v, nil
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// score counts the discoveries of one question.
func (c *classTests) score(question string, findings []finding.Finding, v values) (found bool, err error) {
	detected, wrong, planted, right := 0, 0, 0, 0
	raw, tested, predicted := 0.0, 0.0, 0.0
	null, nullRaw := 0.0, 0.0
	for i := range findings {
		f := &findings[i]
		if f.Question != question {
			continue
		}
		effect := c.effect(question, *f.Scope.Class)
		hit, p, ok, err := decision(f, c.options)
		if err != nil {
			return false, err
		}
		if hit {
			detected++
			if effect == 0 || effect*(*f.Estimate) < 0 {
				wrong++
			} else {
				right++
			}
		}
		if effect == 0 {
			null++
			nullRaw += indicator(ok && p <= c.options.Alpha)
			continue
		}
		planted++
		if c.predict == nil {
			continue
		}
		if power, known := c.predict(question, *f.Scope.Class); known {
			tested++
			raw += indicator(ok && p <= c.options.Alpha)
			predicted += power
		}
	}
	v[question+" any"] = indicator(detected > 0)
	v[question+" fdp"] = float64(wrong) / math.Max(1, float64(detected))
	if planted > 0 {
		v[question+" power"] = float64(right) / float64(planted)
	}
	if null > 0 {
		v[question+" size"] = nullRaw / null
	}
	if tested > 0 {
		v[question+" raw power"] = raw / tested
		v[question+" predicted power"] = predicted / tested
	}
	return detected > 0, nil
}

// effect is the planted change of a class; changes below 1e-9 are rounding.
func (c *classTests) effect(question string, class int) float64 {
	e := c.truth.Change(1, class)
	if question == recall.DisproportionQuestion {
		e = c.truth.NormalizedChange(1, class)
	}
	if math.Abs(e) < 1e-9 {
		return 0
	}
	return e
}

// decision reads what a finding decided, and checks that its outcome and its
// corrected p say the same.
func decision(f *finding.Finding, o audit.Options) (hit bool, p float64, ok bool, err error) {
	if f.Test == nil || f.Test.P == nil {
		return false, 0, false, nil
	}
	hit = *f.Test.Q <= o.Alpha
	if o.FDR == audit.NoFDR {
		hit = *f.Test.P <= o.Alpha
	}
	said := f.Outcome == finding.Worse || f.Outcome == finding.Better || f.Outcome == finding.Described
	if said != hit {
		return false, 0, false, fmt.Errorf("%s: outcome %s with p %v, q %v", f.ID, f.Outcome, *f.Test.P, *f.Test.Q)
	}
	return hit, *f.Test.P, true, nil
}

// Criteria judges error rates and power.
func (c *classTests) Criteria(t tally, b bounds) []criterion {
	nulls := map[string]int{}
	for _, q := range questions {
		for class := range c.spec.Classes {
			if c.effect(q, class) == 0 {
				nulls[q]++
			}
		}
	}
	classes := len(c.spec.Classes)
	var out []criterion
	if nulls[recall.HarmQuestion] == classes {
		for _, q := range questions {
			out = append(out, c.completeNull(q, t, b))
		}
		mean, se := t.mean("any")
		return append(out, shown("P(any finding in either family)", mean, se))
	}
	for _, q := range questions {
		out = append(out, c.falseDiscovery(q, float64(nulls[q])/float64(classes), t, b))
		out = append(out, c.power(q, t, b)...)
	}
	return out
}

// completeNull is criterion (i). Its limit is .05 and two standard errors at
// 1,000 seeds.
func (c *classTests) completeNull(q string, t tally, b bounds) criterion {
	mean, _ := t.mean(q + " any")
	return b.atMost("(i)", "P(any "+q+" finding)", "≤ .064", mean, b.shareSE(0.05), 0.064)
}

// falseDiscovery is criterion (ii).
func (c *classTests) falseDiscovery(q string, pi0 float64, t tally, b bounds) criterion {
	mean, se := t.mean(q + " fdp")
	what := "mean false discovery proportion, " + q
	switch {
	case pi0 == 0:
		return b.atMost("(ii)", what+", no true nulls: wrong signs", "≤ .05 + 3 SE", mean, se, 0.05+3*se)
	case c.exact:
		return b.atMost("(ii)", what, "≤ .05 + 3 SE", mean, se, 0.05+3*se)
	}
	return b.within("(ii)", what, fmt.Sprintf("%.4f ± 3 SE", pi0*0.05), mean, se, pi0*0.05, 3*se)
}

// power is criterion (iii), and the power after correction, which is only
// shown.
func (c *classTests) power(q string, t tally, b bounds) []criterion {
	var out []criterion
	if _, ok := t[q+" raw power"]; ok {
		mean, se := t.mean(q + " raw power")
		want, _ := t.mean(q + " predicted power")
		out = append(out, b.within("(iii)", "power of the unadjusted test, "+q, fmt.Sprintf("%.3f ± .04", want), mean, se, want, 0.04))
	}
	if _, ok := t[q+" power"]; ok {
		mean, se := t.mean(q + " power")
		out = append(out, shown("power after Benjamini-Hochberg, "+q, mean, se))
	}
	return out
}
