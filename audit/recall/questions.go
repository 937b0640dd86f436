package recall

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// The questions asked of a group.
const (
	HarmQuestion           = "harm"
	DisproportionQuestion  = "disproportion"
	NonInferiorityQuestion = "non-inferiority"
)

// Harm asks of every group whether its recall changed. The tests of all groups
// are one family. check is the name of the check that reports the findings.
func (m *Measured) Harm(check string) ([]finding.Finding, error) {
	answers := make([]answer, len(m.groups))
	for g := range m.groups {
		a, err := m.harm(check, m.Grouping.Scopes[g], &m.groups[g])
		if err != nil {
			return nil, err
		}
		answers[g] = a
	}
	if err := m.correct(answers, HarmQuestion); err != nil {
		return nil, err
	}
	out := make([]finding.Finding, len(answers))
	for g := range answers {
		out[g] = m.decideHarm(&answers[g])
	}
	return out, nil
}

// HarmOverall asks the harm question of all examples together; it is a family
// of one. strata, if not nil, is a measurement by class: classes are strata of
// the example variance.
func (m *Measured) HarmOverall(check string, strata *Measured) (finding.Finding, error) {
	a, err := m.harm(check, finding.Scope{Kind: finding.Overall}, &m.all)
	if err != nil {
		return finding.Finding{}, err
	}
	if strata != nil && m.design() != audit.SinglePair {
		m.interval(&a.f, strata.stratified)
	}
	family := []answer{a}
	if err := m.correct(family, HarmQuestion); err != nil {
		return finding.Finding{}, err
	}
	return m.decideHarm(&family[0]), nil
}

// Disproportion asks of every group whether it lost more than the model did.
// harm are the findings of Harm, group by group: a group is called
// disproportionately harmed only if it was harmed.
func (m *Measured) Disproportion(check string, harm []finding.Finding) ([]finding.Finding, error) {
	if len(harm) != len(m.groups) {
		return nil, fmt.Errorf("recall: %d harm findings for %d groups", len(harm), len(m.groups))
	}
	answers := make([]answer, len(m.groups))
	for g := range m.groups {
		a, err := m.disproportion(check, m.Grouping.Scopes[g], &m.groups[g])
		if err != nil {
			return nil, err
		}
		answers[g] = a
	}
	m.mergeComplements(answers)
	if err := m.correct(answers, DisproportionQuestion); err != nil {
		return nil, err
	}
	out := make([]finding.Finding, len(answers))
	for g := range answers {
		out[g] = m.decideDisproportion(&answers[g], &harm[g])
	}
	return out, nil
}

// mergeComplements keeps one of two answers where the groups are a set and its
// complement: their test is the same, told by the group that lost more.
func (m *Measured) mergeComplements(answers []answer) {
	all, nonEmpty := m.Grouping.partition(m.all.n)
	if !all || nonEmpty != 2 {
		return
	}
	var both []*answer
	for g := range answers {
		if m.groups[g].n > 0 {
			both = append(both, &answers[g])
		}
	}
	other := both[1]
	if v := other.f.Estimate; v != nil && *v < 0 {
		other = both[0]
	}
	other.out(finding.ComplementOfOther)
}

// decideHarm turns a corrected answer into a finding.
func (m *Measured) decideHarm(a *answer) finding.Finding {
	f := a.f
	switch {
	case f.Outcome != "":
		// decided before correction: not measurable
	case !m.significant(a):
		f.Outcome, f.Word = finding.NotDetected, finding.NoDifference
		m.addMDE(&f)
	case *f.Estimate < 0:
		f.Outcome, f.Word = finding.Worse, finding.Harmed
	default:
		f.Outcome, f.Word = finding.Better, finding.Gained
	}
	return f
}

// decideDisproportion turns a corrected answer into a finding; the words
// depend on what the harm question answered for the same group.
func (m *Measured) decideDisproportion(a *answer, harm *finding.Finding) finding.Finding {
	f := a.f
	if f.Outcome != "" {
		return f
	}
	if !m.significant(a) {
		f.Outcome, f.Word = finding.NotDetected, finding.NoDifference
		m.addMDE(&f)
		return f
	}
	d := 0.0
	if harm.Estimate != nil {
		d = *harm.Estimate
	}
	switch {
	case *f.Estimate < 0 && harm.Outcome == finding.Worse:
		f.Outcome, f.Word = finding.Worse, finding.HarmedMore
	case *f.Estimate < 0 && d >= 0:
		f.Outcome, f.Word = finding.Described, finding.GainedLess
	case *f.Estimate < 0:
		f.Outcome, f.Word = finding.Worse, finding.LostMore
	case harm.Outcome == finding.Better:
		f.Outcome, f.Word = finding.Better, finding.GainedMore
	case d > 0:
		f.Outcome, f.Word = finding.Described, finding.GainedMore
	default:
		f.Outcome, f.Word = finding.Described, finding.LostLess
	}
	if m.view.Options.Paper {
		f.Word = finding.SignificantRaw
		f.Outcome = finding.Better
		if *f.Estimate < 0 {
			f.Outcome = finding.Worse
		}
	}
	return f
}
