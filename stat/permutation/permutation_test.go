package permutation

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

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

func meanDifference(x, y []float64) float64 {
	mean := func(v []float64) float64 {
		s := 0.0
		for _, e := range v {
			s += e
		}
		return s / float64(len(v))
	}
	return mean(x) - mean(y)
}

// byPools is the exact two-sample test through [Pools].
func byPools(r Rearrangements, pool []float64, k0 int) float64 {
	observed := meanDifference(pool[:k0], pool[k0:])
	count := 0
	for inFirst := range r.Assignments() {
		var x, y []float64
		for i, v := range pool {
			if inFirst[i] {
				x = append(x, v)
			} else {
				y = append(y, v)
			}
		}
		if AtLeast(meanDifference(x, y), observed) {
			count++
		}
	}
	return r.P(count)
}

// TestReference compares with scipy 1.10.1 (testdata/gen.py): sign flips and pools
// exactly, the random two-sample test within its Monte Carlo error.
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
		x, y := numbers(t, row[1]), numbers(t, row[2])
		want := numbers(t, row[3])[0]
		if row[0] == "flip" {
			r, err := SignFlip(x)
			if err != nil || !r.Exact || math.Abs(r.P-want) > 1e-12 {
				t.Errorf("flips of %v: %+v, %v; want %v", x, r, err, want)
			}
			continue
		}
		pools := Pools(len(x), len(y), Draws, 1)
		if got := byPools(pools, slices.Concat(x, y), len(x)); !pools.Exact() || math.Abs(got-want) > 1e-12 {
			t.Errorf("pools: p = %v (exact %v), want %v", got, pools.Exact(), want)
		}
		random := Pools(len(x), len(y), 10, 1)
		if random.Exact() {
			t.Errorf("10 draws from pools of %d and %d count as all", len(x), len(y))
		}
		p, err := TwoSample(x, y, meanDifference, 3, Draws)
		if se := math.Sqrt(want*(1-want)/Draws) + 1.0/Draws; err != nil || math.Abs(p-want) > 4*se {
			t.Errorf("two samples: p = %v, %v; want %v ± %v", p, err, want, 4*se)
		}
	}
}

// All sign vectors are listed once, as observed first, one sign changing at a time.
func TestSwapsListAll(t *testing.T) {
	for l := 1; l <= MaxExactLineages; l++ {
		r := Swaps(l, Draws, 0)
		seen := map[string]bool{}
		var previous []int8
		for signs := range r.Signs() {
			if previous == nil && slices.Contains(signs, -1) {
				t.Fatalf("%d lineages: the first vector is %v", l, signs)
			}
			changed := 0
			for i := range previous {
				if previous[i] != signs[i] {
					changed++
				}
			}
			if previous != nil && changed != 1 {
				t.Fatalf("%d lineages: %d signs change at once", l, changed)
			}
			previous = slices.Clone(signs)
			seen[fmt.Sprint(signs)] = true
		}
		if len(seen) != 1<<l || r.Len() != 1<<l || !r.Exact() {
			t.Fatalf("%d lineages: %d different vectors of %d", l, len(seen), r.Len())
		}
		if got, want := r.MinP(true), min(1, math.Exp2(1-float64(l))); got != want {
			t.Fatalf("%d lineages: least P %v, want %v", l, got, want)
		}
	}
}

func TestSwapsDraw(t *testing.T) {
	const l = 70 // more than a word of signs
	draw := func(seed uint64) (all [][]int8) {
		for signs := range Swaps(l, Draws, seed).Signs() {
			all = append(all, slices.Clone(signs))
		}
		return all
	}
	a, b, other := draw(5), draw(5), draw(6)
	if len(a) != Draws || Swaps(l, Draws, 5).Exact() {
		t.Fatalf("%d vectors", len(a))
	}
	if !slices.EqualFunc(a, b, slices.Equal) || slices.EqualFunc(a, other, slices.Equal) {
		t.Error("draws do not follow the seed")
	}
	for i := range l { // each sign is fair and independent of its neighbour
		plus, same := 0, 0
		for _, s := range a {
			if s[i] == 1 {
				plus++
			}
			if s[i] == s[(i+1)%l] {
				same++
			}
		}
		if limit := 4.5 * math.Sqrt(Draws) / 2; math.Abs(float64(plus)-Draws/2.0) > limit || math.Abs(float64(same)-Draws/2.0) > limit {
			t.Errorf("lineage %d: %d of %d unswapped, %d like the next", i, plus, Draws, same)
		}
	}
	if got := Swaps(l, Draws, 0).MinP(true); got != 1e-4 {
		t.Errorf("least P %v", got)
	}
}

// The identity counts once: among all swaps it is listed, among random ones added.
func TestIdentityCountsOnce(t *testing.T) {
	for _, l := range []int{4, 12, 13} {
		r := Swaps(l, Draws, 9)
		count := 0
		for signs := range r.Signs() {
			s := 0
			for _, v := range signs {
				s += int(v)
			}
			if s >= l { // only the observed vector reaches l
				count++
			}
		}
		want := 1 / float64(r.Len())
		if !r.Exact() {
			want = float64(1+count) / (Draws + 1)
		} else if count != 1 {
			t.Errorf("%d lineages: %d vectors reach the observed value", l, count)
		}
		if got := r.P(count); got != want {
			t.Errorf("%d lineages: P = %v, want %v", l, got, want)
		}
	}
}

