package tail

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Normal is Pr(Z > z) for a standard normal variable; z may be infinite.
func Normal(z float64) float64 {
	if math.IsNaN(z) {
		panic("tail: z is NaN")
	}
	return 0.5 * math.Erfc(z/math.Sqrt2)
}

// TwoSidedNormal is Pr(|Z| > |z|) for a standard normal variable.
func TwoSidedNormal(z float64) float64 {
	if math.IsNaN(z) {
		panic("tail: z is NaN")
	}
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}

// logNormal is ln Pr(Z > z), also where the tail itself would underflow.
func logNormal(z float64) float64 {
	if z < 30 {
		return math.Log(Normal(z))
	}
	r := 1 / (z * z)
	series := 1 - r*(1-3*r*(1-5*r*(1-7*r*(1-9*r))))
	return -z*z/2 - halfLog2Pi - math.Log(z) + math.Log(series)
}

// NormalQuantile is the z with Pr(Z > z) = upper; upper is in [0, 1], and 0 and 1
// give ±Inf.
func NormalQuantile(upper float64) float64 {
	checkProbability(upper)
	switch {
	case upper == 0:
		return math.Inf(1)
	case upper == 1:
		return math.Inf(-1)
	case upper > 0.5:
		return -NormalQuantile(1 - upper)
	}
	// gonum's rational approximation, then one Newton step on ln Pr(Z > z).
	z := -mathext.NormalQuantile(upper)
	l := logNormal(z)
	hazard := math.Exp(-z*z/2 - halfLog2Pi - l)
	return z + (l-math.Log(upper))/hazard
}

// logTail is ln p for a tail probability; an underflowed tail counts as e⁻⁸⁰⁰,
// below every tail that can be represented, so that searches stay finite.
func logTail(p float64) float64 {
	if p <= 0 {
		return -800
	}
	return math.Log(p)
}

// Root finds a zero of the monotone function f between lo and hi, to the last digits,
// by Chandrupatla's method. It panics unless f has different signs (or is 0) there.
func Root(f func(float64) float64, lo, hi float64) float64 {
	a, b := hi, lo
	fa, fb := f(a), f(b)
	if fa == 0 {
		return a
	}
	if fb == 0 {
		return b
	}
	if (fa > 0) == (fb > 0) {
		panic(fmt.Sprintf("tail: no sign change between %v (%v) and %v (%v)", lo, fb, hi, fa))
	}
	t := 0.5
	for range 2000 {
		x := a + t*(b-a)
		fx := f(x)
		var c, fc float64
		if (fx > 0) == (fa > 0) {
			c, fc = a, fa
		} else {
			c, fc = b, fb
			b, fb = a, fa
		}
		a, fa = x, fx
		best, fbest := a, fa
		if math.Abs(fb) < math.Abs(fa) {
			best, fbest = b, fb
		}
		limit := (0x1p-52*math.Abs(best) + 5e-324) / math.Abs(b-a)
		if limit > 0.5 || fbest == 0 {
			return best
		}
		t = 0.5
		xi, phi := (a-b)/(c-b), (fa-fb)/(fc-fb)
		if phi*phi < xi && (1-phi)*(1-phi) < 1-xi {
			t = fa/(fb-fa)*fc/(fb-fc) + (c-a)/(b-a)*fa/(fc-fa)*fb/(fc-fb)
		}
		t = min(max(t, limit), 1-limit)
	}
	panic(fmt.Sprintf("tail: no convergence between %v and %v", lo, hi))
}
