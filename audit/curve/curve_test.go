package curve

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

var spec = audittest.Spec{Examples: 3000, Classes: 5, Members: []int{7, 6, 6, 8}, Accuracy: []float64{0.9, 0.88, 0.8, 0.6}, Seed: 4}

func level(x float64) *float64 { return &x }

func TestOrderOfVariants(t *testing.T) {
	variant := func(kind prediction.Kind, l *float64) prediction.Variant {
		return prediction.Variant{Kind: kind, Level: l}
	}
	dense := variant(prediction.KindDense, nil)
	for _, tc := range []struct {
		name     string
		variants []prediction.Variant
		want     [][]int
		reason   finding.Reason
	}{
		{"sparsity rises", []prediction.Variant{dense, variant("pruned", level(.9)), variant("pruned", level(.5))}, [][]int{{2, 1}}, ""},
		{"bits fall", []prediction.Variant{dense, variant("quantized", level(4)), variant("quantized", level(16)), variant("quantized", level(8))}, [][]int{{2, 3, 1}}, ""},
		{"two curves", []prediction.Variant{dense, variant("pruned", level(.9)), variant("quantized", level(8)), variant("pruned", level(.5)), variant("quantized", level(16))}, [][]int{{3, 1}, {4, 2}}, ""},
		{"null and restored are no steps", []prediction.Variant{dense, variant("null", nil), variant("pruned", level(.5)), variant("restored", nil)}, nil, finding.OneVariant},
		{"one of each kind", []prediction.Variant{dense, variant("pruned", level(.5)), variant("quantized", level(8))}, nil, finding.OneVariant},
		{"no levels, one kind", []prediction.Variant{dense, variant("other", nil), variant("other", nil)}, [][]int{{1, 2}}, ""},
		{"no levels, two kinds", []prediction.Variant{dense, variant("other", nil), variant("other", nil), variant("quantized", level(8))}, nil, finding.NoOrder},
	} {
		lines, reason := linesOf(&prediction.Table{Variants: tc.variants})
		if reason != tc.reason || len(lines) != len(tc.want) {
			t.Errorf("%s: %d lines, reason %q", tc.name, len(lines), reason)
			continue
		}
		for i, l := range lines {
			for j, v := range l.variants {
				if v != tc.want[i][j] {
					t.Errorf("%s: line %d is %v, want %v", tc.name, i, l.variants, tc.want[i])
				}
			}
		}
	}
}

// right finds the modal label the plain way.
func right(table *prediction.Table, v, i int, ties audit.Ties) bool {
	votes := make([]int, len(table.Classes))
	for _, m := range table.Variants[v].Members {
		votes[m.Predicted.At(i)]++
	}
	best := 0
	for c, n := range votes {
		if n > votes[best] || ties == audit.HighestTie && n == votes[best] {
			best = c
		}
	}
	return best == table.Labels.At(i)
}

func TestExamplesAgainstPlainCounting(t *testing.T) {
	table := audittest.Table(spec)
	for _, ties := range []audit.Ties{audit.LowestTie, audit.HighestTie} {
		o := audit.DefaultOptions()
		o.Ties = ties
		got := audittest.Run(t, New(), table, o).Get(t, "curve-example", "")
		want := make([]step, 4)
		for i := range table.Len() {
			if !right(table, 0, i, ties) {
				continue
			}
			lost := false
			for v := 1; v < 4; v++ {
				r := right(table, v, i, ties)
				if !r && !lost {
					want[v].here++
					lost = true
				}
				if lost {
					want[v].soFar++
					if r {
						want[v].recovered++
					}
				}
			}
		}
		for v := 1; v < 4; v++ {
			row := got.Rows[v-1]
			if row[0] != table.Variants[v].Name || row[1] != want[v].here || row[2] != want[v].soFar || row[3] != want[v].recovered {
				t.Errorf("%s ties: row %v, want %+v", ties, row, want[v])
			}
		}
		if want[3].recovered == 0 || want[3].here == 0 {
			t.Error("the table does not exercise the counts")
		}
	}
}

