package gate

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
)

// sample is the evidence about one scope, ready to be compared with a margin.
type sample struct {
	found    *finding.Finding
	evidence evidence       // nil: reason says why
	reason   finding.Reason //
	covers   finding.Covers
	n        int
	margin   float64 // that evidence is compared with
	weight   float64

	facts    facts
	relative float64 // f of a relative margin, evidence being the contrast; 0: none
	base     float64 // the baseline's value, for a relative margin
}

// design says how the variant's members relate to the baseline's.
type design int

const (
	singlePair design = iota
	paired
	independent
)

func designOf(e *finding.Evidence) design {
	switch {
	case e.Pairs != nil:
		return singlePair
	case len(e.Lineages) > 0:
		return paired
	}
	return independent
}

// facts are what a sample needs to know of the audit besides its finding.
type facts struct {
	all             *finding.PairedCells // one pair of models over all examples; nil where not known
	populationShift bool                 // disparity is relative to the population's accuracy, not the member's
}

// newSample reads a finding for a rule. The error is a relative margin of a
// baseline that has nothing to lose.
func newSample(r *Rule, m *metric, f *finding.Finding, c facts) (sample, error) {
	s := sample{found: f, n: f.N, weight: 1, facts: c}
	if w, ok := r.Weights[scopeName(&f.Scope)]; ok {
		s.weight = w
	}
	s.margin = r.Margin.Value / s.weight
	if m.form == level || m.form == increase {
		s.plain(r, f)
		return s, nil
	}
	switch {
	case f.N < r.MinN || f.Evidence == nil || f.Estimate == nil && f.Reason == finding.TooFewExamples:
		return s.without(finding.TooFewExamples), nil
	case f.Estimate == nil:
		return s.without(f.Reason), nil
	}
	switch {
	case m.form == disparity:
		s.disparity(r)
	case r.Floor != nil:
		s.floor(r)
	case r.Margin.Unit == Relative:
		if err := s.contrast(r); err != nil {
			return s, err
		}
	default:
		s.absolute(r)
	}
	if s.evidence != nil && r.Test == NoTest {
		s.evidence = point{s.evidence.loss()}
	}
	return s, nil
}

// without is the sample of a scope that cannot be judged.
func (s *sample) without(reason finding.Reason) sample {
	if reason == "" {
		reason = finding.NotComputed
	}
	s.evidence, s.reason = nil, reason
	return *s
}

// plain reads an estimate that is worse when larger.
func (s *sample) plain(r *Rule, f *finding.Finding) {
	if f.Interval != nil {
		s.covers = f.Interval.Covers
	}
	e := f.Evidence
	switch {
	case f.Estimate == nil:
		s.without(f.Reason)
	case r.Test == NoTest:
		s.evidence = point{*f.Estimate}
	case e == nil || e.StdErr == nil || !(*e.StdErr > 0):
		s.without(finding.NoMemberVariance)
	default:
		s.evidence = spread{*f.Estimate, *e.StdErr, dofOf(e)}
	}
}

// dofOf is the degrees of freedom of a standard error; without any it is that of
// a large sample.
func dofOf(e *finding.Evidence) float64 {
	if e.DoF == nil {
		return math.Inf(1)
	}
	return *e.DoF
}

// absolute reads a loss in percentage points.
func (s *sample) absolute(r *Rule) {
	e := s.found.Evidence
	if designOf(e) == singlePair {
		s.onePair(r, pair{*e.Pairs, 1})
		return
	}
	s.spread(r, -signOf(s.found)*(*s.found.Estimate), false)
}

// signOf is 1 where a larger estimate is better, −1 where the finding is an error
// rate, made from the same right answers.
func signOf(f *finding.Finding) float64 {
	if f.Question == "fpr" || f.Question == "fnr" {
		return -1
	}
	return 1
}

// onePair is the evidence of one pair of models, which covers examples only.
func (s *sample) onePair(r *Rule, p pair) {
	if r.Covers == CoversMembers || r.Covers == CoversBoth {
		s.without(finding.TooFewMembers)
		return
	}
	s.evidence, s.covers = p, finding.ExamplesOnly
}

