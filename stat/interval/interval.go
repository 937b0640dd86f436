// Package interval gives confidence intervals of proportions and of their
// differences.
//
// # Statistic
//
// One proportion k of n, p = k/n, z the two-sided normal quantile of the level:
//
//	Wilson           the p₀ with |p − p₀| ≤ z·√(p₀(1−p₀)/n): closed form, good at any p
//	Clopper–Pearson  inverts exact binomial tails: never below the level, often far above
//	Wald             p ± z·√(p(1−p)/n): wrong near 0 and 1, for comparison with others
//
// A difference of two independent proportions (Newcombe's method 10), with Wilson
// limits (lᵢ, uᵢ):
//
//	p₁ − p₂ − √((p₁−l₁)² + (u₂−p₂)²)  to  p₁ − p₂ + √((u₁−p₁)² + (p₂−l₂)²)
//
// of two paired proportions (Newcombe's method 10 for pairs) the same with a
// correlation φ: √((p₁−l₁)² − 2φ(p₁−l₁)(u₂−p₂) + (u₂−p₂)²), and so for the upper end.
// φ = A/√(product of the four margins), A = n₁₁n₀₀ − n₁₀n₀₁; a positive A is reduced by
// n/2, not below 0 (continuity correction), and φ is 0 where a margin is empty.
//
// Answers in clusters, such as several people's about one image: Wilson's interval
// on the effective sample size, and Newcombe's for pairs from it ([Clusters]).
//
// [MissedChange] bounds what n examples without any change can hide.
//
// # Assumes
//
// Examples are independent and the models fixed. The intervals cover examples, not
// retraining.
//
// # Units
//
// Proportions in [0, 1], differences in [−1, 1], p₁ − p₂. Levels are in (0, 1), for
// example 0.95, and two-sided.
//
// # Not measurable
//
// No trial is [ErrNoTrials]; a negative count, or more successes than trials, is
// [ErrCounts]. A level outside (0, 1) panics.
//
// # References
//
// Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
// inference. JASA 22(158), 209–212.
// Clopper, C. J., Pearson, E. S. (1934). The use of confidence or fiducial limits
// illustrated in the case of the binomial. Biometrika 26(4), 404–413.
// Newcombe, R. G. (1998). Interval estimation for the difference between
// independent proportions: comparison of eleven methods. Statistics in Medicine 17, 873–890.
// Newcombe, R. G. (1998). Improved confidence intervals for the difference between
// binomial proportions based on paired data. Statistics in Medicine 17, 2635–2650.
package interval

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons an interval cannot be given.
var (
	ErrNoTrials = errors.New("interval: no trials")
	ErrCounts   = errors.New("interval: impossible counts")
)

// Interval is a closed interval, in the unit of the estimate.
type Interval struct{ Low, High float64 }

// Contains says whether v lies in the interval.
func (i Interval) Contains(v float64) bool { return i.Low <= v && v <= i.High }

// Width is High − Low.
func (i Interval) Width() float64 { return i.High - i.Low }

// Wilson is the score interval of a proportion with k successes in n trials.
func Wilson(k, n int, level float64) (Interval, error) {
	if err := check(k, n); err != nil {
		return Interval{}, err
	}
	return score(float64(k), float64(n-k), float64(n), quantile(level)), nil
}

// score is Wilson's interval of x successes and y failures in size trials, which
// need not be whole numbers.
func score(x, y, size, z float64) Interval {
	root := z * math.Sqrt(z*z+4*x*y/size)
	i := Interval{
		// The lower limit in the form without a difference: it keeps its digits
		// near 0 and is exactly 0 at x = 0.
		Low:  2 * x * x / (size * (2*x + z*z + root)),
		High: 1,
	}
	if y > 0 {
		i.High = (2*x + z*z + root) / (2 * (size + z*z))
	}
	return i
}

