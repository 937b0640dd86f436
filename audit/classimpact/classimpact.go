// Package classimpact asks which classes pay for the compression: which lost
// recall (harm), which lost more than the model did (disproportion), and for
// which a loss beyond the margin can be ruled out. page.md says how.
package classimpact

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
)

// Name is the name of the check.
const Name = "classimpact"

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run tests every class of every variant.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	classes := recall.ByClass(v)
	for _, t := range v.Candidates() {
		m, err := recall.Measure(ctx, v, classes, t)
		if err != nil {
			return err
		}
		if err := impact(m, v.Options.Paper, out); err != nil {
			return err
		}
	}
	return nil
}

// impact asks the questions of one variant, in order. The paper asks about
// disproportion only.
func impact(m *recall.Measured, paper bool, out audit.Sink) error {
	harm, err := m.Harm(Name)
	if err != nil {
		return err
	}
	disproportion, err := m.Disproportion(Name, harm)
	if err != nil {
		return err
	}
	families := [][]finding.Finding{disproportion}
	if !paper {
		within, err := m.NonInferiority(Name, harm)
		if err != nil {
			return err
		}
		families = [][]finding.Finding{harm, disproportion, within}
	}
	for _, family := range families {
		for _, f := range family {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
	}
	return nil
}
