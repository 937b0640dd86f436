package equivalence

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
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

func group(x []float64) Group {
	m, v := stat.MeanVariance(x, nil)
	return Group{len(x), m, v}
}

// TestReference compares with statsmodels 0.13.5 and, in the far tail, mpmath 1.2.1;
// testdata/gen.py writes the file.
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
	smallest := 1.0
	for i, row := range rows {
		x, y, arg := numbers(t, row[1]), numbers(t, row[2]), numbers(t, row[3])
		want := numbers(t, row[4]+" "+row[5])
		var e Estimate
		switch row[0] {
		case "paired":
			e, err = RelativePaired(x, y, arg[0])
		case "unpaired":
			e, err = RelativeUnpaired(group(x), group(y), arg[0])
		default:
			e, err = RelativeUnpaired(group(x), group(y), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		if row[0] == "tost" {
			if p, err := TOST(e.Value, e.StdErr, e.DoF, arg[0], arg[1]); err != nil || !near(p, want[0], 1e-9) {
				t.Errorf("row %d: TOST p = %v, %v; want %v", i+1, p, err, want[0])
			}
			continue
		}
		d, err := e.Decide(arg[1], 0.05)
		if err != nil || !near(d.PWithin, want[0], 1e-9) || !near(d.PBeyond, want[1], 1e-9) {
			t.Errorf("row %d %s: %+v, %v; want %v", i+1, row[0], d, err, want)
		}
		smallest = min(smallest, d.PWithin, d.PBeyond)
	}
	if smallest > 1e-15 {
		t.Error("no row below 1e-15")
	}
}

// The verdict, the P and the limits tell the same; negating loss and margin swaps
// Within and Beyond; TOST is no smaller than either side.
func TestDecideProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 1))
	seen := map[Verdict]int{}
	for range 5000 {
		est, se, dof := rng.NormFloat64(), rng.ExpFloat64(), 1+50*rng.Float64()
		margin, alpha := rng.NormFloat64(), 0.01+0.4*rng.Float64()
		d, err := Decide(est, se, dof, margin, alpha)
		if err != nil {
			t.Fatal(err)
		}
		seen[d.Verdict]++
		if math.Abs(d.PWithin+d.PBeyond-1) > 1e-12 {
			t.Fatalf("%+v: sides do not add to 1", d)
		}
		edge := min(math.Abs(d.High-margin), math.Abs(d.Low-margin)) < 1e-9
		if !edge && ((d.Verdict == Within) != (d.High <= margin) || (d.Verdict == Beyond) != (d.Low >= margin)) {
			t.Fatalf("%+v against margin %v", d, margin)
		}
		m, err := Decide(-est, se, dof, -margin, alpha)
		if err != nil || (d.Verdict == Within) != (m.Verdict == Beyond) || d.PWithin != m.PBeyond {
			t.Fatalf("%+v, mirrored %+v, %v", d, m, err)
		}
		tost, err := TOST(est, se, dof, margin-1, margin)
		if err != nil || tost < d.PWithin {
			t.Fatalf("TOST %v below its own side %v, %v", tost, d.PWithin, err)
		}
	}
	for _, v := range []Verdict{Within, Beyond, Undecided} {
		if seen[v] < 100 {
			t.Errorf("%q came up %d times: the check sees too little", v, seen[v])
		}
	}
}

// Size at the edge: with the true loss exactly at the margin each side is rejected at
// most alpha of the time (t based: exactly alpha).
func TestSizeAtMargin(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 2))
	const trials, alpha, f = 6000, 0.05, 0.1
	within, beyond := 0, 0
	for range trials {
		x, y := make([]float64, 12), make([]float64, 12)
		for i := range x {
			x[i] = 1 + 0.1*rng.NormFloat64()
			y[i] = (1-f)*x[i] + 0.05*rng.NormFloat64() // the share f is lost
		}
		e, err := RelativePaired(x, y, f)
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Decide(0, alpha)
		if err != nil {
			t.Fatal(err)
		}
		switch d.Verdict {
		case Within:
			within++
		case Beyond:
			beyond++
		}
	}
	se := math.Sqrt(alpha * (1 - alpha) / trials)
	for _, n := range []int{within, beyond} {
		if math.Abs(float64(n)/trials-alpha) > 3.5*se {
			t.Errorf("within %d, beyond %d of %d", within, beyond, trials)
			break
		}
	}
}

// A relative margin with the baseline taken as known is too sure of itself: the
// contrast's error must hold the baseline's.
func TestRelativeKeepsBaselineError(t *testing.T) {
	e, err := RelativeUnpaired(Group{10, 0.8, 0.04}, Group{10, 0.7, 0.04}, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	want := math.Sqrt(0.95*0.95*0.004 + 0.004)
	if !near(e.StdErr, want, 1e-14) || !near(e.Value, 0.95*0.8-0.7, 1e-14) {
		t.Errorf("got %+v, want error %v", e, want)
	}
}

func TestNotMeasurable(t *testing.T) {
	nonInferior := func(a, b, c, d float64) error { _, err := NonInferior(a, b, c, d); return err }
	tost := func(lo, hi float64) error { _, err := TOST(0, 1, 5, lo, hi); return err }
	unpaired := func(a, b Group, f float64) error { _, err := RelativeUnpaired(a, b, f); return err }
	paired := func(a, b []float64, f float64) error { _, err := RelativePaired(a, b, f); return err }
	g := Group{5, 0.5, 0.01}
	for _, tc := range []struct {
		name string
		got  error
		want error
	}{
		{"no error", nonInferior(0, 0, 5, 1), ErrNoSpread},
		{"NaN", nonInferior(math.NaN(), 1, 5, 1), ErrNotFinite},
		{"no freedom", nonInferior(0, 1, 0, 1), ErrNotFinite},
		{"limits", tost(1, 1), ErrMargin},
		{"fraction", unpaired(g, g, 1.5), ErrMargin},
		{"zero baseline", unpaired(Group{5, 0, 0.01}, g, 0.1), ErrBaseline},
		{"negative baseline", unpaired(Group{5, -1, 0.01}, g, 0.1), ErrBaseline},
		{"one member", unpaired(Group{1, 0.5, 0}, g, 0.1), ErrTooFew},
		{"constant", unpaired(Group{5, 0.5, 0}, Group{5, 0.4, 0}, 0.1), ErrNoSpread},
		{"lengths", paired([]float64{1}, []float64{1, 2}, 0.1), ErrLengths},
		{"one pair", paired([]float64{1}, []float64{1}, 0.1), ErrTooFew},
		{"zero pairs", paired([]float64{0, 0}, []float64{1, 2}, 0.1), ErrBaseline},
		{"constant contrast", paired([]float64{0.1, 0.3, 0.7}, []float64{0.09, 0.27, 0.63}, 0.1), ErrNoSpread},
		{"infinite", paired([]float64{1, 2}, []float64{1, math.Inf(1)}, 0.1), ErrNotFinite},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	if (Decision{}).Verdict != Undecided || Undecided.String() != "cannot say" {
		t.Error("the zero verdict must not pass")
	}
}
