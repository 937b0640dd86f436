package tail

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*max(math.Abs(a), math.Abs(b)) }

// Pr(X ≥ k) + Pr(X ≤ k−1) is 1 and their difference from the neighbours is the
// point probability.
func TestBinomialIdentities(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 3000 {
		n := 1 + rng.IntN(400)
		k, p := rng.IntN(n+1), rng.Float64()
		up, low := BinomialUpper(k, n, p), BinomialLower(k-1, n, p)
		if math.Abs(up+low-1) > 1e-13 {
			t.Fatalf("k=%d n=%d p=%v: %v + %v", k, n, p, up, low)
		}
		point := BinomialProb(k, n, p)
		if d := up - BinomialUpper(k+1, n, p); math.Abs(d-point) > 1e-13 {
			t.Fatalf("k=%d n=%d p=%v: step %v, point %v", k, n, p, d, point)
		}
	}
}

func TestDegenerateBinomial(t *testing.T) {
	for _, tc := range []struct {
		k, n           int
		p, prob, upper float64
	}{{0, 0, 0.5, 1, 1}, {0, 4, 0, 1, 1}, {4, 4, 1, 1, 1}, {1, 4, 0, 0, 0}, {3, 4, 1, 0, 1}, {5, 4, 0.5, 0, 0}, {-1, 4, 0.5, 0, 1}} {
		if got := BinomialProb(tc.k, tc.n, tc.p); got != tc.prob {
			t.Errorf("BinomialProb(%d, %d, %v) = %v", tc.k, tc.n, tc.p, got)
		}
		if got := BinomialUpper(tc.k, tc.n, tc.p); got != tc.upper {
			t.Errorf("BinomialUpper(%d, %d, %v) = %v", tc.k, tc.n, tc.p, got)
		}
	}
}

func TestHypergeometricSumsToOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	for range 500 {
		a, b := rng.IntN(60), 1+rng.IntN(60)
		d := rng.IntN(a + b + 1)
		sum := 0.0
		for k := range a + 1 {
			sum += HypergeometricProb(k, a, b, d)
		}
		if math.Abs(sum-1) > 1e-13 {
			t.Fatalf("marked %d plain %d draws %d: sum %v", a, b, d, sum)
		}
	}
}

// Tails fall as the argument grows, over the whole range and across the switches
// between methods.
func TestMonotone(t *testing.T) {
	for _, dof := range []float64{0.5, 1, 4.7, 58, 9999, hillDoF - 1, hillDoF, 1e9, math.Inf(1)} {
		previous := math.Inf(1)
		for x := -8.0; x < 1e4; x += 0.05 + math.Abs(x)/50 {
			p := StudentT(x, dof)
			if !(p < previous || p == 0) && previous < 1-1e-9 || p < 0 || p > 1 {
				t.Fatalf("StudentT(%v, %v) = %g after %g", x, dof, p, previous)
			}
			previous = p
		}
	}
	for _, dof := range []float64{0.4, 1, 3, 100, 1e5} {
		previous := 1.0
		for i := 1; i < 400; i++ {
			x := dof * (0.5 + float64(i)/100)
			p := ChiSquared(x, dof)
			if p > previous {
				t.Fatalf("ChiSquared(%v, %v) = %g after %g", x, dof, p, previous)
			}
			previous = p
		}
	}
}

// F(t², 1, ν) is the two-sided t tail, and F with ν₂ = ∞ is chi-squared.
func TestFamilies(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		x, dof := 20*rng.ExpFloat64()*rng.Float64(), 1+1000*rng.Float64()*rng.Float64()
		if a, b := TwoSidedT(x, dof), F(x*x, 1, dof); !near(a, b, 1e-11) && a > 1e-307 {
			t.Fatalf("t=%v ν=%v: %g and %g", x, dof, a, b)
		}
		if a, b := TwoSidedNormal(x), ChiSquared(x*x, 1); !near(a, b, 1e-11) && a > 1e-307 {
			t.Fatalf("z=%v: %g and %g", x, a, b)
		}
	}
	if a, b := F(3, 4, math.Inf(1)), ChiSquared(12, 4); a != b {
		t.Errorf("F with infinite ν₂: %v, want %v", a, b)
	}
	if a, b := StudentT(2, math.Inf(1)), Normal(2); a != b {
		t.Errorf("t with infinite ν: %v, want %v", a, b)
	}
}

