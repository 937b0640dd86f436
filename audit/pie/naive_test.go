package pie

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/modal"
)

// naive computes everything the slow way: by listing members, subsets and
// rearrangements, from predictions held as plain slices.
type naive struct {
	labels  []int
	classes int
	pred    [2][][]int // [population][member][example]
	ties    modal.Ties
}

func naiveOf(t *prediction.Table, variant int, ties modal.Ties) naive {
	n := naive{classes: len(t.Classes), ties: ties}
	for i := range t.Len() {
		n.labels = append(n.labels, t.Labels.At(i))
	}
	for p, v := range []int{0, variant} {
		for _, m := range t.Variants[v].Members {
			var col []int
			for i := range t.Len() {
				col = append(col, m.Predicted.At(i))
			}
			n.pred[p] = append(n.pred[p], col)
		}
	}
	return n
}

// votes counts one example's votes of the given members.
func (n naive) votes(p, i int, members []int) []int {
	v := make([]int, n.classes)
	for _, k := range members {
		v[n.pred[p][k][i]]++
	}
	return v
}

func (n naive) mode(votes []int) int {
	best := -1
	for c, k := range votes {
		if k == 0 {
			continue
		}
		if best < 0 || k > votes[best] || k == votes[best] && n.ties == modal.Highest {
			best = c
		}
	}
	return best
}

func (n naive) all(p int) []int { return upTo(len(n.pred[p])) }

func upTo(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// without is x without its i-th element.
func without(x []int, i int) []int {
	return append(append([]int{}, x[:i]...), x[i+1:]...)
}

// subsets lists the m-subsets of x.
func subsets(x []int, m int) [][]int {
	if m == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for i := range x {
		for _, rest := range subsets(x[i+1:], m-1) {
			out = append(out, append([]int{x[i]}, rest...))
		}
	}
	return out
}

// modes lists example i's modal label for each subset.
func (n naive) modes(p, i int, sets [][]int) []int {
	out := make([]int, len(sets))
	for j, s := range sets {
		out[j] = n.mode(n.votes(p, i, s))
	}
	return out
}

// pieM is the share of pairs of m-subsets, one of each population's members,
// whose modes differ, by example.
func (n naive) pieM(m int, base, variant []int) []float64 {
	out := make([]float64, len(n.labels))
	s0, st := subsets(base, m), subsets(variant, m)
	for i := range out {
		a, b := n.modes(0, i, s0), n.modes(1, i, st)
		differ := 0
		for _, x := range a {
			for _, y := range b {
				if x != y {
					differ++
				}
			}
		}
		out[i] = float64(differ) / float64(len(a)*len(b))
	}
	return out
}

// floorM is the share of pairs of disjoint m-subsets of one population's
// members whose modes differ, by example.
func (n naive) floorM(m, p int, members []int) []float64 {
	out := make([]float64, len(n.labels))
	sets := subsets(members, m)
	var pairs [][2]int
	for a := range sets {
		for b := range a {
			if disjoint(sets[a], sets[b]) {
				pairs = append(pairs, [2]int{a, b})
			}
		}
	}
	for i := range out {
		modes := n.modes(p, i, sets)
		differ := 0
		for _, pair := range pairs {
			if modes[pair[0]] != modes[pair[1]] {
				differ++
			}
		}
		out[i] = float64(differ) / float64(len(pairs))
	}
	return out
}

func disjoint(a, b []int) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return false
			}
		}
	}
	return true
}

// pies is the number of examples whose modes differ, by example.
func (n naive) pies() []bool {
	out := make([]bool, len(n.labels))
	for i := range out {
		out[i] = n.mode(n.votes(0, i, n.all(0))) != n.mode(n.votes(1, i, n.all(1)))
	}
	return out
}

func number(x []bool) (n int) {
	for _, b := range x {
		if b {
			n++
		}
	}
	return n
}

func average(x []float64) float64 { return mean(x) }

func close64(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-11*(1+math.Abs(b)) }

// view makes a view of a table, or fails the test.
func view(t testing.TB, table *prediction.Table, o audit.Options) *audit.View {
	t.Helper()
	v, err := audit.NewView(table, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// counted is a comparison with its counts.
func counted(t testing.TB, v *audit.View, variant int) (*comparison, *tally) {
	t.Helper()
	c := newComparison(v, variant)
	counts, err := c.count(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c, counts
}

// random is a small table with many ties and disagreements.
func random(seed uint64, examples int, members ...int) *prediction.Table {
	return audittest.Table(audittest.Spec{Examples: examples, Classes: 4, Members: members, Accuracy: []float64{0.6, 0.5, 0.55}, Attributes: []int{3}, Seed: seed})
}

func options(ties audit.Ties) audit.Options {
	o := audit.DefaultOptions()
	o.Ties, o.Replicates, o.Partitions, o.MinN = ties, 999, 7, 1
	return o
}

func name2(k0, kt int, ties audit.Ties) string { return fmt.Sprintf("%d against %d, %s", k0, kt, ties) }
