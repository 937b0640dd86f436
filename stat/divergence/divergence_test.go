package divergence

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
)

// near allows 1e-9, and for rows that are nearly equal the rounding of the
// probabilities themselves, which moves a divergence by √divergence·2⁻⁵².
func near(got, want float64) bool {
	return math.Abs(got-want) <= 1e-9*want+0x1p-50*math.Sqrt(want)
}

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

// testdata/reference.csv is made by testdata/gen.py (scipy 1.10.1 and Python's
// decimal).
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
	for _, row := range rows[1:] {
		p, q := numbers(t, row[1]), numbers(t, row[2])
		want := numbers(t, row[3]+";"+row[4])
		kl, js, loyal := KL, JS, Loyalty
		if strings.HasPrefix(row[0], "logits") {
			kl, js, loyal = KLLogits, JSLogits, LoyaltyLogits
		}
		d, err := kl(p, q)
		if math.IsInf(want[0], 1) {
			if !errors.Is(err, ErrUnbounded) {
				t.Errorf("%s %v: KL = %v, %v, want ErrUnbounded", row[0], p, d, err)
			}
		} else if err != nil || !near(d, want[0]) {
			t.Errorf("%s %v: KL = %v, %v, want %v", row[0], p, d, err, want[0])
		}
		j, err1 := js(p, q)
		l, err2 := loyal(p, q)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !near(j, want[1]) {
			t.Errorf("%s %v: JS = %v, want %v", row[0], p, j, want[1])
		}
		if w := 1 - math.Sqrt(want[1]/math.Ln2); math.Abs(l-w) > 1e-9 {
			t.Errorf("%s %v: loyalty %v, want %v", row[0], p, l, w)
		}
	}
}

func TestEnds(t *testing.T) {
	a, b := []float64{1, 0}, []float64{0, 1}
	if js, err := JS(a, b); err != nil || js != math.Ln2 {
		t.Errorf("JS of disjoint rows = %v, %v, want ln 2", js, err)
	}
	if bits, err := JS(a, b); err != nil || Bits(bits) != 1 {
		t.Errorf("in bits %v, want 1", Bits(bits))
	}
	if l, err := Loyalty(a, b); err != nil || l != 0 {
		t.Errorf("loyalty of disjoint rows = %v, %v, want 0", l, err)
	}
	for _, f := range []func(p, q []float64) (float64, error){KL, JS, KLLogits, JSLogits} {
		if d, err := f([]float64{0.2, 0.5, 0.3}, []float64{0.2, 0.5, 0.3}); err != nil || d != 0 {
			t.Errorf("equal rows: %v, %v, want exactly 0", d, err)
		}
	}
	if l, err := Loyalty([]float64{0.2, 0.8}, []float64{0.2, 0.8}); err != nil || l != 1 {
		t.Errorf("loyalty of equal rows = %v, %v, want exactly 1", l, err)
	}
	// A row rounded to float16 is divided by its sum and not refused.
	if d, err := KL([]float64{0.333251953125, 0.333251953125, 0.333251953125}, []float64{1. / 3, 1. / 3, 1. / 3}); err != nil || d > 1e-30 {
		t.Errorf("float16 thirds: %v, %v, want 0", d, err)
	}
}

func TestErrors(t *testing.T) {
	nan := math.NaN()
	half := []float64{0.5, 0.5}
	for _, tc := range []struct {
		p    []float64
		want error
	}{
		{[]float64{nan, 1}, ErrValue},
		{[]float64{-0.1, 1.1}, ErrValue},
		{[]float64{math.Inf(1), 0}, ErrValue},
		{[]float64{0.5, 0.6}, ErrSum},
		{[]float64{0, 0}, ErrSum},
		{[]float64{1}, ErrLength},
	} {
		for _, f := range []func(p, q []float64) (float64, error){KL, JS, Loyalty} {
			if _, err := f(tc.p, half); !errors.Is(err, tc.want) {
				t.Errorf("%v: %v, want %v", tc.p, err, tc.want)
			}
			if _, err := f(half, tc.p); !errors.Is(err, tc.want) {
				t.Errorf("%v second: %v, want %v", tc.p, err, tc.want)
			}
		}
	}
	for _, f := range []func(p, q []float64) (float64, error){KLLogits, JSLogits, LoyaltyLogits} {
		for _, x := range [][]float64{{nan, 1}, {math.Inf(-1), 0}, {math.Inf(1), 0}} {
			if _, err := f(x, half); !errors.Is(err, ErrValue) {
				t.Errorf("logits %v: %v, want ErrValue", x, err)
			}
		}
		if _, err := f(nil, nil); !errors.Is(err, ErrLength) {
			t.Errorf("no logits: %v, want ErrLength", err)
		}
	}
}

// Properties over random logits: never negative, JS symmetric and at most
// ln 2, adding a constant or permuting classes changes nothing, and rows of
// probabilities give the same as their logits.
func FuzzLogits(f *testing.F) {
	f.Add(uint64(1), 1.0, 3.0)
	f.Add(uint64(2), 1e-7, -700.0)
	f.Add(uint64(3), 300.0, 1e6)
	f.Fuzz(func(t *testing.T, seed uint64, scale, shift float64) {
		if !(math.Abs(scale) < 1e3) || !(math.Abs(shift) < 1e6) {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 2 + rng.IntN(9)
		x, y, moved, px, py := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
		for c := range x {
			x[c] = 3 * rng.NormFloat64()
			y[c] = x[c] + scale*rng.NormFloat64()
			moved[c] = y[c] + shift
		}
		kl, err1 := KLLogits(x, y)
		js, err2 := JSLogits(x, y)
		back, err3 := JSLogits(y, x)
		far, err4 := KLLogits(x, moved)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if kl < 0 || js < 0 || js > math.Ln2 || math.Abs(js-back) > 1e-12 {
			t.Fatalf("KL %v, JS %v and %v", kl, js, back)
		}
		if math.Abs(far-kl) > 1e-6*(1e-3+kl) { // the shift itself rounds the logits
			t.Fatalf("KL %v after shifting by %v, before %v", far, shift, kl)
		}
		zx, _ := logSumExp(x)
		zy, _ := logSumExp(y)
		for c := range x { // in another order of classes
			px[n-1-c], py[n-1-c] = math.Exp(x[c]-zx), math.Exp(y[c]-zy)
		}
		if d, err := JS(px, py); err != nil || math.Abs(d-js) > 1e-12 {
			t.Fatalf("JS of probabilities %v, %v, of logits %v", d, err, js)
		}
		if slices.Min(px) < 1e-300 || slices.Min(py) < 1e-300 {
			return // such probabilities have lost digits that the logits keep
		}
		if d, err := KL(px, py); err != nil || math.Abs(d-kl) > 1e-9*(1e-3+kl) {
			t.Fatalf("KL of probabilities %v, %v, of logits %v", d, err, kl)
		}
	})
}

func BenchmarkJS1000(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	x, y := make([]float64, 1000), make([]float64, 1000)
	for c := range x {
		x[c], y[c] = rng.NormFloat64(), rng.NormFloat64()
	}
	for b.Loop() {
		if _, err := JSLogits(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
