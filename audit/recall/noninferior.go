package recall

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/tail"
)

// NonInferiority asks of every group whether its loss is shown to be smaller
// than the margin. harm are the findings of Harm, group by group. Each group
// is judged at the level by itself: "every group is within the margin" holds
// when each one is (intersection-union).
func (m *Measured) NonInferiority(check string, harm []finding.Finding) ([]finding.Finding, error) {
	out := make([]finding.Finding, 0, len(harm))
	for g := range harm {
		f, err := m.nonInferior(check, &harm[g], &m.groups[g])
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// NonInferiorityOverall asks it of all examples together.
func (m *Measured) NonInferiorityOverall(check string, harm *finding.Finding) (finding.Finding, error) {
	return m.nonInferior(check, harm, &m.all)
}

// nonInferior decides at the margin from the estimate and its standard error.
func (m *Measured) nonInferior(check string, harm *finding.Finding, s *sums) (finding.Finding, error) {
	o := m.view.Options
	f := *harm
	f.ID, f.Check, f.Question = audit.ID(check, NonInferiorityQuestion, f.Variant, f.Scope), check, NonInferiorityQuestion
	f.Test, f.Outcome, f.Reason, f.Word, f.MDE, f.Bound, f.Needed = nil, "", "", "", nil, nil, ""
	f.Reference = finding.Float(-o.Margin)
	if f.Estimate == nil {
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, harm.Reason, finding.CannotSay
		return f, nil
	}
	switch {
	case m.design() == audit.SinglePair:
		if err := m.pairVerdict(&f, s); err != nil {
			return f, err
		}
	case f.Evidence.StdErr == nil || f.Evidence.DoF == nil:
		m.ceilingVerdict(&f, s)
	default:
		if err := m.tVerdict(&f); err != nil {
			return f, err
		}
	}
	if f.Outcome == finding.Worse && harm.Outcome != finding.Worse {
		decide(&f, equivalence.Undecided) // beyond by itself, but not among so many groups
	}
	if f.Outcome == finding.NotMeasurable && f.Reason == finding.Undecided {
		f.Needed = m.needed(&f)
	}
	return f, nil
}

// tVerdict compares the loss with the margin by a t-test on each side.
func (m *Measured) tVerdict(f *finding.Finding) error {
	o, loss := m.view.Options, lossOf(f)
	d, err := loss.Decide(o.Margin, o.Alpha)
	if err != nil {
		return fmt.Errorf("recall: non-inferiority of %s: %w", f.ID, err)
	}
	f.Test = &finding.Test{Name: "non-inferiority t, one-sided", Why: "the loss is compared with the margin, over the chance that the interval covers", DoF: &loss.DoF, P: &d.PWithin}
	if loss.Third != 0 || loss.Covariance != 0 {
		f.Test.Name = "non-inferiority t, one-sided, corrected for skewness"
	}
	f.Bound = finding.Float(d.High)
	decide(f, d.Verdict)
	return nil
}

// decide turns a verdict into outcome and word.
func decide(f *finding.Finding, v equivalence.Verdict) {
	switch v {
	case equivalence.Within:
		f.Outcome, f.Word = finding.NotDetected, finding.WithinMargin
	case equivalence.Beyond:
		f.Outcome, f.Word = finding.Worse, finding.Harmed
	default:
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.Undecided, finding.CannotSay
	}
}

// pairVerdict judges one pair of models by the paired interval whose sides each
// miss with probability alpha; it is honest where no answer changed at all.
func (m *Measured) pairVerdict(f *finding.Finding, s *sums) error {
	o, c := m.view.Options, s.cells
	iv, err := interval.NewcombePaired(int(c.Both), int(c.OnlyVariant), int(c.OnlyBase), int(c.Neither), 1-2*o.Alpha)
	if err != nil {
		return fmt.Errorf("recall: interval of %s: %w", f.ID, err)
	}
	f.Test = &finding.Test{Name: "Newcombe paired bound, one-sided", Why: "one model on each side: only the examples vary"}
	f.Bound = finding.Float(-iv.Low)
	switch {
	case iv.Low > -o.Margin:
		decide(f, equivalence.Within)
	case iv.High < -o.Margin:
		decide(f, equivalence.Beyond)
	default:
		decide(f, equivalence.Undecided)
	}
	return nil
}

// ceilingVerdict judges a set whose members do not vary at all: the loss that
// could have been missed is bounded by the number of examples.
func (m *Measured) ceilingVerdict(f *finding.Finding, s *sums) {
	bound := interval.MissedChange(m.view.Options.Alpha, s.n)
	f.Bound = &bound
	f.Test = &finding.Test{Name: "exact binomial bound", Why: "no member varies: only the number of examples limits what could have been missed"}
	if *f.Estimate == 0 && m.atCeiling(s) && bound < m.view.Options.Margin {
		decide(f, equivalence.Within)
		return
	}
	decide(f, equivalence.Undecided)
}

// needed says how many members or examples would decide at the margin if the
// estimate and the spread stay as they are (method: section 3.6).
func (m *Measured) needed(f *finding.Finding) string {
	o, e := m.view.Options, f.Evidence
	gap := math.Abs(o.Margin + *f.Estimate)
	if e.StdErr == nil || gap == 0 {
		return ""
	}
	z := tail.NormalQuantile(o.Alpha)
	target := (gap / z) * (gap / z) // the variance that would decide
	times := func(shrinks, stays float64) (float64, bool) {
		if target <= stays || shrinks <= 0 {
			return 0, false
		}
		return max(1, shrinks/(target-stays)), true
	}
	var parts []string
	if e.VarMembers != nil {
		if r, ok := times(*e.VarMembers-*e.VarResidual, *e.VarExamples); ok && r < 1000 {
			parts = append(parts, fmt.Sprintf("about %.0f members per population", math.Ceil(r*float64(min(f.KBase, f.K)))))
		}
		if r, ok := times(*e.VarExamples, max(0, *e.VarMembers-*e.VarResidual)); ok && r < 1e6 {
			parts = append(parts, fmt.Sprintf("about %s examples here", round2(r*float64(f.N))))
		}
	} else if r, ok := times(*e.StdErr**e.StdErr, 0); ok && r < 1e6 {
		parts = append(parts, fmt.Sprintf("about %s examples here", round2(r*float64(f.N))))
	}
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0] + " would decide it"
	default:
		return parts[0] + ", or " + parts[1] + ", would decide it"
	}
}

// round2 rounds up to two significant digits, a plan and no measurement, with
// commas between thousands.
func round2(x float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	s := fmt.Sprintf("%.0f", math.Ceil(x/unit)*unit)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
