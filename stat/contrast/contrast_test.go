package contrast

import (
	"encoding/csv"
	"errors"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

func near(a, b, rel float64) bool { return a == b || math.Abs(a-b) <= rel*math.Abs(b) }

// testdata/reference.csv is made by testdata/gen.py (scipy 1.10.1).
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
	far := 0
	for _, row := range rows[1:] {
		var v [9]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		class := Counts{int(v[0]), int(v[1]), int(v[2])}
		rest := Counts{int(v[3]), int(v[4]), int(v[5])}
		normal := DefaultOptions()
		normal.NormalFrom = 0
		r, err := Test(class, rest, normal)
		if err != nil {
			t.Fatal(err)
		}
		if !near(r.Effect, v[6], 1e-9) || !near(r.T, v[7], 1e-9) {
			t.Errorf("%v: effect %v, T %v, want %v, %v", row[:6], r.Effect, r.T, v[6], v[7])
		}
		if !r.Degenerate && (r.Method != Normal || !near(r.P, v[8], 1e-9)) {
			t.Errorf("%v: %v P = %v, want %v", row[:6], r.Method, r.P, v[8])
		}
		if row[9] == "" {
			continue
		}
		want, err := strconv.ParseFloat(row[9], 64)
		if err != nil {
			t.Fatal(err)
		}
		exact := DefaultOptions()
		exact.NormalFrom = math.MaxInt
		r, err = Test(class, rest, exact)
		if err != nil || r.Method != Exact || !near(r.P, want, 1e-9) {
			t.Errorf("%v: %v P = %v, %v, want %v", row[:6], r.Method, r.P, err, want)
		}
		if want < 1e-15 {
			far++
		}
	}
	if far == 0 {
		t.Error("no reference row below 1e-15")
	}
}

// Every assignment of up to 12 examples to the class, one by one.
func TestBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	exact := DefaultOptions()
	exact.NormalFrom = math.MaxInt
	for range 60 {
		d := make([]int, 4+rng.IntN(9))
		for i := range d {
			d[i] = rng.IntN(3) - 1
		}
		split := func(set uint) (class, rest Counts) {
			for i, v := range d {
				g := &rest
				if set>>i&1 == 1 {
					g = &class
				}
				switch v {
				case -1:
					g.Minus++
				case 0:
					g.Zero++
				default:
					g.Plus++
				}
			}
			return class, rest
		}
		n := 1 + rng.IntN(len(d)-1)
		class, rest := split(1<<n - 1)
		r, err := Test(class, rest, exact)
		if err != nil {
			continue
		}
		extreme, all := 0.0, 0.0
		for set := uint(0); set < 1<<len(d); set++ {
			if bits.OnesCount(set) == n {
				all++
				if math.Abs(studentized(split(set))) >= math.Abs(r.T)*(1-1e-9) {
					extreme++
				}
			}
		}
		if !near(r.P, extreme/all, 1e-12) {
			t.Errorf("%+v against %+v: P = %v, want %v/%v", class, rest, r.P, extreme, all)
		}
	}
}

// The drawn P agrees with the exact one to 5 Monte Carlo standard errors, is
// the same for the same seed, and is never 0.
func TestDrawn(t *testing.T) {
	draw := DefaultOptions()
	draw.NormalFrom, draw.ExactCells, draw.Replicates = math.MaxInt, 0, 99_999
	exact := DefaultOptions()
	exact.NormalFrom = math.MaxInt
	for _, tc := range [][2]Counts{
		{{3, 5, 1}, {2, 20, 4}},
		{{8, 40, 2}, {30, 400, 35}},
		{{2, 300, 9}, {50, 4000, 60}},
		{{5, 0, 0}, {0, 30, 0}},
		{{40, 3, 40}, {3, 2, 1}},
	} {
		d, err1 := Test(tc[0], tc[1], draw)
		again, err2 := Test(tc[0], tc[1], draw)
		e, err3 := Test(tc[0], tc[1], exact)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if d.Method != Drawn || d.Replicates != 99_999 || d != again {
			t.Errorf("%+v: drawn %+v, again %+v", tc, d, again)
		}
		if se := math.Sqrt(e.P*(1-e.P)/99_999) + 1e-5; math.Abs(d.P-e.P) > 5*se {
			t.Errorf("%+v: drawn P %v, exact %v, se %.2g", tc, d.P, e.P, se)
		}
		if d.P < 1e-5 {
			t.Errorf("%+v: drawn P %v below 1/(B+1)", tc, d.P)
		}
	}
}

// A table of a hypergeometric count against its definition.
func TestTable(t *testing.T) {
	choose := func(n, k int) float64 {
		c := 1.0
		for i := range k {
			c = c * float64(n-i) / float64(i+1)
		}
		return c
	}
	for marked := 0; marked <= 6; marked++ {
		for plain := 0; plain <= 6; plain++ {
			for draws := 0; draws <= marked+plain; draws++ {
				tab := newTable(marked, plain, draws)
				total, prev := tab.cdf[len(tab.cdf)-1], 0.0
				for i, c := range tab.cdf {
					k := tab.lo + i
					want := choose(marked, k) * choose(plain, draws-k) / choose(marked+plain, draws)
					if got := (c - prev) / total; math.Abs(got-want) > 1e-14 {
						t.Fatalf("%d marked, %d plain, %d draws: Pr(%d) = %v, want %v", marked, plain, draws, k, got, want)
					}
					prev = c
				}
			}
		}
	}
}

