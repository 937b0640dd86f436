package fisher

import (
	"slices"

	"github.com/lethe-audit/lethe/stat/tail"
)

// MaxStates bounds the recursion of [Votes]: 16 Mi states of 8 bytes. Populations of
// equal size reach it at K = 4,000, coprime sizes at K = 256.
const MaxStates = 1 << 24

// Votes tests whether the label counts x and y come from the same distribution; see
// the package comment. p is Pr(D* ≥ D), minP the smallest p that these pooled counts
// could have given, stat the taxicab distance D. Labels that nobody voted for do not
// matter, nor does the order of labels.
//
// Each call allocates; [Tester] reuses its buffers.
func Votes(x, y []int) (p, minP, stat float64, err error) {
	var t Tester
	return t.Votes(x, y)
}

// Tester is [Votes] with buffers kept between calls, for many examples with the same
// two populations. The zero value is ready; a Tester must not be used by two
// goroutines at once.
type Tester struct {
	k0, total int
	rows      [][]float64 // rows[n][j]: Bin(n, K₀/N) probability of j
	pooled    []int
	now, next []float64 // weight of (drawn, S), S fastest
}

// Votes is the function [Votes].
func (t *Tester) Votes(x, y []int) (p, minP, stat float64, err error) {
	k0, kt, err := t.pool(x, y)
	if err != nil {
		return 0, 0, 0, err
	}
	scale := gcd(k0, kt)
	observed := excess(x, y, k0, kt) / scale
	stat = taxicab(observed*scale, k0, kt)
	if len(t.pooled) == 1 {
		return 1, 1, stat, nil
	}
	most := k0 / scale * kt // the largest S, in steps of scale
	if t.k0 != k0 || t.total != k0+kt {
		t.k0, t.total, t.rows = k0, k0+kt, t.rows[:0]
	}
	slices.Sort(t.pooled) // small labels first: few states while few votes are drawn
	states := float64(k0+1) * float64(most+1)
	// Listing a table costs about as much as four states of the recursion.
	if limit := int(min(states, MaxStates) / 4); t.tables(limit) <= limit {
		p, minP = t.list(observed, scale)
		return p, minP, stat, nil
	}
	if states > MaxStates {
		return 0, 0, 0, ErrTooLarge
	}
	p, minP = t.recurse(observed, most, scale)
	return p, minP, stat, nil
}

// recurse computes p and minP by the recursion over labels.
func (t *Tester) recurse(observed, most, scale int) (p, minP float64) {
	final := t.distribution(most, scale)
	var beyond, all, top float64
	for s := len(final) - 1; s >= 0; s-- { // far values first: small terms add up first
		w := final[s]
		if w == 0 {
			continue
		}
		all += w
		if top == 0 {
			top = w
		}
		if s >= observed {
			beyond = all
		}
	}
	return min(1, beyond/all), top / all
}

// pool checks the vectors and puts the pooled counts above 0 into t.pooled.
func (t *Tester) pool(x, y []int) (k0, kt int, err error) {
	if len(x) != len(y) {
		return 0, 0, ErrLengths
	}
	t.pooled = t.pooled[:0]
	for c := range x {
		if x[c] < 0 || y[c] < 0 {
			return 0, 0, ErrNegative
		}
		k0 += x[c]
		kt += y[c]
		if n := x[c] + y[c]; n > 0 {
			t.pooled = append(t.pooled, n)
		}
	}
	if k0 == 0 || kt == 0 {
		return 0, 0, ErrEmpty
	}
	return k0, kt, nil
}

// excess is S = Σ max(0, x_c·N − n_c·K₀) = Σ max(0, x_c·K_t − y_c·K₀).
func excess(x, y []int, k0, kt int) int {
	s := 0
	for c := range x {
		s += max(0, x[c]*kt-y[c]*k0)
	}
	return s
}