// spread reads the standard error of populations, as far as the rule says it
// should cover.
func (s *sample) spread(r *Rule, loss float64, normalized bool) {
	f, e := s.found, s.found.Evidence
	switch {
	case r.Covers == CoversMembers:
		se, dof, err := memberSpread(e, normalized, s.facts.populationShift)
		if err != nil {
			s.without(finding.TooFewMembers)
			return
		}
		s.covers = finding.Members
		s.fromSpread(loss, se, dof, normalized)
	case r.Covers == CoversExamples:
		s.covers = finding.ExamplesOnly
		if e.VarExamples == nil {
			s.fromSpread(loss, 0, 0, normalized)
			return
		}
		s.fromSpread(loss, math.Sqrt(*e.VarExamples), float64(f.N-1), normalized)
	case e.StdErr == nil:
		s.covers = finding.ExamplesOnly
		s.fromSpread(loss, 0, 0, normalized)
	case r.Covers == CoversBoth && (f.Interval == nil || f.Interval.Covers != finding.Both):
		s.without(finding.TooFewMembers)
	default:
		if s.covers = finding.Both; f.Interval != nil {
			s.covers = f.Interval.Covers
		}
		s.fromSpread(loss, *e.StdErr, dofOf(e), normalized)
	}
}

// fromSpread is a t-test, or where nothing varies at all what the number of
// examples alone can say. The audit gives no standard error only where every
// member's table of answers is the same: then a loss of 0 is no change at all.
func (s *sample) fromSpread(loss, se, dof float64, normalized bool) {
	switch {
	case se > 0 && dof > 0:
		s.evidence = spread{loss, se, dof}
		if !normalized {
			s.evidence = s.lopsided(loss, se, dof)
		}
	case normalized || s.covers != finding.ExamplesOnly || s.found.Evidence.StdErr != nil:
		s.without(finding.NoMemberVariance)
	case loss == 0:
		s.evidence = unchanged{s.n}
	case math.Abs(loss) == 1:
		s.evidence = turned{s.n, math.Copysign(1, loss)}
	default:
		s.without(finding.NoMemberVariance)
	}
}

// lopsided is the t-test of a loss with what the evidence knows of its skew, over the
// chance that is covered.
func (s *sample) lopsided(loss, se, dof float64) evidence {
	e := s.found.Evidence
	t := equivalence.Skewed{Value: loss, StdErr: se, DoF: dof}
	if s.covers == finding.Both && e.VarMembers != nil && e.VarExamples != nil && e.VarResidual != nil {
		t = t.Unbiased(equivalence.Parts{Members: *e.VarMembers, Examples: *e.VarExamples, Interaction: *e.VarResidual, Units: min(s.found.KBase, s.found.K)})
	}
	sign := -signOf(s.found)
	switch k := e.Skew; {
	case k == nil:
	case s.covers == finding.Both:
		t.Third, t.Covariance = sign*k.Both, sign*k.Covariance
	case s.covers == finding.ExamplesOnly:
		t.Third, t.Covariance = sign*k.Examples, sign*k.Examples
	}
	if t.Third == 0 && t.Covariance == 0 {
		return spread{t.Value, t.StdErr, t.DoF}
	}
	return skewed{t}
}

// discordantForNormal is the number of changed answers on either side from which
// the contrast of one pair is close to normal.
const discordantForNormal = 20

// disparity reads the normalized difference: how much more was lost than by the
// model.
func (s *sample) disparity(r *Rule) {
	f, e := s.found, s.found.Evidence
	if atLimit(e, f.N) {
		s.without(finding.Ceiling)
		return
	}
	if designOf(e) != singlePair {
		s.spread(r, -*f.Estimate, true)
		return
	}
	changed := e.Pairs.OnlyBase + e.Pairs.OnlyVariant
	rest := changed
	if all := s.facts.all; all != nil {
		rest = all.OnlyBase + all.OnlyVariant - changed
	}
	switch {
	case r.Covers == CoversMembers || r.Covers == CoversBoth:
		s.without(finding.TooFewMembers)
	case min(changed, rest) < discordantForNormal || e.StdErr == nil:
		s.without(finding.TooFewDiscordant)
	default:
		s.evidence, s.covers = spread{-*f.Estimate, *e.StdErr, math.Inf(1)}, finding.ExamplesOnly
	}
}

// atLimit reports whether every member of both populations is right on all n
// examples, or every one on none.
func atLimit(e *finding.Evidence, n int) bool {
	for _, limit := range []int64{0, int64(n)} {
		all := true
		for _, side := range [][]int64{e.BaseCorrect, e.Correct} {
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

// shown is a number in the unit of evidence as it is shown: for a relative margin
// as a share of the baseline's value.
func (s *sample) shown(x float64) float64 {
	switch {
	case s.relative == 0:
		return x
	case s.margin == 0: // the contrast
		return s.relative + x/s.base
	}
	return x / s.base // nothing changed: a plain loss
}

// refusal says that a relative margin has nothing to be relative to.
type refusal struct{ scope string }

func (r refusal) Error() string {
	return fmt.Sprintf("the baseline's value for %s is 0: a margin relative to it means nothing; use pp, or leave it out by name (except:)", r.scope)
}
