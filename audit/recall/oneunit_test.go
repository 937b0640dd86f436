package recall_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// resampled is a baseline and members made from it that each change a share of
// its answers of class 0 from right to wrong, and a few others either way.
func resampled(seed uint64, members, n int, loss float64) *prediction.Table {
	table := audittest.Table(audittest.Spec{Examples: n, Classes: 3, Members: []int{1, members}, Seed: seed})
	r := rand.New(rand.NewPCG(seed, 7))
	base := &table.Variants[0].Members[0]
	base.Lineage = "checkpoint"
	fragile := make([]float64, n) // how often a member changes an example
	for i := range fragile {
		fragile[i] = 0
		if r.Float64() < 0.1 {
			fragile[i] = r.Float64()
		}
	}
	for k := range table.Variants[1].Members {
		m := &table.Variants[1].Members[k]
		m.Lineage, m.Predicted = "checkpoint", prediction.NewColumn(n, 3)
		for i := range n {
			p, y := base.Predicted.At(i), table.Labels.At(i)
			if r.Float64() < fragile[i] {
				if p == y {
					p = (y + 1) % 3
				} else {
					p = y
				}
			} else if y == 0 && p == y && r.Float64() < loss {
				p = 2
			}
			m.Predicted.Set(i, p)
		}
	}
	return table
}

// Members of one checkpoint are one unit: the interval and the test are those of
// the mean difference over the examples, by hand.
func TestOneCheckpoint(t *testing.T) {
	table := resampled(1, 4, 3000, 0.1)
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if p := v.Pairing(1); !p.OneCheckpoint || p.Design != audit.Independent {
		t.Fatalf("pairing %+v", p)
	}
	m, err := recall.Measure(t.Context(), v, recall.ByClass(v), 1)
	if err != nil {
		t.Fatal(err)
	}
	found, err := m.Harm("test")
	if err != nil {
		t.Fatal(err)
	}
	var d []float64
	for i := range table.Len() {
		if table.Labels.At(i) != 0 {
			continue
		}
		right := func(m *prediction.Member) float64 {
			if m.Predicted.At(i) == 0 {
				return 1
			}
			return 0
		}
		x := -right(&table.Variants[0].Members[0])
		for k := range table.Variants[1].Members {
			x += right(&table.Variants[1].Members[k]) / 4
		}
		d = append(d, x)
	}
	mean, squares := 0.0, 0.0
	for _, x := range d {
		mean += x / float64(len(d))
	}
	for _, x := range d {
		squares += (x - mean) * (x - mean)
	}
	se := math.Sqrt(squares / float64(len(d)-1) / float64(len(d)))
	f := found[0]
	if math.Abs(*f.Estimate-mean) > 1e-12 || f.Test == nil || math.Abs(*f.Test.Statistic-mean/se) > 1e-9 || f.Outcome != finding.Worse {
		t.Errorf("%v (%s), statistic %v, want %v with %v", *f.Estimate, f.Outcome, f.Test, mean, mean/se)
	}
	if f.Interval.Covers != finding.ExamplesOnly {
		t.Errorf("the interval covers %s", f.Interval.Covers)
	}
	config, err := audit.Describe(t.Context(), v, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	said := false
	for _, w := range config.Warnings {
		said = said || w.Code == "calibration-noise" && strings.Contains(w.Text, "calibration noise only")
	}
	if !said {
		t.Errorf("warnings %+v", config.Warnings)
	}
}

// Without an effect a class is called harmed or gained in at most the level's
// share of data sets.
func TestOneCheckpointKeepsTheLevel(t *testing.T) {
	found, runs := 0, 300
	for run := range runs {
		table := resampled(uint64(run+10), 3, 1500, 0)
		// the same change either way: swap right and wrong of the baseline at random where members differ
		r := rand.New(rand.NewPCG(uint64(run), 1))
		for i := range table.Len() {
			if r.IntN(2) == 0 {
				continue
			}
			y := table.Labels.At(i)
			flip := func(m *prediction.Member) {
				if m.Predicted.At(i) == y {
					m.Predicted.Set(i, (y+1)%3)
				} else {
					m.Predicted.Set(i, y)
				}
			}
			flip(&table.Variants[0].Members[0])
			for k := range table.Variants[1].Members {
				flip(&table.Variants[1].Members[k])
			}
		}
		v, err := audit.NewView(table, audit.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		m, err := recall.Measure(t.Context(), v, recall.ByClass(v), 1)
		if err != nil {
			t.Fatal(err)
		}
		harm, err := m.Harm("test")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range harm {
			if f.Outcome == finding.Worse || f.Outcome == finding.Better {
				found++
				break
			}
		}
	}
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/float64(runs)); float64(found) > limit*float64(runs) {
		t.Errorf("found in %d of %d, limit %s", found, runs, fmt.Sprintf("%.3f", limit))
	}
}
