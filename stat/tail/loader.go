package tail

import "math"

// halfLog2Pi is ½ ln 2π.
const halfLog2Pi = 0.918938533204672741780329736405617639861397473637783412817

// stirlingError is ln Γ(x+1) − [(x+½) ln x − x + ½ ln 2π] for x > 0: what
// Stirling's formula leaves out.
func stirlingError(x float64) float64 {
	if x < 10 {
		lg, _ := math.Lgamma(x + 1)
		return lg - (x+0.5)*math.Log(x) + x - halfLog2Pi
	}
	// Bernoulli series; the first term left out is below 3e-17 at x = 10.
	r := 1 / (x * x)
	s := 1.0 / 156
	for _, c := range [...]float64{-691.0 / 360360, 1.0 / 1188, -1.0 / 1680, 1.0 / 1260, -1.0 / 360, 1.0 / 12} {
		s = s*r + c
	}
	return s / x
}

// deviance is x ln(x/m) + m − x ≥ 0 for x ≥ 0, m > 0, without cancellation when x
// is near m (Loader's bd0).
func deviance(x, m float64) float64 {
	if x == 0 {
		return m
	}
	if math.Abs(x-m) >= 0.1*(x+m) {
		return x*math.Log(x/m) + m - x
	}
	v := (x - m) / (x + m)
	s := (x - m) * v
	e := 2 * x * v
	v *= v
	for j := 3.0; ; j += 2 {
		e *= v
		next := s + e/j
		if next == s {
			return s
		}
		s = next
	}
}

// binomialTerm is Γ(n+1)/(Γ(k+1)Γ(n−k+1)) xᵏ yⁿ⁻ᵏ for real 0 ≤ k ≤ n and
// y = 1 − x, both in (0, 1) and given so that neither loses digits.
func binomialTerm(k, n, x, y float64) float64 {
	switch {
	case n == 0:
		return 1
	case k == 0:
		return math.Exp(n * logOf(y, x))
	case k == n:
		return math.Exp(n * logOf(x, y))
	}
	l := stirlingError(n) - stirlingError(k) - stirlingError(n-k) - deviance(k, n*x) - deviance(n-k, n*y)
	return math.Exp(l) * math.Sqrt(n/(2*math.Pi*k*(n-k)))
}

// logOf is ln p, where q = 1 − p is given too.
func logOf(p, q float64) float64 {
	if q < 0.5 {
		return math.Log1p(-q)
	}
	return math.Log(p)
}

// poissonTerm is mᵏ e⁻ᵐ / Γ(k+1) for real k, m > 0.
func poissonTerm(k, m float64) float64 {
	return math.Exp(-stirlingError(k)-deviance(k, m)) / math.Sqrt(2*math.Pi*k)
}