// Exact P: over all classes that could have been drawn, P ≤ α comes up at
// most a share α of the time, and not much less (it is not conservative by
// more than one step).
func TestExactSize(t *testing.T) {
	o := DefaultOptions()
	o.NormalFrom = math.MaxInt
	all := Counts{Minus: 9, Zero: 40, Plus: 7}
	u := urn{all: all, size: 12}
	atMost := map[float64]float64{.01: 0, .05: 0, .2: 0, .5: 0}
	for a := 0; a <= all.Minus; a++ {
		for b := 0; b <= all.Plus && a+b <= u.size; b++ {
			class := Counts{a, u.size - a - b, b}
			r, err := Test(class, Counts{all.Minus - a, all.Zero - class.Zero, all.Plus - b}, o)
			if err != nil {
				t.Fatal(err)
			}
			pr := choose3(all, class)
			for alpha := range atMost {
				if r.P <= alpha {
					atMost[alpha] += pr
				}
			}
		}
	}
	for alpha, size := range atMost {
		if size > alpha*(1+1e-12) || size < alpha/4 {
			t.Errorf("Pr(P ≤ %v) = %v", alpha, size)
		}
	}
}

// choose3 is the probability of drawing the class from all.
func choose3(all, class Counts) float64 {
	lc := func(n, k int) float64 {
		f := func(v int) float64 { g, _ := math.Lgamma(float64(v + 1)); return g }
		return f(n) - f(k) - f(n-k)
	}
	return math.Exp(lc(all.Minus, class.Minus) + lc(all.Zero, class.Zero) + lc(all.Plus, class.Plus) - lc(all.N(), class.N()))
}

func TestNotMeasurable(t *testing.T) {
	for _, tc := range []struct {
		class, rest Counts
		want        error
	}{
		{Counts{}, Counts{1, 2, 3}, ErrNoExamples},
		{Counts{1, 2, 3}, Counts{}, ErrNoExamples},
		{Counts{0, 5, 0}, Counts{0, 9, 0}, ErrNoDiscordant},
		{Counts{5, 0, 0}, Counts{9, 0, 0}, ErrNoSpread},
		{Counts{0, 0, 5}, Counts{0, 0, 1}, ErrNoSpread},
		{Counts{-1, 5, 0}, Counts{0, 9, 0}, ErrCounts},
	} {
		if _, err := Test(tc.class, tc.rest, DefaultOptions()); !errors.Is(err, tc.want) {
			t.Errorf("Test(%+v, %+v) = %v, want %v", tc.class, tc.rest, err, tc.want)
		}
	}
	if _, err := Test(Counts{1, 2, 3}, Counts{1, 2, 3}, Options{}); err == nil {
		t.Error("0 replicates accepted")
	}
	r, err := Test(Counts{5, 0, 0}, Counts{0, 30, 0}, DefaultOptions())
	if err != nil || !r.Degenerate || !math.IsInf(r.T, -1) || !(r.P > 0 && r.P < 1e-5) {
		t.Errorf("class lost entirely: %+v, %v", r, err)
	}
}

// With the same 20 or more discordant examples on both sides the normal tail
// is used, with 19 it is not.
func TestMethod(t *testing.T) {
	for _, tc := range []struct {
		minus int
		want  Method
	}{{20, Normal}, {19, Exact}} {
		r, err := Test(Counts{tc.minus, 100, 0}, Counts{20, 900, 30}, DefaultOptions())
		if err != nil || r.Method != tc.want {
			t.Errorf("%d discordant in the class: %v, %v, want %v", tc.minus, r.Method, err, tc.want)
		}
	}
}

// Exchanging −1 and +1 negates T and the effect; exchanging class and rest
// negates T. P stays.
func FuzzSymmetry(f *testing.F) {
	f.Add(uint8(3), uint8(5), uint8(1), uint8(2), uint8(20), uint8(4))
	f.Add(uint8(30), uint8(5), uint8(1), uint8(22), uint8(20), uint8(4))
	f.Add(uint8(5), uint8(0), uint8(0), uint8(0), uint8(30), uint8(0))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g uint8) {
		class, rest := Counts{int(a), int(b), int(c)}, Counts{int(d), int(e), int(g)}
		o := DefaultOptions()
		o.ExactCells = math.MaxInt
		r, err := Test(class, rest, o)
		if err != nil {
			return
		}
		if !(r.P > 0 && r.P <= 1) || math.IsNaN(r.T) {
			t.Fatalf("%+v", r)
		}
		m, err1 := Test(Counts{class.Plus, class.Zero, class.Minus}, Counts{rest.Plus, rest.Zero, rest.Minus}, o)
		s, err2 := Test(rest, class, o)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if m.T != -r.T || m.Effect != -r.Effect || !near(m.P, r.P, 1e-9) {
			t.Fatalf("mirrored: %+v, %+v", r, m)
		}
		if !near(s.T, -r.T, 1e-12) || !near(s.P, r.P, 1e-9) {
			t.Fatalf("exchanged: %+v, %+v", r, s)
		}
	})
}

func BenchmarkExact(b *testing.B) { benchmark(b, Counts{4, 43, 3}, Counts{3000, 44000, 2950}, 100_000) }
func BenchmarkDrawn(b *testing.B) { benchmark(b, Counts{4, 43, 3}, Counts{3000, 44000, 2950}, 0) }

func benchmark(b *testing.B, class, rest Counts, cells int) {
	o := DefaultOptions()
	o.ExactCells = cells
	for b.Loop() {
		if _, err := Test(class, rest, o); err != nil {
			b.Fatal(err)
		}
	}
}
