// Package confusion compares the confusion matrices of a variant and the
// baseline: which classes take the answers that a class lost.
package confusion

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
)

//go:embed page.md
var page string

// Name of the check.
const Name = "confusion"

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "confusion".
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run emits, per variant, the table of changed cells and the findings about
// the largest of them.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	base, err := count(ctx, v, 0)
	if err != nil {
		return err
	}
	for _, t := range v.Candidates() {
		cells, err := count(ctx, v, t)
		if err != nil {
			return err
		}
		c := newComparison(v, t)
		c.compare(base, cells)
		if err := out.Table(c.table()); err != nil {
			return err
		}
		for _, f := range c.findings() {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
	}
	return nil
}
