package interval

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestContrastOfOneIsNewcombePaired(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		c := [4]int{rng.IntN(200), rng.IntN(20), rng.IntN(20), 1 + rng.IntN(60)}
		want, err := NewcombePaired(c[0], c[1], c[2], c[3], 0.9)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewcombePairedContrast(c[0], c[1], c[2], c[3], 1, 0.9)
		if err != nil || math.Abs(got.Low-want.Low)+math.Abs(got.High-want.High) > 1e-15 {
			t.Fatalf("%v: %v, want %v (%v)", c, got, want, err)
		}
	}
}

// TestContrastValue: 90 both right, 6 only the first, 2 only the second, 2
// neither, keep .95, 90 %. With z = 1.6448536269514722 the formula in the package
// comment, evaluated in python3 3.11 (testdata/contrast.py), gives the limits.
func TestContrastValue(t *testing.T) {
	got, err := NewcombePairedContrast(90, 6, 2, 2, 0.95, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	want := Interval{-0.057326441184003187, 0.04767671768994778}
	if math.Abs(got.Low-want.Low) > 1e-12 || math.Abs(got.High-want.High) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestContrastCovers: over the multinomial at (0.80, 0.08, 0.05, 0.07), n = 400,
// each one-sided 95 % limit of the contrast at keep = .97 misses 5 % of the time,
// within 4 Monte Carlo standard errors of 4,000 draws.
func TestContrastCovers(t *testing.T) {
	const n, draws, keep = 400, 4000, 0.97
	p := []float64{0.80, 0.08, 0.05, 0.07}
	truth := keep*(p[0]+p[1]) - (p[0] + p[2])
	rng := rand.New(rand.NewPCG(7, 9))
	below, above := 0, 0
	for range draws {
		var c [4]int
		for range n {
			u, j := rng.Float64(), 0
			for j < 3 && u >= p[j] {
				u -= p[j]
				j++
			}
			c[j]++
		}
		i, err := NewcombePairedContrast(c[0], c[1], c[2], c[3], keep, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if i.High < truth {
			above++
		}
		if i.Low > truth {
			below++
		}
	}
	limit := 4 * math.Sqrt(0.05*0.95/draws)
	for _, miss := range []int{below, above} {
		if share := float64(miss) / draws; math.Abs(share-0.05) > limit {
			t.Errorf("a limit misses %.4f of the time, want .05 ± %.4f", share, limit)
		}
	}
}

func TestUnchangedUpper(t *testing.T) {
	last := 1.0
	for _, n := range []int{10, 50, 500, 5000} {
		u, err := UnchangedUpper(n*9/10, n, 0.9)
		if err != nil || u <= 0 || u >= last {
			t.Errorf("n = %d: %v after %v (%v)", n, u, last, err)
		}
		last = u
	}
	if _, err := UnchangedUpper(11, 10, 0.9); !errors.Is(err, ErrCounts) {
		t.Errorf("11 of 10: %v", err)
	}
	if _, err := UnchangedUpper(0, 0, 0.9); !errors.Is(err, ErrNoTrials) {
		t.Errorf("0 of 0: %v", err)
	}
}
