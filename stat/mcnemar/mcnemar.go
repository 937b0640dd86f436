// Package mcnemar tests whether two models are right equally often when both
// answered the same examples (McNemar's exact conditional test).
//
// # Statistic
//
// n₁₀ examples only the first model got right, n₀₁ only the second; examples on
// which both agree carry no information. Under the null hypothesis n₁₀ is binomial
// with n = n₁₀ + n₀₁ trials of probability ½:
//
//	P    = min(1, 2·Pr(Bin(n, ½) ≥ max(n₁₀, n₀₁)))
//	MidP = P − ½·Pr(|2·Bin(n, ½) − n| = |n₁₀ − n₀₁|)
//
// P decides; MidP, which is less conservative but not guaranteed to keep the
// level, is for show.
//
// # Assumes
//
// Examples are independent. The models are two fixed files: nothing is said about
// retraining.
//
// # Units
//
// Counts of examples, up to 1e9 and more; probabilities in [0, 1]. The odds ratio
// n₁₀/n₀₁ has no unit: above 1 the first model is right more often.
//
// # Not measurable
//
// Below [MinDiscordant] discordant examples no outcome could reach the level: the
// caller leaves such a test out of its family. Without any, P and MidP are 1 by
// convention. The odds ratio without an example in the denominator is
// [ErrNoDiscordant].
//
// # References
//
// McNemar, Q. (1947). Note on the sampling error of the difference between
// correlated proportions or percentages. Psychometrika 12(2), 153–157.
// Fagerland, M. W., Lydersen, S., Laake, P. (2013). The McNemar test for binary
// matched-pairs data: mid-p and asymptotic are better than exact conditional. BMC
// Medical Research Methodology 13, 91.
package mcnemar

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// ErrNoDiscordant says that an odds ratio has nothing to divide by.
var ErrNoDiscordant = errors.New("mcnemar: no example that only the second model got right")

// Result is the outcome of one test.
type Result struct {
	N10, N01 int     // examples only the first, only the second model got right
	P        float64 // exact, two-sided
	MidP     float64 // mid-p, two-sided
}

// Exact tests the null hypothesis that both models are right equally often. It
// panics if a count is negative.
func Exact(n10, n01 int) Result {
	if n10 < 0 || n01 < 0 {
		panic(fmt.Sprintf("mcnemar: negative count in (%d, %d)", n10, n01))
	}
	r := Result{N10: n10, N01: n01, P: 1, MidP: 1}
	n := n10 + n01
	if n == 0 {
		return r
	}
	point := tail.BinomialProb(n10, n, 0.5)
	if n10 == n01 {
		r.MidP = 1 - point/2
		return r
	}
	r.P = min(1, 2*upper(max(n10, n01), n))
	// Adding half of the observed outcomes to what lies beyond them: no cancellation.
	r.MidP = 2*upper(max(n10, n01)+1, n) + point
	return r
}

// upper is Pr(Bin(n, ½) ≥ k). For few trials it is a sum of integers over 2ⁿ, so that
// a P equal to the level, such as 2/64, is exactly equal.
func upper(k, n int) float64 {
	if n > 62 {
		return tail.BinomialUpper(k, n, 0.5)
	}
	c, sum := 1, 0 // n over n, n over n−1, ...
	for j := n; j >= k; j-- {
		sum += c
		c = c/(n-j+1)*j + c%(n-j+1)*j/(n-j+1)
	}
	return math.Ldexp(float64(sum), -n)
}

// MinDiscordant is the smallest number n of discordant examples at which some
// outcome has P ≤ alpha: 2·2⁻ⁿ ≤ alpha. It is 6 at .05. It panics for an alpha
// outside (0, 1].
func MinDiscordant(alpha float64) int {
	if !(alpha > 0 && alpha <= 1) {
		panic(fmt.Sprintf("mcnemar: alpha %v outside (0, 1]", alpha))
	}
	n := 0
	for p := 2.0; min(1, p) > alpha; p /= 2 {
		n++
	}
	return n
}

// OddsRatio is n₁₀/n₀₁, the conditional maximum likelihood estimate of the odds
// that a discordant example favours the first model.
func (r Result) OddsRatio() (float64, error) {
	if r.N01 == 0 {
		return 0, ErrNoDiscordant
	}
	return float64(r.N10) / float64(r.N01), nil
}

// OddsInterval is the exact interval of the odds ratio at a level in (0, 1): the
// Clopper–Pearson interval of n₁₀/n, turned into odds. It agrees with P: it leaves
// 1 out exactly if P < 1 − level. Without a discordant example it is
// [ErrNoDiscordant]; the upper end is +Inf if n₀₁ is 0.
func (r Result) OddsInterval(level float64) (lo, hi float64, err error) {
	if !(level > 0 && level < 1) {
		panic(fmt.Sprintf("mcnemar: confidence level %v outside (0, 1)", level))
	}
	if r.N10+r.N01 == 0 {
		return 0, 0, ErrNoDiscordant
	}
	half := (1 - level) / 2
	bound := func(k, other int) float64 { // lower limit of k/(k+other), as odds
		if k == 0 {
			return 0
		}
		p := tail.BetaLowerQuantile(half, float64(k), float64(other)+1)
		q := tail.BetaQuantile(half, float64(other)+1, float64(k))
		return p / q
	}
	lo, hi = bound(r.N10, r.N01), math.Inf(1)
	if b := bound(r.N01, r.N10); b > 0 {
		hi = 1 / b
	}
	return lo, hi, nil
}
