package voteshift

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// pairwise is a second implementation: it walks through pairs of members.
// lineage[k] of the two populations says which pairs count across.
func pairwise(x, y, linX, linY []int) float64 {
	share := func(a, b []int, skip func(i, j int) bool) float64 {
		same, n := 0.0, 0.0
		for i, u := range a {
			for j, v := range b {
				if skip(i, j) {
					continue
				}
				n++
				if u == v {
					same++
				}
			}
		}
		return same / n
	}
	self := func(i, j int) bool { return i == j }
	return share(x, x, self) + share(y, y, self) - 2*share(x, y, func(i, j int) bool { return linX[i] == linY[j] })
}

func tally(votes []int, labels int) []int {
	n := make([]int, labels)
	for _, c := range votes {
		n[c]++
	}
	return n
}

func TestAgainstPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		labels := 2 + rng.IntN(4)
		x, y := make([]int, 2+rng.IntN(6)), make([]int, 2+rng.IntN(6))
		lx, ly := make([]int, len(x)), make([]int, len(y))
		agree, pairs := 0, 0
		for k := range x {
			x[k], lx[k] = rng.IntN(labels), k
		}
		for k := range y {
			y[k], ly[k] = rng.IntN(labels), 100+k
			if k < len(x) && rng.IntN(2) == 0 { // partly shared lineages
				ly[k] = k
				pairs++
				if x[k] == y[k] {
					agree++
				}
			}
		}
		apart := make([]int, len(y)) // no lineage in common
		for k := range apart {
			apart[k] = -1 - k
		}
		nx, ny := tally(x, labels), tally(y, labels)
		if got, want := Unpaired(nx, ny), pairwise(x, y, lx, apart); math.Abs(got-want) > 1e-14 {
			t.Fatalf("Unpaired(%v, %v) = %v, want %v", nx, ny, got, want)
		}
		got, err := SharedLineage(nx, ny, agree, pairs)
		if want := pairwise(x, y, lx, ly); err != nil || math.Abs(got-want) > 1e-14 {
			t.Fatalf("SharedLineage(%v, %v, %d, %d) = %v, %v, want %v", nx, ny, agree, pairs, got, err, want)
		}
		if a, b := Unpaired(nx, ny), Unpaired(ny, nx); a != b {
			t.Fatalf("swapping populations: %v, %v", a, b)
		}
		if a, b := Taxicab(nx, ny), Taxicab(ny, nx); a != b || a < 0 || a > 2 {
			t.Fatalf("Taxicab(%v, %v) = %v, swapped %v", nx, ny, a, b)
		}
	}
}

// Over all binomial votes the mean of Q is exactly 2(p0−pt)², zero under no
// effect, while the mean taxicab distance under no effect is positive.
func TestUnbiased(t *testing.T) {
	binomial := func(n, k int, p float64) float64 {
		lg := func(v int) float64 { g, _ := math.Lgamma(float64(v + 1)); return g }
		return math.Exp(lg(n)-lg(k)-lg(n-k)) * math.Pow(p, float64(k)) * math.Pow(1-p, float64(n-k))
	}
	for _, p := range [][2]float64{{0.5, 0.5}, {0.9, 0.9}, {0.8, 0.3}} {
		const k0, kt = 2, 7
		var q, d float64
		for a := 0; a <= k0; a++ {
			for b := 0; b <= kt; b++ {
				w := binomial(k0, a, p[0]) * binomial(kt, b, p[1])
				q += w * Unpaired([]int{a, k0 - a}, []int{b, kt - b})
				d += w * Taxicab([]int{a, k0 - a}, []int{b, kt - b})
			}
		}
		if want := 2 * (p[0] - p[1]) * (p[0] - p[1]); math.Abs(q-want) > 1e-12 {
			t.Errorf("p = %v: mean Q = %v, want %v", p, q, want)
		}
		if !(d > 0.05) {
			t.Errorf("p = %v: mean taxicab %v, want clearly positive", p, d)
		}
	}
}

// With each variant member correlated with its own source, dropping the
// same-lineage pairs keeps the mean at zero; keeping them does not.
func TestSharedLineageUnbiased(t *testing.T) {
	const k, reps = 4, 40_000
	rng := rand.New(rand.NewPCG(5, 6))
	var shared, naive, square float64
	for range reps {
		x, y := make([]int, 2), make([]int, 2)
		agree := 0
		for range k {
			a := rng.IntN(2)
			b := a
			if rng.IntN(4) == 0 { // quantizing redraws the vote
				b = rng.IntN(2)
			}
			x[a]++
			y[b]++
			if a == b {
				agree++
			}
		}
		q, err := SharedLineage(x, y, agree, k)
		if err != nil {
			t.Fatal(err)
		}
		shared += q / reps
		square += q * q / reps
		naive += Unpaired(x, y) / reps
	}
	if se := math.Sqrt(square / reps); math.Abs(shared) > 4*se {
		t.Errorf("mean Q over different lineages %v, se %v, want 0", shared, se)
	}
	if naive > -0.1 {
		t.Errorf("mean Q over all pairs %v: the simulation shows no shared lineage", naive)
	}
}

func TestEnds(t *testing.T) {
	if q := Unpaired([]int{5, 0}, []int{0, 3}); q != 2 {
		t.Errorf("nothing in common: Q = %v, want 2", q)
	}
	if q := Unpaired([]int{5, 0}, []int{3, 0}); q != 0 {
		t.Errorf("unanimous and equal: Q = %v, want 0", q)
	}
	if d := Taxicab([]int{5, 0, 0}, []int{0, 2, 1}); d != 2 {
		t.Errorf("taxicab = %v, want 2", d)
	}
	if d := Taxicab([]int{2, 4}, []int{1, 2}); d != 0 {
		t.Errorf("equal shares: taxicab = %v, want exactly 0", d)
	}
	if d := Taxicab([]int{3, 1}, []int{1, 1}); d != 0.5 {
		t.Errorf("taxicab = %v, want .5", d)
	}
}

func TestNotMeasurable(t *testing.T) {
	if err := Measurable(1, 5); !errors.Is(err, ErrTooFew) {
		t.Errorf("Measurable(1, 5) = %v", err)
	}
	if err := Measurable(2, 2); err != nil {
		t.Errorf("Measurable(2, 2) = %v", err)
	}
	for _, tc := range []struct {
		x, y         []int
		agree, pairs int
		want         error
	}{
		{[]int{1, 0}, []int{1, 1}, 0, 1, ErrTooFew},
		{[]int{1, 1}, []int{1, 1}, 3, 2, ErrLineages},
		{[]int{2, 0}, []int{0, 2}, 1, 2, ErrLineages}, // they cannot agree
		{[]int{1, 1}, []int{1, 1}, 2, 5, ErrLineages},
		{[]int{1, 1}, []int{1, 1}, 2, 4, ErrNoPairs},
	} {
		if _, err := SharedLineage(tc.x, tc.y, tc.agree, tc.pairs); !errors.Is(err, tc.want) {
			t.Errorf("SharedLineage(%v, %v, %d, %d) = %v, want %v", tc.x, tc.y, tc.agree, tc.pairs, err, tc.want)
		}
	}
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, ErrTooFew) {
			t.Errorf("Unpaired of one vote: %v, want a panic with ErrTooFew", err)
		}
	}()
	Unpaired([]int{1, 0}, []int{1, 4})
}
