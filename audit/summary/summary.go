// Package summary asks how the accuracy as a whole changed, and whether the
// audit means anything at all: a baseline no better than guessing, or a
// candidate that predicts the same as the baseline, void it. page.md says how.
package summary

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
)

// Name is the name of the check.
const Name = "summary"

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run reports vacuity first, then accuracy.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	if err := vacuity(ctx, v, out); err != nil {
		return err
	}
	classes := recall.ByClass(v)
	for _, t := range v.Candidates() {
		m, err := recall.Measure(ctx, v, classes, t)
		if err != nil {
			return err
		}
		harm, err := m.HarmOverall(Name, m)
		if err != nil {
			return err
		}
		within, err := m.NonInferiorityOverall(Name, &harm)
		if err != nil {
			return err
		}
		harm.Question = "accuracy"
		harm.ID = audit.ID(Name, harm.Question, harm.Variant, harm.Scope)
		harm.Warnings = append(harm.Warnings, audit.Residue(v.Table)...)
		for _, f := range []finding.Finding{harm, within} {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
		if err := topK(v, t, out); err != nil {
			return err
		}
	}
	return nil
}
