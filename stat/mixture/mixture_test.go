package mixture

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

// world is a true mixing distribution of discrete points.
var world = []struct{ p, share float64 }{
	{1, 0.80}, {0.97, 0.10}, {0.8, 0.06}, {0.6, 0.03}, {0.5, 0.01},
}

// trueFloor is the chance that the modes of two populations differ, by adding
// up all votes of both under both orders of the labels.
func trueFloor(p float64, k0, kt int) (d float64) {
	mode := func(strong, k int, strongFirst bool) bool {
		return 2*strong > k || 2*strong == k && strongFirst
	}
	for _, first := range []bool{true, false} {
		for a := 0; a <= k0; a++ {
			for b := 0; b <= kt; b++ {
				if mode(a, k0, first) != mode(b, kt, first) {
					d += tail.BinomialProb(a, k0, p) * tail.BinomialProb(b, kt, p) / 2
				}
			}
		}
	}
	return d
}

func TestDisagreeAgainstEnumeration(t *testing.T) {
	for _, k := range [][2]int{{1, 1}, {2, 2}, {2, 3}, {7, 7}, {30, 30}, {10, 29}} {
		for _, p := range []float64{0.5, 0.6, 0.83, 0.999, 1} {
			got, want := disagree(p, k[0], k[1]), trueFloor(p, k[0], k[1])
			if math.Abs(got-want) > 1e-12*want {
				t.Errorf("p = %v, K = %v: %v, want %v", p, k, got, want)
			}
		}
	}
}

// A population votes on 200,000 examples of a known world; the floor at full
// size comes back within 3 %, where the share of votes taken at face value is
// off by more.
func TestSimulatedTruth(t *testing.T) {
	const examples = 200_000
	for _, k := range []int{10, 30} {
		rng := rand.New(rand.NewPCG(8, uint64(k)))
		x, n := make([]int, examples), make([]int, examples)
		var truth, plugin float64
		for i := range x {
			u, p := rng.Float64(), 0.5
			for _, w := range world {
				if u -= w.share; u < 0 {
					p = w.p
					break
				}
			}
			n[i] = k
			for range k {
				if rng.Float64() < p {
					x[i]++
				}
			}
			if rng.IntN(2) == 0 { // which label comes first says nothing
				x[i] = k - x[i]
			}
			plugin += disagree(float64(max(x[i], k-x[i]))/float64(k), k, k) / examples
		}
		for _, w := range world {
			truth += w.share * trueFloor(w.p, k, k)
		}
		m, err := Fit(x, n, nil, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		if got := m.DisagreeProb(k, k); math.Abs(got/truth-1) > 0.03 {
			t.Errorf("K = %d: floor %.5f, true %.5f (%d steps, gap %.2g)", k, got, truth, m.Iterations, m.Gap)
		}
		if math.Abs(plugin/truth-1) < 0.03 {
			t.Errorf("K = %d: raw vote shares give %.5f, true %.5f: the world is too easy", k, plugin, truth)
		}
		var sum float64
		for _, w := range m.Weight {
			sum += w
		}
		if math.Abs(sum-1) > 1e-12 || m.Examples != examples {
			t.Errorf("K = %d: weights sum to %v over %d examples", k, sum, m.Examples)
		}
	}
}

// A tighter gap never lowers the likelihood, and what it gains is at most the
// gap that the first fit stated.
func TestGapBounds(t *testing.T) {
	x, n, w := []int{30, 29, 27, 20, 16, 15, 9}, []int{30, 30, 30, 30, 30, 30, 10}, []int{900, 60, 30, 12, 6, 2, 5}
	loglik := func(m Mixture) (l float64) {
		rows, total, err := fold(x, n, w)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			var f float64
			for j, v := range r.likelihood(m.Grid) {
				f += m.Weight[j] * v
			}
			l += float64(r.examples) * math.Log(f) / float64(total)
		}
		return l
	}
	var prev Mixture
	for i, gap := range []float64{0.5, 0.05, 0.005, 1e-4} {
		o := DefaultOptions()
		o.Gap, o.Iterations = gap, 1_000_000
		m, err := Fit(x, n, w, o)
		if err != nil || m.Gap > gap {
			t.Fatalf("gap %v, want at most %v: %v", m.Gap, gap, err)
		}
		if i > 0 {
			if up := loglik(m) - loglik(prev); up < 0 || up > prev.Gap {
				t.Errorf("from gap %v to %v the likelihood moved by %v", prev.Gap, m.Gap, up)
			}
		}
		prev = m
	}
}

// Weights stand for repeated rows, and orientation does not matter.
func TestFold(t *testing.T) {
	a, err1 := Fit([]int{9, 9, 1, 7, 10, 10}, []int{10, 10, 10, 10, 10, 10}, nil, DefaultOptions())
	b, err2 := Fit([]int{1, 3, 10}, []int{10, 10, 10}, []int{3, 1, 2}, DefaultOptions())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for j := range a.Weight {
		if a.Weight[j] != b.Weight[j] {
			t.Fatalf("weights %v and %v at %v", a.Weight[j], b.Weight[j], a.Grid[j])
		}
	}
	if a.Examples != 6 || b.Examples != 6 {
		t.Errorf("%d and %d examples, want 6", a.Examples, b.Examples)
	}
}

// If everybody agrees on everything, the floor is close to 0.
func TestUnanimous(t *testing.T) {
	m, err := Fit([]int{30}, []int{30}, []int{1000}, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if d := m.DisagreeProb(30, 30); d > 1e-5 {
		t.Errorf("floor %v, want about 0", d)
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		x, n, w []int
		want    error
	}{
		{nil, nil, nil, ErrNoExamples},
		{[]int{3}, []int{5}, []int{0}, ErrNoExamples},
		{[]int{1, 0}, []int{1, 1}, nil, ErrTooFew},
		{[]int{6}, []int{5}, nil, ErrVotes},
		{[]int{-1}, []int{5}, nil, ErrVotes},
		{[]int{0}, []int{0}, nil, ErrVotes},
		{[]int{1}, []int{2}, []int{-1}, ErrVotes},
		{[]int{1, 2}, []int{2}, nil, ErrVotes},
	} {
		if _, err := Fit(tc.x, tc.n, tc.w, DefaultOptions()); !errors.Is(err, tc.want) {
			t.Errorf("Fit(%v, %v, %v) = %v, want %v", tc.x, tc.n, tc.w, err, tc.want)
		}
	}
	if _, err := Fit([]int{1}, []int{2}, nil, Options{}); err == nil {
		t.Error("zero options accepted")
	}
}

func BenchmarkFit(b *testing.B) {
	var x, n, w []int
	for v := 15; v <= 30; v++ {
		for k := v; k <= 30; k++ {
			x, n, w = append(x, v), append(n, k), append(w, 1+1000*(v-14)/(1+k-v))
		}
	}
	for b.Loop() {
		if _, err := Fit(x, n, w, DefaultOptions()); err != nil {
			b.Fatal(err)
		}
	}
}
