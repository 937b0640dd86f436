package ttest

import (
	"encoding/csv"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Abs(b) }

func numbers(t *testing.T, s string) []float64 {
	t.Helper()
	var x []float64
	for _, f := range strings.Fields(s) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		x = append(x, v)
	}
	return x
}

// TestReference compares with scipy 1.10.1, statsmodels 0.13.5 and, in the far
// tail, mpmath 1.2.1; testdata/gen.py writes the file.
func TestReference(t *testing.T) {
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	far := map[string]bool{}
	for i, row := range rows {
		x, y := numbers(t, row[1]), numbers(t, row[2])
		want := numbers(t, strings.Join(row[3:8], " "))
		var r Result
		switch row[0] {
		case "welch":
			r, err = Welch(x, y)
		case "paired":
			r, err = Paired(x, y)
		case "onesample":
			r, err = OneSample(x, y[0])
		default:
			t.Fatalf("row %d: unknown test %q", i+1, row[0])
		}
		if err != nil {
			t.Fatalf("row %d: %v", i+1, err)
		}
		lo, hi := r.Interval(0.95)
		for j, got := range []float64{r.T, r.DoF, r.P, lo, hi} {
			if !near(got, want[j], 1e-9) {
				t.Errorf("row %d %s (%s): %s = %.17g, want %.17g", i+1, row[0], row[8], []string{"t", "dof", "p", "lo", "hi"}[j], got, want[j])
			}
		}
		far[row[0]] = far[row[0]] || r.P < 1e-15
	}
	if !far["welch"] || !far["paired"] {
		t.Errorf("no row below 1e-15: %v", far)
	}
}

// golang/perf, internal/stats/ttest_test.go: TwoSampleWelchTTest.
func TestWelchSecondSource(t *testing.T) {
	r, err := Welch([]float64{2, 1, 3, 4}, []float64{6, 5, 7, 9})
	if err != nil {
		t.Fatal(err)
	}
	if !near(r.T, -3.970344615223767, 1e-12) || !near(r.DoF, 5.584615384615385, 1e-12) || !near(r.P, 0.0085128631313781695, 1e-12) {
		t.Errorf("got %+v", r)
	}
}

// method.md: t = 12 at 58 degrees of freedom is 2.36e-17, where 2·(1−CDF) is 0.
func TestFarTail(t *testing.T) {
	m := Moments{N: 30, Mean: 12, Var: 15}
	r, err := WelchFromMoments(m, Moments{N: 30, Var: 15})
	if err != nil {
		t.Fatal(err)
	}
	if !near(r.T, 12, 1e-14) || !near(r.DoF, 58, 1e-14) || !near(r.P, 2*1.18078541746976164e-17, 1e-11) { // mpmath 1.2.1, see stat/tail
		t.Errorf("got %+v", r)
	}
}

func TestIntegerMomentsMatchRationals(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for trial := range 2000 {
		k := 2 + rng.IntN(60)
		limit := int64(math.Exp(rng.Float64() * 27.6)) // up to 1e12
		counts := make([]int64, k)
		var sum, squares big.Int
		for i := range counts {
			counts[i] = rng.Int64N(2*limit+1) - limit
			c := big.NewInt(counts[i])
			sum.Add(&sum, c)
			squares.Add(&squares, c.Mul(c, c))
		}
		n := int64(1 + rng.IntN(10000))
		num := new(big.Int).Mul(big.NewInt(int64(k)), &squares)
		num.Sub(num, new(big.Int).Mul(&sum, &sum))
		den := new(big.Int).Mul(big.NewInt(int64(k)*int64(k-1)), big.NewInt(n*n))
		variance, _ := new(big.Rat).SetFrac(num, den).Float64()
		mean, _ := new(big.Rat).SetFrac(&sum, big.NewInt(int64(k)*n)).Float64()
		m := IntegerMoments(counts, float64(n))
		if m.N != k || !near(m.Mean, mean, 1e-15) || !near(m.Var, variance, 1e-14) {
			t.Fatalf("trial %d: got %+v, want mean %v variance %v", trial, m, mean, variance)
		}
	}
}

// A class at a constant recall has no variance at all; in floating point 30
// times 0.1 already has some.
func TestConstantHasNoVariance(t *testing.T) {
	for _, c := range []int64{0, 1, 7, 999_999_999_999, -3, math.MaxInt64, math.MinInt64} {
		counts := make([]int64, 30)
		x := make([]float64, 30)
		for i := range counts {
			counts[i], x[i] = c, float64(c)/10
		}
		m := IntegerMoments(counts, 10)
		if m.Var != 0 || !near(m.Mean, float64(c)/10, 1e-15) {
			t.Errorf("count %d: %+v", c, m)
		}
		if m := MomentsOf(x); m.Var != 0 || m.Mean != x[0] {
			t.Errorf("value %v: %+v", x[0], m)
		}
	}
	if m := IntegerMoments([]int64{math.MaxInt64, math.MinInt64}, 1); !near(m.Var, 0x1p127, 1e-15) {
		t.Errorf("extremes: %+v", m)
	}
}

