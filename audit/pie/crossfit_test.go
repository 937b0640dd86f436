package pie

import (
	"context"
	"math"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

func crossFitted(t *testing.T, table *prediction.Table, o audit.Options) (*comparison, *crossfit) {
	t.Helper()
	c, counts := counted(t, view(t, table, o), 1)
	x, err := c.crossFit(context.Background(), counts)
	if err != nil {
		t.Fatal(err)
	}
	return c, x
}

// slowFold is one fold by plain counting over all examples, unanimous ones
// too. Members are numbered as in a ballot.
type slowFold struct {
	pies                   []int
	base, variant          []float64 // accuracy on PIEs by measuring unit
	controlBase, controlVt float64
	matched                bool
}

func (n naive) member(k int) []int {
	if k < len(n.pred[0]) {
		return n.pred[0][k]
	}
	return n.pred[1][k-len(n.pred[0])]
}

func (n naive) fold(x *fold) slowFold {
	flat := func(s side) (all []int) {
		for _, u := range s.units {
			all = append(all, u...)
		}
		return all
	}
	top := func(i int, members []int) (label, lead int) {
		v := make([]int, n.classes)
		for _, k := range members {
			v[n.member(k)[i]]++
		}
		first, second := topTwo(v)
		return n.mode(v), first - second
	}
	accuracy := func(members []int, examples []int) float64 {
		right := 0
		for _, i := range examples {
			for _, k := range members {
				if n.member(k)[i] == n.labels[i] {
					right++
				}
			}
		}
		return float64(right) / float64(len(members)*len(examples))
	}
	var out slowFold
	pies, controls := map[int][]int{}, map[int][]int{}
	for i := range n.labels {
		a, la := top(i, flat(x.chooseBase))
		b, lb := top(i, flat(x.chooseVariant))
		if a != b {
			out.pies = append(out.pies, i)
			pies[la+lb] = append(pies[la+lb], i)
		} else {
			controls[la+lb] = append(controls[la+lb], i)
		}
	}
	if len(out.pies) == 0 {
		return out
	}
	for _, u := range x.measureBase.units {
		out.base = append(out.base, accuracy(u, out.pies))
	}
	for _, u := range x.measureVariant.units {
		out.variant = append(out.variant, accuracy(u, out.pies))
	}
	weight := 0.0
	for lead, list := range pies {
		if len(controls[lead]) > 0 {
			w := float64(len(list))
			weight += w
			out.controlBase += w * accuracy(flat(x.measureBase), controls[lead])
			out.controlVt += w * accuracy(flat(x.measureVariant), controls[lead])
		}
	}
	if weight > 0 {
		out.matched = true
		out.controlBase /= weight
		out.controlVt /= weight
	}
	return out
}

func TestCrossFitBruteForce(t *testing.T) {
	for what, table := range map[string]*prediction.Table{
		"independent": random(31, 90, 9, 8), "paired": paired(31, 90, 9),
		"more than 64 members": random(32, 60, 40, 33),
	} {
		o := options(audit.LowestTie)
		c, got := crossFitted(t, table, o)
		n := naiveOf(table, 1, c.ties)
		var pie, control, quarter accuracies
		var chosen, jaccard, kappa float64
		for p := range o.Partitions {
			var sets [][]int
			for i, x := range c.partition(o.Seed, uint64(p)) {
				f := n.fold(&x)
				if i < 2 {
					sets = append(sets, f.pies)
				}
				if len(f.pies) == 0 {
					continue
				}
				s := accuracies{folds: 1, base: mean(f.base), variant: mean(f.variant), variance: variance(f.base)/float64(len(f.base)) + variance(f.variant)/float64(len(f.variant)), dof: 1}
				if i >= 2 {
					quarter.add(s)
					continue
				}
				if c.units != nil {
					var d []float64
					for l := range f.base {
						d = append(d, f.variant[l]-f.base[l])
					}
					s.variance = variance(d) / float64(len(d))
				}
				pie.add(s)
				chosen += float64(len(f.pies))
				if f.matched {
					control.add(accuracies{folds: 1, base: f.controlBase, variant: f.controlVt})
				}
			}
			both, one := 0.0, 0.0
			in := map[int]bool{}
			for _, i := range sets[0] {
				in[i] = true
			}
			for _, i := range sets[1] {
				if in[i] {
					both++
				}
			}
			one = float64(len(sets[0])+len(sets[1])) - 2*both
			jaccard += both / (both + one)
			// Fleiss' kappa, written out for two raters and two categories.
			nn := float64(table.Len())
			yes := float64(len(sets[0])+len(sets[1])) / (2 * nn)
			observed, chance := (nn-one)/nn, yes*yes+(1-yes)*(1-yes)
			kappa += (observed - chance) / (1 - chance)
		}
		chosen /= float64(pie.folds)
		pie.finish()
		control.finish()
		quarter.finish()
		for _, x := range []struct {
			name      string
			got, want accuracies
		}{{"PIEs", got.pies, pie}, {"controls", got.controls, control}, {"quarters", got.quarters, quarter}} {
			if x.got.folds != x.want.folds || !close64(x.got.base, x.want.base) || !close64(x.got.variant, x.want.variant) || !close64(x.got.variance, x.want.variance) {
				t.Errorf("%s: %s %+v, want %+v", what, x.name, x.got, x.want)
			}
		}
		if parts := float64(o.Partitions); !close64(got.chosen, chosen) || !close64(got.stable.jaccard, jaccard/parts) || !close64(got.stable.kappa, kappa/parts) {
			t.Errorf("%s: %v chosen, Jaccard %v, kappa %v; want %v, %v, %v", what, got.chosen, got.stable.jaccard, got.stable.kappa, chosen, jaccard/parts, kappa/parts)
		}
	}
}

// The sets of a fold are disjoint, as large as can be, and whole lineages
// where members share them.
func TestPartitions(t *testing.T) {
	for _, table := range []*prediction.Table{random(1, 20, 9, 14), paired(1, 20, 11)} {
		c := newComparison(view(t, table, options(audit.LowestTie)), 1)
		k0, kt := c.unitCounts()
		for p := range uint64(30) {
			for i, x := range c.partition(9, p) {
				seen := newBitset(c.k0 + c.kt)
				size := 0
				for _, s := range []side{x.chooseBase, x.chooseVariant, x.measureBase, x.measureVariant} {
					for w := range seen {
						if seen[w]&s.set[w] != 0 {
							t.Fatalf("fold %d uses a member twice", i)
						}
						seen[w] |= s.set[w]
					}
					size += len(s.units)
				}
				if want := [2]int{k0/2*2 + kt/2*2, k0 / 4 * 4}[i/2]; size != want {
					t.Fatalf("fold %d has %d units, want %d", i, size, want)
				}
				for l := 0; c.units != nil && i < 2 && l < k0; l++ {
					if x.chooseBase.set.has(l) != x.chooseVariant.set.has(c.k0+l) {
						t.Fatalf("fold %d splits lineage %d", i, l)
					}
				}
			}
		}
	}
}

// Over all partitions the quarters' mean change would be 0: what the drawn ones
// leave is within their own error, and far within that of the members.
func TestQuartersLeaveNoChange(t *testing.T) {
	for seed := range uint64(12) {
		o := options(audit.LowestTie)
		o.Partitions = 60
		_, x := crossFitted(t, planting{examples: 500, classes: 8, members: []int{12, 12}, hard: 0.6, correlation: 0.5, seed: seed}.table(), o)
		if d, se := x.quarters.change(), math.Sqrt(x.quarters.drawn()); math.Abs(d) > 4*se || se > math.Sqrt(x.quarters.variance)/4 || se == 0 {
			t.Errorf("seed %d: %v ± %v, members' error %v", seed, d, se, math.Sqrt(x.quarters.variance))
		}
	}
}

// Under no effect, members that chose the PIEs and members that did not tell
// different stories: the cross-fitted change is near 0.
func TestCrossFitUnderNoEffect(t *testing.T) {
	const seeds = 30
	sum, squares, beyond := 0.0, 0.0, 0
	for seed := range uint64(seeds) {
		p := planting{examples: 600, classes: 8, members: []int{12, 12}, hard: 0.6, seed: seed}
		_, x := crossFitted(t, p.table(), options(audit.LowestTie))
		d := x.pies.change()
		sum += d
		squares += d * d
		if math.Abs(d) > 2.57*math.Sqrt(x.pies.variance) { // t at .05 with 5 degrees of freedom
			beyond++
		}
	}
	m := sum / seeds
	if se := math.Sqrt((squares/seeds - m*m) / seeds); math.Abs(m) > 4*se || beyond > 4 {
		t.Errorf("mean change %.4f ± %.4f, beyond its interval %d of %d times", m, se, beyond, seeds)
	}
}
