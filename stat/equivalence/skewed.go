package equivalence

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Skewed is an estimated loss whose chance is lopsided. Where few answers change, a
// sample that met few of them has a small loss and a small standard error at once, and
// a plain t passes too often. With γ the third cumulant of the estimate over s³ and
// c the covariance of estimate and variance over s³, T = (L − m)/s has to first order
//
//	P(T ≤ x) = F_ν(x) + φ(x)·[c·x²/2 − γ·(x² − 1)/6]
//
// and so the transformed
//
//	g(T) = T + a·T² + a²·T³/3 + γ/6,  a = c/2 − γ/6
//
// follows Student's t up to terms of the second order. The cubic term makes g rise
// everywhere, so that limits exist and are unique. For independent observations c = γ
// and g is Hall's transformation; in a table of members and examples the two differ.
// Third and Covariance of 0 give the plain t.
//
// Hall, P. (1992). On the removal of skewness by transformation. J. Royal Statistical
// Society B 54(1), 221–228.
// Johnson, N. J. (1978). Modified t tests and confidence intervals for asymmetrical
// populations. JASA 73(363), 536–544.
type Skewed struct {
	Value, StdErr, DoF float64 // as for [Decide]
	Third              float64 // third cumulant of the estimate, cube of its unit
	Covariance         float64 // of the estimate and its estimated variance
}

// Parts are the parts of the variance of an estimate over members and examples
// (package stat/components).
type Parts struct {
	Members, Examples, Interaction float64 // A, B and E
	Units                          int     // members, or lineages, of the smaller population
}

// Unbiased takes the variance as A + B − E, never below E, which it contains whatever
// else. The interval's rule, never below A or B, is too wide on average where members
// hardly differ: with five lineages by a sixth in the study of doc/gate.md, where a test at
// .05 then had a size of .03.
// The degrees of freedom follow V.
func (s Skewed) Unbiased(p Parts) Skewed {
	v := s.StdErr * s.StdErr
	w := math.Max(p.Members+p.Examples-p.Interaction, p.Interaction)
	if !(w > 0 && w < v) {
		return s
	}
	s.StdErr = math.Sqrt(w)
	s.DoF = math.Max(s.DoF*(w/v)*(w/v), math.Min(s.DoF, float64(p.Units-1)))
	return s
}

// mostSkew bounds γ and c: it is the skew of a loss that rests on one changed answer.
// Beyond it the expansion says nothing.
const mostSkew = 1

// bend are a and γ/6 of the transformation.
func (s Skewed) bend() (a, shift float64) {
	bounded := func(x float64) float64 {
		return math.Max(-mostSkew, math.Min(mostSkew, x/s.StdErr/s.StdErr/s.StdErr))
	}
	shift = bounded(s.Third) / 6
	return bounded(s.Covariance)/2 - shift, shift
}

// transformed is g at a margin.
func (s Skewed) transformed(margin float64) float64 {
	a, shift := s.bend()
	t := (s.Value - margin) / s.StdErr
	return t*(1+a*t*(1+a*t/3)) + shift
}

// at is the margin where g has a value: the inverse of transformed.
func (s Skewed) at(g float64) float64 {
	a, shift := s.bend()
	t := g - shift
	if math.Abs(a*t) > 1e-6 { // below, the two agree to rounding
		t = (math.Cbrt(1+3*a*t) - 1) / a
	}
	return s.Value - t*s.StdErr
}

// NonInferior is the P of H₀: loss ≥ margin, as [NonInferior].
func (s Skewed) NonInferior(margin float64) (float64, error) {
	if err := s.check(margin); err != nil {
		return 0, err
	}
	return tail.StudentT(-s.transformed(margin), s.DoF), nil
}

// Inferior is the P of H₀: loss ≤ margin, as [Inferior].
func (s Skewed) Inferior(margin float64) (float64, error) {
	if err := s.check(margin); err != nil {
		return 0, err
	}
	return tail.StudentT(s.transformed(margin), s.DoF), nil
}

// Limits are one-sided limits of the loss, each missed with probability alpha, in
// (0, 0.5).
func (s Skewed) Limits(alpha float64) (low, high float64, err error) {
	if !(alpha > 0 && alpha < 0.5) {
		panic(fmt.Sprintf("equivalence: alpha %v outside (0, 0.5)", alpha))
	}
	if err := s.check(0); err != nil {
		return 0, 0, err
	}
	q := tail.StudentTQuantile(alpha, s.DoF)
	return s.at(q), s.at(-q), nil
}

// Decide is [Decide] with the transformed statistic.
func (s Skewed) Decide(margin, alpha float64) (Decision, error) {
	low, high, err := s.Limits(alpha)
	if err != nil {
		return Decision{}, err
	}
	within, err := s.NonInferior(margin)
	if err != nil {
		return Decision{}, err
	}
	beyond, err := s.Inferior(margin)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{PWithin: within, PBeyond: beyond, Low: low, High: high}
	switch {
	case within <= alpha:
		d.Verdict = Within
	case beyond <= alpha:
		d.Verdict = Beyond
	}
	return d, nil
}

func (s Skewed) check(margin float64) error {
	if err := check(s.Value, s.StdErr, s.DoF, margin); err != nil {
		return err
	}
	for _, x := range []float64{s.Third, s.Covariance} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return ErrNotFinite
		}
	}
	return nil
}
