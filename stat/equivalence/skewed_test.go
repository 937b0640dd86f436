package equivalence

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

// testdata/skewed.csv is made by testdata/skewed.py (scipy 1.10.1).
func TestSkewedReference(t *testing.T) {
	f, err := os.Open("testdata/skewed.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		v := make([]float64, len(row))
		for i, x := range row {
			if v[i], err = strconv.ParseFloat(x, 64); err != nil {
				t.Fatal(err)
			}
		}
		s := Skewed{Value: v[0], StdErr: v[1], DoF: v[2], Third: v[3], Covariance: v[4]}
		d, err := s.Decide(v[5], v[6])
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		for i, got := range []float64{d.PWithin, d.PBeyond, d.Low, d.High} {
			if want := v[7+i]; !near(got, want, 1e-9) {
				t.Errorf("%+v: %s = %v, want %v", s, rows[0][7+i], got, want)
			}
		}
	}
}

func someSkewed(rng *rand.Rand) Skewed {
	se := 0.001 + rng.Float64()/50
	cube := se * se * se
	return Skewed{
		Value: rng.NormFloat64() / 50, StdErr: se, DoF: 1 + rng.Float64()*60,
		Third: cube * rng.NormFloat64() / 2, Covariance: cube * rng.NormFloat64() / 2,
	}
}

// TestSkewedIsConsistent: without skew it is the plain t; the limits are where P
// reaches alpha; exchanging the models exchanges the sides.
func TestSkewedIsConsistent(t *testing.T) {
	rng := rand.New(rand.NewPCG(51, 52))
	for range 2000 {
		s := someSkewed(rng)
		margin, alpha := rng.NormFloat64()/50, 0.001+0.4*rng.Float64()
		d, err := s.Decide(margin, alpha)
		if err != nil {
			t.Fatal(err)
		}
		if (d.Verdict == Within) != (d.High <= margin) || (d.Verdict == Beyond) != (d.Low >= margin) {
			t.Errorf("%+v at %v: %s with limits %v and %v", s, margin, d.Verdict, d.Low, d.High)
		}
		if math.Abs(d.PWithin+d.PBeyond-1) > 1e-12 {
			t.Errorf("%+v: P %v and %v", s, d.PWithin, d.PBeyond)
		}
		turned, err := Skewed{-s.Value, s.StdErr, s.DoF, -s.Third, -s.Covariance}.Decide(-margin, alpha)
		if err != nil || !near(turned.PWithin, d.PBeyond, 1e-9) || !near(turned.High, -d.Low, 1e-9) {
			t.Errorf("%+v: turned %+v, %+v before (%v)", s, turned, d, err)
		}
		s.Third, s.Covariance = 0, 0
		got, err1 := s.Decide(margin, alpha)
		want, err2 := Decide(s.Value, s.StdErr, s.DoF, margin, alpha)
		if err1 != nil || err2 != nil || got != want {
			t.Errorf("%+v: %+v, the plain t gives %+v", s, got, want)
		}
	}
}

// TestSkewedSize: the mean of 120 observations of which one in ten is 1 and the others
// 0 has a third cumulant and a variance that moves with it; at the margin the plain t
// passes too often and the corrected one as often as it says.
func TestSkewedSize(t *testing.T) {
	const trials, n, p, alpha = 20000, 120, 0.1, 0.05
	rng := rand.New(rand.NewPCG(53, 54))
	plain, corrected, fails := 0.0, 0.0, 0.0
	for range trials {
		x := 0.0
		for range n {
			if rng.Float64() < p {
				x++
			}
		}
		m := x / n
		v := m * (1 - m) / (n - 1)
		if v == 0 {
			continue
		}
		third := m * (1 - m) * (1 - 2*m) / (n * n)
		s := Skewed{Value: m, StdErr: math.Sqrt(v), DoF: n - 1, Third: third, Covariance: third}
		d, err := s.Decide(p, alpha)
		if err != nil {
			t.Fatal(err)
		}
		if m+tail.StudentTQuantile(alpha, n-1)*math.Sqrt(v) <= p {
			plain += 1.0 / trials
		}
		switch d.Verdict {
		case Within:
			corrected += 1.0 / trials
		case Beyond:
			fails += 1.0 / trials
		}
	}
	// A count of 120 has steps. By scipy.stats.binom (1.10.1), P(≤ 6) = .0382 and P(≤ 7) =
	// .0784, P(≥ 18) = .0531 and P(≥ 19) = .0297.
	se := 4 * math.Sqrt(alpha*(1-alpha)/trials)
	if math.Abs(plain-0.0784) > 1.3*se {
		t.Errorf("the plain t passes %.4f of the time, want .0784: the trial shows nothing", plain)
	}
	if math.Abs(corrected-0.0382) > se || math.Abs(fails-0.0531) > se {
		t.Errorf("the corrected test passes %.4f and fails %.4f of the time, want .0382 and .0531", corrected, fails)
	}
}

// TestSkewedBounds: a skew beyond that of one changed answer changes nothing more, and
// what is not a number is refused.
func TestSkewedBounds(t *testing.T) {
	at := func(k float64) Decision {
		d, err := Skewed{0.01, 0.01, 20, k * 1e-6, k * 1e-6}.Decide(0.02, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if at(1.1) != at(50) || at(-1.1) != at(-50) || at(1.1) == at(-1.1) {
		t.Errorf("%+v, %+v, %+v, %+v", at(1.1), at(50), at(-1.1), at(-50))
	}
	for _, bad := range []Skewed{{0, 1, 5, math.NaN(), 0}, {0, 1, 5, 0, math.Inf(1)}, {0, 0, 5, 0, 0}, {0, 1, 0, 0, 0}} {
		if _, err := bad.Decide(0, 0.05); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// TestUnbiased: the variance is A + B − E where the interval's rule put it higher, never
// below E; the degrees of freedom follow, never below those of the fewest members.
func TestUnbiased(t *testing.T) {
	s := Skewed{Value: 0.1, StdErr: math.Sqrt(3), DoF: 12, Third: 1, Covariance: 2}
	for _, c := range []struct {
		p      Parts
		v, dof float64
	}{
		{Parts{2, 3, 2.5, 5}, 2.5, 12 * 2.5 * 2.5 / 9},
		{Parts{0.5, 3, 2, 5}, 2, 12 * 2.0 * 2 / 9},   // not 1.5: below E
		{Parts{0.1, 3, 1.6, 11}, 1.6, 10},            // 12·(1.6/3)² is below 10
		{Parts{2, 3, 1, 5}, 3, 12}, {Parts{}, 3, 12}, // no lower: as it was
	} {
		got := s.Unbiased(c.p)
		if !near(got.StdErr*got.StdErr, c.v, 1e-12) || !near(got.DoF, c.dof, 1e-12) || got.Third != 1 || got.Value != 0.1 {
			t.Errorf("%+v: %+v, want V %v and %v degrees of freedom", c.p, got, c.v, c.dof)
		}
	}
}
