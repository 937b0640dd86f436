package pie

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/lethe-audit/lethe/stat/tail"
)

// maxArrangements bounds the exact enumeration of one example's swaps; beyond
// it swaps are drawn at random.
const maxArrangements = 1 << 16

// swapTest tests whether the votes of two populations that share lineages come
// from one distribution: every lineage swaps its two sides with probability
// 1/2. The statistic is the taxicab distance Σ_c|Σ_l ±move_lc|. p is the
// probability that it is as large as observed or larger, minP the smallest p
// that any assignment of the sides could have given. Lineages with the same
// move are counted together, so that two labels need d+1 arrangements and not
// 2^d. Where there are more than maxArrangements, p = (1 + #)/(draws + 1).
func swapTest(moves [][]int, draws int, rng *rand.Rand) (p, minP float64) {
	if len(moves) == 0 {
		return 1, 1
	}
	g := groupMoves(moves)
	observed := taxicabOf(moves)
	if g.arrangements() > maxArrangements {
		return g.sample(observed, draws, rng)
	}
	g.prepare()
	g.walk(0, 1, observed)
	return min(1, g.beyond), g.top
}

// taxicabOf is Σ_c|Σ_l move_lc|.
func taxicabOf(moves [][]int) int {
	sum := make([]int, len(moves[0]))
	for _, m := range moves {
		for j, d := range m {
			sum[j] += d
		}
	}
	return norm(sum)
}

func norm(v []int) int {
	n := 0
	for _, d := range v {
		n += abs(d)
	}
	return n
}

// moveGroups are the different moves up to sign, and how many lineages make
// each.
type moveGroups struct {
	move  [][]int
	count []int

	prob        [][]float64 // Bin(count, 1/2) by group
	sum         []int
	most        int // largest statistic met
	beyond, top float64
}

func groupMoves(moves [][]int) *moveGroups {
	g := &moveGroups{sum: make([]int, len(moves[0]))}
	at := map[string]int{}
	var key []byte
	for _, m := range moves {
		m = positive(m)
		key = key[:0]
		for _, d := range m {
			key = binary.AppendVarint(key, int64(d))
		}
		i, ok := at[string(key)]
		if !ok {
			i = len(g.move)
			at[string(key)] = i
			g.move = append(g.move, m)
			g.count = append(g.count, 0)
		}
		g.count[i]++
	}
	return g
}

// positive is the move or its negative, whichever starts with a positive
// number.
func positive(m []int) []int {
	for _, d := range m {
		if d > 0 {
			return m
		}
		if d < 0 {
			m = slices.Clone(m)
			for j := range m {
				m[j] = -m[j]
			}
			return m
		}
	}
	return m
}

func (g *moveGroups) arrangements() int {
	n := 1
	for _, c := range g.count {
		n *= c + 1
		if n > maxArrangements {
			return n
		}
	}
	return n
}

func (g *moveGroups) prepare() {
	for _, n := range g.count {
		row := make([]float64, n+1)
		for k := range row {
			row[k] = tail.BinomialProb(k, n, 0.5)
		}
		g.prob = append(g.prob, row)
	}
}

// walk visits every arrangement of the groups from the i-th on, with the
// probability of what was chosen before.
func (g *moveGroups) walk(i int, prob float64, observed int) {
	if i == len(g.move) {
		s := norm(g.sum)
		if s >= observed {
			g.beyond += prob
		}
		switch {
		case s > g.most:
			g.most, g.top = s, prob
		case s == g.most:
			g.top += prob
		}
		return
	}
	n := g.count[i]
	g.shift(i, -n)
	for k := 0; k <= n; k++ {
		g.walk(i+1, prob*g.prob[i][k], observed)
		if k < n {
			g.shift(i, 2)
		}
	}
	g.shift(i, -n)
}

// shift adds the i-th move by times.
func (g *moveGroups) shift(i, by int) {
	for j, d := range g.move[i] {
		g.sum[j] += by * d
	}
}

func (g *moveGroups) sample(observed, draws int, rng *rand.Rand) (p, minP float64) {
	beyond := 0
	for range draws {
		clear(g.sum)
		for i, n := range g.count {
			plus := 0
			for range n {
				plus += int(rng.Uint64() & 1)
			}
			g.shift(i, 2*plus-n)
		}
		if norm(g.sum) >= observed {
			beyond++
		}
	}
	return float64(1+beyond) / float64(draws+1), 1 / float64(draws+1)
}
