package audit

import (
	"context"
	"fmt"

	"github.com/lethe-audit/lethe/finding"
)

// Check asks one kind of question of the predictions.
type Check interface {
	// Name is the check's name in findings and on the command line.
	Name() string
	// Page explains the check in Markdown: what it asks, how, its limits, and
	// what to do about the answer. Its first line is "# name: one sentence".
	Page() string
	// Run emits findings, tables and example rows. It returns an error only
	// when the audit must stop; what cannot be measured is a finding.
	Run(ctx context.Context, v *View, out Sink) error
}

// Sink takes what a check finds, in order.
type Sink interface {
	Finding(finding.Finding) error
	Table(finding.Table) error
	Example(finding.ExampleRow) error
}

// TriageSink is a [Sink] that keeps the table of triage too. Other sinks get the
// findings and tables of that check only.
type TriageSink interface {
	Triage(finding.TriageRow) error
}

// Progress is told which check runs; nil members are not called.
type Progress struct {
	Start func(check string, index, total int)
	End   func(check string, index, total int)
}

// Run runs the checks in order over one view.
func Run(ctx context.Context, v *View, checks []Check, out Sink, progress Progress) error {
	for i, c := range checks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if progress.Start != nil {
			progress.Start(c.Name(), i, len(checks))
		}
		if err := c.Run(ctx, v, out); err != nil {
			return fmt.Errorf("audit: %s: %w", c.Name(), err)
		}
		if progress.End != nil {
			progress.End(c.Name(), i, len(checks))
		}
	}
	return nil
}

// ID makes the stable id of a finding: check/question/variant/scope,
// with @shift where the scope is of shifted data.
func ID(check, question, variant string, s finding.Scope) string {
	scope := string(s.Kind)
	if s.Name != "" {
		scope += ":" + s.Name
	}
	if s.Shift != "" {
		scope += "@" + s.Shift
	}
	return check + "/" + question + "/" + variant + "/" + scope
}
