// Package compression asks whether anything was compressed: it reads what the
// model files really hold from waist 1 and looks there for the compression that
// they claim. A candidate with the baseline's weights, with a claim that its
// weights do not bear out, or with the baseline's very scores voids the audit.
// page.md says how.
package compression

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Name is the name of the check.
const Name = "compression"

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run proves the compression of every variant first, since a failed proof voids
// the rest, and then describes sizes and layers. It says nothing of predictions
// that came without any model file.
func (check) Run(_ context.Context, v *audit.View, out audit.Sink) error {
	if !anyFacts(v) {
		return nil
	}
	for _, t := range v.Candidates() {
		if err := out.Finding(proof(v, t)); err != nil {
			return err
		}
	}
	for _, t := range v.Candidates() {
		for _, f := range sizes(v, t) {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
		if table, ok := layers(v, t); ok {
			if err := out.Table(table); err != nil {
				return err
			}
		}
	}
	return nil
}

func anyFacts(v *audit.View) bool {
	for _, x := range v.Table.Variants {
		for _, m := range x.Members {
			if m.Facts != nil {
				return true
			}
		}
	}
	return false
}

// newFinding is a finding about all weights of variant t.
func newFinding(v *audit.View, t int, question, metric string, unit finding.Unit) finding.Finding {
	scope := finding.Scope{Kind: finding.Overall}
	base, variant := v.Table.Baseline(), &v.Table.Variants[t]
	return finding.Finding{
		ID: audit.ID(Name, question, variant.Name, scope), Check: Name, Question: question, Scope: scope,
		Baseline: base.Name, Variant: variant.Name, Metric: metric, Unit: unit, Outcome: finding.Described,
		KBase: len(base.Members), K: len(variant.Members),
	}
}

// mean is the mean of a number over the members; nil where one does not have it.
func mean(members []prediction.Member, of func(*prediction.ModelFacts) *float64) *float64 {
	sum := 0.0
	for i := range members {
		if members[i].Facts == nil {
			return nil
		}
		x := of(members[i].Facts)
		if x == nil {
			return nil
		}
		sum += *x
	}
	if len(members) == 0 {
		return nil
	}
	return finding.Float(sum / float64(len(members)))
}
