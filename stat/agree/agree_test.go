package agree

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

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Max(math.Abs(b), 1e-3) }

func parse(t *testing.T, s string) (table Table) {
	t.Helper()
	for row := range strings.SplitSeq(s, "/") {
		var counts []int
		for f := range strings.SplitSeq(row, ";") {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, n)
		}
		table.Rows = append(table.Rows, counts)
	}
	return table
}

// testdata/reference.csv is made by testdata/gen.py (statsmodels 0.13.5).
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
	check := func(what string, r Result, err error, value, se string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		got, err := r.SE()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		v, err1 := strconv.ParseFloat(value, 64)
		s, err2 := strconv.ParseFloat(se, 64)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !near(r.Value, v, 1e-9) || !near(got, s, 1e-9) {
			t.Errorf("%s: %v (se %v), want %v (se %v)", what, r.Value, got, v, s)
		}
		if k := (r.Observed - r.Expected) / (1 - r.Expected); !near(k, r.Value, 1e-9) {
			t.Errorf("%s: observed %v and expected %v give %v, not %v", what, r.Observed, r.Expected, k, r.Value)
		}
	}
	for _, row := range rows[1:] {
		table := parse(t, row[0])
		if row[1] != "" {
			r, err := Fleiss(table)
			check("kappa", r, err, row[1], row[2])
		} else if _, err := Fleiss(table); !errors.Is(err, ErrRatings) {
			t.Errorf("unequal ratings: %v, want ErrRatings", err)
		}
		r, err := Krippendorff(table)
		check("alpha", r, err, row[3], row[4])
	}
}

// Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", sections
// A, B and C (nominal): .095, .692 and .743. A dot is a missing value.
func TestPublishedAlpha(t *testing.T) {
	for _, tc := range []struct {
		raters []string
		want   float64
	}{
		{[]string{"0100000010", "1110010000"}, 0.095},
		{[]string{"aabbdcccedda", "babbbccceddd"}, 0.692},
		{[]string{"123321412...", "1233224125.3", ".3332342251.", "12332441251."}, 0.743},
	} {
		units := make([][]int, len(tc.raters[0]))
		for u := range units {
			for _, r := range tc.raters {
				k := Missing
				if c := r[u]; c != '.' {
					k = strings.IndexByte("012345abcde", c)
				}
				units[u] = append(units[u], k)
			}
		}
		table, err := FromRatings(units, 11)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := Krippendorff(table); err != nil || math.Abs(r.Value-tc.want) > 0.0005 {
			t.Errorf("%v: alpha = %.4f, %v, want %v", tc.raters, r.Value, err, tc.want)
		}
	}
}

// Fleiss (1971) as in the textbooks: 14 raters, 10 units, kappa .210.
func TestPublishedKappa(t *testing.T) {
	table := parse(t, "0;0;0;0;14/0;2;6;4;2/0;0;3;5;6/0;3;9;2;0/2;2;8;1;1/7;7;0;0;0/3;2;6;3;0/2;5;3;2;2/6;5;2;1;0/0;2;2;3;7")
	if r, err := Fleiss(table); err != nil || math.Abs(r.Value-0.210) > 0.0005 || r.Units != 10 || r.Ratings != 140 {
		t.Errorf("%+v, %v, want kappa .210 of 10 units, 140 ratings", r, err)
	}
}

