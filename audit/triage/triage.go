// Package triage guesses why examples are forgotten: because the baseline is not
// decided on them, because their label is likely wrong, because the picture is
// poor, or because people do not agree either.
package triage

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
)

//go:embed page.md
var page string

// Name of the check.
const Name = "triage"

// What decides, described in page.md. They are measures for sorting a list, not
// levels of tests.
const (
	// lowShare is the share of a class, or of all examples, that counts as the
	// least sharp, the least in contrast, or the nearest to the boundary.
	lowShare = 0.05
	// minRanked is how many examples are needed for that share to hold one.
	minRanked = 20
	// peopleAgree is the share of people from which on they agree on a label.
	peopleAgree = 0.75
)

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "triage".
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run emits what is known about labels and pictures of all examples, the reasons
// among the forgotten examples of every variant, a row for each example that is
// forgotten or whose label is in doubt, and tables of the foremost.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	f, err := gather(ctx, v)
	if err != nil {
		return err
	}
	for _, x := range f.overall() {
		if err := out.Finding(x); err != nil {
			return err
		}
	}
	var lost []*forgotten
	for _, t := range v.Candidates() {
		l, err := f.forget(ctx, t)
		if err != nil {
			return err
		}
		lost = append(lost, l)
		for _, x := range f.shares(l) {
			if err := out.Finding(x); err != nil {
				return err
			}
		}
	}
	if err := f.emitRows(out); err != nil {
		return err
	}
	for _, t := range f.tables(lost) {
		if err := out.Table(t); err != nil {
			return err
		}
	}
	return nil
}
