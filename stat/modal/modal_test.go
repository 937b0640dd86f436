package modal

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

var bothTies = []Ties{Lowest, Highest}

// near reports whether a and b agree to 1e-12, absolute for values in [0, 1].
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12 }

// compositions calls f with every vector of labels counts that sums to k.
func compositions(labels, k int, f func([]int)) {
	v := make([]int, labels)
	var rec func(i, left int)
	rec = func(i, left int) {
		if i == labels-1 {
			v[i] = left
			f(v)
			return
		}
		for x := 0; x <= left; x++ {
			v[i] = x
			rec(i+1, left-x)
		}
	}
	rec(0, k)
}

// ballots writes out one label per member.
func ballots(counts []int) (b []int) {
	for c, n := range counts {
		for range n {
			b = append(b, c)
		}
	}
	return b
}

// pick counts the votes of the members whose bit is set.
func pick(b []int, set uint, labels int) []int {
	v := make([]int, labels)
	for k, c := range b {
		if set>>k&1 == 1 {
			v[c]++
		}
	}
	return v
}

func TestMode(t *testing.T) {
	for _, tc := range []struct {
		counts    []int
		low, high int
		tied      bool
	}{
		{[]int{0, 5, 2}, 1, 1, false},
		{[]int{3, 1, 3}, 0, 2, true},
		{[]int{2, 2, 3}, 2, 2, false}, // a tie below the winner is none
		{[]int{0, 0, 1}, 2, 2, false},
		{[]int{4}, 0, 0, false},
	} {
		lo, t1 := Mode(tc.counts, Lowest)
		hi, t2 := Mode(tc.counts, Highest)
		if lo != tc.low || hi != tc.high || t1 != tc.tied || t2 != tc.tied {
			t.Errorf("Mode(%v) = %d/%d tied %t/%t, want %d/%d tied %t", tc.counts, lo, hi, t1, t2, tc.low, tc.high, tc.tied)
		}
	}
}

// Every vote vector of up to 7 members over 4 labels, every subset size,
// against a walk through all subsets.
func TestSubsetModesBruteForce(t *testing.T) {
	var s Scratch
	for k := 1; k <= 7; k++ {
		compositions(4, k, func(counts []int) {
			b := ballots(counts)
			for _, ties := range bothTies {
				for m := 1; m <= k; m++ {
					want, total := make([]float64, 4), 0.0
					for set := uint(0); set < 1<<k; set++ {
						if bits.OnesCount(set) == m {
							c, _ := Mode(pick(b, set, 4), ties)
							want[c]++
							total++
						}
					}
					got := s.SubsetModes(counts, m, ties, nil)
					for c := range want {
						if got[c] != want[c]/total {
							t.Fatalf("%v m=%d %v: q[%d] = %v, want %v/%v", counts, m, ties, c, got[c], want[c], total)
						}
					}
				}
			}
		})
	}
}

// Every vote vector of up to 7 members over 4 labels against a walk through
// all pairs of disjoint subsets.
func TestDisjointDisagreeBruteForce(t *testing.T) {
	var s Scratch
	for k := 2; k <= 7; k++ {
		compositions(4, k, func(counts []int) {
			b := ballots(counts)
			for _, ties := range bothTies {
				for m := 1; 2*m <= k; m++ {
					differ, total := 0.0, 0.0
					for x := uint(0); x < 1<<k; x++ {
						if bits.OnesCount(x) != m {
							continue
						}
						cx, _ := Mode(pick(b, x, 4), ties)
						for y := uint(0); y < 1<<k; y++ {
							if bits.OnesCount(y) != m || x&y != 0 {
								continue
							}
							total++
							if cy, _ := Mode(pick(b, y, 4), ties); cx != cy {
								differ++
							}
						}
					}
					if got := s.DisjointDisagree(counts, m, ties); got != differ/total {
						t.Fatalf("%v m=%d %v: %v, want %v/%v", counts, m, ties, got, differ, total)
					}
				}
			}
		})
	}
}

