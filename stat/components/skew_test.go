package components

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// voteCubes gathers the counts from whole tables.
func voteCubes(base, variant [][]int8) (c VoteCubes) {
	for i := range base[0] {
		var b, v int64
		for _, row := range base {
			b += int64(row[i])
		}
		for _, row := range variant {
			v += int64(row[i])
		}
		c.BBB += b * b * b
		c.BBV += b * b * v
		c.BVV += b * v * v
		c.VVV += v * v * v
	}
	return c
}

// testdata/skew.csv is made by testdata/skew.py (numpy 1.24.2, scipy 1.10.1).
func TestSkewReference(t *testing.T) {
	f, err := os.Open("testdata/skew.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		var got Skew
		if a, b, ok := strings.Cut(row[1], "|"); ok {
			got, err = UnpairedSkew(parsePair(row[1]), voteCubes(parse(a), parse(b)))
		} else {
			got, err = PairedSkew(SumsOf(parse(row[1])), CubesOf(parse(row[1])))
		}
		if err != nil {
			t.Fatalf("%s: %v", row[1], err)
		}
		for i, x := range []float64{got.Examples, got.Both, got.Covariance} {
			want, err := strconv.ParseFloat(row[i+2], 64)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(x-want) > 1e-12*math.Max(1, math.Abs(want)) {
				t.Errorf("%s %s: %s = %v, want %v", row[0], row[1], rows[0][i+2], x, want)
			}
		}
	}
}

// TestSkewOfWorld: over many tables the estimated covariance is that of the mean and
// its estimated variance, and the cumulants of the examples alone miss a part of it.
func TestSkewOfWorld(t *testing.T) {
	const reps, k, n = 6000, 12, 80
	rng := rand.New(rand.NewPCG(41, 42))
	// P(1) = .2 + α_k + β_i + 2·α_k·β_i: members are symmetric, α = ±.1, and one example in
	// five is hard, β = .32 (else −.08).
	world := func() [][]int8 {
		hard := make([]float64, n)
		for i := range hard {
			if hard[i] = -0.08; rng.IntN(5) == 0 {
				hard[i] = 0.32
			}
		}
		x := make([][]int8, k)
		for j := range x {
			x[j] = make([]int8, n)
			ability := 0.1 * float64(2*rng.IntN(2)-1)
			for i, h := range hard {
				if rng.Float64() < 0.2+ability+h+2*ability*h {
					x[j][i] = 1
				}
			}
		}
		return x
	}
	var mean, v, said, alone []float64
	for range reps {
		x := world()
		c, err := Paired(SumsOf(x))
		if err != nil {
			t.Fatal(err)
		}
		s, err := PairedSkew(SumsOf(x), CubesOf(x))
		if err != nil {
			t.Fatal(err)
		}
		mean, v = append(mean, c.Mean), append(v, c.A+c.B-c.E)
		said, alone = append(said, s.Covariance), append(alone, s.Examples)
	}
	average := func(x []float64) (m float64) {
		for _, a := range x {
			m += a / float64(len(x))
		}
		return m
	}
	m, mv := average(mean), average(v)
	product := make([]float64, reps)
	for i := range product {
		product[i] = (mean[i] - m) * (v[i] - mv)
	}
	truth := average(product)
	spread, _ := varianceOf(product)
	se := math.Sqrt(spread / reps)
	if got := average(said); math.Abs(got-truth) > 4*se {
		t.Errorf("covariance %.3g, want %.3g (SE %.2g)", got, truth, se)
	}
	if got := average(alone); truth-got < 6*se {
		t.Errorf("examples alone give %.3g of %.3g: the world shows no cross term", got, truth)
	}
}

// TestSkewSwap: exchanging the models negates every part.
func TestSkewSwap(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	for range 200 {
		k, n := 1+rng.IntN(5), 3+rng.IntN(20)
		x, y := make([][]int8, k), make([][]int8, k)
		for j := range x {
			x[j], y[j] = make([]int8, n), make([]int8, n)
			for i := range x[j] {
				x[j][i] = int8(rng.IntN(3) - 1)
				y[j][i] = -x[j][i]
			}
		}
		a, err1 := PairedSkew(SumsOf(x), CubesOf(x))
		b, err2 := PairedSkew(SumsOf(y), CubesOf(y))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for i, d := range []float64{a.Examples + b.Examples, a.Both + b.Both, a.Covariance + b.Covariance} {
			if math.Abs(d) > 1e-12 {
				t.Errorf("part %d: %+v and %+v", i, a, b)
			}
		}
	}
}

// TestSkewRefuses: counts of other tables, and too few examples.
func TestSkewRefuses(t *testing.T) {
	x := [][]int8{{1, 0, -1, 1}, {0, 0, 1, 1}}
	c := CubesOf(x)
	c.Rows = c.Rows[:1]
	if _, err := PairedSkew(SumsOf(x), c); err == nil {
		t.Error("counts of one member for two were taken")
	}
	small := [][]int8{{1, 0}, {0, 1}}
	if _, err := PairedSkew(SumsOf(small), CubesOf(small)); err != ErrOneExample {
		t.Errorf("two examples: %v", err)
	}
	if _, err := UnpairedSkew(PairOf(small, small), VoteCubes{}); err != ErrOneExample {
		t.Errorf("two examples: %v", err)
	}
}
