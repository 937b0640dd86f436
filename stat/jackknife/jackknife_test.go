package jackknife

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

// testdata/reference.csv is made by testdata/gen.py (numpy 1.24.2, scipy
// 1.10.1).
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
		rep0, rept := numbers(t, row[0]), numbers(t, row[1])
		want := numbers(t, strings.Join(row[2:], ";"))
		one, err1 := DeleteOne(rep0)
		v, err2 := TwoPopulations(rep0, rept)
		lo, hi, err3 := v.Interval(want[0], 0.95)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		for i, got := range []float64{one.V, v.V, v.DoF, lo, hi} {
			if !near(got, want[i+1], 1e-9) {
				t.Errorf("K = %d, %d: %s = %v, want %v", len(rep0), len(rept), rows[0][i+3], got, want[i+1])
			}
		}
	}
}

// For a mean the jackknife is exactly s²/K (Efron and Stein 1981).
func TestMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for k := 2; k < 40; k++ {
		x, total := make([]float64, k), 0.0
		for i := range x {
			x[i] = rng.NormFloat64()
			total += x[i]
		}
		theta, s2 := make([]float64, k), 0.0
		for i := range x {
			theta[i] = (total - x[i]) / float64(k-1)
			s2 += (x[i] - total/float64(k)) * (x[i] - total/float64(k)) / float64(k-1)
		}
		v, err := DeleteOne(theta)
		if err != nil || !near(v.V, s2/float64(k), 1e-12) {
			t.Fatalf("K = %d: %v, %v, want %v", k, v.V, err, s2/float64(k))
		}
	}
}

// Swapping the populations, the order of members or the sign of the statistic
// changes nothing.
func TestSymmetry(t *testing.T) {
	a, b := []float64{1, 4, 2, 9}, []float64{3, 3.5, 7}
	v, err1 := TwoPopulations(a, b)
	w, err2 := TwoPopulations(b, []float64{-9, -2, -1, -4})
	if err := errors.Join(err1, err2); err != nil || !near(v.V, w.V, 1e-15) || v.DoF != w.DoF || v.DoF != 2 {
		t.Errorf("%+v and %+v, %v", v, w, err)
	}
}

func TestWithExamples(t *testing.T) {
	v := Variance{V: 0.04, DoF: 9}
	w, err := v.WithExamples(1, 100, 0.006)
	// Satterthwaite by hand: .044² / (.04²/9 + .01²/99 + .006²/(9·99))
	if err != nil || !near(w.V, 0.044, 1e-15) || !near(w.DoF, 0.044*0.044/(0.0016/9+0.0001/99+0.000036/891), 1e-12) {
		t.Errorf("%+v, %v", w, err)
	}
	plain, err := v.PlusExamples(1, 100)
	if same, err2 := v.WithExamples(1, 100, 0); err != nil || err2 != nil || same != plain {
		t.Errorf("no residual: %+v, want %+v", same, plain)
	}
	for _, residual := range []float64{0.02, 0.05} { // never below either variance
		if w, err := v.WithExamples(1, 100, residual); err != nil || w.V != 0.04 {
			t.Errorf("residual %v: %+v, %v", residual, w, err)
		}
	}
	if w, err := (Variance{V: 0.001, DoF: 9}).WithExamples(1, 100, 0.005); err != nil || w.V != 0.01 {
		t.Errorf("%+v, %v, want the variance over examples", w, err)
	}
	for _, residual := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := v.WithExamples(1, 100, residual); err == nil {
			t.Errorf("residual %v accepted", residual)
		}
	}
	if _, err := v.WithExamples(-1, 100, 0.001); err == nil {
		t.Error("negative example variance accepted")
	}
}

func TestPlusExamples(t *testing.T) {
	v := Variance{V: 0.04, DoF: 9}
	w, err := v.PlusExamples(1, 100)
	// Satterthwaite by hand: .05² / (.04²/9 + .01²/99)
	if err != nil || !near(w.V, 0.05, 1e-15) || !near(w.DoF, 0.0025/(0.0016/9+0.0001/99), 1e-12) {
		t.Errorf("%+v, %v", w, err)
	}
	if same, err := v.PlusExamples(0, 100); err != nil || same != v {
		t.Errorf("no example variance: %+v, %v", same, err)
	}
	if w, err := (Variance{DoF: 9}).PlusExamples(1, 100); err != nil || !near(w.DoF, 99, 1e-12) {
		t.Errorf("no member variance: %+v, %v, want 99 degrees of freedom", w, err)
	}
	for _, s2 := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := v.PlusExamples(s2, 100); err == nil {
			t.Errorf("example variance %v accepted", s2)
		}
	}
	if _, err := v.PlusExamples(1, 1); err == nil {
		t.Error("1 example accepted")
	}
}

func TestNotMeasurable(t *testing.T) {
	if _, err := DeleteOne([]float64{1}); !errors.Is(err, ErrTooFew) {
		t.Errorf("one replicate: %v", err)
	}
	if _, err := TwoPopulations([]float64{1, 2}, nil); !errors.Is(err, ErrTooFew) {
		t.Errorf("no variant replicate: %v", err)
	}
	if _, err := TwoPopulations([]float64{1, math.NaN()}, []float64{1, 2}); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN: %v", err)
	}
	v, err := DeleteOne([]float64{0.1, 0.1, 0.1})
	if err != nil || v.V != 0 {
		t.Errorf("equal replicates: %+v, %v, want V exactly 0", v, err)
	}
	if _, _, err := v.Interval(0.1, 0.95); !errors.Is(err, ErrNoSpread) {
		t.Errorf("interval without spread: %v", err)
	}
	if _, _, err := (Variance{V: 1, DoF: 3}).Interval(math.NaN(), 0.95); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN estimate: %v", err)
	}
	if _, _, err := (Variance{V: 1, DoF: 3}).Interval(0, 95); err == nil {
		t.Error("level 95 accepted")
	}
}
