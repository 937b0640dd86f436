package recall

import (
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/tail"
)

// normalInterval sets an interval from a standard error over examples.
func (m *Measured) normalInterval(f *finding.Finding, se float64) {
	half := tail.NormalQuantile((1-m.view.Options.Level)/2) * se
	f.Interval = &finding.Interval{Low: *f.Estimate - half, High: *f.Estimate + half, Level: m.view.Options.Level, Covers: finding.ExamplesOnly, Method: "normal, studentized contrast"}
	f.Evidence.StdErr = &se
}

func (m *Measured) addMDE(f *finding.Finding) {}
