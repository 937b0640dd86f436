package fisher

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

func near(a, b, rel float64) bool { return a == b || math.Abs(a-b) <= rel*math.Abs(b) }

func read(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func ints(t *testing.T, s string) []int {
	t.Helper()
	var c []int
	for _, f := range strings.Fields(s) {
		v, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		c = append(c, v)
	}
	return c
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestExactReference compares with scipy 1.10.1 and rational sums; testdata/gen.py
// writes the file.
func TestExactReference(t *testing.T) {
	smallest := 1.0
	for _, row := range read(t, "testdata/exact.csv") {
		c := ints(t, row[0])
		p, least, err := Exact(c[0], c[1], c[2], c[3])
		if err != nil {
			t.Fatal(err)
		}
		if want := number(t, row[1]); !near(p, want, 1e-9) {
			t.Errorf("%v: p = %.17g, want %v (%s)", c, p, want, row[3])
		}
		if row[2] != "" && !near(least, number(t, row[2]), 1e-9) {
			t.Errorf("%v: min p = %.17g, want %v", c, least, row[2])
		}
		smallest = min(smallest, p)
	}
	if smallest > 1e-15 {
		t.Error("no row below 1e-15")
	}
}

// TestVotesReference compares with rational sums over all tables; testdata/gen.py
// writes the file. One Tester serves all rows, so that buffers are reused across sizes.
func TestVotesReference(t *testing.T) {
	var tester Tester
	smallest := 1.0
	for _, row := range read(t, "testdata/votes.csv") {
		x, y := ints(t, row[0]), ints(t, row[1])
		p, least, d, err := tester.Votes(x, y)
		if err != nil {
			t.Fatal(err)
		}
		if !near(p, number(t, row[2]), 1e-11) || !near(least, number(t, row[3]), 1e-11) || !near(d, number(t, row[4]), 1e-14) {
			t.Errorf("%v against %v: p = %.17g, min p = %.17g, d = %v, want %v", x, y, p, least, d, row[2:])
		}
		smallest = min(smallest, p)
	}
	if smallest > 1e-15 {
		t.Error("no row below 1e-15")
	}
}

// For two labels and populations of one size the distance orders tables as their
// probability does, so that both tests agree.
func TestTwoLabelsAreFisher(t *testing.T) {
	var tester Tester
	for k := 1; k <= 25; k++ {
		for a := range k + 1 {
			for b := range k + 1 {
				p, least, _, err1 := tester.Votes([]int{a, k - a}, []int{b, k - b})
				q, qLeast, err2 := Exact(a, k-a, b, k-b)
				if err := errors.Join(err1, err2); err != nil {
					t.Fatal(err)
				}
				if !near(p, q, 1e-12) || !near(least, qLeast, 1e-12) {
					t.Fatalf("%d/%d of %d: votes %v (min %v), Fisher %v (min %v)", a, b, k, p, least, q, qLeast)
				}
			}
		}
	}
}

// For two labels and any sizes: a direct sum of hypergeometric probabilities over
// tables ordered by |x/K₀ − y/K_t|, with integer ties.
func TestTwoLabelsUnequalSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 1))
	for range 500 {
		k0, kt := 1+rng.IntN(40), 1+rng.IntN(40)
		a, b := rng.IntN(k0+1), rng.IntN(kt+1)
		distance := func(i int) int { d := i*kt - (a+b-i)*k0; return max(d, -d) }
		want := 0.0
		for i := range k0 + 1 {
			if distance(i) >= distance(a) {
				want += tail.HypergeometricProb(i, a+b, k0+kt-a-b, k0)
			}
		}
		p, _, d, err := Votes([]int{a, k0 - a}, []int{b, kt - b})
		if err != nil || !near(p, want, 1e-11) || !near(d, 2*float64(distance(a))/float64(k0*kt), 1e-14) {
			t.Fatalf("%d of %d against %d of %d: p = %v, d = %v, %v; want %v", a, k0, b, kt, p, d, err, want)
		}
	}
}

func randomVotes(rng *rand.Rand, labels, k int) []int {
	x := make([]int, labels)
	for range k {
		x[int(float64(labels)*rng.Float64()*rng.Float64())]++
	}
	return x
}

// Swapping the populations, permuting the labels and adding labels without votes
// change nothing; MinP ≤ P ≤ 1; D is in [0, 2].
func TestVotesProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 2))
	var tester Tester
	for range 400 {
		labels := 1 + rng.IntN(7)
		x, y := randomVotes(rng, labels, 1+rng.IntN(30)), randomVotes(rng, labels, 1+rng.IntN(30))
		p, least, d, err := tester.Votes(x, y)
		if err != nil {
			t.Fatal(err)
		}
		if !(least > 0 && least <= p && p <= 1 && d >= 0 && d <= 2) {
			t.Fatalf("%v against %v: p %v, min %v, d %v", x, y, p, least, d)
		}
		perm := rng.Perm(labels)
		xs, ys := make([]int, labels+1), make([]int, labels+1)
		for i, at := range perm {
			xs[i], ys[i] = x[at], y[at]
		}
		q, qLeast, e, err := tester.Votes(ys, xs)
		if err != nil || !near(p, q, 1e-11) || !near(least, qLeast, 1e-11) || !near(d, e, 1e-14) {
			t.Fatalf("%v against %v: %v %v %v, swapped and permuted %v %v %v, %v", x, y, p, least, d, q, qLeast, e, err)
		}
	}
}

