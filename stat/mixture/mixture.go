package mixture

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a distribution cannot be fitted. All but ErrVotes are answers.
var (
	ErrNoExamples = errors.New("mixture: no examples")
	ErrTooFew     = errors.New("mixture: no example has 2 votes")
	ErrVotes      = errors.New("mixture: impossible votes")
)

// Options set the grid and when to stop.
type Options struct {
	Points     int     // grid points, at least 2
	Iterations int     // most EM steps, at least 1
	Gap        float64 // stop when the likelihood can gain at most this per example, in nats; > 0
}

// DefaultOptions returns 101 points and stops at a gap of 1e-5, or after 5,000
// steps.
func DefaultOptions() Options { return Options{Points: 101, Iterations: 5_000, Gap: 1e-5} }

// Mixture is an estimated distribution of the probability that a member votes
// for the stronger of an example's two leading labels.
type Mixture struct {
	Grid       []float64 // probabilities, ascending from ½ to 1, denser toward 1
	Weight     []float64 // share of the examples at each, sums to 1
	Examples   int
	Iterations int     // EM steps made
	Gap        float64 // the likelihood per example is at most this below its maximum
}

// Fit estimates the mixture from x[i] of n[i] votes on example i. weight[i] is
// how many examples have these votes; nil means one each.
func Fit(x, n, weight []int, o Options) (Mixture, error) {
	if o.Points < 2 || o.Iterations < 1 || !(o.Gap > 0) {
		return Mixture{}, fmt.Errorf("mixture: impossible options %+v", o)
	}
	rows, total, err := fold(x, n, weight)
	if err != nil {
		return Mixture{}, err
	}
	m := Mixture{Grid: grid(o.Points), Weight: make([]float64, o.Points), Examples: total}
	for j := range m.Weight {
		m.Weight[j] = 1 / float64(o.Points)
	}
	likelihood := make([][]float64, len(rows))
	for i, r := range rows {
		likelihood[i] = r.likelihood(m.Grid)
	}
	gain := make([]float64, o.Points)
	for {
		// gain_j = Σ_i w_i f_i(p_j)/f_i(G) / N; an EM step multiplies by it,
		// and max gain − 1 bounds what any G on the grid could add.
		clear(gain)
		for i, r := range rows {
			var f float64
			for j, l := range likelihood[i] {
				f += m.Weight[j] * l
			}
			share := float64(r.examples) / float64(total) / f
			for j, l := range likelihood[i] {
				gain[j] += share * l
			}
		}
		m.Gap = max(0, slices.Max(gain)-1)
		if m.Gap <= o.Gap || m.Iterations == o.Iterations {
			return m, nil
		}
		var sum float64
		for j, g := range gain {
			m.Weight[j] *= g
			sum += m.Weight[j]
		}
		for j := range m.Weight {
			m.Weight[j] /= sum // 1 up to rounding, which must not build up
		}
		m.Iterations++
	}
}

// grid returns sin²θ for equal steps of θ from π/4 to π/2: steps of equal
// information about a binomial probability.
func grid(points int) []float64 {
	g := make([]float64, points)
	for j := range g {
		s := math.Sin(math.Pi / 4 * (1 + float64(j)/float64(points-1)))
		g[j] = s * s
	}
	g[0], g[points-1] = 0.5, 1
	return g
}

// votes are examples with the same folded votes.
type votes struct {
	more, n  int // votes for the label that has more, and for both
	examples int
}

// fold merges examples whose votes differ only in which label comes first.
func fold(x, n, weight []int) ([]votes, int, error) {
	if len(x) != len(n) || weight != nil && len(weight) != len(x) {
		return nil, 0, fmt.Errorf("%w: %d, %d and %d rows", ErrVotes, len(x), len(n), len(weight))
	}
	count := map[votes]int{}
	total, most := 0, 0
	for i, v := range x {
		w := 1
		if weight != nil {
			w = weight[i]
		}
		if n[i] < 1 || v < 0 || v > n[i] || w < 0 {
			return nil, 0, fmt.Errorf("%w: row %d has %d of %d votes, %d times", ErrVotes, i, v, n[i], w)
		}
		if w == 0 {
			continue
		}
		count[votes{more: max(v, n[i]-v), n: n[i]}] += w
		total += w
		most = max(most, n[i])
	}
	switch {
	case total == 0:
		return nil, 0, ErrNoExamples
	case most < 2:
		return nil, 0, ErrTooFew
	}
	rows := make([]votes, 0, len(count))
	for r, w := range count {
		r.examples = w
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b votes) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.more, b.more)) })
	return rows, total, nil
}

// likelihood returns f(p) over the grid, up to a factor, largest value 1 or 2.
func (v votes) likelihood(grid []float64) []float64 {
	l := make([]float64, len(grid))
	a, b := float64(v.more), float64(v.n-v.more)
	peak := xlogy(a, a/(a+b)) + xlogy(b, b/(a+b))
	for j, p := range grid {
		l[j] = math.Exp(xlogy(a, p)+xlogy(b, 1-p)-peak) + math.Exp(xlogy(b, p)+xlogy(a, 1-p)-peak)
	}
	return l
}

// xlogy returns x·ln y, 0 for x = 0.
func xlogy(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(y)
}

// DisagreeProb returns the probability that the modal labels of two fresh
// populations of k0 and kt members differ on an example drawn from the
// mixture: the estimated floor. Both sizes must be at least 1.
func (m Mixture) DisagreeProb(k0, kt int) float64 {
	if k0 < 1 || kt < 1 {
		panic(fmt.Sprintf("mixture: populations of %d and %d members", k0, kt))
	}
	var d float64
	for j, w := range m.Weight {
		if w > 0 {
			d += w * disagree(m.Grid[j], k0, kt)
		}
	}
	return d
}

// disagree is DisagreeProb at one probability p of the stronger label.
func disagree(p float64, k0, kt int) float64 {
	win0, lose0, tie0 := outcome(p, k0)
	wint, loset, tiet := outcome(p, kt)
	// The tie rule favours one label in both populations; average over which.
	strong := (win0+tie0)*loset + lose0*(wint+tiet)
	weak := win0*(loset+tiet) + (lose0+tie0)*wint
	return (strong + weak) / 2
}

// outcome returns the probabilities that the stronger label gets more, fewer
// and exactly half of k votes.
func outcome(p float64, k int) (win, lose, tie float64) {
	half := k / 2
	win = tail.BinomialUpper(half+1, k, p)
	if k%2 == 0 {
		tie = tail.BinomialProb(half, k, p)
		return win, tail.BinomialLower(half-1, k, p), tie
	}
	return win, tail.BinomialLower(half, k, p), 0
}
