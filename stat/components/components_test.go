package components

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

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Max(math.Abs(b), 1e-6) }

// parse reads a table from testdata: digits of X+1, rows separated by "/".
func parse(s string) (table [][]int8) {
	for row := range strings.SplitSeq(s, "/") {
		var r []int8
		for _, c := range row {
			r = append(r, int8(c-'1'))
		}
		table = append(table, r)
	}
	return table
}

func parsePair(s string) Pair {
	base, variant, _ := strings.Cut(s, "|")
	return PairOf(parse(base), parse(variant))
}

// testdata/reference.csv is made by testdata/gen.py (numpy 1.24.2), which
// follows the definitions on the whole tables.
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
		var c Components
		var err error
		class, rest, _ := strings.Cut(row[1], "#")
		switch row[0] {
		case "paired":
			c, err = Paired(SumsOf(parse(class)))
		case "unpaired":
			c, err = Unpaired(parsePair(class))
		case "paired normalized":
			c, err = PairedNormalized(SumsOf(parse(class)), SumsOf(parse(rest)))
		case "unpaired normalized":
			c, err = UnpairedNormalized(parsePair(class), parsePair(rest))
		default:
			t.Fatalf("unknown kind %q", row[0])
		}
		if err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		m, err1 := c.Members()
		x, err2 := c.Examples()
		b, err3 := c.Both()
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatalf("%s: %v", row[0], err)
		}
		if m.V != c.A || x.V != c.B {
			t.Errorf("%s: Members %v, Examples %v, want A %v and B %v", row[0], m.V, x.V, c.A, c.B)
		}
		for i, got := range []float64{c.Mean, c.A, c.B, c.E, b.V, m.DoF, x.DoF, b.DoF} {
			want, err := strconv.ParseFloat(row[i+2], 64)
			if err != nil {
				t.Fatal(err)
			}
			if !near(got, want, 1e-9) {
				t.Errorf("%s %s: %s = %v, want %v", row[0], row[1], rows[0][i+2], got, want)
			}
		}
	}
}

// world makes tables of correctness with member, example and interaction
// effects. Members of the two populations of a pair are unrelated.
type world struct{ memberSD, exampleSD float64 }

func (w world) effects(rng *rand.Rand, n int, sd float64) []float64 {
	e := make([]float64, n)
	for i := range e {
		e[i] = sd * rng.NormFloat64()
	}
	return e
}

func (w world) table(rng *rand.Rand, members, examples []float64, shift float64) [][]int8 {
	t := make([][]int8, len(members))
	for k, m := range members {
		t[k] = make([]int8, len(examples))
		for i, e := range examples {
			if rng.NormFloat64() < 0.7+shift+m+e {
				t[k][i] = 1
			}
		}
	}
	return t
}

func (w world) pair(rng *rand.Rand, m0, mt, examples []float64) Pair {
	return PairOf(w.table(rng, m0, examples, 0), w.table(rng, mt, examples, -0.2))
}

// The mean of each estimated variance equals the variance of the estimate
// over replications that redraw what it covers: within 4 standard errors.
func TestUnbiased(t *testing.T) {
	const reps, k, nc, nr = 6000, 5, 8, 20
	w := world{memberSD: 0.4, exampleSD: 0.8}
	for _, covers := range []Covers{Members, Examples, Both} {
		for kind, make := range map[string]func(class, rest Pair) (Components, error){
			"unpaired":            func(class, _ Pair) (Components, error) { return Unpaired(class) },
			"single":              func(class, _ Pair) (Components, error) { return Paired(class.Base) },
			"unpaired normalized": UnpairedNormalized,
			"paired normalized":   func(class, rest Pair) (Components, error) { return PairedNormalized(class.Base, rest.Base) },
			"unpaired stratified": func(class, rest Pair) (Components, error) { return UnpairedStratified([]Pair{class, rest}) },
			"paired stratified":   func(class, rest Pair) (Components, error) { return PairedStratified([]Sums{class.Base, rest.Base}) },
		} {
			t.Run(covers.String()+" "+kind, func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(11, 12))
				m0, mt := w.effects(rng, k, w.memberSD), w.effects(rng, k+2, w.memberSD)
				xc, xr := w.effects(rng, nc, w.exampleSD), w.effects(rng, nr, w.exampleSD)
				var means, vs []float64
				for range reps {
					if covers != Examples {
						m0, mt = w.effects(rng, k, w.memberSD), w.effects(rng, k+2, w.memberSD)
					}
					if covers != Members {
						xc, xr = w.effects(rng, nc, w.exampleSD), w.effects(rng, nr, w.exampleSD)
					}
					c, err := make(w.pair(rng, m0, mt, xc), w.pair(rng, m0, mt, xr))
					if err != nil {
						t.Fatal(err)
					}
					v := c.A + c.B - c.E // without the floor, which biases
					switch covers {
					case Members:
						v = c.A
					case Examples:
						v = c.B
					}
					means, vs = append(means, c.Mean), append(vs, v)
				}
				truth, seTruth := varianceOf(means)
				got, spread := 0.0, 0.0
				for _, v := range vs {
					got += v / reps
				}
				for _, v := range vs {
					spread += (v - got) * (v - got) / reps
				}
				if se := math.Hypot(seTruth, math.Sqrt(spread/reps)); math.Abs(got-truth) > 4*se {
					t.Errorf("mean estimated variance %.3g, true %.3g, se %.2g", got, truth, se)
				}
			})
		}
	}
}