// K = 30 with few and many labels against 200,000 random draws: within 5
// standard errors.
func TestMonteCarlo(t *testing.T) {
	const draws, m = 200_000, 7
	rng := rand.New(rand.NewPCG(7, 30))
	for _, counts := range [][]int{
		{16, 14},
		{2, 11, 10, 0, 4, 3},
		{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
		{9, 1, 1, 8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	} {
		for _, ties := range bothTies {
			b := ballots(counts)
			hits, differ := make([]float64, len(counts)), 0.0
			for range draws {
				for i := range 2 * m {
					j := i + rng.IntN(len(b)-i)
					b[i], b[j] = b[j], b[i]
				}
				x, y := make([]int, len(counts)), make([]int, len(counts))
				for i := range m {
					x[b[i]]++
					y[b[m+i]]++
				}
				cx, _ := Mode(x, ties)
				cy, _ := Mode(y, ties)
				hits[cx]++
				if cx != cy {
					differ++
				}
			}
			check := func(what string, p, n float64) {
				se := math.Sqrt(max(p*(1-p), 1e-6) / draws)
				if math.Abs(n/draws-p) > 5*se {
					t.Errorf("%v %v: %s = %v, simulated %v (se %v)", counts, ties, what, p, n/draws, se)
				}
			}
			for c, q := range SubsetModes(counts, m, ties, nil) {
				check(fmt.Sprintf("q[%d]", c), q, hits[c])
			}
			check("disagree", DisjointDisagree(counts, m, ties), differ)
		}
	}
}

// Averaged over multinomial votes, SubsetModes gives the modal label of m
// fresh members and DisjointDisagree two fresh populations' disagreement:
// the estimates are unbiased.
func TestUnbiased(t *testing.T) {
	p := []float64{0.5, 0.2, 0.3}
	prob := func(counts []int) float64 {
		r, left := 1.0, 0
		for _, n := range counts {
			left += n
		}
		for c, n := range counts {
			r *= choose(left, n) * math.Pow(p[c], float64(n))
			left -= n
		}
		return r
	}
	for _, ties := range bothTies {
		for _, km := range [][2]int{{3, 1}, {7, 3}, {9, 4}, {12, 5}} {
			k, m := km[0], km[1]
			fresh := make([]float64, 3)
			compositions(3, m, func(v []int) {
				c, _ := Mode(v, ties)
				fresh[c] += prob(v)
			})
			mean, disagree := make([]float64, 3), 0.0
			compositions(3, k, func(v []int) {
				for c, q := range SubsetModes(v, m, ties, nil) {
					mean[c] += prob(v) * q
				}
				disagree += prob(v) * DisjointDisagree(v, m, ties)
			})
			for c := range fresh {
				if !near(mean[c], fresh[c]) {
					t.Errorf("K=%d m=%d %v: mean q[%d] = %v, want %v", k, m, ties, c, mean[c], fresh[c])
				}
			}
			if want := Disagree(fresh, fresh); !near(disagree, want) {
				t.Errorf("K=%d m=%d %v: mean disagreement %v, want %v", k, m, ties, disagree, want)
			}
		}
	}
}

func TestUnanimous(t *testing.T) {
	counts := []int{0, 30, 0}
	if q := SubsetModes(counts, 7, Lowest, nil); q[0] != 0 || q[1] != 1 || q[2] != 0 {
		t.Errorf("q = %v, want exactly 0 1 0", q)
	}
	if d := DisjointDisagree(counts, 7, Lowest); d != 0 {
		t.Errorf("disagreement %v, want exactly 0", d)
	}
	if d := Disagree([]float64{0, 1, 0}, []float64{0, 1, 0}); d != 0 {
		t.Errorf("Disagree of equal certain labels = %v, want 0", d)
	}
	if d := Disagree([]float64{0, 1, 0}, []float64{1, 0, 0}); d != 1 {
		t.Errorf("Disagree of different certain labels = %v, want 1", d)
	}
}

// m = K is the mode itself; and a label order turned round with the other
// rule gives the same probabilities turned round.
func TestFullSizeAndReversal(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		counts := make([]int, 2+rng.IntN(14))
		counts[rng.IntN(len(counts))] = 4
		for range rng.IntN(40) {
			counts[rng.IntN(len(counts))]++
		}
		k := len(ballots(counts))
		full, _ := Mode(counts, Lowest)
		if q := SubsetModes(counts, k, Lowest, nil); !near(q[full], 1) {
			t.Fatalf("%v: q at m = K is %v, want all on label %d", counts, q, full)
		}
		turned := make([]int, len(counts))
		for c, n := range counts {
			turned[len(counts)-1-c] = n
		}
		m := 1 + rng.IntN(k/2)
		a, b := SubsetModes(counts, m, Lowest, nil), SubsetModes(turned, m, Highest, nil)
		var sum float64
		for c := range a {
			sum += a[c]
			if !near(a[c], b[len(b)-1-c]) {
				t.Fatalf("%v m=%d: %v against reversed %v", counts, m, a, b)
			}
		}
		if !near(sum, 1) {
			t.Fatalf("%v m=%d: Σq = %v", counts, m, sum)
		}
		if x, y := DisjointDisagree(counts, m, Lowest), DisjointDisagree(turned, m, Highest); !near(x, y) || x < 0 || x > 1 {
			t.Fatalf("%v m=%d: disagreement %v, reversed %v", counts, m, x, y)
		}
	}
}

// A used Scratch gives the bits of a fresh one, and allocates nothing.
func TestScratchReuse(t *testing.T) {
	var s Scratch
	q := make([]float64, 6)
	big, small := []int{5, 5, 5, 5, 5, 5}, []int{0, 16, 0, 13, 1, 0}
	work := func() {
		s.SubsetModes(big, 7, Lowest, q)
		s.DisjointDisagree(big, 7, Lowest)
		s.DisjointDisagree(small, 3, Highest)
		s.SubsetModes(small, 3, Highest, q)
	}
	work()
	for c, v := range SubsetModes(small, 3, Highest, nil) {
		if q[c] != v {
			t.Errorf("q[%d] = %v after reuse, %v fresh", c, q[c], v)
		}
	}
	if a, b := s.DisjointDisagree(small, 3, Highest), DisjointDisagree(small, 3, Highest); a != b {
		t.Errorf("disagreement %v after reuse, %v fresh", a, b)
	}
	if n := testing.AllocsPerRun(20, work); n != 0 {
		t.Errorf("%v allocations a call, want 0", n)
	}
}

func TestMatchedSize(t *testing.T) {
	for k, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: 1, 9: 1, 10: 3, 29: 3, 30: 7, 200: 7} {
		m, interval := MatchedSize(k)
		if m != want || interval != (k >= 3) {
			t.Errorf("MatchedSize(%d) = %d, %t, want %d, %t", k, m, interval, want, k >= 3)
		}
		if interval && 2*m > k-1 {
			t.Errorf("MatchedSize(%d) = %d: a jackknife replicate cannot hold two disjoint sets", k, m)
		}
	}
}

func TestPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"no votes":       func() { Mode([]int{0, 0}, Lowest) },
		"m too large":    func() { SubsetModes([]int{1, 1}, 3, Lowest, nil) },
		"m zero":         func() { SubsetModes([]int{1, 1}, 0, Lowest, nil) },
		"2m too large":   func() { DisjointDisagree([]int{2, 1}, 2, Lowest) },
		"negative":       func() { SubsetModes([]int{-1, 3}, 1, Lowest, nil) },
		"lengths differ": func() { Disagree([]float64{1}, []float64{1, 0}) },
		"beyond float64": func() { SubsetModes([]int{2000, 2000}, 1501, Lowest, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkSubsetModes(b *testing.B) {
	bench(b, func(s *Scratch, counts []int, q []float64) { s.SubsetModes(counts, 7, Lowest, q) })
}

func BenchmarkDisjointDisagree(b *testing.B) {
	bench(b, func(s *Scratch, counts []int, _ []float64) { s.DisjointDisagree(counts, 7, Lowest) })
}

func bench(b *testing.B, f func(*Scratch, []int, []float64)) {
	for _, counts := range [][]int{
		{17, 13}, {14, 10, 6}, {10, 9, 8, 2, 1}, {6, 6, 6, 6, 6}, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
	} {
		b.Run(fmt.Sprintf("labels=%d/top=%d", len(counts), counts[0]), func(b *testing.B) {
			var s Scratch
			q := make([]float64, len(counts))
			b.ReportAllocs()
			for b.Loop() {
				f(&s, counts, q)
			}
		})
	}
}

// Leaving a vote out of all pairs at once is the same as counting without it.
func TestDisjointDisagreeWithout(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	var s, fresh Scratch
	var without []float64
	for range 600 {
		counts := make([]int, 1+rng.IntN(9))
		k := 0
		for c := range counts {
			if rng.Float64() < 0.8 {
				counts[c] = 1 + rng.IntN(1+rng.IntN(12))
			}
			k += counts[c]
		}
		if k < 3 {
			continue
		}
		m := 1 + rng.IntN(min(7, (k-1)/2))
		for _, ties := range bothTies {
			var all float64
			all, without = s.DisjointDisagreeWithout(counts, m, ties, without)
			if want := fresh.DisjointDisagree(counts, m, ties); !near(all, want) {
				t.Fatalf("%v m = %d %s: %v, want %v", counts, m, ties, all, want)
			}
			for c, n := range counts {
				if n == 0 {
					if without[c] != 0 {
						t.Fatalf("%v: a label without votes gets %v", counts, without[c])
					}
					continue
				}
				counts[c]--
				want := fresh.DisjointDisagree(counts, m, ties)
				counts[c]++
				if !near(without[c], want) {
					t.Fatalf("%v m = %d %s, without one of label %d: %v, want %v", counts, m, ties, c, without[c], want)
				}
			}
		}
	}
}
