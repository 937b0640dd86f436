package recall

import (
	"errors"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// answer is a finding before its p-value was corrected for the family. An
// Outcome that is already set was decided without a test.
type answer struct {
	f      finding.Finding
	inTest bool // Test.P belongs to the family
}

// out takes an answer out of the family: it cannot be measured.
func (a *answer) out(r finding.Reason) {
	a.f.Outcome, a.f.Reason, a.f.Word = finding.NotMeasurable, r, finding.CannotSay
	a.f.Test, a.inTest = nil, false
}

// newAnswer fills what every finding about a set has.
func (m *Measured) newAnswer(check, question, metric string, scope finding.Scope, s *sums) answer {
	t := m.view.Table
	f := finding.Finding{
		Check: check, Question: question, Scope: scope, Metric: metric, Unit: finding.Difference,
		Baseline: t.Variants[0].Name, Variant: t.Variants[m.Variant].Name, N: s.n,
		KBase: len(s.base), K: len(s.variant),
		Evidence: &finding.Evidence{Examples: s.n, TotalExamples: m.all.n, BaseCorrect: s.base, Correct: s.variant},
	}
	f.ID = audit.ID(check, question, f.Variant, scope)
	switch m.design() {
	case audit.Paired:
		f.KBase, f.K = len(m.Pairing.Lineages), len(m.Pairing.Lineages)
		for _, l := range m.Pairing.Lineages {
			f.Evidence.Lineages = append(f.Evidence.Lineages, [2][]int{l.Base, l.Variant})
		}
	case audit.SinglePair:
		cells := s.cells
		f.Evidence.Pairs = &cells
	}
	independent := m.design() == audit.Independent && !m.oneUnit()
	if independent && min(len(s.base), len(s.variant)) < 5 || m.design() == audit.Paired && f.K < 5 {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "few-members", Text: "With fewer than 5 members the t-test leans on normality."})
	}
	if a, b := len(s.base), len(s.variant); independent && max(a, b) > 2*min(a, b) {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "uneven-members", Text: "One population has more than twice the members of the other: far in the tail Welch's p is then too small, and a q near the level should be read with doubt (doc/simulation.md)."})
	}
	return answer{f: f}
}

// harm measures d_g and tests d_g = 0.
func (m *Measured) harm(check string, scope finding.Scope, s *sums) (answer, error) {
	a := m.newAnswer(check, HarmQuestion, "recall difference", scope, s)
	if scope.Kind != finding.Class {
		a.f.Metric = "accuracy difference"
	}
	if s.n < m.view.Options.MinN {
		a.out(finding.TooFewExamples)
		return a, nil
	}
	base, variant := m.values(s)
	a.f.BaseValue, a.f.Value, a.f.Estimate = &base, &variant, finding.Float(variant-base)
	if m.design() == audit.SinglePair {
		m.pairInterval(&a.f, s)
		return m.mcnemar(a, s), nil
	}
	m.interval(&a.f, func() (components.Components, error) { return m.components(s) })
	m.skew(&a.f, s)
	if m.oneUnit() {
		return m.overExamples(a, s.moved), nil
	}
	test, err := m.ttest(m.harmMoments(s))
	return m.tested(a, s, test, err)
}

// disproportion measures v_g = d_g − d and tests v_g = 0.
func (m *Measured) disproportion(check string, scope finding.Scope, s *sums) (answer, error) {
	a := m.newAnswer(check, DisproportionQuestion, "normalized recall difference", scope, s)
	a.f.Evidence.BaseTotal, a.f.Evidence.Total = m.all.base, m.all.variant
	rest := m.rest(s)
	if s.n < m.view.Options.MinN || rest.n == 0 {
		a.out(finding.TooFewExamples)
		return a, nil
	}
	base, variant := m.values(s)
	baseAll, variantAll := m.values(&m.all)
	v := (variant - base) - (variantAll - baseAll)
	a.f.BaseValue, a.f.Value, a.f.Estimate = finding.Float(base-baseAll), finding.Float(variant-variantAll), &v
	if m.design() == audit.SinglePair {
		return m.contrast(a, s, &rest)
	}
	m.interval(&a.f, func() (components.Components, error) { return m.normalized(s, &rest) })
	if m.oneUnit() {
		return m.overExamples(a, m.all.moved), nil
	}
	if m.atCeiling(s) && !m.view.Options.Paper {
		a.out(finding.Ceiling)
		a.f.Bound = finding.Float(interval.MissedChange(m.view.Options.Alpha, s.n))
		a.f.Test = &finding.Test{Name: m.testName(), Why: "every member of both populations is at the same limit; the class stays in the family with p = 1", P: finding.Float(1)}
		a.inTest = true
		return a, nil
	}
	test, err := m.ttest(m.shiftedMoments(s))
	if m.view.Options.Shift == audit.PopulationShift && m.design() == audit.Independent {
		// the shift is a constant of each population: it moves the mean only
		test, err = m.populationShift(s, v)
	}
	return m.tested(a, s, test, err)
}

