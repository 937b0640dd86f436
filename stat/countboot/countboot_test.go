package countboot

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Binomial counts against the probabilities of stat/tail, by chi-squared with
// cells of at least 20 expected; both algorithms and the border between them.
func TestBinomial(t *testing.T) {
	const draws = 200_000
	for i, tc := range []struct {
		n int
		p float64
	}{
		{1, .5}, {2, .3}, {50, .02}, {50, .19}, {19, .5}, {50, .21}, {21, .5}, {40, .5}, {400, .1},
		{100_000, .00002}, {100_000, .3}, {1_000_000_000, 1e-9}, {1_000_000_000, 2e-8},
	} {
		t.Run(fmt.Sprintf("n=%d/p=%g", tc.n, tc.p), func(t *testing.T) {
			src := rand.NewPCG(99, uint64(i))
			s := newSampler(tc.p, tc.n, reciprocals())
			seen := map[int]int{}
			for range draws {
				seen[s.draw(src, tc.n)]++
			}
			mean, sd := float64(tc.n)*tc.p, math.Sqrt(float64(tc.n)*tc.p*(1-tc.p))
			lo, hi := max(0, int(mean-8*sd)-8), min(tc.n, int(mean+8*sd)+8)
			var chi2, expected, observed, total float64
			dof := -1
			flush := func() {
				chi2 += (observed - expected) * (observed - expected) / expected
				dof++
				expected, observed = 0, 0
			}
			for k := lo; k <= hi; k++ {
				expected += draws * tail.BinomialProb(k, tc.n, tc.p)
				observed += float64(seen[k])
				total += float64(seen[k])
				if expected >= 20 && draws*tail.BinomialUpper(k+1, tc.n, tc.p) >= 20 {
					flush()
				}
			}
			flush()
			if total != draws {
				t.Fatalf("%v draws within [%d, %d], want all %d", total, lo, hi, draws)
			}
			if p := tail.ChiSquared(chi2, float64(dof)); p < 1e-4 {
				t.Errorf("χ² = %.1f with %d degrees of freedom, p = %.2g", chi2, dof, p)
			}
		})
	}
}

// Mean, variance and covariance of the drawn cells are the multinomial's, and
// every stratum keeps its size.
func TestMoments(t *testing.T) {
	const draws = 100_000
	strata := [][]int{{30, 0, 12, 8}, {7}, {400, 100, 300, 200}, {0, 5, 0, 1}}
	c, err := NewCells(strata)
	if err != nil {
		t.Fatal(err)
	}
	src := rand.NewPCG(4, 5)
	counts, mean := make([]int, c.Len()), make([]float64, c.Len())
	products := make([][]float64, c.Len())
	for i := range products {
		products[i] = make([]float64, c.Len())
	}
	observed := c.Observed()
	for range draws {
		c.Draw(src, counts)
		for s, want := range strata {
			n := 0
			for i, v := range c.Stratum(counts, s) {
				n += v
				if v < 0 || want[i] == 0 && v != 0 {
					t.Fatalf("stratum %d: %v from %v", s, c.Stratum(counts, s), want)
				}
				n -= want[i]
			}
			if n != 0 {
				t.Fatalf("stratum %d changed its size by %d", s, n)
			}
		}
		for i, v := range counts {
			d := float64(v - observed[i])
			mean[i] += d / draws
			for j, w := range counts {
				products[i][j] += d * float64(w-observed[j]) / draws
			}
		}
	}
	variance := func(s, i int) float64 {
		n, k := 0.0, float64(strata[s][i])
		for _, v := range strata[s] {
			n += float64(v)
		}
		return k * (1 - k/n)
	}
	for s := range strata {
		for i := range strata[s] {
			a := c.start[s] + i
			if se := math.Sqrt(variance(s, i) / draws); math.Abs(mean[a]) > 5*se {
				t.Errorf("stratum %d, cell %d: mean is off by %v (se %v)", s, i, mean[a], se)
			}
			for s2 := range strata {
				for j := range strata[s2] {
					var want float64 // strata are independent
					if s == s2 && i == j {
						want = variance(s, i)
					} else if s == s2 {
						n := 0.0
						for _, v := range strata[s] {
							n += float64(v)
						}
						want = -float64(strata[s][i]) * float64(strata[s][j]) / n
					}
					se := math.Sqrt(2*variance(s, i)*variance(s2, j)/draws) + 1e-12
					if got := products[a][c.start[s2]+j]; math.Abs(got-want) > 6*se {
						t.Errorf("covariance of %d.%d and %d.%d: %v, want %v (se %v)", s, i, s2, j, got, want, se)
					}
				}
			}
		}
	}
}

