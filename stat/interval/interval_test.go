package interval

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

func counts(t *testing.T, s string) []int {
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
	for _, row := range rows {
		c := counts(t, row[1])
		level, err1 := strconv.ParseFloat(row[2], 64)
		low, err2 := strconv.ParseFloat(row[3], 64)
		high, err3 := strconv.ParseFloat(row[4], 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		var got Interval
		switch row[0] {
		case "wilson":
			got, err = Wilson(c[0], c[1], level)
		case "wald":
			got, err = Wald(c[0], c[1], level)
		case "clopper":
			got, err = ClopperPearson(c[0], c[1], level)
		case "newcombe":
			got, err = Newcombe(c[0], c[1], c[2], c[3], level)
		default:
			t.Fatalf("unknown method %q", row[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		// statsmodels' own Wilson limit near 0 is a difference of two numbers near z²/n.
		if math.Abs(got.Low-low) > 1e-9*math.Abs(low)+1e-17 || math.Abs(got.High-high) > 1e-9*high {
			t.Errorf("%s %v at %v: %v, want [%v, %v]", row[0], c, level, got, low, high)
		}
	}
}

// Published values. Independent: Newcombe (1998), Statistics in Medicine 17,
// 873-890, table II, method 10 (also in reference.csv, from statsmodels). Paired: Newcombe
// (1998), ibid., 2635-2650, table III, method 10, and one table of a second source.
func TestPublished(t *testing.T) {
	for _, tc := range []struct {
		c         []int
		paired    bool
		low, high float64
		digits    float64
	}{
		{[]int{56, 70, 48, 80}, false, 0.0524, 0.3339, 5e-5},
		{[]int{9, 10, 3, 10}, false, 0.1705, 0.8090, 5e-5},
		{[]int{10, 10, 0, 20}, false, 0.6791, 1, 5e-5},
		{[]int{36, 12, 2, 0}, true, 0.0569, 0.3404, 5e-5},
		{[]int{20, 12, 2, 16}, true, 0.0562, 0.3292, 5e-5},
		{[]int{18, 12, 2, 18}, true, 0.0562, 0.3290, 5e-5},
		{[]int{36, 14, 0, 0}, true, 0.1528, 0.4167, 5e-5},
		{[]int{35, 14, 0, 1}, true, 0.1461, 0.4175, 5e-5},
		{[]int{18, 14, 0, 18}, true, 0.1441, 0.3963, 5e-5},
		{[]int{2, 97, 1, 0}, true, 0.8721, 0.9854, 5e-5},
		{[]int{1, 97, 1, 1}, true, 0.8736, 0.9850, 1e-4}, // 0.87367: printed cut, not rounded
		{[]int{0, 29, 1, 0}, true, 0.6666, 0.9882, 5e-5},
		{[]int{2, 98, 0, 0}, true, 0.9178, 0.9945, 5e-5},
		{[]int{1, 98, 0, 1}, true, 0.9171, 0.9916, 5e-5},
		{[]int{0, 30, 0, 0}, true, 0.8395, 1, 5e-5},
		{[]int{54, 0, 0, 0}, true, -0.0664, 0.0664, 5e-5},
		{[]int{53, 0, 0, 1}, true, -0.0729, 0.0729, 5e-5},
		{[]int{30, 0, 0, 24}, true, -0.0358, 0.0358, 5e-5},
		{[]int{27, 0, 0, 27}, true, -0.0351, 0.0351, 5e-5},
		{[]int{59, 6, 16, 80}, true, -0.1186, -0.0046, 5e-5}, // Fagerland et al., R contingencytables, Cavo et al. (2012)
	} {
		f := Newcombe
		if tc.paired {
			f = NewcombePaired
		}
		got, err := f(tc.c[0], tc.c[1], tc.c[2], tc.c[3], 0.95)
		if err != nil || math.Abs(got.Low-tc.low) > tc.digits || math.Abs(got.High-tc.high) > tc.digits {
			t.Errorf("%v paired %v: %v, %v; want [%v, %v]", tc.c, tc.paired, got, err, tc.low, tc.high)
		}
	}
}

// Every interval holds its estimate, grows with the level, lies in range, and is
// mirrored when successes and failures (or the two sides) are swapped.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	same := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	for range 3000 {
		n := 1 + rng.IntN(300)
		k := rng.IntN(n + 1)
		p := float64(k) / float64(n)
		level := 0.5 + 0.49*rng.Float64()
		for _, f := range []func(int, int, float64) (Interval, error){Wilson, ClopperPearson, Wald} {
			i, err1 := f(k, n, level)
			wide, err2 := f(k, n, (1+level)/2)
			m, err3 := f(n-k, n, level)
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			if !(0 <= i.Low && i.Low <= p+1e-15 && p <= i.High+1e-15 && i.High <= 1) || wide.Low > i.Low || wide.High < i.High {
				t.Fatalf("%d of %d: %v, wider %v", k, n, i, wide)
			}
			if !same(m.Low, 1-i.High) || !same(m.High, 1-i.Low) {
				t.Fatalf("%d of %d: %v is not mirrored by %v", k, n, i, m)
			}
		}
		a, b, c, d := rng.IntN(50), rng.IntN(20), rng.IntN(20), 1+rng.IntN(50)
		x, err1 := NewcombePaired(a, b, c, d, level)
		y, err2 := NewcombePaired(a, c, b, d, level)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		diff := float64(b-c) / float64(a+b+c+d)
		if !same(x.Low, -y.High) || !same(x.High, -y.Low) || x.Low > diff+1e-12 || x.High < diff-1e-12 || x.Low < -1 || x.High > 1 {
			t.Fatalf("(%d %d %d %d): %v, swapped %v", a, b, c, d, x, y)
		}
	}
}

// Exact coverage: Clopper–Pearson is never below the level; Wilson's average over p
// is near it, while Wald's is far below at n = 20.
func TestCoverage(t *testing.T) {
	const n, level = 20, 0.95
	mean := func(f func(int, int, float64) (Interval, error)) (average, least float64) {
		least = 1
		steps := 0
		for p := 0.005; p < 1; p += 0.005 {
			cover := 0.0
			for k := range n + 1 {
				i, err := f(k, n, level)
				if err != nil {
					t.Fatal(err)
				}
				if i.Contains(p) {
					cover += tail.BinomialProb(k, n, p)
				}
			}
			average += cover
			least = min(least, cover)
			steps++
		}
		return average / float64(steps), least
	}
	if _, least := mean(ClopperPearson); least < level {
		t.Errorf("Clopper–Pearson covers %v", least)
	}
	if a, _ := mean(Wilson); math.Abs(a-level) > 0.01 {
		t.Errorf("Wilson covers %v on average", a)
	}
	if a, _ := mean(Wald); a > 0.9 {
		t.Errorf("Wald covers %v on average: the check sees nothing", a)
	}
}

// MissedChange is the one-sided Clopper–Pearson limit at no success; the far row is
// the rule of three at n = 1e12.
func TestMissedChange(t *testing.T) {
	for _, n := range []int{1, 2, 10, 1000, 1_000_000} {
		i, err := ClopperPearson(0, n, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if got := MissedChange(0.05, n); math.Abs(got-i.High) > 1e-12*i.High {
			t.Errorf("n = %d: %v, want %v", n, got, i.High)
		}
	}
	if got, want := MissedChange(0.05, 1_000_000_000_000), -math.Log(0.05)*1e-12; math.Abs(got-want) > 1e-11*want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := MissedChange(0.05, 0); got != 1 {
		t.Errorf("no examples: %v", got)
	}
}

func TestNotMeasurable(t *testing.T) {
	for _, tc := range []struct {
		k, n int
		want error
	}{{0, 0, ErrNoTrials}, {-1, 5, ErrCounts}, {6, 5, ErrCounts}, {0, -1, ErrCounts}} {
		for _, f := range []func(int, int, float64) (Interval, error){Wilson, ClopperPearson, Wald} {
			if _, err := f(tc.k, tc.n, 0.95); !errors.Is(err, tc.want) {
				t.Errorf("%d of %d: %v, want %v", tc.k, tc.n, err, tc.want)
			}
		}
	}
	if _, err := NewcombePaired(0, 0, 0, 0, 0.95); !errors.Is(err, ErrNoTrials) {
		t.Errorf("empty pairs: %v", err)
	}
	if _, err := NewcombePaired(5, -1, 0, 0, 0.95); !errors.Is(err, ErrCounts) {
		t.Errorf("negative cell: %v", err)
	}
	if _, err := Newcombe(1, 0, 1, 2, 0.95); !errors.Is(err, ErrCounts) {
		t.Errorf("one of none: %v", err)
	}
}
