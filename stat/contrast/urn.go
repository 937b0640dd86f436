package contrast

import (
	"math"
	"math/rand/v2"
	"sort"

	"github.com/lethe-audit/lethe/stat/tail"
)

// urn holds all examples; a permutation of class membership draws size of
// them as the class.
type urn struct {
	all  Counts
	size int
}

// sameT is the relative distance within which two values of T count as equal:
// far above rounding, far below the step between different counts.
const sameT = 1e-12

// minus returns the smallest and largest count of −1 that the class can have.
func (u urn) minus() (lo, hi int) {
	return max(0, u.size-u.all.Zero-u.all.Plus), min(u.all.Minus, u.size)
}

// plus is minus for +1, when the class has a of −1.
func (u urn) plus(a int) (lo, hi int) {
	return max(0, u.size-a-u.all.Zero), min(u.all.Plus, u.size-a)
}

// cells returns an upper bound on the number of different outcomes.
func (u urn) cells() int {
	lo, hi := u.minus()
	a := hi - lo + 1
	b := min(u.all.Plus, u.size) + 1
	if b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

// t returns T when the class has a of −1 and b of +1.
func (u urn) t(a, b int) float64 {
	class := Counts{Minus: a, Zero: u.size - a - b, Plus: b}
	return studentized(class, Counts{
		Minus: u.all.Minus - a, Zero: u.all.Zero - class.Zero, Plus: u.all.Plus - b,
	})
}

// exact returns Pr(|T*| ≥ |t|) over all permutations.
func (u urn) exact(t float64) float64 {
	bound := math.Abs(t) * (1 - sameT)
	ways := func(n, lo, hi int) []float64 { // ln C(n, lo..hi)
		w := make([]float64, hi-lo+1)
		for i := range w {
			w[i] = tail.LogChoose(n, lo+i)
		}
		return w
	}
	aLo, aHi := u.minus()
	minus := ways(u.all.Minus, aLo, aHi)
	plus := ways(u.all.Plus, 0, min(u.all.Plus, u.size))
	zLo := max(0, u.size-u.all.Discordant())
	zero := ways(u.all.Zero, zLo, min(u.all.Zero, u.size))
	total := tail.LogChoose(u.all.N(), u.size)
	var p float64
	for a := aLo; a <= aHi; a++ {
		bLo, bHi := u.plus(a)
		for b := bLo; b <= bHi; b++ {
			if math.Abs(u.t(a, b)) >= bound {
				p += math.Exp(minus[a-aLo] + plus[b] + zero[u.size-a-b-zLo] - total)
			}
		}
	}
	return p
}

// drawn returns (1 + #{|T*| ≥ |t|})/(n + 1) over n random permutations.
func (u urn) drawn(t float64, n int, seed uint64) float64 {
	rng := rand.New(rand.NewPCG(seed, 0x636f6e7472617374)) // "contrast"
	bound := math.Abs(t) * (1 - sameT)
	minus := newTable(u.all.Minus, u.all.Zero+u.all.Plus, u.size)
	plus := map[int]table{}
	extreme := 0
	for range n {
		a := minus.draw(rng)
		next, ok := plus[a]
		if !ok {
			next = newTable(u.all.Plus, u.all.Zero, u.size-a)
			plus[a] = next
		}
		if math.Abs(u.t(a, next.draw(rng))) >= bound {
			extreme++
		}
	}
	return float64(1+extreme) / float64(n+1)
}

// table is the distribution function of a hypergeometric count, from lo on.
// Outcomes of less than 1e-18 times the most likely one are left out.
type table struct {
	lo  int
	cdf []float64
}

// newTable is for draws from marked and plain, counting the marked.
func newTable(marked, plain, draws int) table {
	lo, hi := max(0, draws-plain), min(marked, draws)
	mode := int(float64(draws+1) * float64(marked+1) / float64(marked+plain+2))
	mode = min(max(mode, lo), hi)
	ratio := func(k int) float64 { // Pr(k+1)/Pr(k)
		return float64(marked-k) / float64(k+1) * float64(draws-k) / float64(plain-draws+k+1)
	}
	const negligible = 1e-18
	var down, up []float64
	for k, p := mode, 1.0; k > lo; k-- {
		if p /= ratio(k - 1); p < negligible {
			break
		}
		down = append(down, p)
	}
	for k, p := mode, 1.0; k < hi; k++ {
		if p *= ratio(k); p < negligible {
			break
		}
		up = append(up, p)
	}
	t := table{lo: mode - len(down)}
	sum := 0.0
	add := func(p float64) {
		sum += p
		t.cdf = append(t.cdf, sum)
	}
	for i := len(down) - 1; i >= 0; i-- {
		add(down[i])
	}
	add(1)
	for _, p := range up {
		add(p)
	}
	return t
}

// draw inverts the distribution function.
func (t table) draw(rng *rand.Rand) int {
	if len(t.cdf) == 1 {
		return t.lo
	}
	v := rng.Float64() * t.cdf[len(t.cdf)-1]
	return t.lo + min(sort.Search(len(t.cdf), func(i int) bool { return t.cdf[i] > v }), len(t.cdf)-1)
}