// With no variance in one group Welch is a one-sample test of the other.
func TestOneGroupWithoutVariance(t *testing.T) {
	x := []float64{0.5, 0.625, 0.75, 0.375}
	r, err := Welch(x, []float64{0.25, 0.25, 0.25})
	if err != nil {
		t.Fatal(err)
	}
	s, err := OneSample(x, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	if r.T != s.T || r.DoF != s.DoF || r.P != s.P {
		t.Errorf("Welch %+v, one sample %+v", r, s)
	}
}

func TestNotMeasurable(t *testing.T) {
	welch := func(x, y []float64) error { _, err := Welch(x, y); return err }
	paired := func(x, y []float64) error { _, err := Paired(x, y); return err }
	for _, tc := range []struct {
		name string
		got  error
		want error
	}{
		{"one observation", welch([]float64{1}, []float64{1, 2}), ErrTooFew},
		{"none", welch(nil, nil), ErrTooFew},
		{"NaN", welch([]float64{1, math.NaN()}, []float64{1, 2}), ErrNotFinite},
		{"overflow", welch([]float64{1e308, -1e308}, []float64{1, 2}), ErrNotFinite},
		{"both constant", welch([]float64{1, 1}, []float64{2, 2}), ErrNoSpread},
		{"lengths", paired([]float64{1, 2}, []float64{1, 2, 3}), ErrLengths},
		{"one pair", paired([]float64{1}, []float64{2}), ErrTooFew},
		{"constant difference", paired([]float64{1, 2}, []float64{2, 3}), ErrNoSpread},
		{"rounded constant difference", paired([]float64{0.3, 0.2, 0.7}, []float64{0.2, 0.1, 0.6}), ErrNoSpread},
		{"infinite pair", paired([]float64{1, math.Inf(1)}, []float64{2, 3}), ErrNotFinite},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	if _, err := OneSample([]float64{1, 2}, math.NaN()); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN mean: %v", err)
	}
	if _, err := WelchFromMoments(Moments{N: 3, Var: -1}, Moments{N: 3, Var: 1}); !errors.Is(err, ErrNotFinite) {
		t.Errorf("negative variance: %v", err)
	}
}

func TestDegenerate(t *testing.T) {
	if r := Degenerate(-0.01); !math.IsInf(r.T, -1) || r.P != 0 {
		t.Errorf("got %+v", r)
	}
	r := Degenerate(0)
	if r.T != 0 || r.P != 1 {
		t.Errorf("got %+v", r)
	}
	if lo, hi := r.Interval(0.9); lo != 0 || hi != 0 {
		t.Errorf("interval [%v, %v]", lo, hi)
	}
}

// The interval at level 1−α leaves 0 out exactly when P < α.
func TestIntervalAgreesWithP(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	for range 2000 {
		x, y := sample(rng, 2+rng.IntN(20)), sample(rng, 2+rng.IntN(20))
		r, err := Welch(x, y)
		if err != nil {
			t.Fatal(err)
		}
		level := 0.5 + 0.49*rng.Float64()
		lo, hi := r.Interval(level)
		if outside := lo > 0 || hi < 0; outside != (r.P < 1-level) && math.Abs(r.P-(1-level)) > 1e-12 {
			t.Fatalf("P = %v, level %v, interval [%v, %v]", r.P, level, lo, hi)
		}
		if m := min(len(x), len(y)) - 1; r.DoF < float64(m)*(1-1e-12) || r.DoF > float64(len(x)+len(y)-2)*(1+1e-12) {
			t.Fatalf("ν = %v outside [min n − 1, n₁+n₂−2] for %d and %d", r.DoF, len(x), len(y))
		}
	}
}

// Method.md 3.2: with runs in lineages of correlation .9 a drop of 1 point is
// found by the paired test and hardly ever by Welch.
func TestPairedUsesTheLineage(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	welch, paired := 0, 0
	const trials = 2000
	for range trials {
		x, y := make([]float64, 30), make([]float64, 30)
		for i := range x {
			shared := rng.NormFloat64() * math.Sqrt(0.9)
			x[i] = shared + rng.NormFloat64()*math.Sqrt(0.1)
			y[i] = shared + rng.NormFloat64()*math.Sqrt(0.1) - 0.26
		}
		w, err1 := Welch(x, y)
		p, err2 := Paired(x, y)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if w.P <= 0.05 {
			welch++
		}
		if p.P <= 0.05 {
			paired++
		}
	}
	if welch > trials*15/100 || paired < trials*80/100 {
		t.Errorf("found by Welch %d, by the paired test %d of %d", welch, paired, trials)
	}
}

func sample(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// Swapping the groups negates t and MeanDiff and leaves P as it is.
func FuzzWelchSwap(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 4.5)
	f.Add(0.1, 0.1, 1e-300, 1e300)
	f.Fuzz(func(t *testing.T, a, b, c, d float64) {
		r, err1 := Welch([]float64{a, b}, []float64{c, d})
		s, err2 := Welch([]float64{c, d}, []float64{a, b})
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("one side failed: %v, %v", err1, err2)
		}
		if err1 == nil && (r.P != s.P || r.T != -s.T || !(r.P >= 0 && r.P <= 1)) {
			t.Fatalf("not symmetric: %+v, %+v", r, s)
		}
	})
}

func BenchmarkWelchFromCounts(b *testing.B) {
	counts := make([]int64, 30)
	for i := range counts {
		counts[i] = int64(900 + i%7)
	}
	for b.Loop() {
		m := IntegerMoments(counts, 1000)
		if _, err := WelchFromMoments(m, m); err != nil {
			b.Fatal(err)
		}
	}
}
