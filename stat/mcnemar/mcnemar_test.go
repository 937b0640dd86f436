package mcnemar

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

func near(a, b, rel float64) bool {
	return a == b || math.Abs(a-b) <= rel*math.Abs(b)
}

// TestReference compares with statsmodels 0.13.5 and mpmath 1.2.1; testdata/gen.py
// writes the file.
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
	for _, row := range rows {
		n10, err1 := strconv.Atoi(row[0])
		n01, err2 := strconv.Atoi(row[1])
		p, err3 := strconv.ParseFloat(row[2], 64)
		mid, err4 := strconv.ParseFloat(row[3], 64)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		r := Exact(n10, n01)
		if !near(r.P, p, 1e-9) || !near(r.MidP, mid, 1e-9) {
			t.Errorf("%d/%d: P = %.17g, MidP = %.17g, want %v, %v (%s)", n10, n01, r.P, r.MidP, p, mid, row[6])
		}
		smallest = min(smallest, r.P)
		if row[4] == "" {
			continue
		}
		lo, err1 := strconv.ParseFloat(row[4], 64)
		hi, err2 := strconv.ParseFloat(row[5], 64)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		gotLo, gotHi, err := r.OddsInterval(0.95)
		if err != nil || !near(gotLo, lo, 1e-9) || !near(gotHi, hi, 1e-9) {
			t.Errorf("%d/%d: odds in [%v, %v], %v; want [%v, %v]", n10, n01, gotLo, gotHi, err, lo, hi)
		}
	}
	if smallest > 1e-15 {
		t.Error("no row below 1e-15")
	}
}

// The project's check values, found by counting the published predictions of two
// pairs of networks (method.md 3.7).
func TestCheckValues(t *testing.T) {
	for _, tc := range []struct {
		n10, n01 int
		p        float64
	}{{113, 101, 0.4522}, {60, 53, 0.5727}} {
		if got := Exact(tc.n10, tc.n01).P; math.Abs(got-tc.p) > 5e-5 {
			t.Errorf("%d/%d: P = %v, want %v", tc.n10, tc.n01, got, tc.p)
		}
	}
}

func TestMinDiscordant(t *testing.T) {
	for _, tc := range []struct {
		alpha float64
		want  int
	}{{1, 0}, {0.5, 2}, {0.1, 5}, {0.05, 6}, {0.03125, 6}, {0.03, 7}, {0.01, 8}, {1e-6, 21}} {
		n := MinDiscordant(tc.alpha)
		if n != tc.want {
			t.Errorf("MinDiscordant(%v) = %d, want %d", tc.alpha, n, tc.want)
		}
		if Exact(n, 0).P > tc.alpha || n > 0 && Exact(n-1, 0).P <= tc.alpha {
			t.Errorf("alpha %v: %d discordant is not the least that can reach it", tc.alpha, n)
		}
	}
}

// Direct sums over all outcomes, for every small table.
func TestAgainstEnumeration(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for a := range n + 1 {
			d := math.Abs(float64(2*a - n))
			beyond, same := 0.0, 0.0
			c := math.Exp2(-float64(n))
			for k := range n + 1 {
				switch dk := math.Abs(float64(2*k - n)); {
				case dk > d:
					beyond += c
				case dk == d:
					same += c
				}
				c = c * float64(n-k) / float64(k+1)
			}
			r := Exact(a, n-a)
			if !near(r.P, beyond+same, 1e-12) || !near(r.MidP, beyond+same/2, 1e-12) {
				t.Fatalf("%d/%d: %+v, want %v and %v", a, n-a, r, beyond+same, beyond+same/2)
			}
		}
	}
}

// Properties: symmetric, MidP < P, and near the paired z test (with continuity
// correction) at large counts.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for range 2000 {
		n := 1000 + rng.IntN(100_000)
		a := n/2 + int(2*rng.NormFloat64()*math.Sqrt(float64(n))/2)
		r, s := Exact(a, n-a), Exact(n-a, a)
		if r.P != s.P || !near(r.MidP, s.MidP, 1e-12) {
			t.Fatalf("not symmetric: %+v, %+v", r, s)
		}
		if !(r.MidP < r.P) || r.P > 1 {
			t.Fatalf("MidP not below P: %+v", r)
		}
		d := math.Abs(float64(2*a - n))
		z := tail.TwoSidedNormal(max(0, d-1) / math.Sqrt(float64(n)))
		if math.Abs(r.P-z) > 0.01*z+1e-6 && d < 4*math.Sqrt(float64(n)) {
			t.Fatalf("%d/%d: P = %v, paired z gives %v", a, n-a, r.P, z)
		}
	}
}

// method.md 6: an unpaired z test ignores that both models saw the same examples.
// Here 1,000 examples, 900 and 918 right, of which 24 and 42 are discordant.
func TestUnpairedTestMisses(t *testing.T) {
	p := Exact(24, 42).P
	pooled := (900.0 + 918) / 2000
	unpaired := tail.TwoSidedNormal(18.0 / 1000 / math.Sqrt(2*pooled*(1-pooled)/1000))
	if !(p < 0.05 && unpaired > 0.15) {
		t.Errorf("paired P = %v, unpaired %v", p, unpaired)
	}
}

func TestOddsWithoutDiscordant(t *testing.T) {
	r := Exact(0, 0)
	if r.P != 1 || r.MidP != 1 {
		t.Errorf("got %+v", r)
	}
	if _, err := r.OddsRatio(); !errors.Is(err, ErrNoDiscordant) {
		t.Errorf("odds ratio: %v", err)
	}
	if _, _, err := r.OddsInterval(0.95); !errors.Is(err, ErrNoDiscordant) {
		t.Errorf("odds interval: %v", err)
	}
	if o, err := Exact(6, 4).OddsRatio(); err != nil || o != 1.5 {
		t.Errorf("odds ratio %v, %v", o, err)
	}
}

// P, the interval and the swapped table agree for any table.
func FuzzExact(f *testing.F) {
	f.Add(uint16(3), uint16(17))
	f.Add(uint16(0), uint16(6))
	f.Add(uint16(40000), uint16(40000))
	f.Fuzz(func(t *testing.T, a, b uint16) {
		r := Exact(int(a), int(b))
		if !(r.MidP >= 0 && r.MidP <= r.P && r.P <= 1) {
			t.Fatalf("out of order: %+v", r)
		}
		lo, hi, err := r.OddsInterval(0.95)
		if err != nil {
			return
		}
		if outside := lo > 1 || hi < 1; outside != (r.P < 0.05) && math.Abs(r.P-0.05) > 1e-9 {
			t.Fatalf("%+v but odds in [%v, %v]", r, lo, hi)
		}
	})
}
