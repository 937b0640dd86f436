package ttest

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a test cannot be made. They are answers, not failures: a caller
// reports them as "not measurable".
var (
	ErrTooFew    = errors.New("ttest: fewer than 2 observations in a group")
	ErrNotFinite = errors.New("ttest: observation is NaN or infinite")
	ErrLengths   = errors.New("ttest: paired groups have different sizes")
	ErrNoSpread  = errors.New("ttest: no variance")
)

// Result is the outcome of one test.
type Result struct {
	N1, N2   int     // observations in each group; pairs: the same; one sample: N2 is 0
	MeanDiff float64 // x̄₁ − x̄₂ (or D̄), in the unit of the input
	StdErr   float64 // its standard error, in the same unit
	T, DoF   float64 // t and ν
	P        float64 // two-sided
}

// Interval is the confidence interval of MeanDiff at a level in (0, 1), in the
// unit of the input. It panics at any other level. A [Degenerate] result has its
// point as interval.
func (r Result) Interval(level float64) (lo, hi float64) {
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("ttest: confidence level %v outside (0, 1)", level))
	}
	if r.StdErr == 0 {
		return r.MeanDiff, r.MeanDiff
	}
	half := tail.StudentTQuantile((1-level)/2, r.DoF) * r.StdErr
	return r.MeanDiff - half, r.MeanDiff + half
}

// Welch tests the null hypothesis that x and y come from populations of equal
// mean.
func Welch(x, y []float64) (Result, error) {
	if len(x) < 2 || len(y) < 2 {
		return Result{}, ErrTooFew
	}
	if !finite(x) || !finite(y) {
		return Result{}, ErrNotFinite
	}
	return WelchFromMoments(MomentsOf(x), MomentsOf(y))
}

// WelchFromMoments is [Welch] on groups of which the moments are known.
func WelchFromMoments(a, b Moments) (Result, error) {
	if err := errors.Join(a.check(), b.check()); err != nil {
		return Result{}, err
	}
	u, v := a.Var/float64(a.N), b.Var/float64(b.N)
	if u+v == 0 {
		return Result{}, fmt.Errorf("%w in either group", ErrNoSpread)
	}
	// Shares of the variance, so that no square under- or overflows.
	p, q := u/(u+v), v/(u+v)
	dof := 1 / (p*p/float64(a.N-1) + q*q/float64(b.N-1))
	return newResult(a.N, b.N, a.Mean-b.Mean, math.Sqrt(u+v), dof)
}

// Paired tests the null hypothesis that the differences x[i] − y[i] have mean 0.
// Where the values are counts over a scale, [OneSampleFromMoments] of the
// [IntegerMoments] of the count differences is exact.
func Paired(x, y []float64) (Result, error) {
	if len(x) != len(y) {
		return Result{}, fmt.Errorf("%w: %d and %d", ErrLengths, len(x), len(y))
	}
	d := make([]float64, len(x))
	largest := 0.0
	for i := range x {
		d[i] = x[i] - y[i]
		largest = max(largest, math.Abs(x[i]), math.Abs(y[i]))
	}
	r, err := OneSample(d, 0)
	if err != nil {
		return Result{}, err
	}
	if r.StdErr*math.Sqrt(float64(r.N1)) <= 4*0x1p-52*largest {
		// 0.3−0.2 and 0.2−0.1 differ by 3e-17: rounding, not variance.
		return Result{}, ErrNoSpread
	}
	r.N2 = r.N1
	return r, nil
}

// OneSample tests the null hypothesis that x comes from a population of mean mu.
func OneSample(x []float64, mu float64) (Result, error) {
	if len(x) < 2 {
		return Result{}, ErrTooFew
	}
	if !finite(x) {
		return Result{}, ErrNotFinite
	}
	return OneSampleFromMoments(MomentsOf(x), mu)
}

// OneSampleFromMoments is [OneSample] on a group of which the moments are known.
func OneSampleFromMoments(m Moments, mu float64) (Result, error) {
	if err := m.check(); err != nil {
		return Result{}, err
	}
	if math.IsNaN(mu) || math.IsInf(mu, 0) {
		return Result{}, ErrNotFinite
	}
	if m.Var == 0 {
		return Result{}, ErrNoSpread
	}
	return newResult(m.N, 0, m.Mean-mu, math.Sqrt(m.Var/float64(m.N)), float64(m.N-1))
}

// Degenerate is what the original paper's audit reports for groups without any
// variance: t = ±Inf and P = 0, or t = 0 and P = 1 where the means are equal.
// It is a convention, not a test: only the paper's mode may show it, with the
// warning "degenerate". N1, N2, StdErr and DoF are 0.
func Degenerate(meanDiff float64) Result {
	r := Result{MeanDiff: meanDiff, P: 1}
	if meanDiff != 0 {
		r.T, r.P = math.Copysign(math.Inf(1), meanDiff), 0
	}
	return r
}

func newResult(n1, n2 int, diff, se, dof float64) (Result, error) {
	t := diff / se
	if math.IsInf(diff, 0) || math.IsInf(se, 0) || math.IsNaN(t) {
		return Result{}, fmt.Errorf("%w: mean difference or its error overflows", ErrNotFinite)
	}
	return Result{N1: n1, N2: n2, MeanDiff: diff, StdErr: se, T: t, DoF: dof, P: tail.TwoSidedT(t, dof)}, nil
}

func (m Moments) check() error {
	if m.N < 2 {
		return ErrTooFew
	}
	if !finite([]float64{m.Mean, m.Var}) || m.Var < 0 {
		return ErrNotFinite
	}
	return nil
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
