// Package curve follows classes and examples over ordered variants: where each
// is first lost as compression grows (the forgetting curve).
package curve

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
const Name = "curve"

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "curve".
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run emits the recall of every class along the curves, where classes are first
// lost, and the counts of lost examples.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	lines, reason := linesOf(v.Table)
	if reason != "" {
		return out.Finding(noCurve(v, reason))
	}
	classes, err := measureClasses(ctx, v, lines)
	if err != nil {
		return err
	}
	examples, err := countExamples(ctx, v, lines)
	if err != nil {
		return err
	}
	for _, t := range []finding.Table{classes.recalls(), classes.firstLost(), examples.table(v, lines)} {
		if err := out.Table(t); err != nil {
			return err
		}
	}
	for _, f := range classes.findings() {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	return nil
}

func noCurve(v *audit.View, reason finding.Reason) finding.Finding {
	scope := finding.Scope{Kind: finding.Overall}
	f := finding.Finding{
		ID: audit.ID(Name, "first-lost", "", scope), Check: Name, Question: "first-lost",
		Baseline: v.Table.Baseline().Name, Scope: scope, Metric: "recall difference", Unit: finding.Difference,
		Outcome: finding.NotMeasurable, Reason: reason, Word: finding.CannotSay,
		N: v.Table.Len(), KBase: len(v.Table.Baseline().Members),
		Needed: "two variants or more of one kind",
	}
	if reason == finding.NoOrder {
		f.Needed = "the level (sparsity or bit width) of each variant"
	}
	return f
}

// classCurves are the recalls of all classes at all variants of the curves.
type classCurves struct {
	view  *audit.View
	lines []line
	harm  map[int][]finding.Finding // by variant: the harm finding of each class
	from  map[int]*recall.Measured  // by variant
}

func measureClasses(ctx context.Context, v *audit.View, lines []line) (*classCurves, error) {
	c := &classCurves{view: v, lines: lines, harm: map[int][]finding.Finding{}, from: map[int]*recall.Measured{}}
	g := recall.ByClass(v)
	for _, l := range lines {
		for _, t := range l.variants {
			m, err := recall.Measure(ctx, v, g, t)
			if err != nil {
				return nil, err
			}
			harm, err := m.Harm(Name)
			if err != nil {
				return nil, err
			}
			c.from[t], c.harm[t] = m, harm
		}
	}
	return c, nil
}