// tested puts the result of a t-test into the answer.
func (m *Measured) tested(a answer, s *sums, r ttest.Result, err error) (answer, error) {
	switch {
	case errors.Is(err, ttest.ErrNoSpread) && m.view.Options.Paper:
		r = ttest.Degenerate(*a.f.Estimate)
		a.f.Warnings = append(a.f.Warnings, finding.Warning{Code: "degenerate", Text: "No member varies in either population: t is infinite or 0, as in the paper's code."})
		a.f.Test = &finding.Test{Name: m.testName(), Why: m.why(), P: &r.P}
		a.inTest = true
		return a, nil
	case errors.Is(err, ttest.ErrNoSpread):
		a.out(finding.NoMemberVariance)
		if m.atCeiling(s) {
			a.f.Reason = finding.Ceiling
			a.f.Bound = finding.Float(interval.MissedChange(m.view.Options.Alpha, s.n))
		}
		return a, nil
	case errors.Is(err, ttest.ErrTooFew):
		a.out(finding.TooFewMembers)
		return a, nil
	case err != nil:
		return a, err
	}
	a.f.Test = &finding.Test{Name: m.testName(), Why: m.why(), Statistic: &r.T, DoF: &r.DoF, P: &r.P}
	a.inTest = true
	return a, nil
}

func (m *Measured) testName() string {
	if m.design() == audit.Paired {
		return "paired t"
	}
	return "Welch t"
}

func (m *Measured) why() string {
	if m.view.Options.Paper {
		return "the paper compares independent populations"
	}
	return m.Pairing.Why
}

// atCeiling reports whether every member of both populations has recall 0, or
// every one has recall 1.
func (m *Measured) atCeiling(s *sums) bool {
	for _, limit := range []int64{0, int64(s.n)} {
		all := true
		for _, side := range [][]int64{s.base, s.variant} {
			for _, x := range side {
				all = all && x == limit
			}
		}
		if all {
			return true
		}
	}
	return false
}

// moments are what a t-test needs: two populations, or differences of lineages.
type moments struct {
	paired        bool
	base, variant ttest.Moments
	difference    ttest.Moments
}

func (m *Measured) ttest(x moments) (ttest.Result, error) {
	if x.paired {
		return ttest.OneSampleFromMoments(x.difference, 0)
	}
	return ttest.WelchFromMoments(x.variant, x.base)
}

// harmMoments are the moments of the members' recalls.
func (m *Measured) harmMoments(s *sums) moments {
	n := float64(s.n)
	if m.design() == audit.Paired {
		return moments{paired: true, difference: ttest.IntegerMoments(s.paired.Rows, n*float64(m.scale))}
	}
	return moments{base: ttest.IntegerMoments(s.base, n), variant: ttest.IntegerMoments(s.variant, n)}
}

// shiftedMoments are the moments of S = recall − own accuracy, from the
// integers x·N − n·X.
func (m *Measured) shiftedMoments(s *sums) moments {
	n, total := int64(s.n), int64(m.all.n)
	shifted := func(x, all []int64) []int64 {
		out := make([]int64, len(x))
		for k := range x {
			out[k] = x[k]*total - n*all[k]
		}
		return out
	}
	unit := float64(n) * float64(total)
	if m.design() == audit.Paired {
		return moments{paired: true, difference: ttest.IntegerMoments(shifted(s.paired.Rows, m.all.paired.Rows), unit*float64(m.scale))}
	}
	return moments{
		base:    ttest.IntegerMoments(shifted(s.base, m.all.base), unit),
		variant: ttest.IntegerMoments(shifted(s.variant, m.all.variant), unit),
	}
}

// populationShift is Welch's test with the population's mean accuracy taken as
// known, as in the paper's code (method: section 2.1).
func (m *Measured) populationShift(s *sums, v float64) (ttest.Result, error) {
	x := m.harmMoments(s)
	x.base.Mean, x.variant.Mean = 0, v
	return m.ttest(x)
}
