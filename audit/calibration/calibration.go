// Package calibration compares how well the confidence of a variant's and of
// the baseline's answers matches their accuracy.
package calibration

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

//go:embed page.md
var page string

// Name of the check.
const Name = "calibration"

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "calibration".
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run emits a reliability table per population with scores, and per variant
// the differences of the calibration measures.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	populations := make([]*population, len(v.Table.Variants))
	var groups []uint8
	if hasScores(v.Table) {
		groups = groupsOf(v.Table)
	}
	for t := range v.Table.Variants {
		p, err := measure(ctx, v, t, groups)
		if err != nil {
			return err
		}
		populations[t] = p
		if len(p.members) > 0 {
			if err := out.Table(p.reliability(v.Table)); err != nil {
				return err
			}
		}
	}
	for _, t := range v.Candidates() {
		c := comparison{view: v, t: t, base: populations[0], variant: populations[t]}
		for _, f := range c.findings() {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasScores reports whether any member has a confidence or scores.
func hasScores(t *prediction.Table) bool {
	for _, v := range t.Variants {
		for _, m := range v.Members {
			if m.Confidence != nil || m.Scores != nil {
				return true
			}
		}
	}
	return false
}