// The bootstrap variance of a mean is (n−1)/n times its usual s²/n.
func TestVarianceOfMean(t *testing.T) {
	c, err := NewCells([][]int{{60, 25, 10, 5}}) // n11 n10 n01 n00
	if err != nil {
		t.Fatal(err)
	}
	reps, err := c.Replicates(Options{Replicates: 50_000, Seed: 3}, 1, func(n []int, out []float64) {
		out[0] = float64(n[2]-n[1]) / 100
	})
	if err != nil {
		t.Fatal(err)
	}
	var v float64
	for _, x := range reps[0] {
		v += (x + 0.15) * (x + 0.15) / 50_000
	}
	want := (0.35 - 0.15*0.15) / 100
	if math.Abs(v-want) > 5*want*math.Sqrt(2.0/50_000) {
		t.Errorf("variance %v, want %v", v, want)
	}
}

// The same seed gives the same replicates on one and on four processors; more
// replicates leave the first ones as they were; another seed differs.
func TestDeterministic(t *testing.T) {
	c, err := NewCells([][]int{{40, 5, 3, 2}, {400, 50, 30, 20}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(procs, n int, seed uint64) [][]float64 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		r, err := c.Replicates(Options{Replicates: n, Seed: seed}, 2, func(n []int, out []float64) {
			out[0], out[1] = float64(n[0]), float64(n[5])
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b := run(1, 1000, 7), run(4, 1500, 7)
	for d := range a {
		if !slices.Equal(a[d], b[d][:1000]) {
			t.Errorf("statistic %d depends on the number of processors", d)
		}
	}
	if slices.Equal(a[0], run(4, 1000, 8)[0]) {
		t.Error("another seed gives the same replicates")
	}
}

// testdata/reference.csv is made by testdata/gen.py (numpy 1.24.2).
func TestIntervals(t *testing.T) {
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, row := range rows[1:] {
		var x []float64
		for s := range strings.SplitSeq(row[0], ";") {
			x = append(x, number(s))
		}
		level := number(row[2])
		lo, hi, err1 := Percentile(x, level)
		blo, bhi, err2 := Basic(number(row[1]), x, level)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for i, got := range []float64{lo, hi, blo, bhi} {
			if want := number(row[i+3]); math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Errorf("B = %d, level %v: %s = %v, want %v", len(x), level, rows[0][i+3], got, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, strata := range [][][]int{{{1, -1}}, {{1}, {0, 0}}, {{}}} {
		if _, err := NewCells(strata); !errors.Is(err, ErrCells) {
			t.Errorf("NewCells(%v) = %v, want ErrCells", strata, err)
		}
	}
	x := []float64{1, 2, 3}
	if _, _, err := Percentile(x, 0.95); !errors.Is(err, ErrTooFew) {
		t.Errorf("3 replicates at 95 %%: %v", err)
	}
	if _, _, err := Percentile([]float64{1, math.NaN(), 3}, 0.5); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN: %v", err)
	}
	if _, _, err := Basic(math.Inf(1), x, 0.5); !errors.Is(err, ErrNotFinite) {
		t.Errorf("infinite estimate: %v", err)
	}
	if _, _, err := Percentile(x, 95); err == nil {
		t.Error("level 95 accepted")
	}
	c, err := NewCells([][]int{{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Replicates(Options{}, 1, nil); err == nil {
		t.Error("0 replicates accepted")
	}
}

// 1,000 classes of 50 examples, 10,000 replicates of each class's difference.
func BenchmarkReplicates(b *testing.B) {
	for _, size := range []int{1, 20} {
		b.Run(fmt.Sprintf("classes=1000/n=%d", 50*size), func(b *testing.B) {
			strata := make([][]int, 1000)
			for s := range strata {
				strata[s] = []int{(36 + s%5) * size, 4 * size, 3 * size, (7 - s%5) * size}
			}
			c, err := NewCells(strata)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				_, err := c.Replicates(Options{Replicates: 10_000, Seed: 1}, len(strata), func(n []int, out []float64) {
					for s := range out {
						q := n[4*s : 4*s+4]
						out[s] = float64(q[2]-q[1]) / float64(50*size)
					}
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
