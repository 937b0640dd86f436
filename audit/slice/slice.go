// Package slice measures the change of accuracy, false positive rate and false
// negative rate in subgroups: values of attributes and their combinations.
package slice

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
)

//go:embed page.md
var page string

// Name of the check.
const Name = "slice"

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "slice".
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run emits the findings of every subgroup, variant by variant, and the table
// of subgroups.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	usable, constant := attributes(v.Table)
	for _, f := range notes(v, usable, constant) {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	binary, err := newBinary(v)
	if err != nil {
		return err
	}
	results := make([]result, len(v.Table.Variants))
	for _, combination := range combinations(usable, v.Options.Depth) {
		g, err := groupsOf(v, combination)
		if err != nil {
			return err
		}
		if err := measure(ctx, v, binary, g, results); err != nil {
			return err
		}
	}
	for _, t := range v.Candidates() {
		r := &results[t]
		spread, err := spreadOf(ctx, v, t)
		if err != nil {
			return err
		}
		for _, f := range append(r.findings, spread...) {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
		if len(r.rows) > 0 {
			if err := out.Table(r.table(v, t)); err != nil {
				return err
			}
		}
	}
	return nil
}

// notes says what cannot be measured at all.
func notes(v *audit.View, usable, constant []int) []finding.Finding {
	t := v.Table
	var out []finding.Finding
	void := func(question, metric string, scope finding.Scope, reason finding.Reason, needed string) {
		out = append(out, finding.Finding{
			ID: audit.ID(Name, question, "", scope), Check: Name, Question: question, Baseline: t.Baseline().Name,
			Scope: scope, Metric: metric, Unit: finding.Difference, Outcome: finding.NotMeasurable, Reason: reason,
			Word: finding.CannotSay, N: t.Len(), KBase: len(t.Baseline().Members), Needed: needed,
		})
	}
	overall := finding.Scope{Kind: finding.Overall}
	if len(usable) == 0 && len(constant) == 0 {
		void(recall.HarmQuestion, "accuracy difference", overall, finding.NoAttributes, "a column with the group of each example")
	}
	for _, a := range constant {
		void(recall.HarmQuestion, "accuracy difference", finding.Scope{Kind: finding.Overall, Name: t.Attributes[a].Name},
			finding.NothingToMeasure, "an attribute with two values or more among the examples")
	}
	if len(usable) > 0 && v.Options.Positive < 0 && len(t.Classes) > 2 {
		void("fpr", "false positive rate difference", overall, finding.NoPositiveClass, "a positive class: --positive NAME")
	}
	return out
}

// result is what was found about one variant.
type result struct {
	findings []finding.Finding
	rows     []row
}

// measure asks all questions of one grouping, of every variant.
func measure(ctx context.Context, v *audit.View, b *binary, g *groups, results []result) error {
	var grouping *recall.Grouping
	var rates *rateGroupings
	if len(g.scopes) > 0 {
		grouping = recall.ByCode(g.name, g.scopes, g.codes)
		rates = b.groupings(g)
	}
	for _, t := range v.Candidates() {
		r := &results[t]
		if g.small > 0 {
			r.findings = append(r.findings, g.tooFew(v, t))
		}
		if grouping == nil {
			continue
		}
		m, err := recall.Measure(ctx, v, grouping, t)
		if err != nil {
			return err
		}
		harm, err := m.Harm(Name)
		if err != nil {
			return err
		}
		disproportion, err := m.Disproportion(Name, harm)
		if err != nil {
			return err
		}
		margin, err := m.NonInferiority(Name, harm)
		if err != nil {
			return err
		}
		rate, err := b.measure(ctx, rates, g, t)
		if err != nil {
			return err
		}
		for _, family := range [][]finding.Finding{harm, disproportion, margin, rate.fpr, rate.fnr, rate.precision} {
			r.findings = append(r.findings, family...)
		}
		for i := range g.scopes {
			r.rows = append(r.rows, newRow(&harm[i], &disproportion[i], rate.at(i)))
		}
	}
	return nil
}
