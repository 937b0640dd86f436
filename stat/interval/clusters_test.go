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
)

func numbers(t *testing.T, s string) []float64 {
	t.Helper()
	var out []float64
	for _, f := range strings.Fields(s) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// TestClustersReference compares with statsmodels 0.13.5 and numpy 1.24;
// testdata/clusters.py writes the file.
func TestClustersReference(t *testing.T) {
	f, err := os.Open("testdata/clusters.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 7 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	for i, row := range rows {
		rest := numbers(t, strings.Join(row[2:], " "))
		x, y := Clusters{numbers(t, row[0]), int(rest[0])}, Clusters{numbers(t, row[1]), int(rest[1])}
		w, err1 := WilsonClusters(x, rest[2])
		d, err2 := NewcombeClusters(x, y, rest[2])
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for j, got := range []float64{w.Low, w.High, d.Low, d.High} {
			if math.Abs(got-rest[3+j]) > 1e-12 {
				t.Errorf("row %d, number %d: %v, want %v", i, j, got, rest[3+j])
			}
		}
	}
}

// One answer a cluster: Wilson's interval and Newcombe's for pairs. Exchanged
// sides negate the difference, yes and no exchanged too.
func TestClustersProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 300 {
		n := 1 + rng.IntN(40)
		x, y := Clusters{make([]float64, n), n}, Clusters{make([]float64, n), n}
		var cell [2][2]int
		for i := range n {
			a, b := rng.IntN(2), rng.IntN(2)
			x.Means[i], y.Means[i] = float64(a), float64(b)
			cell[a][b]++
		}
		k := cell[1][0] + cell[1][1]
		want, err1 := Wilson(k, n, 0.95)
		got, err2 := WilsonClusters(x, 0.95)
		pairs, err3 := NewcombePaired(cell[1][1], cell[1][0], cell[0][1], cell[0][0], 0.95)
		diff, err4 := NewcombeClusters(x, y, 0.95)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if !alike(got, want) || !alike(diff, pairs) {
			t.Fatalf("%v of %d: %v, want %v; difference %v, want %v", cell, n, got, want, diff, pairs)
		}

		m := 1 + rng.IntN(5)
		no := [2]Clusters{{make([]float64, n), n * m}, {make([]float64, n), n * m}}
		x.Answers, y.Answers = n*m, n*m
		for i := range n {
			x.Means[i], y.Means[i] = float64(rng.IntN(m+1))/float64(m), float64(rng.IntN(m+1))/float64(m)
			no[0].Means[i], no[1].Means[i] = 1-x.Means[i], 1-y.Means[i]
		}
		d, err1 := NewcombeClusters(x, y, 0.9)
		back, err2 := NewcombeClusters(y, x, 0.9)
		turned, err3 := NewcombeClusters(no[0], no[1], 0.9)
		w, err4 := WilsonClusters(x, 0.9)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if !alike(back, Interval{-d.High, -d.Low}) || !alike(turned, back) {
			t.Fatalf("difference %v, exchanged %v, of no %v", d, back, turned)
		}
		if !w.Contains(x.Mean()) || w.Low < 0 || w.High > 1 {
			t.Fatalf("%v does not hold %v", w, x.Mean())
		}
	}
}

func alike(a, b Interval) bool {
	return math.Abs(a.Low-b.Low) < 1e-12 && math.Abs(a.High-b.High) < 1e-12
}

func TestClustersRefused(t *testing.T) {
	good := Clusters{[]float64{1, 0.5}, 4}
	for name, c := range map[string]struct {
		x    Clusters
		want error
	}{
		"empty":      {Clusters{}, ErrNoTrials},
		"above 1":    {Clusters{[]float64{1.5}, 2}, ErrCounts},
		"NaN":        {Clusters{[]float64{math.NaN()}, 2}, ErrCounts},
		"no answers": {Clusters{[]float64{1, 0}, 1}, ErrCounts},
		"other size": {Clusters{[]float64{1}, 1}, ErrCounts},
	} {
		if _, err := NewcombeClusters(c.x, good, 0.95); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The intervals cover the true share and difference about as often as they say
// when several people judge the same image and do not always agree.
func TestClustersCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const reps, n, m = 2000, 60, 3
	for _, c := range []struct{ p, q, error float64 }{{0.3, 0.2, 0.1}, {0.1, 0.1, 0.02}, {0.5, 0.1, 0.3}, {0.05, 0.02, 0}} {
		share := func(p float64) float64 { return p*(1-c.error) + (1-p)*c.error }
		judged := func(p float64) Clusters {
			out := Clusters{Answers: n * m}
			for range n {
				has, yes := rng.Float64() < p, 0
				for range m {
					if has != (rng.Float64() < c.error) {
						yes++
					}
				}
				out.Means = append(out.Means, float64(yes)/m)
			}
			return out
		}
		var one, two float64
		for range reps {
			x, y := judged(c.p), judged(c.q)
			w, err1 := WilsonClusters(x, 0.95)
			d, err2 := NewcombeClusters(x, y, 0.95)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if w.Contains(share(c.p)) {
				one += 1.0 / reps
			}
			if d.Contains(share(c.p) - share(c.q)) {
				two += 1.0 / reps
			}
		}
		// Three Monte Carlo standard errors are .015; Newcombe's own coverage is
		// between .93 and .98 at such sizes (his table for pairs).
		t.Logf("shares %.2f and %.2f, errors %.2f: coverage %.3f and %.3f", c.p, c.q, c.error, one, two)
		if one < 0.93 || one > 0.985 || two < 0.93 || two > 0.985 {
			t.Errorf("shares %.2f and %.2f, errors %.2f: coverage %.3f and %.3f, want about .95", c.p, c.q, c.error, one, two)
		}
	}
}
