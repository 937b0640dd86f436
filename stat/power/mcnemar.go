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
	return powerOver(d.outcomes(alpha), d.favoured(math.Abs(effect))), nil
}

// MinimumDetectableEffect is the smallest difference of accuracies. It is
// [ErrUnreachable] if even Δ = ψ, all discordant examples on one side, does not suffice.
func (d McNemar) MinimumDetectableEffect(alpha, power float64) (float64, error) {
	if err := errors.Join(d.check(), checkTarget(alpha, power)); err != nil {
		return 0, err
	}
	list := d.outcomes(alpha)
	f := func(effect float64) float64 { return powerOver(list, d.favoured(effect)) - power }
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

// outcome is one number of discordant examples: its weight, and the smallest count on
// one side that rejects (m + 1 if none does).
type outcome struct {
	m, critical int
	weight      float64
}

// outcomes lists the numbers of discordant examples that matter, weights adding to 1.
func (d McNemar) outcomes(alpha float64) []outcome {
	mean := float64(d.N) * d.Discordance
	reach := 8*math.Sqrt(mean*(1-d.Discordance)) + 40 // Bernstein: leaves out less than 1e-13
	lo, hi := max(0, int(mean-reach)), min(d.N, int(mean+reach)+1)
	step := 1 + (hi-lo)/everyCount
	var list []outcome
	total := 0.0
	critical := criticalCount(lo, alpha)
	for m := lo; m <= hi; m += step {
		w := tail.BinomialProb(m, d.N, d.Discordance)
		if w < 1e-18 {
			continue
		}
		critical = nextCritical(critical, m, alpha)
		list = append(list, outcome{m, critical, w})
		total += w
	}
	for i := range list {
		list[i].weight /= total
	}
	return list
}

// restart is the number of discordant counts after which the recursion over them
// starts from an exact value again.
const restart = 64

// powerOver sums the power over the outcomes when a discordant example falls on the
// favoured side with probability p ≥ ½.
func powerOver(list []outcome, p float64) float64 {
	up, down := sideTail{p: p}, sideTail{p: 1 - p}
	sum := 0.0
	for i, o := range list {
		if o.critical > o.m {
			continue
		}
		fresh := i%restart == 0
		sum += o.weight * (up.at(o.critical, o.m, fresh) + down.at(o.critical, o.m, fresh))
	}
	return min(1, sum)
}

// sideTail is Pr(Bin(m, p) ≥ k), moved from one (k, m) to the next.
type sideTail struct {
	p           float64
	k, m        int
	value, edge float64 // Pr(≥ k) and Pr(= k−1)
}

func (s *sideTail) at(k, m int, fresh bool) float64 {
	if fresh || m != s.m+1 || k < s.k || k > s.k+1 || s.p == 0 || s.p == 1 {
		s.k, s.m = k, m
		s.value, s.edge = tail.BinomialUpper(k, m, s.p), tail.BinomialProb(k-1, m, s.p)
		return s.value
	}
	// One more trial: Pr(X ≥ k) grows by p·Pr(X = k−1).
	s.value += s.p * s.edge
	s.edge *= (1 - s.p) * float64(m) / float64(m-s.k+1)
	s.m = m
	if k > s.k { // one more success: take Pr(X = k) away
		s.edge *= s.p / (1 - s.p) * float64(m-s.k+1) / float64(s.k)
		s.value -= s.edge
		s.k = k
	}
	s.value = max(0, s.value)
	return s.value
}

// favoured is the probability that a discordant example falls on the favoured side.
func (d McNemar) favoured(effect float64) float64 { return min(1, (1+effect/d.Discordance)/2) }

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
