package multiple

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

type procedure struct {
	name   string
	adjust func([]float64) ([]float64, error)
}

var procedures = []procedure{ // in the order of the columns of reference.csv
	{"Bonferroni", Bonferroni}, {"Holm", Holm}, {"BenjaminiHochberg", BenjaminiHochberg}, {"BenjaminiYekutieli", BenjaminiYekutieli},
}

// TestReference compares with statsmodels 0.13.5; testdata/gen.py writes the file.
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
	families := map[string][][]float64{}
	for _, row := range rows {
		var v []float64
		for _, s := range row[1:] {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			v = append(v, x)
		}
		families[row[0]] = append(families[row[0]], v)
	}
	far := false
	for name, rows := range families {
		p := make([]float64, len(rows))
		for i, r := range rows {
			p[i] = r[0]
		}
		for m, proc := range procedures {
			q, err := proc.adjust(p)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range rows {
				if want := r[1+m]; math.Abs(q[i]-want) > 1e-12*want {
					t.Errorf("family %s, %s of %v = %v, want %v", name, proc.name, p[i], q[i], want)
				}
				far = far || q[i] > 0 && q[i] < 1e-15
			}
		}
	}
	if !far {
		t.Error("no adjusted value below 1e-15")
	}
}

// Benjamini and Hochberg (1995), section 3.2: of these 15 p-values their
// procedure rejects the four smallest at .05, Bonferroni the three smallest.
func TestPublishedExample(t *testing.T) {
	p := []float64{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1.000}
	for _, tc := range []struct {
		procedure
		want int
	}{{procedures[2], 4}, {procedures[0], 3}, {procedures[1], 3}} {
		q, err := tc.adjust(p)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, v := range q {
			if v <= 0.05 {
				got++
			}
		}
		if got != tc.want {
			t.Errorf("%s rejects %d, want %d", tc.name, got, tc.want)
		}
	}
}

// Properties, for random families with ties: adjusted ≥ raw, in [0, 1], monotone
// in p, ties equal, the order of the input is kept, and BH ≤ BY, Holm ≤ Bonferroni.
func TestProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	for range 500 {
		p := make([]float64, rng.IntN(60))
		for i := range p {
			p[i] = math.Pow(math.Round(rng.Float64()*50)/50, float64(1+rng.IntN(4)))
		}
		perm := rng.Perm(len(p))
		shuffled := make([]float64, len(p))
		for i, at := range perm {
			shuffled[i] = p[at]
		}
		var all [][]float64
		for _, proc := range procedures {
			q := checked(t, proc, p)
			s := checked(t, proc, shuffled)
			for i, at := range perm {
				if s[i] != q[at] {
					t.Fatalf("%s: adjusted value changes with the order of the tests", proc.name)
				}
			}
			all = append(all, q)
		}
		for i := range p {
			if all[1][i] > all[0][i] || all[2][i] > all[3][i] || all[2][i] > all[1][i]*(1+1e-15) {
				t.Fatalf("p = %v: procedures out of order: %v %v %v %v", p[i], all[0][i], all[1][i], all[2][i], all[3][i])
			}
		}
	}
}

func checked(t *testing.T, proc procedure, p []float64) []float64 {
	t.Helper()
	before := slices.Clone(p)
	q, err := proc.adjust(p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, p) || len(q) != len(p) {
		t.Fatalf("%s changed its input or its length", proc.name)
	}
	for i := range p {
		if !(q[i] >= p[i] && q[i] <= 1) {
			t.Fatalf("%s: adjusted %v below raw %v or above 1", proc.name, q[i], p[i])
		}
		for j := range p {
			if p[i] < p[j] && q[i] > q[j] || p[i] == p[j] && q[i] != q[j] {
				t.Fatalf("%s: %v -> %v but %v -> %v", proc.name, p[i], q[i], p[j], q[j])
			}
		}
	}
	return q
}

func TestNotProbability(t *testing.T) {
	for _, proc := range procedures {
		for _, bad := range []float64{math.NaN(), -1e-9, 1.5, math.Inf(1)} {
			if q, err := proc.adjust([]float64{0.1, bad, 0.2}); !errors.Is(err, ErrNotProbability) || q != nil {
				t.Errorf("%s accepts %v: %v, %v", proc.name, bad, q, err)
			}
		}
		if q, err := proc.adjust(nil); err != nil || len(q) != 0 {
			t.Errorf("%s of an empty family: %v, %v", proc.name, q, err)
		}
	}
}

// Under a complete null, Benjamini–Hochberg at 10 % finds anything in 10 % of the
// families. Dividing by argsort instead of by rank (method.md 6) finds something in
// nearly all of them; the same simulation must be able to see that.
func TestCompleteNull(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 2))
	const trials, m, level = 4000, 100, 0.1
	right, wrong := 0, 0
	for range trials {
		p := make([]float64, m)
		for i := range p {
			p[i] = rng.Float64()
		}
		q, err := BenjaminiHochberg(p)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Min(q) <= level {
			right++
		}
		for i, at := range ascending(p) { // the trap: position i gets the "rank" at
			if float64(m)/float64(at+1)*p[i] <= level {
				wrong++
				break
			}
		}
	}
	se := math.Sqrt(level * (1 - level) / trials)
	if rate := float64(right) / trials; math.Abs(rate-level) > 3.5*se {
		t.Errorf("false alarms in %.3f of the families, want %.2f", rate, level)
	}
	if rate := float64(wrong) / trials; rate < 0.9 {
		t.Errorf("the trap raises only %.3f false alarms: this simulation sees nothing", rate)
	}
}

func BenchmarkBenjaminiHochberg100k(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 3))
	p := make([]float64, 100_000)
	for i := range p {
		p[i] = rng.Float64()
	}
	for b.Loop() {
		if _, err := BenjaminiHochberg(p); err != nil {
			b.Fatal(err)
		}
	}
}
