package tail

import (
	"fmt"
	"math"
)

// BinomialProb is Pr(X = k) for X successes in n ≥ 0 trials of probability p.
func BinomialProb(k, n int, p float64) float64 {
	checkBinomial(n, p)
	switch {
	case k < 0 || k > n:
		return 0
	case p == 0 || p == 1:
		if (p == 0) == (k == 0) && (p == 1) == (k == n) {
			return 1
		}
		return 0
	}
	return binomialTerm(float64(k), float64(n), p, 1-p)
}

// BinomialUpper is Pr(X ≥ k) for X successes in n ≥ 0 trials of probability p.
// It is accurate for n up to 1e9 and more.
func BinomialUpper(k, n int, p float64) float64 {
	checkBinomial(n, p)
	switch {
	case k <= 0:
		return 1
	case k > n:
		return 0
	}
	return incompleteBeta(float64(k), float64(n-k)+1, p, 1-p)
}

// BinomialLower is Pr(X ≤ k) for X successes in n ≥ 0 trials of probability p.
func BinomialLower(k, n int, p float64) float64 {
	checkBinomial(n, p)
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return incompleteBeta(float64(n-k), float64(k)+1, 1-p, p)
}

// HypergeometricProb is Pr(X = k) for X marked items among draws ≥ 0 taken without
// replacement from marked + plain items; draws ≤ marked + plain.
func HypergeometricProb(k, marked, plain, draws int) float64 {
	if marked < 0 || plain < 0 || draws < 0 || draws > marked+plain {
		panic(fmt.Sprintf("tail: %d draws from %d marked and %d plain items", draws, marked, plain))
	}
	if k < 0 || k > marked || draws-k < 0 || draws-k > plain {
		return 0
	}
	total := marked + plain
	if draws == 0 || draws == total {
		return 1
	}
	// A ratio of binomial probabilities at any p; p = draws/total keeps all near 1.
	p := float64(draws) / float64(total)
	q := float64(total-draws) / float64(total)
	return binomialTerm(float64(k), float64(marked), p, q) /
		binomialTerm(float64(draws), float64(total), p, q) *
		binomialTerm(float64(draws-k), float64(plain), p, q)
}

// LogChoose is the natural logarithm of the binomial coefficient n over k, for
// 0 ≤ k ≤ n.
func LogChoose(n, k int) float64 {
	if k < 0 || k > n {
		panic(fmt.Sprintf("tail: no coefficient %d over %d", n, k))
	}
	k = min(k, n-k)
	if k == 0 {
		return 0
	}
	if k == 1 {
		return math.Log(float64(n))
	}
	if n <= 60 { // exact in integers
		c := 1
		for i := 1; i <= k; i++ {
			c = c/i*(n-k+i) + c%i*(n-k+i)/i
		}
		return math.Log(float64(c))
	}
	x, a, b := float64(n), float64(k), float64(n-k)
	// −[a ln(a/x) + b ln(b/x)] and Stirling's correction: no large terms cancel.
	return a*math.Log(x/a) - b*math.Log1p(-a/x) + 0.5*math.Log(x/(a*b)) - halfLog2Pi +
		stirlingError(x) - stirlingError(a) - stirlingError(b)
}

func checkBinomial(n int, p float64) {
	if n < 0 || !(p >= 0 && p <= 1) {
		panic(fmt.Sprintf("tail: binomial with n = %d, p = %v", n, p))
	}
}