// ClopperPearson is the exact interval of a proportion with k successes in n trials.
func ClopperPearson(k, n int, level float64) (Interval, error) {
	if err := check(k, n); err != nil {
		return Interval{}, err
	}
	checkLevel(level)
	half := (1 - level) / 2
	i := Interval{0, 1}
	if k > 0 {
		i.Low = tail.BetaLowerQuantile(half, float64(k), float64(n-k)+1)
	}
	if k < n {
		i.High = tail.BetaQuantile(half, float64(k)+1, float64(n-k))
	}
	return i, nil
}

// Wald is the interval of a proportion from the normal approximation, cut to [0, 1].
// It has no width at k = 0 and k = n and is here to compare with other programs.
func Wald(k, n int, level float64) (Interval, error) {
	if err := check(k, n); err != nil {
		return Interval{}, err
	}
	p := float64(k) / float64(n)
	half := quantile(level) * math.Sqrt(p*(1-p)/float64(n))
	return Interval{max(0, p-half), min(1, p+half)}, nil
}

// Newcombe is the interval of the difference k1/n1 − k2/n2 of independent
// proportions (Newcombe's method 10, from Wilson limits without continuity correction).
func Newcombe(k1, n1, k2, n2 int, level float64) (Interval, error) {
	a, err1 := Wilson(k1, n1, level)
	b, err2 := Wilson(k2, n2, level)
	if err := errors.Join(err1, err2); err != nil {
		return Interval{}, err
	}
	return squareAndAdd(float64(k1)/float64(n1), float64(k2)/float64(n2), a, b, 0), nil
}

// NewcombePaired is the interval of the difference (n10 − n01)/n of proportions on
// the same n = n11 + n10 + n01 + n00 examples: n10 only the first model got right,
// n01 only the second (Newcombe's method 10 for pairs).
func NewcombePaired(n11, n10, n01, n00 int, level float64) (Interval, error) {
	return NewcombePairedContrast(n11, n10, n01, n00, 1, level)
}

// phi is the correlation of the paired answers, with Newcombe's continuity correction.
func phi(n11, n10, n01, n00 int) float64 {
	a, b, c, d := float64(n11), float64(n10), float64(n01), float64(n00)
	margins := math.Sqrt(a+b) * math.Sqrt(c+d) * math.Sqrt(a+c) * math.Sqrt(b+d)
	if margins == 0 {
		return 0
	}
	num := a*d - b*c
	if num > 0 {
		num = max(0, num-(a+b+c+d)/2)
	}
	return num / margins
}

// squareAndAdd combines the limits of two proportions with correlation phi.
func squareAndAdd(p1, p2 float64, a, b Interval, phi float64) Interval {
	arm := func(x, y float64) float64 { return math.Sqrt(max(0, x*x-2*phi*x*y+y*y)) }
	d := p1 - p2
	return Interval{
		Low:  max(-1, d-arm(p1-a.Low, b.High-p2)),
		High: min(1, d+arm(a.High-p1, p2-b.Low)),
	}
}

// MissedChange is the share of examples that may change, at most, although none of n
// did: the 1 − alpha upper limit 1 − alpha^(1/n) of a proportion with no success. It is 1 for
// n = 0 and panics for alpha outside (0, 1) or negative n.
func MissedChange(alpha float64, n int) float64 {
	checkLevel(alpha)
	if n < 0 {
		panic(fmt.Sprintf("interval: %d examples", n))
	}
	if n == 0 {
		return 1
	}
	return -math.Expm1(math.Log(alpha) / float64(n))
}

func quantile(level float64) float64 {
	checkLevel(level)
	return tail.NormalQuantile((1 - level) / 2)
}

func checkLevel(level float64) {
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("interval: level %v outside (0, 1)", level))
	}
}

func check(k, n int) error {
	if n == 0 && k == 0 {
		return ErrNoTrials
	}
	if n < 0 || k < 0 || k > n {
		return fmt.Errorf("%w: %d of %d", ErrCounts, k, n)
	}
	return nil
}
