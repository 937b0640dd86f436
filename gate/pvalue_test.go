package gate

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
	"github.com/lethe-audit/lethe/stat/interval"
)

// TestReference compares with scipy (testdata/gen.py), the far tail included.
func TestReference(t *testing.T) {
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.Comment = '#'
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	far := 0
	for _, row := range rows[1:] {
		var x [6]float64
		for i := range x {
			if x[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		var e evidence
		switch row[0] {
		case "spread":
			e = spread{x[0], x[1], x[2]}
		case "share":
			e = share{int(x[0]), int(x[1]), x[2]}
		case "unchanged":
			e = unchanged{int(x[0])}
		}
		for _, p := range [][2]float64{{e.within(x[3]), x[4]}, {e.beyond(x[3]), x[5]}} {
			if math.Abs(p[0]-p[1]) > 1e-9*p[1] {
				t.Errorf("%v: P %v, want %v", row, p[0], p[1])
			}
			if p[1] < 1e-15 {
				far++
			}
		}
	}
	if far == 0 {
		t.Error("no row in the far tail")
	}
}

// random evidence of every kind.
func someEvidence(rng *rand.Rand) []evidence {
	n := 20 + rng.IntN(500)
	cell := func(most int) int64 { return int64(rng.IntN(most)) }
	cells := finding.PairedCells{Both: cell(n), OnlyBase: cell(20), OnlyVariant: cell(20), Neither: 1 + cell(n)}
	value := rng.NormFloat64() / 50
	return []evidence{
		spread{rng.NormFloat64() / 50, 0.001 + rng.Float64()/50, 1 + rng.Float64()*60},
		pair{cells, 1}, pair{cells, 0.97},
		skewed{equivalence.Skewed{
			Value: value, StdErr: 0.01, DoF: 1 + rng.Float64()*60,
			Third: rng.NormFloat64() * 0.4e-6, Covariance: rng.NormFloat64() * 0.4e-6,
		}},
		unchanged{n}, turned{n, 1}, turned{n, -1},
		share{rng.IntN(n + 1), n, 0.05 + 0.9*rng.Float64()},
	}
}

// TestLimitsAgreeWithP: the limit at alpha reaches the margin exactly where P
// reaches alpha, on both sides; P falls as the margin moves away.
func TestLimitsAgreeWithP(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		for _, e := range someEvidence(rng) {
			alpha := 0.001 + 0.3*rng.Float64()
			low, high := e.limits(alpha)
			if !(low <= e.loss()+1e-12 && e.loss() <= high+1e-12) {
				t.Fatalf("%#v: limits %v, %v of %v at %v", e, low, high, e.loss(), alpha)
			}
			const step = 1e-6
			// A limit at the end of the range says nothing: there is no margin beyond it.
			least, most := -1.0, 1.0
			if s, ok := e.(share); ok {
				least, most = s.floor-1, s.floor
			}
			if high < most-1e-9 && (e.within(high+step) > alpha || high > e.loss()+step && e.within(high-step) < alpha) {
				t.Fatalf("%#v: at alpha %v the upper limit is %v, P around it %v and %v", e, alpha, high, e.within(high-step), e.within(high+step))
			}
			if low > least+1e-9 && (e.beyond(low-step) > alpha || low < e.loss()-step && e.beyond(low+step) < alpha) {
				t.Fatalf("%#v: at alpha %v the lower limit is %v, P around it %v and %v", e, alpha, low, e.beyond(low-step), e.beyond(low+step))
			}
			last := 1.1
			for m := -0.3; m < 0.6; m += 0.05 {
				p := e.within(m)
				if s, ok := e.(share); ok && (m > s.floor || m < s.floor-1) {
					continue // no share of right answers is there
				}
				if p < 0 || p > 1 || p > last+1e-9 {
					t.Fatalf("%#v: P of within is %v at margin %v, %v before", e, p, m, last)
				}
				last = p
			}
		}
	}
}

// TestExactPKeepsItsLevel: over all outcomes of n examples that are lost with
// probability l and gained with g, l − g at the margin, the exact kinds reject at
// most alpha of the time.
func TestExactPKeepsItsLevel(t *testing.T) {
	for _, m := range []float64{0.05, 0.2} {
		for _, g := range []float64{0, 0.1, 0.3} {
			for _, n := range []int{3, 30} {
				l := m + g
				if p := (unchanged{n}).within(m); p < math.Pow(1-l-g, float64(n))-1e-12 {
					t.Errorf("unchanged at margin %v: P %v is below the chance of it, %v", m, p, math.Pow(1-l-g, float64(n)))
				}
				if p := (turned{n, 1}).beyond(m); p < math.Pow(l, float64(n))-1e-12 {
					t.Errorf("all lost at margin %v: P %v is below the chance of it, %v", m, p, math.Pow(l, float64(n)))
				}
				if p := (turned{n, -1}).within(m); p < math.Pow(g, float64(n))-1e-12 {
					t.Errorf("all gained at margin %v: P %v is below the chance of it, %v", m, p, math.Pow(g, float64(n)))
				}
			}
		}
	}
}

// TestPairIsTheAuditsBound: the limits are Newcombe's, at one-sided levels.
func TestPairIsTheAuditsBound(t *testing.T) {
	p := pair{finding.PairedCells{Both: 850, OnlyBase: 40, OnlyVariant: 20, Neither: 90}, 1}
	want, err := interval.NewcombePaired(850, 20, 40, 90, 0.9) // variant − baseline
	if err != nil {
		t.Fatal(err)
	}
	low, high := p.limits(0.05)
	if math.Abs(low+want.High)+math.Abs(high+want.Low) > 1e-15 {
		t.Errorf("limits %v and %v, want those of %v with the sign changed", low, high, want)
	}
	// 5,000 discordant on one side of 10,000: far below any level that is asked.
	if got := (pair{finding.PairedCells{Both: 4000, OnlyBase: 5000, Neither: 1000}, 1}).beyond(0.02); got >= 1e-15 || got <= 0 {
		t.Errorf("P %v, want one below 1e-15 and above 0", got)
	}
	if got := (pair{finding.PairedCells{}, 1}); got.within(0.02) < 0.5 {
		t.Errorf("no examples: P of within is %v", got.within(0.02))
	}
}
