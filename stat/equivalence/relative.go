package equivalence

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Estimate is an estimated loss. With [RelativeUnpaired] and [RelativePaired] it is the
// relative contrast, to be compared with a margin of 0.
type Estimate struct {
	Value  float64 // (1−f)·b₀ − b_t; above 0: more than f of the baseline is lost
	StdErr float64
	DoF    float64
}

// Decide is [Decide] for the estimate.
func (e Estimate) Decide(margin, alpha float64) (Decision, error) {
	return Decide(e.Value, e.StdErr, e.DoF, margin, alpha)
}

// Group is the size, mean and unbiased variance of one population's values.
type Group struct {
	N         int
	Mean, Var float64
}

// RelativeUnpaired is the contrast (1−f)·b₀ − b_t of two independent populations, with
// Welch's degrees of freedom; f is the share of the baseline that may be lost.
func RelativeUnpaired(baseline, variant Group, f float64) (Estimate, error) {
	if err := checkRelative(f, baseline.Mean); err != nil {
		return Estimate{}, err
	}
	if baseline.N < 2 || variant.N < 2 {
		return Estimate{}, ErrTooFew
	}
	keep := 1 - f
	u := keep * keep * baseline.Var / float64(baseline.N)
	v := variant.Var / float64(variant.N)
	e := Estimate{Value: keep*baseline.Mean - variant.Mean, StdErr: math.Sqrt(u + v)}
	if u+v > 0 {
		p, q := u/(u+v), v/(u+v)
		e.DoF = 1 / (p*p/float64(baseline.N-1) + q*q/float64(variant.N-1))
	}
	return e.checked()
}

// RelativePaired is the contrast (1−f)·b₀ − b_t over pairs (members of one lineage):
// baseline[i] and variant[i] belong together.
func RelativePaired(baseline, variant []float64, f float64) (Estimate, error) {
	if len(baseline) != len(variant) {
		return Estimate{}, fmt.Errorf("%w: %d and %d", ErrLengths, len(baseline), len(variant))
	}
	if len(baseline) < 2 {
		return Estimate{}, ErrTooFew
	}
	if err := checkRelative(f, stat.Mean(baseline, nil)); err != nil {
		return Estimate{}, err
	}
	contrast := make([]float64, len(baseline))
	largest := 0.0
	for i := range contrast {
		contrast[i] = (1-f)*baseline[i] - variant[i]
		largest = max(largest, math.Abs(baseline[i]), math.Abs(variant[i]))
	}
	mean, variance := stat.MeanVariance(contrast, nil)
	if math.Sqrt(variance) <= 4*0x1p-52*largest {
		variance = 0 // a constant contrast that only rounding spreads
	}
	n := float64(len(contrast))
	return Estimate{Value: mean, StdErr: math.Sqrt(variance / n), DoF: n - 1}.checked()
}

func checkRelative(f, baselineMean float64) error {
	if !(f >= 0 && f <= 1) {
		return fmt.Errorf("%w: relative margin %v outside [0, 1]", ErrMargin, f)
	}
	if math.IsNaN(baselineMean) || math.IsInf(baselineMean, 0) {
		return ErrNotFinite
	}
	if baselineMean <= 0 {
		return ErrBaseline
	}
	return nil
}

// checked refuses an estimate on which no test can be made.
func (e Estimate) checked() (Estimate, error) {
	switch {
	case math.IsNaN(e.Value) || math.IsInf(e.Value, 0) || math.IsNaN(e.StdErr) || math.IsInf(e.StdErr, 0):
		return Estimate{}, ErrNotFinite
	case e.StdErr == 0:
		return Estimate{}, ErrNoSpread
	}
	return e, nil
}
