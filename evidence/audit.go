package evidence

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// Audit is a findings stream in memory.
type Audit struct {
	Config   finding.Config
	Findings []finding.Finding // in the order of the stream; tables are left out
}

// ReadAudit reads a whole stream. Errors name the line.
func ReadAudit(r io.Reader) (*Audit, error) {
	in := finding.NewReader(r)
	a := new(Audit)
	for {
		m, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return a, nil
		case err != nil:
			return nil, fmt.Errorf("evidence: %w", err)
		case m.Config != nil:
			a.Config = *m.Config
		case m.Finding != nil:
			a.Findings = append(a.Findings, *m.Finding)
		}
	}
}

// Variants lists the candidates' names in order; the baseline is left out.
func (a *Audit) Variants() []string {
	var out []string
	for _, p := range a.Config.Populations[1:] {
		out = append(out, p.Name)
	}
	return out
}

// Of is the audit with the findings of some variants only; all of it for none.
func (a *Audit) Of(variants []string) *Audit {
	if len(variants) == 0 {
		return a
	}
	return &Audit{a.Config, slices.DeleteFunc(slices.Clone(a.Findings), func(f finding.Finding) bool { return !slices.Contains(variants, f.Variant) })}
}

// direction is +1 where a larger estimate is better, -1 where it is worse, 0
// for questions without one.
func direction(question string) int {
	switch question {
	case "accuracy", "harm", "disproportion", "non-inferiority", "top-5", "accuracy-on-pie", "brittleness":
		return 1
	case "fpr", "fnr", "floor-excess", "own-floor", "swap-excess", "vote-shift", "vote-changed", "certified",
		"ece", "ece-adaptive", "churn", "flips", "negative-flip-rate", "kl", "js":
		return -1
	}
	return 0
}

// shares reports whether a question asks again of an estimate that another
// question of the same scope has tested: its change is not tested twice.
func shares(question string) bool { return question == "non-inferiority" }

// decided reports whether an outcome is an answer.
func decided(o finding.Outcome) bool { return o != finding.NotMeasurable && o != finding.Failed }

// rank orders answers: worse, no difference detected, better.
func rank(o finding.Outcome) int {
	switch o {
	case finding.Worse:
		return -1
	case finding.Better:
		return 1
	}
	return 0
}
