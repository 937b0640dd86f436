package effect

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

// TestReference compares with mpmath 1.2.1 and scipy 1.10.1; testdata/gen.py writes
// the file.
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
	for i, row := range rows {
		measure := Hedges
		if row[0] == "paired" {
			measure = HedgesPaired
		}
		r, err := measure(numbers(t, row[1]), numbers(t, row[2]))
		if err != nil {
			t.Fatal(err)
		}
		want := numbers(t, strings.Join(row[3:], " "))
		lo, hi := r.Interval(0.95)
		for j, got := range []float64{r.D, r.G, r.J, lo, hi} {
			if !near(got, want[j], 1e-9) {
				t.Errorf("row %d %s: %s = %.17g, want %.17g", i+1, row[0], []string{"d", "g", "J", "low", "high"}[j], got, want[j])
			}
		}
	}
}

// Closed forms: J(2) = 1/√π, J(3) = √(π/6); mpmath 1.2.1 at 1,000 and 1e6 on both sides
// of the switch to the series. Hedges' approximation 1 − 3/(4ν−1) is off by 1/(32ν²).
func TestCorrection(t *testing.T) {
	for _, tc := range []struct{ dof, want float64 }{
		{2, 1 / math.Sqrt(math.Pi)}, {3, math.Sqrt(math.Pi / 6)},
		{1000, 0.99924978117971637}, {1001, 0.99925053086752064}, {1e6, 0.99999924999978125},
	} {
		if got := Correction(tc.dof); !near(got, tc.want, 1e-12) {
			t.Errorf("J(%v) = %.17g, want %v", tc.dof, got, tc.want)
		}
	}
	for dof := 10.0; dof < 1e6; dof *= 1.7 {
		if j := Correction(dof); math.Abs(j-(1-3/(4*dof-1))) > 0.04/dof/dof+1e-12 || j >= 1 {
			t.Errorf("J(%v) = %v", dof, j)
		}
	}
}

// g is unbiased and the interval covers: small normal groups with a known difference.
func TestUnbiasedAndCovering(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 1))
	const trials, delta = 3000, 0.8
	var sum, squares float64
	covered := 0
	for i := range trials {
		x, y := make([]float64, 4), make([]float64, 5)
		for i := range x {
			x[i] = delta + rng.NormFloat64()
		}
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		r, err := Hedges(x, y)
		if err != nil {
			t.Fatal(err)
		}
		sum += r.G
		squares += r.G * r.G
		if i < 500 {
			if lo, hi := r.Interval(0.9); lo <= delta && delta <= hi {
				covered++
			}
		}
	}
	mean := sum / trials
	se := math.Sqrt((squares/trials - mean*mean) / trials)
	if math.Abs(mean-delta) > 3.5*se || math.Abs(mean/Correction(7)-delta) < 3.5*se {
		t.Errorf("mean g %v ± %v, want %v (and d biased)", mean, se, delta)
	}
	if rate := float64(covered) / 500; math.Abs(rate-0.9) > 3.5*math.Sqrt(0.09/500) {
		t.Errorf("the 90 %% interval covers %v", rate)
	}
}

// Swapping the groups negates everything; scale and shift change nothing; the interval
// holds d and grows with the level.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 2))
	for range 60 {
		x, y := make([]float64, 2+rng.IntN(20)), make([]float64, 2+rng.IntN(20))
		xs, ys := make([]float64, len(x)), make([]float64, len(y))
		for i := range x {
			x[i] = 5 * rng.NormFloat64()
			xs[i] = 4*x[i] + 64
		}
		for i := range y {
			y[i] = rng.NormFloat64()
			ys[i] = 4*y[i] + 64
		}
		r, err1 := Hedges(x, y)
		s, err2 := Hedges(y, x)
		u, err3 := Hedges(xs, ys)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if r.G != -s.G || !near(u.G, r.G, 1e-9) {
			t.Fatalf("g = %v, swapped %v, scaled %v", r.G, s.G, u.G)
		}
		lo, hi := r.Interval(0.8)
		wideLo, wideHi := r.Interval(0.99)
		swapLo, swapHi := s.Interval(0.8)
		if !(wideLo < lo && lo < r.D && r.D < hi && hi < wideHi) || !near(swapLo, -hi, 1e-9) || !near(swapHi, -lo, 1e-9) {
			t.Fatalf("d = %v in [%v, %v], wider [%v, %v], swapped [%v, %v]", r.D, lo, hi, wideLo, wideHi, swapLo, swapHi)
		}
	}
}

func TestNotMeasurable(t *testing.T) {
	two := func(x, y []float64) error { _, err := Hedges(x, y); return err }
	paired := func(x, y []float64) error { _, err := HedgesPaired(x, y); return err }
	for _, tc := range []struct {
		name string
		got  error
		want error
	}{
		{"one", two([]float64{1}, []float64{1, 2}), ErrTooFew},
		{"constant", two([]float64{1, 1}, []float64{2, 2}), ErrNoSpread},
		{"NaN", two([]float64{1, math.NaN()}, []float64{2, 2}), ErrNotFinite},
		{"two pairs", paired([]float64{1, 2}, []float64{2, 2}), ErrTooFew},
		{"lengths", paired([]float64{1, 2, 3}, []float64{2, 2}), ErrLengths},
		{"equal", paired([]float64{1, 2, 3}, []float64{1, 2, 3}), ErrNoSpread},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
}
