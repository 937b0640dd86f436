// Package flip asks how many answers change between baseline and variant, in
// which direction, and, where scores exist, how far the outputs move. It is the
// main check where each population has one member. page.md says how.
package flip

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
)

// Name is the name of the check.
const Name = "flip"

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run describes the changed answers of every variant and, for one pair of
// models, tests them.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	groupings := []*recall.Grouping{recall.ByClass(v)}
	for i := range v.Table.Attributes {
		groupings = append(groupings, recall.ByAttribute(v, i))
	}
	for _, t := range v.Candidates() {
		c, err := count(ctx, v, t)
		if err != nil {
			return err
		}
		for _, f := range describe(v, t, c) {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
		if err := emitDivergence(ctx, v, t, out); err != nil {
			return err
		}
		if v.Pairing(t).Design == audit.SinglePair {
			if err := test(ctx, v, t, groupings, out); err != nil {
				return err
			}
		}
		if err := out.Table(byClass(v, t, c)); err != nil {
			return err
		}
	}
	return nil
}

// test makes the exact McNemar tests for one pair of models: overall, then one
// family for the classes and one for each attribute.
func test(ctx context.Context, v *audit.View, t int, groupings []*recall.Grouping, out audit.Sink) error {
	for i, g := range groupings {
		m, err := recall.Measure(ctx, v, g, t)
		if err != nil {
			return err
		}
		findings, err := m.Harm(Name)
		if err != nil {
			return err
		}
		if i == 0 {
			overall, err := m.HarmOverall(Name, nil)
			if err != nil {
				return err
			}
			findings = append([]finding.Finding{overall}, findings...)
		}
		for _, f := range findings {
			f.Question = "mcnemar"
			f.ID = audit.ID(Name, f.Question, f.Variant, f.Scope)
			if err := out.Finding(f); err != nil {
				return err
			}
		}
	}
	return nil
}
