package confusion

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

var small = audittest.Spec{Examples: 700, Classes: 6, Members: []int{5, 3, 1}, Accuracy: []float64{0.9, 0.8, 0.7}, Seed: 1}

// share counts one cell the plain way.
func share(t *prediction.Table, variant, truth, predicted int) (s float64, count int) {
	n := 0
	for i := range t.Len() {
		if t.Labels.At(i) != truth {
			continue
		}
		n++
		for _, m := range t.Variants[variant].Members {
			if m.Predicted.At(i) == predicted {
				count++
			}
		}
	}
	return float64(count) / float64(n*len(t.Variants[variant].Members)), count
}

func TestTableAgainstPlainCounting(t *testing.T) {
	table := audittest.Table(small)
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	for v := 1; v < len(table.Variants); v++ {
		rows := got.Get(t, "confusion", table.Variants[v].Name).Rows
		cells := map[[2]string]bool{}
		for j, r := range rows {
			truth, predicted := slices.Index(table.Classes, r[0].(string)), slices.Index(table.Classes, r[1].(string))
			cells[[2]string{r[0].(string), r[1].(string)}] = true
			b, nb := share(table, 0, truth, predicted)
			x, nx := share(table, v, truth, predicted)
			if r[2] != b || r[3] != x || r[5] != int64(nb) || r[6] != int64(nx) || math.Abs(r[4].(float64)-(x-b)) > 1e-15 {
				t.Errorf("row %v, want shares %v and %v of counts %d and %d", r, b, x, nb, nx)
			}
			if j > 0 && math.Abs(r[4].(float64)) > math.Abs(rows[j-1][4].(float64)) {
				t.Errorf("row %d has a larger change than the row above", j)
			}
		}
		for a, x := range table.Classes {
			for b, y := range table.Classes {
				s0, _ := share(table, 0, a, b)
				s1, _ := share(table, v, a, b)
				if cells[[2]string{x, y}] != (math.Abs(s0-s1) > 1e-12) {
					t.Errorf("cell %s, %s with shares %v and %v: listed is %v", x, y, s0, s1, cells[[2]string{x, y}])
				}
			}
		}
	}
}

func TestRowsSumToZero(t *testing.T) {
	got := audittest.Run(t, New(), audittest.Table(small), audit.DefaultOptions())
	sums := map[string]float64{}
	for _, r := range got.Get(t, "confusion", "pruned-1").Rows {
		sums[r[0].(string)] += r[4].(float64)
	}
	for class, s := range sums {
		if math.Abs(s) > 1e-12 {
			t.Errorf("differences of %s sum to %v, want 0", class, s)
		}
	}
}

// Cutting the table must keep the largest rows and say how many there were.
func TestCutTable(t *testing.T) {
	table := audittest.Table(small)
	o := audit.DefaultOptions()
	full := audittest.Run(t, New(), table, o).Get(t, "confusion", "pruned-1")
	o.MaxTableRows = 4
	cut := audittest.Run(t, New(), table, o).Get(t, "confusion", "pruned-1")
	if len(cut.Rows) != 4 || cut.Total != len(full.Rows) || full.Total != len(full.Rows) {
		t.Fatalf("%d rows of %d, want 4 of %d", len(cut.Rows), cut.Total, len(full.Rows))
	}
	for i := range cut.Rows {
		if !slices.Equal(cut.Rows[i], full.Rows[i]) {
			t.Errorf("row %d is %v, want %v", i, cut.Rows[i], full.Rows[i])
		}
	}
}

