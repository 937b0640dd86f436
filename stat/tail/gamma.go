package tail

import (
	"fmt"
	"math"
)

// ChiSquared is Pr(X > x) for a chi-squared variable with dof > 0 degrees of
// freedom and x ≥ 0.
func ChiSquared(x, dof float64) float64 {
	checkDoF(dof)
	if !(x >= 0) || math.IsInf(dof, 1) {
		panic(fmt.Sprintf("tail: chi-squared %v with %v degrees of freedom", x, dof))
	}
	a, z := dof/2, x/2
	switch {
	case z == 0:
		return 1
	case math.IsInf(z, 1):
		return 0
	case z < a+1 && (a >= 1 || z < 1):
		return 1 - gammaSeries(a, z)
	}
	return gammaFraction(a, z)
}

// gammaSeries is the lower incomplete gamma ratio P(a, z).
func gammaSeries(a, z float64) float64 {
	sum, term := 1.0, 1.0
	for n := 1.0; term > 1e-17*sum; n++ {
		term *= z / (a + n)
		sum += term
	}
	return poissonTerm(a, z) * sum
}

// gammaFraction is the upper incomplete gamma ratio Q(a, z) by Legendre's
// continued fraction, evaluated with Lentz's method.
func gammaFraction(a, z float64) float64 {
	lead := poissonTerm(a, z) * a
	if lead == 0 {
		return 0
	}
	const tiny = 1e-300
	b := z + 1 - a
	if b == 0 {
		b = tiny
	}
	c, d := 1/tiny, 1/b
	h := d
	for n := 1.0; n < fractionSteps; n++ {
		an := -n * (n - a)
		b += 2
		d = an*d + b
		if d == 0 {
			d = tiny
		}
		c = b + an/c
		if c == 0 {
			c = tiny
		}
		d = 1 / d
		step := c * d
		h *= step
		if math.Abs(step-1) < 1e-16 {
			break
		}
	}
	return lead * h
}
