package tail

import (
	"fmt"
	"math"
)

// fractionSteps bounds the continued fractions. They need about √max(a, b) steps
// in the middle of the distribution and far fewer in its tails.
const fractionSteps = 50_000_000

// incompleteBeta is Iₓ(a, b) for a, b > 0, with y = 1 − x given beside x.
func incompleteBeta(a, b, x, y float64) float64 {
	switch {
	case x <= 0:
		return 0
	case y <= 0:
		return 1
	case b*x > a*y: // right of the mean: the other tail is the small one
		return 1 - betaFraction(b, a, y, x)
	}
	return betaFraction(a, b, x, y)
}

// betaFraction is Iₓ(a, b) for x at or left of the mean a/(a+b), by the continued
// fraction BFRAC of Algorithm 708.
func betaFraction(a, b, x, y float64) float64 {
	lead := binomialTerm(a, a+b, x, y) * (a * (b / (a + b)))
	if lead == 0 {
		return 0
	}
	// λ = a − (a+b)x, written so that a small y keeps its digits.
	lambda := a*y - b*x
	c, c0, c1 := 1+lambda, b/a, 1+1/a
	p, s := 1.0, a+1
	an, bn, an1, bn1 := 0.0, 1.0, 1.0, c/c1
	r := c1 / c
	for n := 1.0; n < fractionSteps; n++ {
		t := n / a
		w := n * (b - n) * x
		e := a / s
		alpha := p * (p + c0) * e * e * (w * x)
		e = (1 + t) / (c1 + t + t)
		beta := n + w/s + e*(c+n*(1+y))
		p, s = 1+t, s+2
		an, an1 = an1, alpha*an+beta*an1
		bn, bn1 = bn1, alpha*bn+beta*bn1
		previous := r
		r = an1 / bn1
		if math.Abs(r-previous) <= 1e-16*r {
			break
		}
		an, bn, an1, bn1 = an/bn1, bn/bn1, r, 1
	}
	return lead * r
}

// Beta is Pr(X > x) for a beta variable with shapes a, b > 0; x is in [0, 1].
func Beta(x, a, b float64) float64 {
	checkBeta(a, b)
	if !(x >= 0 && x <= 1) {
		panic(fmt.Sprintf("tail: beta variable %v outside [0, 1]", x))
	}
	return incompleteBeta(b, a, 1-x, x)
}

// BetaQuantile is the x with Pr(X > x) = upper for a beta variable with shapes
// a, b > 0; upper is in [0, 1].
func BetaQuantile(upper, a, b float64) float64 {
	checkBeta(a, b)
	checkProbability(upper)
	return betaSolve(b, a, upper, true)
}

// BetaLowerQuantile is the x with Pr(X ≤ x) = lower for a beta variable with
// shapes a, b > 0. It keeps its digits where x is near 0; lower is in [0, 1].
func BetaLowerQuantile(lower, a, b float64) float64 {
	checkBeta(a, b)
	checkProbability(lower)
	return betaSolve(a, b, lower, false)
}

// betaSolve finds x with Iₓ(a, b) = p, on the logit scale so that x near 0 and
// near 1 are equally well resolved, and returns x, or 1 − x if mirrored.
func betaSolve(a, b, p float64, mirrored bool) float64 {
	if p == 0 || p == 1 {
		if mirrored {
			return 1 - p
		}
		return p
	}
	logit := func(u float64) (x, y float64) { return 1 / (1 + math.Exp(-u)), 1 / (1 + math.Exp(u)) }
	f := func(u float64) float64 {
		x, y := logit(u)
		if p > 0.5 {
			return logOf(1-p, p) - logTail(incompleteBeta(b, a, y, x))
		}
		return logTail(incompleteBeta(a, b, x, y)) - math.Log(p)
	}
	const edge = 709 // e⁻⁷⁰⁹ is about the smallest normal float64
	var x, y float64
	switch {
	case f(-edge) >= 0:
		x, y = 0, 1
	case f(edge) <= 0:
		x, y = 1, 0
	default:
		x, y = logit(Root(f, -edge, edge))
	}
	if mirrored {
		return y
	}
	return x
}

// F is Pr(X > x) for an F variable with d1, d2 > 0 degrees of freedom (d2 may be
// +Inf) and x ≥ 0.
func F(x, d1, d2 float64) float64 {
	checkDoF(d1)
	checkDoF(d2)
	if math.IsInf(d1, 1) {
		panic("tail: infinite degrees of freedom in the numerator of F")
	}
	if !(x >= 0) {
		panic(fmt.Sprintf("tail: F = %v is not a number ≥ 0", x))
	}
	if math.IsInf(d2, 1) {
		return ChiSquared(d1*x, d1)
	}
	r := d1 / d2 * x
	if r > 1 { // divide by the larger part, so that a huge x does not overflow
		return incompleteBeta(d2/2, d1/2, (1/r)/(1+1/r), 1/(1+1/r))
	}
	return incompleteBeta(d2/2, d1/2, 1/(1+r), r/(1+r))
}

func checkBeta(a, b float64) {
	if !(a > 0 && b > 0) || math.IsInf(a, 1) || math.IsInf(b, 1) {
		panic(fmt.Sprintf("tail: beta shapes %v and %v must be positive and finite", a, b))
	}
}

func checkDoF(dof float64) {
	if !(dof > 0) {
		panic(fmt.Sprintf("tail: %v degrees of freedom, want > 0", dof))
	}
}

func checkProbability(p float64) {
	if !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("tail: probability %v outside [0, 1]", p))
	}
}
