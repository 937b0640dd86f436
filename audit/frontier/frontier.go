// Package frontier asks which of several compressed variants to take: the most
// compressed one whose every class is shown to lose less than the margin. It
// weighs sizes, which the model files' facts give, against the largest loss of a
// class. page.md says how.
package frontier

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// Name is the name of the check.
const Name = "frontier"

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run places every candidate and chooses. With fewer than two candidates of known
// size there is nothing to choose from, and it says nothing.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	c, err := Choose(ctx, v)
	if err != nil || c == nil {
		return err
	}
	for i := range c.Points[1:] {
		if err := out.Finding(point(v, &c.Points[i+1])); err != nil {
			return err
		}
	}
	if err := out.Finding(choice(v, c)); err != nil {
		return err
	}
	return out.Table(table(v, c))
}

// point is the finding about one candidate.
func point(v *audit.View, p *Point) finding.Finding {
	scope := finding.Scope{Kind: finding.Overall}
	f := finding.Finding{
		ID: audit.ID(Name, "within-margin", p.Variant, scope), Check: Name, Question: "within-margin", Scope: scope,
		Baseline: v.Table.Baseline().Name, Variant: p.Variant, Metric: "largest recall loss of a class, as a recall difference", Unit: finding.Difference,
		Estimate: p.Worst, Reference: finding.Float(-v.Options.Margin), Bound: p.Bound,
		N: v.Table.Len(), KBase: len(v.Table.Variants[0].Members), K: p.members,
	}
	switch p.Verdict {
	case Within:
		f.Outcome, f.Word = finding.NotDetected, finding.WithinMargin
	case Beyond:
		f.Outcome, f.Word = finding.Worse, finding.Harmed
	default:
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.Undecided, finding.CannotSay
		f.Needed = p.needed
	}
	return f
}

// choice is the finding that names the most compressed variant within the margin.
func choice(v *audit.View, c *Choice) finding.Finding {
	scope := finding.Scope{Kind: finding.Overall}
	base := &c.Points[0]
	f := finding.Finding{
		Check: Name, Question: "choice", Scope: scope, Baseline: base.Variant,
		Metric: "bytes after zstd of the most compressed variant within the margin, relative to the baseline", Unit: finding.Ratio,
		Reference: finding.Float(1), N: v.Table.Len(), KBase: base.members,
	}
	f.ID = audit.ID(Name, "choice", "", scope)
	p := c.Chosen()
	if p == nil {
		f.Outcome, f.Reason = finding.NotMeasurable, finding.NoneWithin
		return f
	}
	f.Variant, f.Outcome, f.K = p.Variant, finding.Described, p.members
	f.Estimate = finding.Float(p.Packed / base.Packed)
	f.BaseValue, f.Value = &base.Packed, &p.Packed
	return f
}

// table lists all variants in order of size, the baseline among them.
func table(v *audit.View, c *Choice) finding.Table {
	out := finding.Table{
		Name: "frontier", Check: Name, Title: fmt.Sprintf("Size against the largest loss of a class, margin %g percentage points", 100*v.Options.Margin), Total: len(c.Points),
		Columns: []finding.Column{
			{Name: "variant"}, {Name: "bytes", Unit: finding.Count}, {Name: "bytes_zstd", Unit: finding.Count, Doc: "after zstd; the order of this table"},
			{Name: "size", Unit: finding.Share, Doc: "bytes after zstd, relative to the baseline"},
			{Name: "accuracy", Unit: finding.Share}, {Name: "worst_class"},
			{Name: "worst_change", Unit: finding.Difference, Doc: "recall difference of that class"},
			{Name: "bound", Unit: finding.Difference, Doc: "upper bound of the largest loss of a class"},
			{Name: "verdict", Doc: "every class within the margin, some class beyond it, or undecided"},
			{Name: "pareto", Doc: "no other variant is smaller and loses less"}, {Name: "chosen"},
		},
		Rows: [][]any{},
	}
	for _, p := range c.bySize() {
		row := []any{p.Variant, p.Bytes, p.Packed, p.Packed / c.Points[0].Packed, p.Accuracy, nil, nil, nil, string(p.Verdict), yes(p.Pareto), yes(c.Chosen() == p)}
		if p.Worst != nil {
			row[5], row[6] = p.Class, *p.Worst
		}
		if p.Bound != nil {
			row[7] = *p.Bound
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
