package main

import (
	"context"
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/summary"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// gateMargin is the margin of the gate's rules: 5 percentage points.
const gateMargin = 0.05

// gateSetup is a set of classes and how much members differ.
type gateSetup struct {
	name, about   string
	classes, size int
	correlation   float64 // latent, of a member's errors inside a class
	harm          float64 // loss of the class that must fail, where power is shown
}

// The first setup was planned before any result. In the second a class has as many
// examples as one of CIFAR-10's test set, and members differ more.
func gateSetups() []gateSetup {
	return []gateSetup{
		{"400", "10 classes of 400", 10, 400, 0.01, 0.10},
		{"1000", "5 classes of 1,000", 5, 1000, 0.05, 0.08},
	}
}

// gateTests judges a policy over audits of planted tables. Each seed draws its own
// examples and members, so that margins hold for the population of both.
type gateTests struct {
	spec     planted.Spec
	policy   *gate.Policy
	options  audit.Options
	change   func(*gate.Policy)                  // nil, or what a test of the study breaks on purpose
	criteria func(t tally, b bounds) []criterion // by what was planted
}

// gateDesign is how models relate in a scenario.
type gateDesign struct {
	name, about string
	k           int
	keep        float64 // share of a lineage's draws that the candidate keeps; 0: unpaired
	t           bool    // decided by a t-test
}

func gateDesigns() []gateDesign {
	return []gateDesign{
		{"pair", "one pair of models, shared checkpoint", 1, 0.8, false},
		{"pair-independent", "one pair of models, trained independently", 1, 0, false},
		{"paired-k5", "5 lineages", 5, 0.8, true},
		{"paired-k30", "30 lineages", 30, 0.8, true},
		{"welch-k5", "5 against 5 members", 5, 0, true},
		{"welch-k30", "30 against 30 members", 30, 0, true},
	}
}

// gateScenarios plant losses at the margin, for the error rates, and beside it, for
// the power.
func gateScenarios() []scenario {
	var out []scenario
	for _, set := range gateSetups() {
		for _, d := range gateDesigns() {
			all := map[int]float64{}
			for c := range set.classes {
				all[c] = gateMargin
			}
			one := func(class, rest float64) map[int]float64 {
				loss := map[int]float64{0: class}
				for c := 1; c < set.classes; c++ {
					loss[c] = rest
				}
				return loss
			}
			out = append(out,
				gateScenario(set, d, "one", "one class at the margin, the others gain 5 pp", one(gateMargin, -0.05), oneAtMargin(d)),
				gateScenario(set, d, "all", "all classes at the margin", all, allAtMargin),
				gateScenario(set, d, "power", fmt.Sprintf("one class loses %.0f pp, the others nothing", 100*set.harm), one(set.harm, 0), gatePower),
			)
		}
	}
	return out
}

func gateScenario(set gateSetup, d gateDesign, name, about string, loss map[int]float64, criteria func(tally, bounds) []criterion) scenario {
	s := planted.DefaultSpec(set.classes*set.size, set.classes)
	s.Classes = planted.Balanced(set.classes*set.size, set.classes, 0.85)
	s.Sampling, s.Levels, s.NoIDs = planted.Drawn, 256, true
	s.Variants = []planted.Variant{
		{Name: "dense", Kind: prediction.KindDense, Members: d.k, Correlation: set.correlation},
		{Name: "compressed", Kind: prediction.KindOther, Members: d.k, Correlation: set.correlation, ClassLoss: loss},
	}
	if d.k == 1 { // one model each: what a member has in common with itself would be a loss of its own
		s.Variants[0].Correlation, s.Variants[1].Correlation = 0, 0
	}
	if d.keep > 0 {
		s.Variants[1].Members, s.Variants[1].Paired, s.Variants[1].KeepShare = 1, true, d.keep
	}
	full := "gate/" + set.name + "-" + d.name + "-" + name
	return scenario{Name: full, Mode: "gate", About: set.about + ", " + d.about + "; " + about, Make: func() (experiment, error) {
		p, err := gate.Parse("simulate", []byte(`rules:
  - {name: one, metric: recall, scope: class, margin: 5pp, only: [class-0]}
  - {name: every, metric: recall, scope: class, margin: 5pp}
  - {name: worst, metric: recall, scope: worst, over: class, margin: 5pp}
  - {name: rest, metric: recall, scope: class, margin: 5pp, except: [class-0]}
`))
		if err != nil {
			return nil, err
		}
		return &gateTests{spec: s, policy: p, criteria: criteria, options: auditOptions(1)}, nil
	}}
}

// Run audits one table and judges it.
func (g *gateTests) Run(ctx context.Context, seed uint64) (values, error) {
	spec := g.spec
	spec.Seed = seed
	sim, err := planted.NewSimulator(spec)
	if err != nil {
		return nil, err
	}
	o := g.options
	o.Seed = seed
	view, err := audit.NewView(sim.Table(seed), o)
	if err != nil {
		return nil, err
	}
	checks := []audit.Check{summary.New(), classimpact.New()}
	config, err := audit.Describe(ctx, view, "simulate", checks)
	if err != nil {
		return nil, err
	}
	sink := gateSink{gate.NewAudit()}
	if err := sink.Config(&config); err != nil {
		return nil, err
	}
	if err := audit.Run(ctx, view, checks, sink, audit.Progress{}); err != nil {
		return nil, err
	}
	if err := sink.Done(&finding.Done{}); err != nil {
		return nil, err
	}
	policy := *g.policy
	policy.Rules = append([]gate.Rule(nil), g.policy.Rules...)
	if g.change != nil {
		g.change(&policy)
	}
	r, err := gate.Judge(&policy, sink.Audit, gate.Options{})
	if err != nil {
		return nil, err
	}
	v := values{}
	for i := range r.Rules {
		rr := &r.Rules[i]
		v[rr.Rule.Name+" pass"] = indicator(rr.Verdict == gate.Pass)
		v[rr.Rule.Name+" fail"] = indicator(rr.Verdict == gate.Fail)
	}
	if v["every pass"] != v["worst pass"] || v["every fail"] != v["worst fail"] {
		return nil, fmt.Errorf("the worst class and every class have different verdicts")
	}
	return v, nil
}

// gateSink gives findings to a gate.
type gateSink struct{ *gate.Audit }

// Finding keeps a finding.
func (s gateSink) Finding(f finding.Finding) error { return s.Audit.Finding(&f) }

// Table takes a table.
func (s gateSink) Table(t finding.Table) error { return s.Audit.Table(&t) }

// Example takes a row of the table of examples.
func (s gateSink) Example(finding.ExampleRow) error { return nil }

// Criteria judges the error rates of method 3.11 (v), or shows the power.
func (g *gateTests) Criteria(t tally, b bounds) []criterion { return g.criteria(t, b) }

// oneAtMargin: one class exactly at the margin, the rest far inside. A pass of all
// classes is false, and so is a pass or a fail of the class by itself.
func oneAtMargin(d gateDesign) func(t tally, b bounds) []criterion {
	return func(t tally, b bounds) []criterion {
		out := []criterion{b.errorRate(t, "every pass", "P(false pass), every class")}
		for _, side := range []string{"pass", "fail"} {
			what := "P(false " + side + "), the class alone"
			if !d.t { // bounds of a discrete test: only from above
				out = append(out, b.errorRate(t, "one "+side, what))
				continue
			}
			mean, _ := t.mean("one " + side)
			se := b.shareSE(0.05)
			out = append(out, b.within("(v)", what, ".05 ± 3 SE", mean, se, 0.05, 3*se))
		}
		return out
	}
}

// allAtMargin: every class exactly at the margin: a fail is false.
func allAtMargin(t tally, b bounds) []criterion {
	return []criterion{b.errorRate(t, "every fail", "P(false fail), every class"), b.errorRate(t, "every pass", "P(false pass), every class")}
}

// errorRate bounds a share of wrong verdicts by alpha and two standard errors.
func (b bounds) errorRate(t tally, name, what string) criterion {
	mean, _ := t.mean(name)
	se := b.shareSE(0.05)
	return b.atMost("(v)", what, "≤ .05 + 2 SE", mean, se, 0.05+2*se)
}

// gatePower is only shown.
func gatePower(t tally, _ bounds) []criterion {
	var out []criterion
	for _, c := range []struct{ name, what string }{
		{"rest pass", "P(pass), the classes that lose nothing"}, {"every fail", "P(fail), one class of all is harmed"},
		{"one fail", "P(fail), that class alone"},
	} {
		mean, se := t.mean(c.name)
		out = append(out, shown(c.what, mean, se))
	}
	return out
}
