// Package effect gives standardized mean differences (Hedges' g), to compare effects
// across classes and studies whose spreads differ.
//
// # Statistic
//
//	d = (x̄₁ − x̄₂)/s_p,   s_p² = ((n₁−1)s₁² + (n₂−1)s₂²)/ν,   ν = n₁+n₂−2
//	g = J(ν)·d,           J(ν) = Γ(ν/2) / (√(ν/2)·Γ((ν−1)/2))
//
// J is the exact small-sample correction, which makes g unbiased; 1 − 3/(4ν−1) is its
// common approximation. For pairs d = D̄/s_D and ν = n − 1.
//
// The interval is exact under normality: t = d·√ñ is noncentral t with noncentrality
// δ·√ñ, ñ = n₁n₂/(n₁+n₂) (pairs: n), and the limits are the δ at which t sits in either
// tail.
//
// # Assumes
//
// Observations are independent and normal, with one variance in both groups (two
// groups). Where the variances differ, g still describes the sample, but the interval
// does not keep its level.
//
// # Units
//
// d and g have none: they count standard deviations of one member (two groups) or of
// one lineage's difference (pairs). Positive: the first group is larger.
//
// # Not measurable
//
// Fewer than two observations in a group (three in all) is [ErrTooFew], a NaN or infinite
// one [ErrNotFinite], no variance [ErrNoSpread], pairs of different number [ErrLengths].
//
// # References
//
// Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size and
// related estimators. J. Educational Statistics 6(2), 107–128.
// Steiger, J. H., Fouladi, R. T. (1997). Noncentrality interval estimation and the
// evaluation of statistical models. In: What if there were no significance tests?
package effect

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons an effect cannot be measured.
var (
	ErrTooFew    = errors.New("effect: fewer than 2 observations in a group")
	ErrNotFinite = errors.New("effect: observation is NaN or infinite")
	ErrNoSpread  = errors.New("effect: no variance")
	ErrLengths   = errors.New("effect: paired groups have different sizes")
)

// Result is a standardized mean difference.
type Result struct {
	N1, N2 int     // observations in each group; pairs: the same
	D      float64 // Cohen's d (pairs: d_z)
	G      float64 // Hedges' g = J·d, unbiased
	J      float64 // the correction, below 1
	DoF    float64 // ν
	size   float64 // ñ: t = d·√ñ
}

// Group is the size, mean and unbiased variance of one group.
type Group struct {
	N         int
	Mean, Var float64
}

// Hedges measures how far the mean of x lies above that of y.
func Hedges(x, y []float64) (Result, error) {
	if len(x) < 2 || len(y) < 2 {
		return Result{}, ErrTooFew
	}
	m1, v1 := stat.MeanVariance(x, nil)
	m2, v2 := stat.MeanVariance(y, nil)
	return HedgesFromGroups(Group{len(x), m1, v1}, Group{len(y), m2, v2})
}

// HedgesFromGroups is [Hedges] on groups of which the moments are known.
func HedgesFromGroups(a, b Group) (Result, error) {
	if a.N < 2 || b.N < 2 {
		return Result{}, ErrTooFew
	}
	n1, n2 := float64(a.N), float64(b.N)
	dof := n1 + n2 - 2
	pooled := ((n1-1)*a.Var + (n2-1)*b.Var) / dof
	return newResult(a.N, b.N, a.Mean-b.Mean, pooled, dof, n1*n2/(n1+n2))
}

// HedgesPaired measures how far the differences x[i] − y[i] lie above 0, in their own
// standard deviations. It needs at least three pairs: with two, J is 0.
func HedgesPaired(x, y []float64) (Result, error) {
	if len(x) != len(y) {
		return Result{}, fmt.Errorf("%w: %d and %d", ErrLengths, len(x), len(y))
	}
	if len(x) < 3 {
		return Result{}, fmt.Errorf("%w: %d pairs, want 3", ErrTooFew, len(x))
	}
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	mean, variance := stat.MeanVariance(d, nil)
	n := float64(len(x))
	return newResult(len(x), len(x), mean, variance, n-1, n)
}

// Correction is J(ν), the factor that makes d unbiased, for ν > 1.
func Correction(dof float64) float64 {
	if !(dof > 1) {
		panic(fmt.Sprintf("effect: correction at %v degrees of freedom, want > 1", dof))
	}
	if dof > 1000 {
		// Log-gammas would cancel: Γ(x+½)/Γ(x) as a series, next term below 1e-16.
		x := (dof - 1) / 2
		r := 1 / x
		return math.Sqrt(2*x/dof) * (1 - r*(1.0/8-r*(1.0/128+r*(5.0/1024-r*21.0/32768))))
	}
	a, _ := math.Lgamma(dof / 2)
	b, _ := math.Lgamma((dof - 1) / 2)
	return math.Exp(a-b) / math.Sqrt(dof/2)
}

func newResult(n1, n2 int, diff, variance, dof, size float64) (Result, error) {
	if math.IsNaN(diff) || math.IsInf(diff, 0) || math.IsNaN(variance) || math.IsInf(variance, 0) || variance < 0 {
		return Result{}, ErrNotFinite
	}
	d := diff / math.Sqrt(variance)
	if math.IsNaN(d) || math.IsInf(d, 0) {
		return Result{}, ErrNoSpread
	}
	j := Correction(dof)
	return Result{N1: n1, N2: n2, D: d, G: j * d, J: j, DoF: dof, size: size}, nil
}

// Interval is the confidence interval of the population's standardized difference at
// a level in (0, 1). It panics at any other level, and on a Result that this package
// did not make.
func (r Result) Interval(level float64) (lo, hi float64) {
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("effect: confidence level %v outside (0, 1)", level))
	}
	if r.size == 0 {
		panic("effect: interval of a result without data")
	}
	half := (1 - level) / 2
	t := r.D * math.Sqrt(r.size)
	// limit is the δ√ñ at which Pr(T' > t) is half: the lower limit. The upper one is
	// the mirror image, so that both solve for a small tail.
	limit := func(t float64) float64 {
		f := func(ncp float64) float64 {
			return math.Log(max(tail.NoncentralT(t, r.DoF, ncp), math.SmallestNonzeroFloat64)) - math.Log(half)
		}
		a, b := t-1, t+1
		for step := 1.0; f(a) > 0; step *= 2 {
			a -= step
		}
		for step := 1.0; f(b) < 0; step *= 2 {
			b += step
		}
		return tail.Root(f, a, b)
	}
	scale := math.Sqrt(r.size)
	return limit(t) / scale, -limit(-t) / scale
}
