package pie

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/modal"
)

// combine is a PIE probability by example minus weighted floors.
func combine(pie, f0, ft []float64, w0, wt float64) []float64 {
	out := make([]float64, len(pie))
	for i := range out {
		out[i] = pie[i] - w0*f0[i] - wt*ft[i]
	}
	return out
}

// jackknifed is the delete-one variance of the mean of f over both
// populations.
func jackknifed(n naive, f func(base, variant []int) float64) float64 {
	one := func(k int, g func(i int) float64) float64 {
		x := make([]float64, k)
		for i := range x {
			x[i] = g(i)
		}
		if k == 0 {
			return 0
		}
		m, s := average(x), 0.0
		for _, v := range x {
			s += (v - m) * (v - m)
		}
		return s * float64(k-1) / float64(k)
	}
	base, variant := n.all(0), n.all(1)
	return one(len(base), func(i int) float64 { return f(without(base, i), variant) }) +
		one(len(variant), func(i int) float64 { return f(base, without(variant, i)) })
}

// Everything that Measure returns, against listing all subsets of members.
func TestMeasureBruteForce(t *testing.T) {
	for _, tc := range []struct {
		k0, kt int
		ties   audit.Ties
	}{{4, 4, audit.LowestTie}, {3, 6, audit.HighestTie}, {5, 3, audit.LowestTie}, {10, 11, audit.LowestTie}, {10, 10, audit.HighestTie}} {
		t.Run(name2(tc.k0, tc.kt, tc.ties), func(t *testing.T) {
			table := random(3, 24, tc.k0, tc.kt)
			got, err := Measure(context.Background(), view(t, table, options(tc.ties)), 1)
			if err != nil {
				t.Fatal(err)
			}
			n := naiveOf(table, 1, tiesOf(tc.ties))
			m, _ := modal.MatchedSize(min(tc.k0, tc.kt))
			pie, f0, ft := n.pieM(m, n.all(0), n.all(1)), n.floorM(m, 0, n.all(0)), n.floorM(m, 1, n.all(1))
			for what, pair := range map[string][2]float64{
				"m": {float64(got.M), float64(m)}, "PIE": {got.PIE, average(pie)}, "floor": {got.Floor, average(f0)}, "own floor": {got.OwnFloor, average(ft)},
				"variance of the floor": {got.FloorMembers.V, jackknifed(n, func(base, _ []int) float64 { return average(n.floorM(m, 0, base)) })},
				"excess":                {got.Excess.Value, average(pie) - average(f0)}, "own excess": {got.OwnExcess.Value, average(pie) - average(f0)/2 - average(ft)/2},
			} {
				if !close64(pair[0], pair[1]) {
					t.Errorf("%s %v, want %v", what, pair[0], pair[1])
				}
			}
			for what, x := range map[string]struct {
				e      Estimate
				w0, wt float64
			}{"excess": {got.Excess, 1, 0}, "own excess": {got.OwnExcess, 0.5, 0.5}} {
				perExample := func(base, variant []int) []float64 {
					return combine(n.pieM(m, base, variant), n.floorM(m, 0, base), n.floorM(m, 1, variant), x.w0, x.wt)
				}
				want := jackknifed(n, func(base, variant []int) float64 { return average(perExample(base, variant)) })
				each := combine(pie, f0, ft, x.w0, x.wt)
				residual := 0.0 // what the variances over members and over examples both hold
				for i := range each {
					residual += jackknifed(n, func(base, variant []int) float64 { return perExample(base, variant)[i] }) / float64(len(each)*len(each))
				}
				if !close64(x.e.Members.V, want) || x.e.Members.DoF != float64(min(tc.k0, tc.kt)-1) {
					t.Errorf("%s: variance over members %+v, want %v", what, x.e.Members, want)
				}
				s2 := variance(each) / float64(len(each))
				both := max(want, s2, want+s2-residual)
				if !close64(x.e.Examples, s2) || !close64(x.e.Both.V, both) {
					t.Errorf("%s: variance over examples %v, over both %v; want %v and %v", what, x.e.Examples, x.e.Both.V, s2, both)
				}
			}
		})
	}
}

func TestMeasureFewMembers(t *testing.T) {
	for _, k := range [][2]int{{1, 1}, {1, 5}, {5, 1}} {
		if _, err := Measure(context.Background(), view(t, random(1, 30, k[0], k[1]), options(audit.LowestTie)), 1); !errors.Is(err, ErrTooFewMembers) {
			t.Errorf("%v members: %v, want ErrTooFewMembers", k, err)
		}
	}
	m, err := Measure(context.Background(), view(t, random(1, 30, 2, 3), options(audit.LowestTie)), 1)
	if err != nil || m.M != 1 || m.Excess.Interval || m.PIE <= 0 {
		t.Errorf("2 against 3 members: %+v, %v; want an estimate at size 1 without an interval", m, err)
	}
	if _, _, err := m.Excess.Bounds(0.95, true); !errors.Is(err, ErrTooFewMembers) {
		t.Errorf("interval of 2 members: %v", err)
	}
}

// A Measurer gives the same numbers whatever it measured before.
func TestMeasurerMemory(t *testing.T) {
	var m Measurer
	for seed := range uint64(6) {
		v := view(t, random(seed%3, 200, 10, 12), options([]audit.Ties{audit.LowestTie, audit.HighestTie}[seed%2]))
		got, err := m.Measure(context.Background(), v, 1)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := Measure(context.Background(), v, 1); got != want {
			t.Errorf("seed %d: %+v after others, alone %+v", seed, got, want)
		}
	}
}

// Under no effect the excess is unbiased and its interval covers 0; with an
// effect it is positive. Few seeds: the full study is a program of its own.
func TestExcessCoverage(t *testing.T) {
	var m Measurer
	for _, tc := range []struct {
		k                  int
		shift, correlation float64
	}{{10, 0, 0}, {10, 0, 0.3}, {30, 0, 0}, {10, 0.8, 0}} {
		const seeds = 60
		covered, sum, squares := 0, 0.0, 0.0
		for seed := range uint64(seeds) {
			p := planting{examples: 400, classes: 10, members: []int{tc.k, tc.k}, hard: 0.5, shift: tc.shift, correlation: tc.correlation, seed: seed}
			x, err := m.Measure(context.Background(), view(t, p.table(), options(audit.LowestTie)), 1)
			if err != nil {
				t.Fatal(err)
			}
			lo, hi, err := x.Excess.Bounds(0.95, true)
			if err != nil {
				t.Fatal(err)
			}
			if lo <= 0 && 0 <= hi {
				covered++
			}
			sum += x.Excess.Value
			squares += x.Excess.Value * x.Excess.Value
		}
		mean := sum / seeds
		se := math.Sqrt((squares/seeds - mean*mean) / seeds)
		if tc.shift == 0 && (math.Abs(mean) > 4*se || covered < seeds*17/20) {
			t.Errorf("%+v: excess %.5f ± %.5f, 0 covered in %d of %d", tc, mean, se, covered, seeds)
		}
		if tc.shift > 0 && (mean < 5*se || covered > seeds/2) {
			t.Errorf("%+v: excess %.5f ± %.5f, 0 covered in %d of %d: an effect was planted", tc, mean, se, covered, seeds)
		}
	}
}