func TestSparseCountsAsDense(t *testing.T) {
	spec := small
	spec.Examples = 9000 // several blocks
	v, err := audit.NewView(audittest.Table(spec), audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for variant := range 3 {
		dense, err := countDense(context.Background(), v, variant)
		if err != nil {
			t.Fatal(err)
		}
		sparse, err := countSparse(context.Background(), v, variant)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(dense, sparse) {
			t.Errorf("variant %d: %v and %v", variant, dense, sparse)
		}
	}
}

func TestTallyFlushesAndMerges(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var a tally
	want := map[uint64]int64{}
	for range 3*tallyBuffer + 17 {
		k := uint64(rng.ExpFloat64() * 1000)
		a.add(k)
		want[k]++
	}
	a.flush()
	if len(a.cells) != len(want) {
		t.Fatalf("%d cells, want %d", len(a.cells), len(want))
	}
	for i, c := range a.cells {
		if want[c.key] != c.n || (i > 0 && a.cells[i-1].key >= c.key) {
			t.Fatalf("cell %d is %v, want count %d in increasing order", i, c, want[c.key])
		}
	}
}

// A planted shift from one class to another must be named.
func TestPlantedDestination(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 2000, Classes: 5, Members: []int{3, 3}, Accuracy: []float64{0.9, 0.9}, Lineage: true, Seed: 3})
	moved := 0
	for i := range table.Len() {
		if table.Labels.At(i) == 2 && i%2 == 0 {
			for k := range table.Variants[1].Members {
				table.Variants[1].Members[k].Predicted.Set(i, 4)
			}
			moved++
		}
	}
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	f := got.Find(t, "confusion/lost-answers/pruned-1/class:c2")
	if f.Metric != "share predicted as c4" || *f.Estimate < 0.4 || f.Outcome != finding.Described {
		t.Errorf("%s %v after moving %d of %d examples", f.Metric, *f.Estimate, moved, f.N)
	}
	if f := got.Find(t, "confusion/largest-shift/pruned-1/overall"); f.Metric != "share of all answers that take c2 for c4" {
		t.Error(f.Metric)
	}
	rows := got.Get(t, "confusion", "pruned-1").Rows
	top := rows[0][0] == "c2" && rows[1][0] == "c2"
	if !top {
		t.Errorf("the table begins with %v and %v", rows[0], rows[1])
	}
}

func TestWrongAnswersIsTheLossOfAccuracy(t *testing.T) {
	table := audittest.Table(small)
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	accuracy := func(variant int) float64 {
		c, err := v.Counts(context.Background(), variant)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, x := range c.Total {
			sum += x
		}
		return float64(sum) / float64(table.Len()*len(c.Total))
	}
	f := got.Find(t, "confusion/wrong-answers/pruned-2/overall")
	if want := accuracy(0) - accuracy(2); math.Abs(*f.Estimate-want) > 1e-12 {
		t.Errorf("wrong answers changed by %v, accuracy by %v", *f.Estimate, -want)
	}
}

func TestSwappingNegates(t *testing.T) {
	spec := small
	spec.Members = []int{5, 3}
	table := audittest.Table(spec)
	a := audittest.Run(t, New(), table, audit.DefaultOptions()).Get(t, "confusion", "pruned-1")
	b := audittest.Run(t, New(), audittest.Swapped(table), audit.DefaultOptions()).Get(t, "confusion", "pruned-1")
	if len(a.Rows) != len(b.Rows) {
		t.Fatalf("%d rows and %d rows", len(a.Rows), len(b.Rows))
	}
	for i, r := range a.Rows {
		s := b.Rows[i]
		if r[0] != s[0] || r[1] != s[1] || r[4].(float64) != -s[4].(float64) || r[5] != s[6] {
			t.Errorf("row %d: %v and %v", i, r, s)
		}
	}
}

func TestRowOrderAndThreadsDoNotMatter(t *testing.T) {
	spec := small
	spec.Examples = 5000
	table := audittest.Table(spec)
	audittest.SameAtAnyThreads(t, New, table, audit.DefaultOptions())
	order := rand.New(rand.NewPCG(1, 2)).Perm(table.Len())
	a := audittest.Run(t, New(), table, audit.DefaultOptions()).JSON(t)
	b := audittest.Run(t, New(), audittest.Permuted(table, order), audit.DefaultOptions()).JSON(t)
	if a != b {
		t.Error("another order of the rows gives other findings")
	}
}
