// Package equivalence asks whether a loss is smaller than a margin, which a test
// that found no difference does not show.
//
// # Statistic
//
// With an estimated loss L, its standard error s and ν degrees of freedom, and a
// margin m fixed beforehand:
//
//	within the margin   H₀: loss ≥ m,  P = Pr(T_ν > (m − L)/s)   (non-inferiority)
//	beyond the margin   H₀: loss ≤ m,  P = Pr(T_ν > (L − m)/s)
//	equivalence         H₀: loss ≤ lo or ≥ hi; P is the larger of its two one-sided
//	                    P (two one-sided tests, TOST)
//
// [Decide] gives one of three answers: [Within], [Beyond] or [Undecided].
//
// A relative margin f ("at most f of the baseline is lost") is not m = f·b₀, which would
// treat the baseline as known: it is the contrast (1−f)·b₀ − b_t with its own variance,
// against a margin of 0 ([RelativeUnpaired], [RelativePaired]).
//
// # Assumes
//
// (L − loss)/s follows Student's t with ν degrees of freedom; +Inf stands for the
// normal. The margin was not taken from the data, least of all from s: the noisier the
// candidate, the wider such a margin.
//
// # Units
//
// A loss is baseline minus variant, positive is worse, in the unit of the input
// (recall: a fraction, so that 2 percentage points are 0.02). f is a fraction in [0, 1].
// P is in [0, 1]. Each test is one-sided at its alpha.
//
// # Not measurable
//
// No standard error is [ErrNoSpread], a NaN or infinite argument [ErrNotFinite], too
// few observations for a contrast [ErrTooFew], pairs of different number [ErrLengths],
// limits in the wrong order or a fraction outside [0, 1] [ErrMargin]. A baseline mean that
// is not positive is [ErrBaseline]: nothing can be lost of it, and such a gate must not pass.
//
// # References
//
// Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the
// power approach. J. Pharmacokinetics and Biopharmaceutics 15(6), 657–680.
// Hauschke, D., Kieser, M., Diletti, E., Burke, M. (1999). Sample size determination for
// proving equivalence based on the ratio of two means. Statistics in Medicine 18, 93–105.
package equivalence

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a question cannot be answered.
var (
	ErrNoSpread  = errors.New("equivalence: standard error is not positive")
	ErrNotFinite = errors.New("equivalence: argument is NaN or infinite")
	ErrTooFew    = errors.New("equivalence: fewer than 2 observations in a group")
	ErrLengths   = errors.New("equivalence: paired groups have different sizes")
	ErrMargin    = errors.New("equivalence: impossible margin")
	ErrBaseline  = errors.New("equivalence: baseline mean is not positive")
)

// NonInferior is the P of H₀: loss ≥ margin. A small P shows that the loss is below
// the margin. est and se are in the unit of the margin.
func NonInferior(est, se, dof, margin float64) (p float64, err error) {
	if err := check(est, se, dof, margin); err != nil {
		return 0, err
	}
	return tail.StudentT((margin-est)/se, dof), nil
}

// Inferior is the P of H₀: loss ≤ margin. A small P shows that the loss is above it.
func Inferior(est, se, dof, margin float64) (p float64, err error) {
	if err := check(est, se, dof, margin); err != nil {
		return 0, err
	}
	return tail.StudentT((est-margin)/se, dof), nil
}

// TOST is the P of H₀: the true value is ≤ lo or ≥ hi. A small P shows that it lies
// between the two.
func TOST(est, se, dof, lo, hi float64) (p float64, err error) {
	below, err1 := NonInferior(est, se, dof, hi)
	above, err2 := Inferior(est, se, dof, lo)
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	if !(lo < hi) {
		return 0, fmt.Errorf("%w: limits %v and %v", ErrMargin, lo, hi)
	}
	return max(below, above), nil
}

// Verdict is an answer about a loss and a margin.
type Verdict int

// The three answers. Undecided is the zero value: nothing passes by default.
const (
	Undecided Verdict = iota // the data allow both
	Within                   // the loss is below the margin
	Beyond                   // the loss is above the margin
)

// String is the verdict in words.
func (v Verdict) String() string {
	switch v {
	case Within:
		return "within the margin"
	case Beyond:
		return "beyond the margin"
	}
	return "cannot say"
}

// Decision is a verdict and what it rests on.
type Decision struct {
	Verdict          Verdict
	PWithin, PBeyond float64 // of NonInferior and Inferior; they add to 1
	Low, High        float64 // one-sided 1−alpha confidence limits of the loss
}

// Decide tests on both sides of the margin at level alpha each, with alpha in (0, 0.5):
// at most one of the two can be rejected. The loss is Within exactly if High ≤ margin, and
// Beyond exactly if Low ≥ margin.
//
// Over several groups, "all are within" needs no adjustment of alpha (each must be
// shown), while "some is beyond" does: adjust PBeyond.
func Decide(est, se, dof, margin, alpha float64) (Decision, error) {
	if !(alpha > 0 && alpha < 0.5) {
		panic(fmt.Sprintf("equivalence: alpha %v outside (0, 0.5)", alpha))
	}
	within, err := NonInferior(est, se, dof, margin)
	if err != nil {
		return Decision{}, err
	}
	beyond, err := Inferior(est, se, dof, margin)
	if err != nil {
		return Decision{}, err
	}
	half := tail.StudentTQuantile(alpha, dof) * se
	d := Decision{PWithin: within, PBeyond: beyond, Low: est - half, High: est + half}
	switch {
	case within <= alpha:
		d.Verdict = Within
	case beyond <= alpha:
		d.Verdict = Beyond
	}
	return d, nil
}

func check(est, se, dof, margin float64) error {
	for _, v := range []float64{est, se, margin} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return ErrNotFinite
		}
	}
	if !(dof > 0) {
		return fmt.Errorf("%w: %v degrees of freedom", ErrNotFinite, dof)
	}
	if se <= 0 {
		return ErrNoSpread
	}
	return nil
}