func TestPoolsListAll(t *testing.T) {
	for _, k := range [][2]int{{1, 1}, {1, 4}, {3, 3}, {5, 2}, {6, 6}} {
		r := Pools(k[0], k[1], Draws, 0)
		seen := map[string]bool{}
		first := true
		for a := range r.Assignments() {
			in := 0
			for i, v := range a {
				if v {
					in++
				}
				if first && v != (i < k[0]) {
					t.Fatalf("pools %v: the first assignment is %v", k, a)
				}
			}
			if in != k[0] {
				t.Fatalf("pools %v: %d members in the first", k, in)
			}
			first = false
			seen[fmt.Sprint(a)] = true
		}
		want := int(math.Round(math.Exp(tail.LogChoose(k[0]+k[1], k[0]))))
		if len(seen) != want || r.Len() != want {
			t.Errorf("pools %v: %d assignments, want %d", k, len(seen), want)
		}
	}
	big := Pools(30, 30, 500, 2)
	n := 0
	for a := range big.Assignments() {
		n++
		if in := len(slices.DeleteFunc(slices.Clone(a), func(v bool) bool { return !v })); in != 30 {
			t.Fatalf("%d members in the first pool", in)
		}
	}
	if n != 500 || big.Exact() {
		t.Errorf("%d draws", n)
	}
}

// At and beyond the switch the normal tail is near the exact P, and far out it is not
// stuck at what random flips can say. mpmath 1.2.1: erfc(√(400/2)) = 5.507248237212467e-89.
func TestSignFlipNormal(t *testing.T) {
	x := make([]float64, 400)
	for i := range x {
		x[i] = 0.25
	}
	r, err := SignFlip(x)
	if err != nil || r.Exact || math.Abs(r.P-5.507248237212467e-89) > 1e-98 || r.Z != 20 || r.Mean != 0.25 {
		t.Errorf("got %+v, %v", r, err)
	}
	rng := rand.New(rand.NewPCG(15, 1))
	for range 20 {
		y := make([]float64, 19)
		for i := range y {
			y[i] = rng.NormFloat64() + 0.3
		}
		r, err := SignFlip(y)
		if err != nil || !r.Exact {
			t.Fatalf("%+v, %v", r, err)
		}
		if z := tail.TwoSidedNormal(r.Z); math.Abs(r.P-z) > 0.02 {
			t.Errorf("exact %v, normal %v", r.P, z)
		}
	}
}

// Signs, scale and zeros do not change P; a shift of all values down negates Z.
func FuzzSignFlip(f *testing.F) {
	f.Add(1.0, 2.0, -1.0, 0.5)
	f.Add(1e-300, 1e300, 0.0, 3.0)
	f.Fuzz(func(t *testing.T, a, b, c, d float64) {
		r, err := SignFlip([]float64{a, b, c, d})
		if err != nil {
			return
		}
		s, err := SignFlip([]float64{-a, 0, -b, -c, -d})
		if err != nil || r.P != s.P || math.Abs(r.Z+s.Z) > 1e-12 || !(r.P > 0 && r.P <= 1) {
			t.Fatalf("%+v, negated %+v, %v", r, s, err)
		}
	})
}

// Under the null hypothesis P ≤ α happens with probability at most α.
func TestTwoSampleSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 2))
	const trials = 1500
	found := 0
	for trial := range trials {
		x, y := make([]float64, 6), make([]float64, 9)
		for i := range x {
			x[i] = rng.ExpFloat64()
		}
		for i := range y {
			y[i] = rng.ExpFloat64()
		}
		p, err := TwoSample(x, y, meanDifference, uint64(trial), 99)
		if err != nil {
			t.Fatal(err)
		}
		if p <= 0.05 {
			found++
		}
	}
	if rate, se := float64(found)/trials, math.Sqrt(0.05*0.95/trials); math.Abs(rate-0.05) > 3.5*se {
		t.Errorf("P ≤ .05 in %.4f of the trials", rate)
	}
}

func TestNotMeasurable(t *testing.T) {
	for _, tc := range []struct {
		x    []float64
		want error
	}{{nil, ErrEmpty}, {[]float64{0, 0}, ErrNoSpread}, {[]float64{1, math.NaN()}, ErrNotFinite}} {
		if _, err := SignFlip(tc.x); !errors.Is(err, tc.want) {
			t.Errorf("SignFlip(%v): %v, want %v", tc.x, err, tc.want)
		}
	}
	if _, err := TwoSample(nil, []float64{1}, meanDifference, 0, 9); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty sample: %v", err)
	}
	nan := func(_, _ []float64) float64 { return math.NaN() }
	if _, err := TwoSample([]float64{2}, []float64{1}, nan, 0, 9); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN statistic: %v", err)
	}
}
