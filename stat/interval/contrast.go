package interval

import (
	"errors"
	"fmt"
	"math"
)

// NewcombePairedContrast is the interval of keep·p₁ − p₂ on the same examples,
// with the cells of [NewcombePaired] and keep in [0, 1]: a relative margin f asks
// it with keep = 1 − f. The Wilson limits of p₁ are scaled before they are
// combined, which with keep = 1 is [NewcombePaired].
//
// Donner, A., Zou, G. Y. (2012). Closed-form confidence intervals for functions of
// the normal mean and standard deviation. Statistical Methods in Medical Research
// 21(4), 347–359 (the method of variance estimates recovery).
func NewcombePairedContrast(n11, n10, n01, n00 int, keep, level float64) (Interval, error) {
	if !(keep >= 0 && keep <= 1) {
		panic(fmt.Sprintf("interval: keep %v outside [0, 1]", keep))
	}
	if min(n11, n10, n01, n00) < 0 {
		return Interval{}, fmt.Errorf("%w: negative cell", ErrCounts)
	}
	n := n11 + n10 + n01 + n00
	a, err1 := Wilson(n11+n10, n, level)
	b, err2 := Wilson(n11+n01, n, level)
	if err := errors.Join(err1, err2); err != nil {
		return Interval{}, err
	}
	size := float64(n)
	p1, p2 := keep*float64(n11+n10)/size, float64(n11+n01)/size
	a.Low, a.High = keep*a.Low, keep*a.High
	return squareAndAdd(p1, p2, a, b, phi(n11, n10, n01, n00)), nil
}

// UnchangedUpper is the upper end of [NewcombePaired] when no example of n changed
// and right of them were right before and after: what is left of a loss that cannot
// be ruled out by n examples without any change.
func UnchangedUpper(right, n int, level float64) (float64, error) {
	if right < 0 || right > n {
		return 0, fmt.Errorf("%w: %d of %d", ErrCounts, right, n)
	}
	i, err := NewcombePaired(right, 0, 0, n-right, level)
	return math.Max(0, i.High), err
}