// Listing tables and the recursion over labels are two ways to the same p-values.
func TestListIsRecursion(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 5))
	for range 300 {
		labels := 2 + rng.IntN(3)
		x, y := randomVotes(rng, labels, 1+rng.IntN(20)), randomVotes(rng, labels, 1+rng.IntN(20))
		var tester Tester
		if _, _, _, err := tester.Votes(x, y); err != nil || len(tester.pooled) < 2 {
			continue
		}
		k0, kt := tester.k0, tester.total-tester.k0
		scale := gcd(k0, kt)
		observed := excess(x, y, k0, kt) / scale
		p, least := tester.list(observed, scale)
		q, qLeast := tester.recurse(observed, k0/scale*kt, scale)
		if !near(p, q, 1e-12) || !near(least, qLeast, 1e-12) {
			t.Fatalf("%v against %v: p %v least %v by listing, %v and %v by recursion", x, y, p, least, q, qLeast)
		}
	}
}

// Size: when both populations draw from one distribution, P ≤ α at most a share α of
// the time, for any α (here by simulation, 3.5 standard errors).
func TestVotesSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 3))
	var tester Tester
	const trials = 4000
	var p []float64
	for range trials {
		v, _, _, err := tester.Votes(randomVotes(rng, 4, 30), randomVotes(rng, 4, 30))
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, v)
	}
	slices.Sort(p)
	for _, alpha := range []float64{0.01, 0.05, 0.2, 0.5} {
		at, _ := slices.BinarySearch(p, math.Nextafter(alpha, 1))
		if rate := float64(at) / trials; rate > alpha+3.5*math.Sqrt(alpha*(1-alpha)/trials) || rate < alpha/3 {
			t.Errorf("P ≤ %v in %.4f of the trials", alpha, rate)
		}
	}
}

func TestNotMeasurable(t *testing.T) {
	for _, tc := range []struct {
		x, y []int
		want error
	}{
		{[]int{0, 0}, []int{1, 2}, ErrEmpty},
		{nil, nil, ErrEmpty},
		{[]int{1}, []int{1, 2}, ErrLengths},
		{[]int{3, -1}, []int{1, 2}, ErrNegative},
		{[]int{3000, 2000, 1000}, []int{2999, 2001, 1001}, ErrTooLarge},
	} {
		if _, _, _, err := Votes(tc.x, tc.y); !errors.Is(err, tc.want) {
			t.Errorf("%v against %v: %v, want %v", tc.x, tc.y, err, tc.want)
		}
	}
	if _, _, err := Exact(1, 2, -3, 4); !errors.Is(err, ErrNegative) {
		t.Errorf("negative cell: %v", err)
	}
	for _, c := range [][4]int{{0, 0, 3, 4}, {3, 0, 4, 0}, {0, 0, 0, 0}} {
		if p, least, err := Exact(c[0], c[1], c[2], c[3]); p != 1 || least != 1 || err != nil {
			t.Errorf("%v: %v %v %v", c, p, least, err)
		}
	}
	// Unanimous examples are decided without the recursion, at any size.
	if p, least, d, err := Votes([]int{5000}, []int{4999}); p != 1 || least != 1 || d != 0 || err != nil {
		t.Errorf("unanimous: %v %v %v %v", p, least, d, err)
	}
}

// Large tables: p falls as the difference grows and stays a probability.
func TestExactLarge(t *testing.T) {
	previous := 2.0
	for shift := 0; shift <= 200_000; shift += 10_000 {
		p, _, err := Exact(500_000_000+shift, 500_000_000-shift, 500_000_000, 500_000_000)
		if err != nil || !(p > 0 && p <= 1 && p < previous) {
			t.Fatalf("shift %d: p = %g after %g, %v", shift, p, previous, err)
		}
		previous = p
	}
	if previous > 1e-15 {
		t.Errorf("largest shift has p = %g", previous)
	}
}

func FuzzExact(f *testing.F) {
	f.Add(uint16(3), uint16(1), uint16(1), uint16(3))
	f.Add(uint16(0), uint16(0), uint16(9), uint16(3))
	f.Add(uint16(60000), uint16(1), uint16(40000), uint16(30000))
	f.Fuzz(func(t *testing.T, a, b, c, d uint16) {
		p, least, err := Exact(int(a), int(b), int(c), int(d))
		q, _, _ := Exact(int(d), int(c), int(b), int(a))
		if err != nil || !(p >= 0 && p <= 1 && least <= p*(1+1e-6)) || !near(p, q, 1e-5) {
			t.Fatalf("(%d %d; %d %d): p %v, turned %v, min %v, %v", a, b, c, d, p, q, least, err)
		}
	})
}

func BenchmarkVotes(b *testing.B) {
	for _, bc := range []struct {
		name string
		x, y []int
	}{
		{"2labels", []int{25, 5}, []int{18, 12}},
		{"5labels", []int{20, 5, 3, 1, 1}, []int{18, 8, 2, 2, 0}},
		{"5even", []int{6, 6, 6, 6, 6}, []int{7, 5, 6, 4, 8}},
		{"30and29", []int{20, 5, 5, 0}, []int{18, 8, 2, 1}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var t Tester
			for b.Loop() {
				if _, _, _, err := t.Votes(bc.x, bc.y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
