package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

// TestRobustCanFail: what is wrong with the check of robustness must show, even in
// the short version.
func TestRobustCanFail(t *testing.T) {
	for _, wrong := range []struct {
		what, scenario, quantity string
		change                   func(*prediction.Table)
	}{
		{"the loss on clean data left out", "robust/null-k30", "P(any finding of excess)", noCleanLoss},
		{"baseline and candidate exchanged", "robust/planted-k1", "mean excess under blur", exchangeShifted},
	} {
		e := makeRobust(t, wrong.scenario)
		for _, broken := range []bool{false, true} {
			if e.change = nil; broken {
				e.change = wrong.change
			}
			sums, err := runChunk(t.Context(), e, 1, chunk)
			if err != nil {
				t.Fatal(err)
			}
			judged := false
			for _, c := range e.Criteria(sums, bounds{Seeds: chunk, Wide: quickWide}) {
				if c.What == wrong.quantity {
					judged = true
					if c.Pass == broken {
						t.Errorf("%s, %s: %s is %.4f and pass is %v", wrong.scenario, wrong.what, c.What, c.Value, c.Pass)
					}
				}
			}
			if !judged {
				t.Errorf("%s has no %s", wrong.scenario, wrong.quantity)
			}
		}
	}
}

func makeRobust(t *testing.T, name string) *robustTests {
	t.Helper()
	for _, sc := range scenarios() {
		if sc.Name == name {
			e, err := sc.Make()
			if err != nil {
				t.Fatal(err)
			}
			return e.(*robustTests)
		}
	}
	t.Fatalf("there is no scenario %s", name)
	return nil
}

// noCleanLoss gives the candidate the baseline's answers on clean data.
func noCleanLoss(t *prediction.Table) {
	for k := range t.Variants[1].Members {
		t.Variants[1].Members[k].Predicted = t.Variants[0].Members[k].Predicted
	}
}

// exchangeShifted makes the candidate the baseline, names and order staying.
func exchangeShifted(t *prediction.Table) {
	a, b := &t.Variants[0], &t.Variants[1]
	a.Members, b.Members = b.Members, a.Members
	for _, s := range t.Shifts {
		exchangeShifted(s.Table)
	}
}

// TestRobustPlantsWhatItSays: over many draws the baseline is as often right as its
// probabilities say, and the variant loses what is planted, of each data set.
func TestRobustPlantsWhatItSays(t *testing.T) {
	e := makeRobust(t, "robust/planted-k5-paired")
	const seeds = 40
	base, top := make([]float64, len(e.right)), make([]float64, len(e.right))
	for seed := range uint64(seeds) {
		table, err := e.table(rand.New(rand.NewPCG(seed, 6)))
		if err != nil {
			t.Fatal(err)
		}
		sets := []*prediction.Table{table}
		for _, s := range table.Shifts {
			sets = append(sets, s.Table)
		}
		for j, s := range sets {
			base[j] += rightShare(s, 0) / seeds
			top[j] += rightShare(s, 1) / seeds
		}
	}
	// 200 members: an sd of .014 from their abilities and of .016 from their answers
	const tolerance = 5 * 0.022 / 14
	for j, right := range e.right {
		want := 0.0
		for _, p := range right {
			want += p / float64(len(right))
		}
		loss := e.loss
		if j >= 1 && j <= simulatedSeverities {
			loss += e.blur
		}
		if math.Abs(base[j]-want) > tolerance || math.Abs(base[j]-top[j]-loss) > tolerance {
			t.Errorf("data set %d: baseline %.4f, want %.4f; the variant loses %.4f, want %.4f", j, base[j], want, base[j]-top[j], loss)
		}
	}
}

// rightShare is the mean accuracy of a variant's members.
func rightShare(t *prediction.Table, variant int) float64 {
	right, members := 0, t.Variants[variant].Members
	for _, m := range members {
		for i := range t.Len() {
			if m.Predicted.At(i) == t.Labels.At(i) {
				right++
			}
		}
	}
	return float64(right) / float64(len(members)*t.Len())
}