func randomTable(rng *rand.Rand, units, raters, categories int) Table {
	t := Table{}
	for range units {
		row := make([]int, categories)
		mood := rng.IntN(categories)
		for range raters {
			if rng.IntN(3) > 0 {
				row[mood]++
			} else {
				row[rng.IntN(categories)]++
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// With equal numbers of ratings 1−α = (1−κ)(n−1)/n; naming the categories or
// the units in another order changes nothing; times stand for repeated rows.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for range 200 {
		a := randomTable(rng, 2+rng.IntN(20), 2+rng.IntN(5), 2+rng.IntN(4))
		k, err1 := Fleiss(a)
		al, err2 := Krippendorff(a)
		if err1 != nil || err2 != nil {
			if !errors.Is(err1, ErrOneCategory) || !errors.Is(err2, ErrOneCategory) {
				t.Fatalf("%v: %v and %v", a, err1, err2)
			}
			continue
		}
		if n := float64(k.Ratings); !near(1-al.Value, (1-k.Value)*(n-1)/n, 1e-12) {
			t.Fatalf("%v: κ = %v, α = %v", a, k.Value, al.Value)
		}
		b := Table{Times: make([]int, len(a.Rows))}
		double := Table{Rows: append(append([][]int{}, a.Rows...), a.Rows...)}
		for u := range a.Rows {
			row := a.Rows[len(a.Rows)-1-u]
			turned := make([]int, len(row))
			for c, n := range row {
				turned[len(row)-1-c] = n
			}
			b.Rows, b.Times[u] = append(b.Rows, turned), 2
		}
		for _, f := range []func(Table) (Result, error){Fleiss, Krippendorff} {
			x, err1 := f(b)
			y, err2 := f(double)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			sx, err1 := x.SE()
			sy, err2 := y.SE()
			if !near(x.Value, y.Value, 1e-12) || x.Units != y.Units || !near(sx, sy, 1e-9) || (err1 == nil) != (err2 == nil) {
				t.Fatalf("%v: %+v (se %v) and %+v (se %v)", a, x, sx, y, sy)
			}
		}
	}
}

// The 95 % interval of kappa covers the long-run kappa about as often as it
// says.
func TestCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	truth, err := Fleiss(randomTable(rng, 300_000, 4, 3))
	if err != nil {
		t.Fatal(err)
	}
	const reps = 1000
	hits := [2]float64{}
	for range reps {
		table := randomTable(rng, 60, 4, 3)
		for i, f := range []func(Table) (Result, error){Fleiss, Krippendorff} {
			r, err := f(table)
			if err != nil {
				t.Fatal(err)
			}
			lo, hi, err := r.Interval(0.95)
			if err != nil {
				t.Fatal(err)
			}
			if lo <= truth.Value && truth.Value <= hi {
				hits[i] += 1.0 / reps
			}
		}
	}
	for i, h := range hits {
		if h < 0.925 || h > 0.975 {
			t.Errorf("coverage of %s %.3f, want about .95", []string{"kappa", "alpha"}[i], h)
		}
	}
}

func TestNotMeasurable(t *testing.T) {
	one := Table{Rows: [][]int{{3, 0}, {3, 0}}}
	perfect := Table{Rows: [][]int{{3, 0}, {0, 3}, {0, 3}, {3, 0}}}
	for _, f := range []func(Table) (Result, error){Fleiss, Krippendorff} {
		if _, err := f(one); !errors.Is(err, ErrOneCategory) {
			t.Errorf("one category: %v", err)
		}
		if _, err := f(Table{Rows: [][]int{{1, 0}, {0, 1}}}); !errors.Is(err, ErrRatings) {
			t.Errorf("one rating each: %v", err)
		}
		if _, err := f(Table{}); !errors.Is(err, ErrRatings) {
			t.Errorf("no units: %v", err)
		}
		for _, bad := range []Table{
			{Rows: [][]int{{1, -1}}},
			{Rows: [][]int{{1, 1}, {1, 1, 0}}},
			{Rows: [][]int{{1, 1}}, Times: []int{1, 2}},
			{Rows: [][]int{{1, 1}}, Times: []int{-1}},
		} {
			if _, err := f(bad); !errors.Is(err, ErrTable) {
				t.Errorf("%+v: %v, want ErrTable", bad, err)
			}
		}
		r, err := f(perfect)
		if err != nil || r.Value != 1 {
			t.Errorf("perfect: %+v, %v", r, err)
		}
		if _, _, err := r.Interval(0.95); !errors.Is(err, ErrNoSpread) {
			t.Errorf("interval of perfect agreement: %v, want ErrNoSpread", err)
		}
		r, err = f(Table{Rows: [][]int{{2, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.SE(); !errors.Is(err, ErrTooFew) {
			t.Errorf("one unit: %v, want ErrTooFew", err)
		}
		if _, _, err := r.Interval(2); err == nil {
			t.Error("level 2 accepted")
		}
	}
	// The only unit that used the second category cannot be left out.
	r, err := Krippendorff(Table{Rows: [][]int{{2, 0}, {1, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SE(); !errors.Is(err, ErrOneCategory) {
		t.Errorf("jackknife without spread: %v, want ErrOneCategory", err)
	}
	if _, err := FromRatings([][]int{{0, 3}}, 2); !errors.Is(err, ErrTable) {
		t.Errorf("unknown category: %v, want ErrTable", err)
	}
}