func TestRecallsAgainstPlainCounting(t *testing.T) {
	table := audittest.Table(spec)
	got := audittest.Run(t, New(), table, audit.DefaultOptions()).Get(t, "curve-class", "")
	if len(got.Rows) != 5 || len(got.Columns) != 5 {
		t.Fatalf("%d rows, %d columns", len(got.Rows), len(got.Columns))
	}
	for _, row := range got.Rows {
		for v := range table.Variants {
			n, hits := 0, 0
			for i := range table.Len() {
				if table.Classes[table.Labels.At(i)] != row[0] {
					continue
				}
				n++
				for _, m := range table.Variants[v].Members {
					if m.Predicted.At(i) == table.Labels.At(i) {
						hits++
					}
				}
			}
			want := float64(hits) / float64(n*len(table.Variants[v].Members))
			if math.Abs(row[v+1].(float64)-want) > 1e-15 {
				t.Errorf("class %s, variant %d: %v, want %v", row[0], v, row[v+1], want)
			}
		}
	}
}

// A class that is destroyed at the second level must be first lost there.
func TestPlantedLoss(t *testing.T) {
	s := spec
	s.Accuracy = []float64{0.9, 0.9, 0.9, 0.9}
	table := audittest.Table(s)
	for v := 2; v < 4; v++ {
		for k := range table.Variants[v].Members {
			for i := range table.Len() {
				if table.Labels.At(i) == 3 && i%3 == 0 {
					table.Variants[v].Members[k].Predicted.Set(i, 0)
				}
			}
		}
	}
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	f := got.Find(t, "curve/first-lost/pruned-2/class:c3")
	if *f.Estimate > -0.2 || f.Outcome != finding.Described {
		t.Errorf("%v %s", *f.Estimate, f.Outcome)
	}
	row := got.Get(t, "curve-first-lost", "").Rows[0]
	if row[0] != "c3" || row[2] != "pruned-2" || row[3] != "pruned-2" || row[4] != "no" {
		t.Error(row)
	}
	if f := got.Find(t, "curve/classes-lost/pruned-3/overall:pruned"); *f.Estimate < 1 {
		t.Error(*f.Estimate)
	}
}

func TestOneVariantIsNoCurve(t *testing.T) {
	s := spec
	s.Members = []int{3, 3}
	got := audittest.Run(t, New(), audittest.Table(s), audit.DefaultOptions())
	if len(got.Tables) != 0 || len(got.Findings) != 1 || got.Findings[0].Reason != finding.OneVariant {
		t.Errorf("%+v", got)
	}
}

func TestOneMember(t *testing.T) {
	s := spec
	s.Members = []int{1, 1, 1}
	table := audittest.Table(s)
	got := audittest.Run(t, New(), table, audit.DefaultOptions()).Get(t, "curve-example", "")
	var lost int64
	for i := range table.Len() {
		a, b := table.Variants[0].Members[0].Predicted.At(i), table.Variants[1].Members[0].Predicted.At(i)
		if y := table.Labels.At(i); a == y && b != y {
			lost++
		}
	}
	if got.Rows[0][1] != lost {
		t.Errorf("%v lost, want %d", got.Rows[0][1], lost)
	}
}

func TestRowOrderAndThreadsDoNotMatter(t *testing.T) {
	s := spec
	s.Examples = 5000
	table := audittest.Table(s)
	audittest.SameAtAnyThreads(t, New, table, audit.DefaultOptions())
	order := rand.New(rand.NewPCG(1, 2)).Perm(table.Len())
	a := audittest.Run(t, New(), table, audit.DefaultOptions()).JSON(t)
	b := audittest.Run(t, New(), audittest.Permuted(table, order), audit.DefaultOptions()).JSON(t)
	if a != b {
		t.Error("another order of the rows gives other findings")
	}
}
