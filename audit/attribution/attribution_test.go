package attribution_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/attribution"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

const classes = 4

// plant makes a baseline, a candidate that changes some answers, and layers that
// give back and take away answers at random with given shares. One lineage a
// member, or one for all.
func plant(members, examples int, oneLineage bool, back, away []float64) *prediction.Table {
	table := audittest.Table(audittest.Spec{Examples: examples, Classes: classes, Members: []int{members, members}, Seed: 5})
	r := rand.New(rand.NewPCG(1, 2))
	base, cand := &table.Variants[0], &table.Variants[1]
	if oneLineage {
		base.Members = base.Members[:1]
	}
	of := func(k int) *prediction.Member { return &base.Members[min(k, len(base.Members)-1)] }
	for k := range cand.Members {
		lineage := fmt.Sprint("checkpoint ", min(k, len(base.Members)-1))
		of(k).Lineage, cand.Members[k].Lineage = lineage, lineage
		cand.Members[k].Predicted = prediction.NewColumn(examples, classes)
		for i := range examples {
			p := of(k).Predicted.At(i)
			if r.Float64() < 0.1 {
				p = (p + 1) % classes
			}
			cand.Members[k].Predicted.Set(i, p)
		}
	}
	for l := range back {
		v := prediction.Variant{Name: fmt.Sprint("restored ", l), Kind: prediction.KindRestored,
			Restored: &prediction.Restored{Of: cand.Name, Layer: fmt.Sprint("conv", l), Operator: "Conv", Parameters: 9}}
		for k := range cand.Members {
			m := prediction.Member{Name: fmt.Sprint(l, k), Lineage: cand.Members[k].Lineage, Predicted: prediction.NewColumn(examples, classes)}
			for i := range examples {
				b, c := of(k).Predicted.At(i), cand.Members[k].Predicted.At(i)
				switch x := r.Float64(); {
				case b != c && x < back[l]:
					c = b
				case b == c && x < away[l]:
					c = (c + 2) % classes
				}
				m.Predicted.Set(i, c)
			}
			v.Members = append(v.Members, m)
		}
		table.Variants = append(table.Variants, v)
	}
	return table
}

// Counts equal a count by hand, for every design; the layer that rescues most
// comes first.
func TestCounts(t *testing.T) {
	for name, c := range map[string]struct {
		members    int
		oneLineage bool
		test       string
	}{"pair": {1, false, "exact McNemar"}, "lineages": {6, false, "paired t"}, "one checkpoint": {3, true, "studentized mean, normal tail"}} {
		t.Run(name, func(t *testing.T) {
			table := plant(c.members, 3000, c.oneLineage, []float64{0.1, 0.6, 0}, []float64{0.01, 0.01, 0.03})
			got := audittest.Run(t, attribution.New(), table, audit.DefaultOptions())
			if len(got.Findings) != 3 || got.Findings[0].Scope.Name != "conv1" {
				t.Fatalf("findings %v", got.IDs())
			}
			for l := range 3 {
				f := got.Find(t, fmt.Sprintf("attribution/rescue/pruned-1/layer:conv%d", l))
				rescued, disturbed, n := 0, 0, 0
				for k := range table.Variants[1].Members {
					b := &table.Variants[0].Members[min(k, len(table.Variants[0].Members)-1)]
					x, y := &table.Variants[1].Members[k], &table.Variants[2+l].Members[k]
					for i := range table.Len() {
						n++
						p, q, s := b.Predicted.At(i), x.Predicted.At(i), y.Predicted.At(i)
						if p != q && p == s {
							rescued++
						}
						if p == q && p != s {
							disturbed++
						}
					}
				}
				if want := float64(rescued-disturbed) / float64(n); math.Abs(*f.Estimate-want) > 1e-12 {
					t.Errorf("conv%d: %v, want %v", l, *f.Estimate, want)
				}
				if f.Test == nil || f.Test.Name != c.test || f.Test.Family.Size != 3 {
					t.Errorf("conv%d: test %+v", l, f.Test)
				}
				if f.Interval == nil || f.Interval.Low > *f.Estimate || f.Interval.High < *f.Estimate {
					t.Errorf("conv%d: interval %+v of %v", l, f.Interval, *f.Estimate)
				}
			}
			want := map[string]finding.Outcome{"conv1": finding.Better, "conv2": finding.Worse}
			for _, f := range got.Findings {
				if o, ok := want[f.Scope.Name]; ok && f.Outcome != o {
					t.Errorf("%s: %s, want %s", f.Scope.Name, f.Outcome, o)
				}
			}
			rows := got.Get(t, "attribution", "pruned-1").Rows
			if pies := rows[0][11] != nil; pies != (c.members > 1) {
				t.Errorf("PIEs of %d members: %v", c.members, rows[0][11])
			}
		})
	}
}

