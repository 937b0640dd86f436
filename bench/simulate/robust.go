package main

import (
	"context"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/robust"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// robustDesign is a scenario of the check of robustness in short.
type robustDesign struct {
	members, examples int
	keep              float64 // share of its lineage's draws that a member of the variant keeps, 0: unpaired
	sd                float64 // of the members' accuracies, on clean data and again under each corruption
	loss              float64 // of the variant on clean and shifted data alike, a share
	blur              float64 // of the variant under blur, beyond that
}

// robustScenarios take the same from all data sets, or more from one corruption
// (method: 3.8).
func robustScenarios() []scenario {
	null := func(name, about string, d robustDesign) scenario {
		d.loss, d.examples = 0.03, 400
		return robustScenario("null-"+name, "3 pp less on clean and shifted data alike, "+about, d)
	}
	planted := func(name, about string, d robustDesign) scenario {
		d.blur = 0.03
		return robustScenario("planted-"+name, "3 pp more under blur only, "+about, d)
	}
	return []scenario{
		null("k1", "one pair of models", robustDesign{members: 1, keep: 0.6}),
		null("k5", "K = 5", robustDesign{members: 5, sd: 0.01}),
		null("k30", "K = 30", robustDesign{members: 30, sd: 0.01}),
		null("k5-paired", "5 lineages", robustDesign{members: 5, keep: 0.9, sd: 0.01}),
		null("k30-paired", "30 lineages", robustDesign{members: 30, keep: 0.9, sd: 0.01}),
		planted("k1", "one pair of models, 6,000 examples", robustDesign{members: 1, keep: 0.6, examples: 6000}),
		planted("k30", "K = 30, 1,000 examples", robustDesign{members: 30, sd: 0.01, examples: 1000}),
		planted("k5-paired", "5 lineages, 1,000 examples", robustDesign{members: 5, keep: 0.9, sd: 0.01, examples: 1000}),
	}
}

func robustScenario(name, about string, d robustDesign) scenario {
	return scenario{Name: "robust/" + name, Mode: "robust", About: about, Make: func() (experiment, error) {
		return &robustTests{robustDesign: d, right: d.probabilities(), options: auditOptions(1)}, nil
	}}
}

// robustTests audits one variant over clean and shifted data.
type robustTests struct {
	robustDesign
	right   [][]float64 // probability of a right answer, by data set (clean first) and example
	options audit.Options
	change  func(*prediction.Table) // nil, or what a test of the study breaks on purpose
}

// Run audits one table, and says under which corruptions an excess was found.
func (r *robustTests) Run(ctx context.Context, seed uint64) (values, error) {
	table, err := r.table(rand.New(rand.NewPCG(seed, 6)))
	if err != nil {
		return nil, err
	}
	if r.change != nil {
		r.change(table)
	}
	o := r.options
	o.Seed = seed
	v, err := audit.NewView(table, o)
	if err != nil {
		return nil, err
	}
	c := &collector{}
	if err := robust.New().Run(ctx, v, c); err != nil {
		return nil, err
	}
	return r.score(c.findings), nil
}

// score counts what was found. Where something is planted, a finding under another
// corruption is false, and so is one of the wrong sign.
func (r *robustTests) score(findings []finding.Finding) values {
	out := values{}
	found, wrong := 0.0, 0.0
	for _, f := range findings {
		if f.Question != robust.ExcessQuestion || f.Scope.Kind != finding.Corruption || f.Estimate == nil {
			continue
		}
		hit := indicator(f.Outcome != finding.NotDetected && f.Outcome != finding.NotMeasurable)
		found += hit
		if f.Scope.Name != plantedCorruption || *f.Estimate > 0 {
			wrong += hit
		}
		if f.Scope.Name == plantedCorruption {
			out["blur"], out["brittle"], out["estimate"] = hit, indicator(f.Word == finding.MoreBrittle), *f.Estimate
		}
	}
	out["any"], out["fdp"] = indicator(found > 0), wrong/max(found, 1)
	return out
}

// Criteria judges false findings where nothing is planted, else what was found of
// what was planted.
func (r *robustTests) Criteria(t tally, b bounds) []criterion {
	if r.blur == 0 {
		any, _ := t.mean("any")
		return []criterion{b.atMost("(i)", "P(any finding of excess)", "≤ .064", any, b.shareSE(0.05), 0.064)}
	}
	blur, _ := t.mean("blur")
	brittle, brittleSE := t.mean("brittle")
	fdp, fdpSE := t.mean("fdp")
	estimate, estimateSE := t.mean("estimate")
	return []criterion{
		b.atLeast("", "P(excess detected under blur)", "≥ .80", blur, b.shareSE(0.8), 0.8),
		shown("P(\"more brittle\" under blur)", brittle, brittleSE),
		b.within("", "mean excess under blur", "−.03 ± 3 SE", estimate, estimateSE, -r.blur, 3*estimateSE),
		b.atMost("(ii)", "mean false discovery proportion", "≤ .05 + 3 SE", fdp, fdpSE, 0.05+3*fdpSE),
	}
}
