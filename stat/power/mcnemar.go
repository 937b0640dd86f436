package power

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/lethe-audit/lethe/stat/tail"
)

// McNemar is the exact McNemar test of two models on the same examples. The effect is
// the difference Δ of their accuracies.
//
// The power of an exact test is not monotone in the number of examples: it has small
// dips where another discordant example moves no critical value.
type McNemar struct {
	N           int     // examples, ≥ 1
	Discordance float64 // ψ: the share that exactly one model gets right, in (0, 1]
}

func (d McNemar) check() error {
	if d.N < 1 {
		return fmt.Errorf("%w: %d examples", ErrArgument, d.N)
	}
	if !(d.Discordance > 0 && d.Discordance <= 1) {
		return fmt.Errorf("%w: discordance %v outside (0, 1]", ErrArgument, d.Discordance)
	}
	return nil
}

// Power is the power of the exact test, over the number of discordant examples too.
func (d McNemar) Power(effect, alpha float64) (float64, error) {
	if err := errors.Join(d.check(), checkEffect(effect), checkAlpha(alpha)); err != nil {
		return 0, err
	}
	if math.Abs(effect) > d.Discordance {
		return 0, fmt.Errorf("%w: a difference of %v needs more discordance than %v", ErrArgument, effect, d.Discordance)
	}
	return d.power(math.Abs(effect), alpha), nil
}

// MinimumDetectableEffect is the smallest difference of accuracies. It is
// [ErrUnreachable] if even Δ = ψ, all discordant examples on one side, does not suffice.
func (d McNemar) MinimumDetectableEffect(alpha, power float64) (float64, error) {
	if err := errors.Join(d.check(), checkTarget(alpha, power)); err != nil {
		return 0, err
	}
	f := func(effect float64) float64 { return d.power(effect, alpha) - power }
	if f(d.Discordance) < 0 {
		return 0, fmt.Errorf("%w: %d examples with discordance %v", ErrUnreachable, d.N, d.Discordance)
	}
	return tail.Root(f, 0, d.Discordance), nil
}

// SizeFor is a number of examples: the smallest found by bisection, at which the power
// is reached; the dips of an exact test may lie just beyond it.
func (d McNemar) SizeFor(effect, alpha, power float64) (int, error) {
	d.N = 1
	if err := d.check(); err != nil {
		return 0, err
	}
	return smallest(1, effect, alpha, power, func(n int) (float64, error) {
		return McNemar{n, d.Discordance}.Power(effect, alpha)
	})
}

// everyCount is the number of discordant counts up to which each is computed; a wider
// spread is sampled evenly, which moves the power by less than 1e-4.
const everyCount = 4096

// power sums over the number of discordant examples.
func (d McNemar) power(effect, alpha float64) float64 {
	favour := min(1, (1+effect/d.Discordance)/2)
	mean := float64(d.N) * d.Discordance
	reach := 9*math.Sqrt(mean*(1-d.Discordance)) + 40 // Bernstein: what is left out is below 1e-15
	lo, hi := max(0, int(mean-reach)), min(d.N, int(mean+reach)+1)
	step := 1 + (hi-lo)/everyCount
	var sum, weights float64
	critical := criticalCount(lo, alpha)
	for m := lo; m <= hi; m += step {
		critical = nextCritical(critical, m, alpha)
		w := tail.BinomialProb(m, d.N, d.Discordance)
		weights += w
		if critical > m {
			continue
		}
		sum += w * (tail.BinomialUpper(critical, m, favour) + tail.BinomialLower(m-critical, m, favour))
	}
	return min(1, sum/weights)
}

// rejects says whether k ≥ m/2 of m discordant examples on one side have P ≤ alpha.
func rejects(k, m int, alpha float64) bool {
	// A P equal to alpha up to rounding counts as rejected, as 2/64 does at 1/32.
	return 2*k > m && 2*tail.BinomialUpper(k, m, 0.5) <= alpha*(1+1e-13)
}

// criticalCount is the smallest k with P ≤ alpha among m discordant examples, or m + 1.
func criticalCount(m int, alpha float64) int {
	half := m / 2
	return half + sort.Search(m+1-half, func(i int) bool { return rejects(half+i, m, alpha) })
}

// nextCritical is criticalCount(m, alpha), found upward from the value at a smaller m.
func nextCritical(k, m int, alpha float64) int {
	if k+32 < m/2 {
		return criticalCount(m, alpha)
	}
	for k <= m && !rejects(k, m, alpha) {
		k++
	}
	return k
}