// distribution returns the weights of S/scale = 0…most over all tables with the pooled
// counts t.pooled. The weight of a table is Π_c Bin(n_c, K₀/N)(x_c): by Vandermonde these
// are proportional to the hypergeometric probabilities, and none overflows.
func (t *Tester) distribution(most, scale int) []float64 {
	kt := t.total - t.k0
	width := most + 1
	last := len(t.pooled) - 1
	t.now = clearTo(t.now, width)
	t.now[0] = 1
	low, high, left := 0, 0, t.total // votes drawn so far lie in [low, high]; votes left
	for i, n := range t.pooled {
		left -= n
		row := t.row(n)
		nextLow, nextHigh := max(0, t.k0-left), min(t.k0, high+n)
		if i == last {
			nextLow, nextHigh = t.k0, t.k0
		}
		t.next = clearTo(t.next, (nextHigh-nextLow+1)*width)
		for drawn := low; drawn <= high; drawn++ {
			from := t.now[(drawn-low)*width:][:width]
			for j := max(0, nextLow-drawn); j <= min(n, nextHigh-drawn); j++ {
				step := max(0, j*kt-(n-j)*t.k0) / scale
				addShifted(t.next[(drawn+j-nextLow)*width:][:width], from, step, row[j])
			}
		}
		t.now, t.next = t.next, t.now
		low, high = nextLow, nextHigh
	}
	return t.now[:width]
}

// tables is the number of ways to draw from all labels but the largest, or more than
// limit.
func (t *Tester) tables(limit int) int {
	n := 1
	for _, c := range t.pooled[:len(t.pooled)-1] {
		n *= c + 1
		if n > limit {
			break
		}
	}
	return n
}

// list computes p and minP by listing all tables: faster than the recursion where a
// few labels have few votes, as most examples do.
func (t *Tester) list(observed, scale int) (p, minP float64) {
	l := listing{t: t, kt: t.total - t.k0, scale: scale, observed: observed, most: -1}
	for _, n := range t.pooled {
		t.row(n) // so that rows has all entries that walk reads
	}
	l.walk(0, t.k0, 0, 1)
	return min(1, l.beyond/l.all), l.top / l.all
}

// listing sums the weights of the tables listed so far.
type listing struct {
	t                   *Tester
	kt, scale, observed int
	most                int     // largest S met
	beyond, top, all    float64 // weights of S ≥ observed, S = most, any S
}

// walk lists the draws from the i-th label on: left votes are still to be drawn, s and
// weight belong to the labels before.
func (l *listing) walk(i, left, s int, weight float64) {
	n := l.t.pooled[i]
	row := l.t.rows[n]
	if i == len(l.t.pooled)-1 {
		if left > n {
			return
		}
		weight *= row[left]
		s += max(0, left*l.kt-(n-left)*l.t.k0) / l.scale
		l.all += weight
		if s >= l.observed {
			l.beyond += weight
		}
		switch {
		case s > l.most:
			l.most, l.top = s, weight
		case s == l.most:
			l.top += weight
		}
		return
	}
	for j := 0; j <= min(n, left); j++ {
		l.walk(i+1, left-j, s+max(0, j*l.kt-(n-j)*l.t.k0)/l.scale, weight*row[j])
	}
}

// addShifted adds weight·from[s] to to[s+step].
func addShifted(to, from []float64, step int, weight float64) {
	if step >= len(to) {
		return
	}
	to = to[step:]
	for s, w := range from[:len(to)] {
		to[s] += weight * w
	}
}

// row is the binomial distribution of n votes, each drawn with probability K₀/N.
func (t *Tester) row(n int) []float64 {
	for len(t.rows) <= n {
		t.rows = append(t.rows, nil)
	}
	if t.rows[n] == nil {
		r := make([]float64, n+1)
		for j := range r {
			r[j] = tail.BinomialProb(j, n, float64(t.k0)/float64(t.total))
		}
		t.rows[n] = r
	}
	return t.rows[n]
}

func clearTo(buf []float64, n int) []float64 {
	buf = slices.Grow(buf[:0], n)[:n]
	clear(buf)
	return buf
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
