package spearman

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Abs(b) }

func numbers(t *testing.T, s string) (v []float64) {
	t.Helper()
	for f := range strings.SplitSeq(s, ";") {
		x, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		v = append(v, x)
	}
	return v
}

// testdata/reference.csv is made by testdata/gen.py (scipy 1.10.1).
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
	far := 0
	for _, row := range rows[1:] {
		x, y := numbers(t, row[0]), numbers(t, row[1])
		want := numbers(t, strings.Join(row[2:], ";"))
		r, err := Test(x, y)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi, err := r.Interval(0.95)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range []float64{r.Rho, r.P, lo, hi} {
			if !near(got, want[i], 1e-9) {
				t.Errorf("n = %d, %v: %s = %v, want %v", r.N, r.Method, rows[0][i+2], got, want[i])
			}
		}
		if (r.N <= ExactMax) != (r.Method == Exact) {
			t.Errorf("n = %d uses %v", r.N, r.Method)
		}
		if r.P < 1e-15 {
			far++
		}
	}
	if far == 0 {
		t.Error("no reference row below 1e-15")
	}
}

// Kendall, Rank Correlation Methods: without ties ρ = 1 − 6Σd²/(n(n²−1)).
func TestFormulaWithoutTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		n := 3 + rng.IntN(30)
		p := rng.Perm(n)
		x, y, d2 := make([]float64, n), make([]float64, n), 0.0
		for i, v := range p {
			x[i], y[i] = math.Exp(float64(i)), math.Cbrt(float64(v)-7) // any rising function
			d2 += float64((i - v) * (i - v))
		}
		r, err := Test(x, y)
		want := 1 - 6*d2/float64(n*(n*n-1))
		if err != nil || math.Abs(r.Rho-want) > 1e-14 {
			t.Fatalf("%v: ρ = %v, %v, want %v", p, r.Rho, err, want)
		}
	}
}

// A perfect order has P = 2/n! without ties, and the same as the walk over
// all orders with ties.
func TestPerfect(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = -v * v
	}
	r, err := Test(x, y)
	if err != nil || r.Rho != -1 || r.Method != Exact || !near(r.P, 2/2432902008176640000.0, 1e-12) {
		t.Errorf("n = 20: %+v, %v, want ρ = −1, P = 2/20!", r, err)
	}
	if _, _, err := r.Interval(0.95); !errors.Is(err, ErrPerfect) {
		t.Errorf("interval: %v, want ErrPerfect", err)
	}
	for _, x := range [][]float64{{1, 2, 2, 3}, {1, 1, 2, 3, 4}, {1, 1, 2, 3, 3}, {1, 2, 3}, {5, 5, 5, 1, 1, 1, 7}} {
		r, err := Test(x, x)
		if err != nil {
			t.Fatal(err)
		}
		a, err := centredRanks(x)
		if err != nil {
			t.Fatal(err)
		}
		if want := permuted(a, a, dot(a, a)); r.Rho != 1 || !near(r.P, want, 1e-12) {
			t.Errorf("%v with itself: %+v, want P = %v", x, r, want)
		}
	}
}

// Exact P is valid and not wasteful: over all orders of 6 values, the share
// with P ≤ α is at most α.
func TestExactSize(t *testing.T) {
	x := []float64{1, 2, 2, 4, 5, 6}
	y := []float64{1, 2, 3, 4, 5, 6}
	small := map[float64]float64{0.05: 0, 0.2: 0, 0.5: 0}
	total := 0.0
	var walk func(k int)
	walk = func(k int) {
		if k == len(y) {
			r, err := Test(x, y)
			if err != nil {
				t.Fatal(err)
			}
			total++
			for a := range small {
				if r.P <= a {
					small[a]++
				}
			}
			return
		}
		for i := k; i < len(y); i++ {
			y[k], y[i] = y[i], y[k]
			walk(k + 1)
			y[k], y[i] = y[i], y[k]
		}
	}
	walk(0)
	for a, n := range small {
		if n/total > a || n/total < a/2 {
			t.Errorf("Pr(P ≤ %v) = %v over %v orders", a, n/total, total)
		}
	}
}

// The interval covers the ρ of a bivariate normal, 6/π·asin(r/2), about as
// often as it says.
func TestCoverage(t *testing.T) {
	const r, n, reps = 0.7, 40, 2000
	truth := 6 / math.Pi * math.Asin(r/2)
	rng := rand.New(rand.NewPCG(6, 6))
	hit := 0.0
	for range reps {
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
			y[i] = r*x[i] + math.Sqrt(1-r*r)*rng.NormFloat64()
		}
		s, err := Test(x, y)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi, err := s.Interval(0.95)
		if err != nil {
			t.Fatal(err)
		}
		if lo <= truth && truth <= hi {
			hit += 1.0 / reps
		}
	}
	if hit < 0.93 || hit > 0.97 {
		t.Errorf("coverage %.3f, want about .95", hit)
	}
}

func TestNotMeasurable(t *testing.T) {
	for _, tc := range []struct {
		x, y []float64
		want error
	}{
		{[]float64{1, 2}, []float64{1, 2}, ErrTooFew},
		{[]float64{1, 2, 3}, []float64{1, 2}, ErrLength},
		{[]float64{1, 1, 1}, []float64{1, 2, 3}, ErrConstant},
		{[]float64{1, 2, 3}, []float64{4, 4, 4}, ErrConstant},
		{[]float64{1, math.NaN(), 3}, []float64{1, 2, 3}, ErrNaN},
		{make([]float64, maxPairs+1), make([]float64, maxPairs+1), ErrTooMany},
	} {
		if _, err := Test(tc.x, tc.y); !errors.Is(err, tc.want) {
			t.Errorf("%d pairs: %v, want %v", len(tc.x), err, tc.want)
		}
	}
	r, err := Test([]float64{1, 2, 3}, []float64{1, 3, 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Interval(0.95); !errors.Is(err, ErrTooFew) {
		t.Errorf("interval of 3 pairs: %v, want ErrTooFew", err)
	}
	if _, _, err := r.Interval(0); err == nil {
		t.Error("level 0 accepted")
	}
}

// Exchanging x and y keeps ρ and P; negating one negates ρ.
func FuzzSymmetry(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(4))
	f.Add(uint64(2), uint8(40), uint8(200))
	f.Fuzz(func(t *testing.T, seed uint64, size, values uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		n := int(size) % 64
		if n == 9 {
			n = 7 // the walk over 9! orders is slow
		}
		x, y, neg := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(rng.IntN(1+int(values))), float64(rng.IntN(1+int(values)))
			neg[i] = -y[i]
		}
		r, err := Test(x, y)
		if err != nil {
			return
		}
		s, err1 := Test(y, x)
		m, err2 := Test(x, neg)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !(r.P > 0 && r.P <= 1) || math.Abs(r.Rho) > 1 || r.Rho != s.Rho || !near(r.P, s.P, 1e-12) || r.Rho != -m.Rho || !near(r.P, m.P, 1e-12) {
			t.Fatalf("%+v, exchanged %+v, negated %+v", r, s, m)
		}
	})
}
