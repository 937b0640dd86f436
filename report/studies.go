package report

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// WithStudies returns a handler that gives h an audit's stream with the findings
// of closed studies before its end. A study of other models than the audit's is
// an error: their predictions must have the audit's digests.
func WithStudies(h Handler, studies ...*Collector) Handler {
	return &withStudies{h: h, studies: studies}
}

type withStudies struct {
	h       Handler
	studies []*Collector
	tally   finding.Tally
}

// Config checks that the studies are of this audit.
func (w *withStudies) Config(m *finding.Config) error {
	out := *m
	out.Checks = slices.Clone(m.Checks)
	for _, s := range w.studies {
		if s.config == nil || s.done == nil {
			return fmt.Errorf("report: the study's findings are not complete")
		}
		if err := sameModels(m, s.config); err != nil {
			return err
		}
		for _, c := range s.config.Checks {
			if !slices.Contains(out.Checks, c) {
				out.Checks = append(out.Checks, c)
			}
		}
	}
	return w.h.Config(&out)
}

// sameModels says in what the populations of a study differ from the audit's.
func sameModels(audit, study *finding.Config) error {
	for i, p := range study.Populations {
		at := slices.IndexFunc(audit.Populations, func(q finding.Population) bool { return q.Name == p.Name })
		if at < 0 || i == 0 && at != 0 {
			return fmt.Errorf("report: the study compares %s with %s, which this audit does not", p.Name, study.Populations[0].Name)
		}
		same := slices.EqualFunc(p.Members, audit.Populations[at].Members, func(a, b finding.MemberInfo) bool { return a.Digest == b.Digest })
		if !same {
			return fmt.Errorf("report: the study is about other predictions of %s than this audit; it was planned from another one", p.Name)
		}
	}
	if audit.Settings.Ties != study.Settings.Ties {
		return fmt.Errorf("report: the study was planned where the %s class wins a tied vote, in this audit the %s one does", study.Settings.Ties, audit.Settings.Ties)
	}
	return nil
}

// Finding passes a finding on.
func (w *withStudies) Finding(m *finding.Finding) error {
	w.tally.Finding(m)
	return w.h.Finding(m)
}

// Table passes a table on.
func (w *withStudies) Table(m *finding.Table) error {
	w.tally.Table()
	return w.h.Table(m)
}

// Done adds the studies and ends the stream.
func (w *withStudies) Done(m *finding.Done) error {
	for _, s := range w.studies {
		for _, f := range s.findings {
			if err := w.Finding(f); err != nil {
				return err
			}
		}
		for _, t := range s.tables {
			if err := w.Table(t); err != nil {
				return err
			}
		}
	}
	return w.h.Done(w.tally.Done(m.Examples))
}
