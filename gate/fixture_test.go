package gate

import (
	"context"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/calibration"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/flip"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/audit/slice"
	"github.com/lethe-audit/lethe/audit/summary"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// audited is an audit with everything that was found, for comparison.
type audited struct {
	*Audit
	table    *prediction.Table
	findings []finding.Finding
}

// Example takes a row of the table of examples.
func (a *audited) Example(finding.ExampleRow) error { return nil }

// Table takes a table.
func (a *audited) Table(finding.Table) error { return nil }

// Finding keeps a finding.
func (a *audited) Finding(f finding.Finding) error {
	a.findings = append(a.findings, f)
	return a.Audit.Finding(&f)
}

// auditOf audits a table with the checks that metrics are read from.
func auditOf(t testing.TB, table *prediction.Table, change func(*audit.Options)) *audited {
	t.Helper()
	o := audit.DefaultOptions()
	o.Threads, o.Replicates, o.Partitions = 1, 999, 2
	if change != nil {
		change(&o)
	}
	v, err := audit.NewView(table, o)
	if err != nil {
		t.Fatal(err)
	}
	checks := []audit.Check{summary.New(), classimpact.New(), slice.New(), flip.New(), pie.New(), calibration.New()}
	a := &audited{Audit: NewAudit(), table: table}
	c, err := audit.Describe(context.Background(), v, "lethe test", checks)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Config(&c); err != nil {
		t.Fatal(err)
	}
	if err := audit.Run(context.Background(), v, checks, a, audit.Progress{}); err != nil {
		t.Fatal(err)
	}
	if err := a.Done(&finding.Done{}); err != nil {
		t.Fatal(err)
	}
	return a
}

// designs are three tables of the same classes: one pair of models, shared
// lineage, and independent populations. Class 0 loses 12 points, class 1 gains 3.
func designs(t testing.TB) map[string]*prediction.Table {
	t.Helper()
	out := map[string]*prediction.Table{}
	for name, v := range map[string][2]planted.Variant{
		"pair":        {{Name: "dense", Kind: prediction.KindDense, Members: 1}, {Name: "int8", Kind: prediction.KindQuantized, Members: 1, Paired: true, KeepShare: 0.9}},
		"paired":      {{Name: "dense", Kind: prediction.KindDense, Members: 8}, {Name: "int8", Kind: prediction.KindQuantized, Members: 2, Paired: true, KeepShare: 0.9}},
		"independent": {{Name: "dense", Kind: prediction.KindDense, Members: 9}, {Name: "int8", Kind: prediction.KindQuantized, Members: 7}},
	} {
		s := planted.DefaultSpec(9000, 6)
		s.Sampling = planted.Drawn
		s.Scores = planted.TopScores
		s.Attributes = []planted.Attribute{
			{Name: "light", Values: []planted.Value{{Name: "day", Share: 0.7}, {Name: "night", Share: 0.3}}},
			{Name: "device", Values: []planted.Value{{Name: "phone", Share: 0.9995}, {Name: "scan", Share: 0.0005}}},
		}
		v[1].ClassLoss = map[int]float64{0: 0.12, 1: -0.03}
		s.Variants = v[:]
		table, _, err := planted.New(s)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = table
	}
	return out
}

// policyOf is a policy of rules written as YAML lists.
func policyOf(t testing.TB, rules string) *Policy {
	t.Helper()
	p, err := Parse("policy.yaml", []byte("rules:\n"+rules))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// verdictOf judges a policy of rules, which must be possible.
func verdictOf(t testing.TB, a *audited, rules string) *Result {
	t.Helper()
	r, err := Judge(policyOf(t, rules), a.Audit, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scopeOf is the result of a scope by name.
func scopeOf(t testing.TB, r *RuleResult, name string) ScopeResult {
	t.Helper()
	for _, s := range r.Scopes {
		if s.Name() == name {
			return s
		}
	}
	t.Fatalf("no scope %q in rule %q", name, r.Rule.Name)
	return ScopeResult{}
}
