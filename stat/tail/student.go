package tail

import (
	"fmt"
	"math"
)

// hillDoF is where StudentT turns to Hill's expansion: from here on its error
// is below 1e-12 as far out as a float64 reaches.
const hillDoF = 1e5

// StudentT is Pr(T > t) for Student's t with dof > 0 degrees of freedom, not
// necessarily whole; dof = +Inf is the normal distribution and t may be infinite.
func StudentT(t, dof float64) float64 {
	checkDoF(dof)
	if math.IsNaN(t) {
		panic("tail: t is NaN")
	}
	if t < 0 {
		return 1 - StudentT(-t, dof)
	}
	switch {
	case math.IsInf(dof, 1):
		return Normal(t)
	case dof >= hillDoF:
		return Normal(hill(t, dof))
	}
	// Pr(T > t) = ½ Iₓ(ν/2, ½) with x = ν/(ν+t²).
	r := t / math.Sqrt(dof)
	if r > 1 {
		q := 1 / r
		d := q * q
		if d < 1e-290 { // Iₓ is then its leading power, in logs
			lg, _ := math.Lgamma((dof + 1) / 2)
			lh, _ := math.Lgamma(dof/2 + 1)
			return math.Exp(lg-lh-0.5*math.Log(math.Pi)+dof*math.Log(q)) / 2
		}
		return incompleteBeta(dof/2, 0.5, d/(1+d), 1/(1+d)) / 2
	}
	return incompleteBeta(dof/2, 0.5, 1/(1+r*r), r*r/(1+r*r)) / 2
}

// hill is the normal deviate with the same tail as t ≥ 0 at a large dof.
func hill(t, dof float64) float64 {
	a := dof - 0.5
	b := 48 * a * a
	w2 := a * math.Log1p(t/dof*t)
	if math.IsInf(w2, 1) {
		w2 = a * 2 * math.Log(t/math.Sqrt(dof))
	}
	w := math.Sqrt(w2)
	first := w * (w2 + 3) / b
	second := w * (((4*w2+33)*w2+240)*w2 + 855) / (10 * b * (b + 0.8*w2*w2 + 100))
	return w + first - second
}

// TwoSidedT is Pr(|T| > |t|) for Student's t; see [StudentT].
func TwoSidedT(t, dof float64) float64 { return 2 * StudentT(math.Abs(t), dof) }

// StudentTQuantile is the t with Pr(T > t) = upper, for upper in [0, 1]; 0 and 1
// give ±Inf, and so does a quantile beyond the largest float64.
func StudentTQuantile(upper, dof float64) float64 {
	checkDoF(dof)
	checkProbability(upper)
	switch {
	case math.IsInf(dof, 1) || upper == 0 || upper == 1:
		return NormalQuantile(upper)
	case upper == 0.5:
		return 0
	case upper > 0.5:
		return -StudentTQuantile(1-upper, dof)
	}
	lo, hi := 0.0, 1.0
	for StudentT(hi, dof) > upper {
		if lo, hi = hi, 2*hi; math.IsInf(hi, 1) {
			return hi
		}
	}
	target := math.Log(upper)
	return Root(func(t float64) float64 { return logTail(StudentT(t, dof)) - target }, lo, hi)
}

// NoncentralT is Pr(T' > t) where T' = (Z + ncp)/√(χ²/dof) is Student's
// noncentral t; t and ncp are finite and dof > 0 may be +Inf.
//
// It integrates Pr(Z > t·s − ncp) over the density of ln s, s = √(χ²/dof), by the
// trapezoidal rule, which converges geometrically for such an integrand; the
// relative error is about 1e-13 (for dof ≥ 0.5) and grows with ncp² in the far tail.
func NoncentralT(t, dof, ncp float64) float64 {
	checkDoF(dof)
	if math.IsNaN(t) || math.IsNaN(ncp) || math.IsInf(t, 0) || math.IsInf(ncp, 0) {
		panic(fmt.Sprintf("tail: noncentral t at %v with noncentrality %v", t, ncp))
	}
	if ncp == 0 {
		return StudentT(t, dof)
	}
	if dof > 1e12 { // s is 1 within 1e-6: the first-order term in 1/dof
		return Normal((t*(1-1/(4*dof)) - ncp) / math.Sqrt(1+t*t/(2*dof)))
	}
	logf := func(u float64) float64 {
		return dof*scaleExponent(u) + logNormal(t*math.Exp(u)-ncp)
	}
	reach := 5 + math.Log1p(math.Abs(t)) + math.Log1p(math.Abs(ncp)) + math.Log1p(1/dof)
	lo, hi, peak := support(logf, reach, 1/math.Hypot(math.Sqrt(1+dof), math.Hypot(t, ncp)))
	if peak < -1e6 { // far below the smallest float64
		return 0
	}
	sum := trapezoid(func(u float64) float64 { return math.Exp(logf(u) - peak) }, lo, hi)
	a := dof / 2
	return min(1, sum*2*a*math.Exp(peak-stirlingError(a))/math.Sqrt(2*math.Pi*a))
}

// scaleExponent is u − (e²ᵘ−1)/2 ≤ 0, without cancellation near u = 0.
func scaleExponent(u float64) float64 {
	if math.Abs(u) > 0.1 {
		return u - math.Expm1(2*u)/2
	}
	sum, term := 0.0, u
	for k := 2.0; math.Abs(term) > 1e-18*math.Abs(sum); k++ {
		term *= 2 * u / k
		sum -= term
	}
	return sum
}

// support brackets where exp(logf) matters: logf has one peak, within ±reach and no
// narrower than about width.
func support(logf func(float64) float64, reach, width float64) (lo, hi, peak float64) {
	const golden = 0.6180339887498949
	a, b := -reach, reach
	x1, x2 := b-golden*(b-a), a+golden*(b-a)
	f1, f2 := logf(x1), logf(x2)
	for b-a > max(width/8, 1e-12) {
		if f1 < f2 {
			a, x1, f1 = x1, x2, f2
			x2 = a + golden*(b-a)
			f2 = logf(x2)
		} else {
			b, x2, f2 = x2, x1, f1
			x1 = b - golden*(b-a)
			f1 = logf(x1)
		}
	}
	top := (a + b) / 2
	peak = logf(top)
	if math.IsInf(peak, -1) {
		return top, top, peak
	}
	edge := func(direction float64) float64 {
		step := max(width, 1e-9)
		for logf(top+direction*step) > peak-42 {
			step *= 1.5
		}
		return top + direction*step
	}
	return edge(-1), edge(1), peak
}

// trapezoid integrates f, which is negligible at lo and hi, halving the step until
// two results agree.
func trapezoid(f func(float64) float64, lo, hi float64) float64 {
	n := 32
	h := (hi - lo) / float64(n)
	sum := 0.0
	for i := 1; i < n; i++ {
		sum += f(lo + float64(i)*h)
	}
	for n < 1<<20 {
		mid := 0.0
		for i := range n {
			mid += f(lo + (float64(i)+0.5)*h)
		}
		change := math.Abs(mid - sum)
		sum, n, h = sum+mid, 2*n, h/2
		if change <= 1e-12*sum {
			break
		}
	}
	return sum * h
}