// varianceOf returns the sample variance and its standard error.
func varianceOf(x []float64) (v, se float64) {
	n := float64(len(x))
	var mean, m4 float64
	for _, a := range x {
		mean += a / n
	}
	for _, a := range x {
		d := (a - mean) * (a - mean)
		v += d / (n - 1)
		m4 += d * d / n
	}
	return v, math.Sqrt((m4 - v*v) / n)
}

// A 95 % interval for both covers the true difference about as often as it
// says, and one for examples only does not.
func TestCoverage(t *testing.T) {
	const reps, k, n = 1500, 10, 60
	w := world{memberSD: 0.3, exampleSD: 0.8}
	rng := rand.New(rand.NewPCG(21, 22))
	sd := math.Sqrt(1 + w.memberSD*w.memberSD + w.exampleSD*w.exampleSD)
	phi := func(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
	truth := phi(0.5/sd) - phi(0.7/sd)
	hit := map[Covers]float64{}
	for range reps {
		c, err := Unpaired(w.pair(rng, w.effects(rng, k, w.memberSD), w.effects(rng, k, w.memberSD), w.effects(rng, n, w.exampleSD)))
		if err != nil {
			t.Fatal(err)
		}
		for _, covers := range []Covers{Examples, Both} {
			lo, hi, err := c.Interval(0.95, covers)
			if err != nil {
				t.Fatal(err)
			}
			if lo <= truth && truth <= hi {
				hit[covers] += 1.0 / reps
			}
		}
	}
	if hit[Both] < 0.935 || hit[Both] > 0.985 {
		t.Errorf("interval for both covers %.3f of the time, want about .95", hit[Both])
	}
	if hit[Examples] > 0.85 {
		t.Errorf("interval for examples covers %.3f: the simulation shows no member variance", hit[Examples])
	}
}

// Exchanging the populations negates the mean and keeps every variance.
func TestSwap(t *testing.T) {
	w := world{memberSD: 0.5, exampleSD: 1}
	rng := rand.New(rand.NewPCG(31, 32))
	for range 200 {
		m0, mt := w.effects(rng, 2+rng.IntN(5), 1), w.effects(rng, 2+rng.IntN(5), 1)
		c, r := w.pair(rng, m0, mt, w.effects(rng, 2+rng.IntN(9), 1)), w.pair(rng, m0, mt, w.effects(rng, 2+rng.IntN(9), 1))
		turn := func(p Pair) Pair { return Pair{Base: p.Variant, Variant: p.Base, Cross: p.Cross} }
		a, err1 := UnpairedNormalized(c, r)
		b, err2 := UnpairedNormalized(turn(c), turn(r))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !near(a.Mean, -b.Mean, 1e-12) || !near(a.A, b.A, 1e-12) || !near(a.B, b.B, 1e-12) || !near(a.E, b.E, 1e-12) {
			t.Fatalf("swap: %+v against %+v", a, b)
		}
	}
}

// Class and rest are the two halves of one contrast: their normalized
// differences differ by the factor −(1−w)/w.
func TestNormalizedComplement(t *testing.T) {
	w := world{memberSD: 0.5, exampleSD: 1}
	rng := rand.New(rand.NewPCG(41, 42))
	m := w.effects(rng, 6, 0.5)
	class, rest := SumsOf(w.table(rng, m, w.effects(rng, 9, 1), 0)), SumsOf(w.table(rng, m, w.effects(rng, 31, 1), 0))
	a, err1 := PairedNormalized(class, rest)
	b, err2 := PairedNormalized(rest, class)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	f := 31.0 / 9
	if !near(a.Mean, -f*b.Mean, 1e-12) || !near(a.A, f*f*b.A, 1e-12) || !near(a.B, f*f*b.B, 1e-12) || !near(a.E, f*f*b.E, 1e-12) {
		t.Errorf("%+v is not −%v times %+v", a, f, b)
	}
}

// A recall that is the same in every member has member variance exactly 0,
// even where the means are not representable.
func TestExactZero(t *testing.T) {
	rows := make([]int64, 30)
	for k := range rows {
		rows[k] = 333_333_333
	}
	c, err := Paired(Sums{N: 1_000_000_000, Rows: rows, ColumnSquares: 30 * 30 * 333_333_333, Squares: 30 * 333_333_333})
	if err != nil {
		t.Fatal(err)
	}
	if c.A != 0 || c.E != 0 || !(c.B > 0) {
		t.Errorf("A = %v, E = %v, B = %v, want 0, 0 and positive", c.A, c.E, c.B)
	}
	if _, err := c.Members(); !errors.Is(err, ErrNoSpread) {
		t.Errorf("Members: %v, want ErrNoSpread", err)
	}
	if v, err := c.Both(); err != nil || v.V != c.B {
		t.Errorf("Both = %v, %v, want %v", v, err, c.B)
	}
	// Members with recalls 3/10 and 30/100 in class and rest move together.
	n, err := PairedNormalized(SumsOf(parse("2221111111/2111111111")), SumsOf(parse("22222211111111111111/22111111111111111111")))
	if err != nil {
		t.Fatal(err)
	}
	if n.A != 0 || n.Mean != 0 {
		t.Errorf("uniform loss: A = %v, Mean = %v, want exactly 0", n.A, n.Mean)
	}
}

func TestNotMeasurable(t *testing.T) {
	one := SumsOf(parse("12212"))
	c, err := Paired(one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Members(); !errors.Is(err, ErrOneMember) {
		t.Errorf("K = 1, members: %v", err)
	}
	if _, _, err := c.Interval(0.95, Both); !errors.Is(err, ErrOneMember) {
		t.Errorf("K = 1, both: %v", err)
	}
	if v, err := c.Examples(); err != nil || v.DoF != 4 {
		t.Errorf("K = 1, examples: %v, %v, want 4 degrees of freedom", v, err)
	}
	c, err = Paired(SumsOf(parse("1/2/2")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Examples(); !errors.Is(err, ErrOneExample) {
		t.Errorf("n = 1, examples: %v", err)
	}
	if _, err := c.Both(); !errors.Is(err, ErrOneExample) {
		t.Errorf("n = 1, both: %v", err)
	}
	for name, s := range map[string]Sums{
		"empty":     {},
		"no column": {Rows: []int64{1}},
		"squares":   {N: 2, Rows: []int64{2, 2}, ColumnSquares: 8, Squares: 3},
		"columns":   {N: 2, Rows: []int64{2, 2}, ColumnSquares: 7, Squares: 9},
	} {
		if _, err := Paired(s); !errors.Is(err, ErrSums) {
			t.Errorf("%s: %v, want ErrSums", name, err)
		}
	}
	if _, err := PairedNormalized(one, SumsOf(parse("12/22"))); !errors.Is(err, ErrSums) {
		t.Errorf("different members: %v, want ErrSums", err)
	}
	if _, err := Unpaired(Pair{Base: one, Variant: SumsOf(parse("12/22"))}); !errors.Is(err, ErrSums) {
		t.Errorf("different examples: %v, want ErrSums", err)
	}
	if _, _, err := c.Interval(1.5, Members); err == nil {
		t.Error("level 1.5 accepted")
	}
}

func BenchmarkUnpaired(b *testing.B) {
	w := world{memberSD: 0.3, exampleSD: 1}
	rng := rand.New(rand.NewPCG(1, 1))
	p := w.pair(rng, w.effects(rng, 30, 0.3), w.effects(rng, 30, 0.3), w.effects(rng, 50, 1))
	for b.Loop() {
		if _, err := Unpaired(p); err != nil {
			b.Fatal(err)
		}
	}
}