func TestQuantilesInvert(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		u := math.Exp(-690 * rng.Float64() * rng.Float64())
		dof := math.Exp(12 * rng.Float64())
		if got := Normal(NormalQuantile(u)); !near(got, u, 1e-11) {
			t.Fatalf("Normal(NormalQuantile(%g)) = %g", u, got)
		}
		if q := StudentTQuantile(u, dof); !math.IsInf(q, 0) {
			if got := StudentT(q, dof); !near(got, u, 1e-11) {
				t.Fatalf("ν=%v: StudentT(%g) = %g, want %g", dof, q, got, u)
			}
		}
		a, b := math.Exp(6*rng.Float64()-1), math.Exp(6*rng.Float64()-1)
		if x := BetaLowerQuantile(u, a, b); x > 1e-300 && x < 1-1e-12 {
			if got := incompleteBeta(a, b, x, 1-x); !near(got, u, 1e-10) {
				t.Fatalf("a=%v b=%v u=%g: got %g at %v", a, b, u, got, x)
			}
			if y := BetaQuantile(u, b, a); !near(1-x, y, 1e-14) {
				t.Fatalf("a=%v b=%v u=%g: quantiles %v and %v are not mirrored", a, b, u, x, y)
			}
		}
	}
}

// A large dof tends to the normal distribution, ncp = 0 to Student's t, and the
// two sides of a noncentral t add to one.
func TestNoncentralTLimits(t *testing.T) {
	for _, x := range []float64{-3, 0, 0.5, 2, 8} {
		for _, ncp := range []float64{-2, 1e-9, 0.7, 5} {
			if got, want := NoncentralT(x, math.Inf(1), ncp), Normal(x-ncp); !near(got, want, 1e-12) {
				t.Errorf("x=%v ncp=%v: %g, want %g", x, ncp, got, want)
			}
			if got, want := NoncentralT(x, 9e11, ncp), NoncentralT(x, 1.1e12, ncp); !near(got, want, 1e-8) {
				t.Errorf("x=%v ncp=%v: jump from %g to %g at the switch", x, ncp, got, want)
			}
			if sum := NoncentralT(x, 7, ncp) + NoncentralT(-x, 7, -ncp); math.Abs(sum-1) > 1e-12 {
				t.Errorf("x=%v ncp=%v: sides add to %v", x, ncp, sum)
			}
		}
		if got, want := NoncentralT(x, 7, 1e-14), StudentT(x, 7); !near(got, want, 1e-12) {
			t.Errorf("x=%v: %g near ncp 0, want %g", x, got, want)
		}
	}
}

func TestOutsideDomainPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"normal":    func() { Normal(math.NaN()) },
		"dof":       func() { StudentT(1, 0) },
		"t":         func() { StudentT(math.NaN(), 3) },
		"upper":     func() { StudentTQuantile(1.5, 3) },
		"chi":       func() { ChiSquared(-1, 3) },
		"f":         func() { F(math.NaN(), 1, 2) },
		"binomial":  func() { BinomialUpper(1, -1, 0.5) },
		"choose":    func() { LogChoose(3, 4) },
		"beta":      func() { Beta(2, 1, 1) },
		"hyper":     func() { HypergeometricProb(1, 2, 3, 9) },
		"noncentra": func() { NoncentralT(math.Inf(1), 3, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// Every tail is in [0, 1], and adding the other side gives one.
func FuzzStudentT(f *testing.F) {
	f.Add(1.0, 2.0)
	f.Add(-40.0, 0.01)
	f.Add(1e200, 3.0)
	f.Add(37.0, 99999.5)
	f.Fuzz(func(t *testing.T, x, dof float64) {
		if math.IsNaN(x) || !(dof > 0) {
			t.Skip()
		}
		p, q := StudentT(x, dof), StudentT(-x, dof)
		if !(p >= 0 && p <= 1) || math.Abs(p+q-1) > 1e-12 {
			t.Fatalf("StudentT(%v, %v) = %v, other side %v", x, dof, p, q)
		}
	})
}

// Noncentral tails are probabilities at any finite argument, and the search for their
// support ends.
func FuzzNoncentralT(f *testing.F) {
	f.Add(2.0, 5.0, 1.0)
	f.Add(1e300, 0.6, -1e300)
	f.Add(-7.0, 1e11, 1e3)
	f.Fuzz(func(t *testing.T, x, dof, ncp float64) {
		if !(math.Abs(x) <= 1e300) || !(math.Abs(ncp) <= 1e300) || !(dof >= 0.5) {
			t.Skip()
		}
		p, q := NoncentralT(x, dof, ncp), NoncentralT(-x, dof, -ncp)
		if !(p >= 0 && p <= 1) || math.Abs(p+q-1) > 1e-8 {
			t.Fatalf("NoncentralT(%v, %v, %v) = %v, other side %v", x, dof, ncp, p, q)
		}
	})
}

func BenchmarkStudentT(b *testing.B) {
	for b.Loop() {
		StudentT(2.3, 57.4)
	}
}

func BenchmarkNoncentralT(b *testing.B) {
	for b.Loop() {
		NoncentralT(2.0, 57.4, 2.8)
	}
}

func BenchmarkBinomialMiddle1e9(b *testing.B) {
	for b.Loop() {
		BinomialUpper(500_000_001, 1_000_000_000, 0.5)
	}
}
