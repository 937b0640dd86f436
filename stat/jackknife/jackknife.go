package jackknife

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a variance or interval cannot be stated; answers, to be reported as
// "not measurable".
var (
	ErrTooFew    = errors.New("jackknife: fewer than 2 replicates in a population")
	ErrNotFinite = errors.New("jackknife: replicate is NaN or infinite")
	ErrNoSpread  = errors.New("jackknife: every replicate is the same")
)

// Variance is the variance of a statistic and its degrees of freedom. It comes
// from the functions of this package only.
type Variance struct {
	V   float64 // square of the statistic's unit, 0 if all replicates agree
	DoF float64 // ν
}

// DeleteOne returns the variance from the statistic's values with one member
// (or lineage) left out, one value per member, in any order.
func DeleteOne(theta []float64) (Variance, error) {
	if len(theta) < 2 {
		return Variance{}, ErrTooFew
	}
	// Deviations from the first value: equal replicates give exactly 0.
	k := float64(len(theta))
	var mean float64
	for _, x := range theta {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Variance{}, ErrNotFinite
		}
		mean += (x - theta[0]) / k
	}
	var squares float64
	for _, x := range theta {
		d := x - theta[0] - mean
		squares += d * d
	}
	return Variance{V: (k - 1) / k * squares, DoF: k - 1}, nil
}

// TwoPopulations returns the variance of a statistic of two unrelated
// populations. rep0 are its values with one baseline member left out and the
// variant complete, rept those with one variant member left out.
func TwoPopulations(rep0, rept []float64) (Variance, error) {
	v0, err := DeleteOne(rep0)
	if err != nil {
		return Variance{}, fmt.Errorf("baseline: %w", err)
	}
	vt, err := DeleteOne(rept)
	if err != nil {
		return Variance{}, fmt.Errorf("variant: %w", err)
	}
	return Variance{V: v0.V + vt.V, DoF: min(v0.DoF, vt.DoF)}, nil
}

// PlusExamples adds the variance s²/n of a mean over n examples, so that the
// result covers members and examples. s2 is the sample variance of the
// examples' values; n is at least 2.
func (v Variance) PlusExamples(s2 float64, n int) (Variance, error) {
	switch {
	case n < 2:
		return Variance{}, fmt.Errorf("jackknife: %d examples have no variance", n)
	case math.IsNaN(s2) || math.IsInf(s2, 0):
		return Variance{}, ErrNotFinite
	case s2 < 0:
		return Variance{}, fmt.Errorf("jackknife: negative example variance %v", s2)
	case s2 == 0:
		return v, nil
	}
	e := s2 / float64(n)
	total := v.V + e
	a, b := v.V/total, e/total
	return Variance{V: total, DoF: 1 / (a*a/v.DoF + b*b/float64(n-1))}, nil
}

// WithExamples is the variance over members and examples of a mean over n
// examples: A + B − E, and never below A or B, where A is v, B = s²/n, and E is
// the residual that both hold, Σ_i v_i/n² with v_i the jackknife variance of
// example i's own value. The degrees of freedom are Satterthwaite's.
func (v Variance) WithExamples(s2 float64, n int, residual float64) (Variance, error) {
	sum, err := v.PlusExamples(s2, n)
	switch {
	case err != nil:
		return Variance{}, err
	case math.IsNaN(residual) || math.IsInf(residual, 0):
		return Variance{}, ErrNotFinite
	case residual < 0:
		return Variance{}, fmt.Errorf("jackknife: negative residual variance %v", residual)
	case residual == 0 || s2 == 0:
		return sum, nil
	}
	a, b := v.V, s2/float64(n)
	total := max(a, b, a+b-residual)
	dof := total * total / (a*a/v.DoF + b*b/float64(n-1) + residual*residual/(v.DoF*float64(n-1)))
	return Variance{V: total, DoF: dof}, nil
}

// Interval returns the two-sided t interval around estimate, the statistic of
// all members. level is the confidence level, between 0 and 1.
func (v Variance) Interval(estimate, level float64) (lo, hi float64, err error) {
	switch {
	case !(level > 0 && level < 1):
		return 0, 0, fmt.Errorf("jackknife: confidence level %v is not between 0 and 1", level)
	case math.IsNaN(estimate) || math.IsInf(estimate, 0):
		return 0, 0, fmt.Errorf("%w: estimate %v", ErrNotFinite, estimate)
	case v.V == 0:
		return 0, 0, ErrNoSpread
	}
	half := tail.StudentTQuantile((1-level)/2, v.DoF) * math.Sqrt(v.V)
	return estimate - half, estimate + half, nil
}