// The PIEs are those of a vote by hand.
func TestPIEs(t *testing.T) {
	table := plant(5, 2000, false, []float64{0.8}, []float64{0.02})
	mode := func(v, i int) int {
		var votes [classes]int
		for k := range table.Variants[v].Members {
			votes[table.Variants[v].Members[k].Predicted.At(i)]++
		}
		best := 0
		for c, n := range votes {
			if n > votes[best] {
				best = c
			}
		}
		return best
	}
	var rescued, disturbed int64
	for i := range table.Len() {
		b, c, r := mode(0, i), mode(1, i), mode(2, i)
		if b != c && b == r {
			rescued++
		}
		if b == c && b != r {
			disturbed++
		}
	}
	row := audittest.Run(t, attribution.New(), table, audit.DefaultOptions()).Get(t, "attribution", "pruned-1").Rows[0]
	if row[11] != rescued || row[12] != disturbed || rescued == 0 {
		t.Errorf("%v and %v, want %d and %d", row[11], row[12], rescued, disturbed)
	}
}

// Layers that do nothing are found in at most the level's share of runs.
func TestNullLayers(t *testing.T) {
	found, runs := 0, 200
	for run := range runs {
		table := audittest.Table(audittest.Spec{Examples: 1500, Classes: classes, Members: []int{1, 1}, Seed: uint64(run + 1)})
		r := rand.New(rand.NewPCG(uint64(run), 9))
		base, cand := &table.Variants[0].Members[0], &table.Variants[1].Members[0]
		for l := range 5 {
			v := prediction.Variant{Name: fmt.Sprint(l), Kind: prediction.KindRestored, Restored: &prediction.Restored{Of: table.Variants[1].Name, Layer: fmt.Sprint(l)}}
			m := prediction.Member{Name: "m", Predicted: prediction.NewColumn(table.Len(), classes)}
			for i := range table.Len() { // swaps agreement with the baseline both ways alike
				b, c := base.Predicted.At(i), cand.Predicted.At(i)
				if r.Float64() < 0.05 && i%2 == 0 {
					c = b
				}
				m.Predicted.Set(i, c)
			}
			// give back exactly as many as are taken, in the mean
			rescued := 0
			for i := range table.Len() {
				if base.Predicted.At(i) != cand.Predicted.At(i) && m.Predicted.At(i) == base.Predicted.At(i) {
					rescued++
				}
			}
			agree := 0
			for i := range table.Len() {
				if base.Predicted.At(i) == cand.Predicted.At(i) {
					agree++
				}
			}
			for i := range table.Len() {
				if base.Predicted.At(i) == cand.Predicted.At(i) && r.Float64() < float64(rescued)/float64(agree) {
					m.Predicted.Set(i, (base.Predicted.At(i)+1)%classes)
				}
			}
			v.Members = []prediction.Member{m}
			table.Variants = append(table.Variants, v)
		}
		for _, f := range audittest.Run(t, attribution.New(), table, audit.DefaultOptions()).Findings {
			if f.Outcome == finding.Better || f.Outcome == finding.Worse {
				found++
				break
			}
		}
	}
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/float64(runs)); float64(found)/float64(runs) > limit {
		t.Errorf("a layer is found in %d of %d runs in which none does anything", found, runs)
	}
}

func TestSameAtAnyThreads(t *testing.T) {
	audittest.SameAtAnyThreads(t, attribution.New, plant(3, 5000, false, []float64{0.3, 0.1}, []float64{0.01, 0.01}), audit.DefaultOptions())
}

// Without restored variants there is nothing to say, and restored ones are no
// candidates of their own.
func TestCandidates(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 100, Classes: 3, Members: []int{1, 1}, Seed: 3})
	if c := audittest.Run(t, attribution.New(), table, audit.DefaultOptions()); len(c.Findings)+len(c.Tables) > 0 {
		t.Errorf("%v", c.IDs())
	}
	v, err := audit.NewView(plant(1, 200, false, []float64{0.5, 0.5}, []float64{0, 0}), audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Candidates()) != 1 || len(v.Restored(1)) != 2 {
		t.Errorf("candidates %v, restored %v", v.Candidates(), v.Restored(1))
	}
}
