package cli

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/internal/progress"
)

// step shows that a piece of work runs, until the returned function is called.
func (a *app) step(name string) (done func()) {
	if a.quiet || a.logFormat == "json" {
		return func() {}
	}
	return progress.Step(a.io.Err, name)
}

// checkProgress shows which check runs.
func (a *app) checkProgress() audit.Progress {
	done := func() {}
	return audit.Progress{
		Start: func(check string, i, n int) { done = a.step(fmt.Sprintf("check %d of %d: %s", i+1, n, check)) },
		End:   func(string, int, int) { done() },
	}
}

// bar shows how much of a known amount of work is done.
func (a *app) bar(name, unit string) *progress.Bar {
	if a.quiet || a.logFormat == "json" {
		return nil
	}
	return progress.NewBar(a.io.Err, name, unit)
}
