package pie

import (
	"math"

	"github.com/lethe-audit/lethe/stat/agree"
	"github.com/lethe-audit/lethe/stat/jaccard"
)

// crossfit is the result over all folds.
type crossfit struct {
	pies     accuracies // on PIEs
	controls accuracies // on examples with the same leads that are no PIEs
	quarters accuracies // on the PIEs of two quarters of the baseline
	chosen   float64
	unpaired float64 // share of chosen PIEs without a control of the same lead
	stable   stability
}

// accuracies is the accuracy of both populations on chosen examples.
type accuracies struct {
	folds         int // folds that chose an example
	base, variant float64
	variance      float64 // of variant minus base, over members
	dof           float64
	squares       float64 // Σ of squared changes, over folds
}

func (s accuracies) change() float64 { return s.variant - s.base }

// stability compares the PIE sets of two disjoint halves of the populations.
type stability struct {
	halves           []int // units in each half of the baseline, of the variant
	jaccard, kappa   float64
	jaccards, kappas int // partitions in which they are defined
}

// result averages over the folds, each with the same weight.
func (f *folder) result(c *comparison) *crossfit {
	r := &crossfit{}
	var lonely, chosen int64
	for i := range f.fits {
		x, n := &f.folds[i], &f.fits[i]
		if i%4 >= 2 {
			r.quarters.add(n.onPIEs(x))
			continue
		}
		if r.pies.add(n.onPIEs(x)) {
			matched, without := n.onControls(x)
			r.controls.add(matched)
			lonely += without
			chosen += sum(n.pies)
		}
	}
	r.pies.finish()
	r.controls.finish()
	r.quarters.finish()
	if r.pies.folds > 0 {
		r.chosen = float64(chosen) / float64(r.pies.folds)
		r.unpaired = float64(lonely) / float64(chosen)
	}
	r.stable = f.stability(int64(c.size()))
	return r
}

func sum(x []int64) int64 {
	var s int64
	for _, n := range x {
		s += n
	}
	return s
}

// add adds one fold that chose an example.
func (s *accuracies) add(f accuracies) bool {
	if f.folds == 0 {
		return false
	}
	if s.folds == 0 || f.dof < s.dof {
		s.dof = f.dof
	}
	s.folds++
	s.base += f.base
	s.variant += f.variant
	s.variance += f.variance
	s.squares += f.change() * f.change()
	return true
}

// finish turns sums over folds into means. The variance stays that of a single
// fold: the mean over folds, which share members, has no larger one.
func (s *accuracies) finish() {
	if s.folds == 0 {
		return
	}
	n := float64(s.folds)
	s.base /= n
	s.variant /= n
	s.variance /= n
}

// drawn is the variance of the mean change that comes from drawing only some
// partitions. Between quarters of one population it is the only one: over all
// partitions their mean change is exactly 0, as each comes with its mirror
// image.
func (s *accuracies) drawn() float64 {
	n := float64(s.folds)
	if n < 2 {
		return 0
	}
	return max(0, s.squares/n-s.change()*s.change()) / (n - 1)
}

// onPIEs are the accuracies on the chosen examples; folds is 0 if there are
// none.
func (n *fit) onPIEs(x *fold) accuracies {
	examples := sum(n.pies)
	if examples == 0 {
		return accuracies{}
	}
	base := rates(n.base, x.measureBase.units, examples)
	variant := rates(n.variant, x.measureVariant.units, examples)
	s := accuracies{folds: 1, base: mean(base), variant: mean(variant), dof: float64(min(len(base), len(variant)) - 1)}
	if x.paired {
		for i := range variant {
			variant[i] -= base[i]
		}
		s.variance = variance(variant) / float64(len(variant))
		return s
	}
	s.variance = variance(base)/float64(len(base)) + variance(variant)/float64(len(variant))
	return s
}

// onControls are the accuracies on controls, standardized to the leads of the
// PIEs, and the number of PIEs for whose lead there is no control.
func (n *fit) onControls(x *fold) (s accuracies, without int64) {
	var weight, base, variant float64
	for lead, pies := range n.pies {
		if n.controls[lead] == 0 {
			without += pies
			continue
		}
		w := float64(pies) / float64(n.controls[lead])
		weight += float64(pies)
		base += w * float64(n.right[0][lead])
		variant += w * float64(n.right[1][lead])
	}
	if weight == 0 {
		return accuracies{}, without
	}
	return accuracies{
		folds: 1,
		base:  base / weight / float64(x.measureBase.set.count()), variant: variant / weight / float64(x.measureVariant.set.count()),
	}, without
}

func rates(right []int64, units [][]int, examples int64) []float64 {
	r := make([]float64, len(right))
	for u, n := range right {
		r[u] = float64(n) / float64(examples*int64(len(units[u])))
	}
	return r
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}

func variance(x []float64) float64 {
	m, s := mean(x), 0.0
	for _, v := range x {
		s += (v - m) * (v - m)
	}
	return s / float64(len(x)-1)
}

// stability averages the Jaccard index and Fleiss' kappa of the PIE sets of
// two halves over the partitions.
func (f *folder) stability(examples int64) stability {
	s := stability{halves: []int{len(f.folds[0].chooseBase.units), len(f.folds[0].chooseVariant.units)}}
	for p, both := range f.both {
		one := f.one[p]
		if j, err := jaccard.Counts(int(both), int(one), 0); err == nil { // no PIEs: no index
			s.jaccards++
			s.jaccard += j
		}
		table := agree.Table{Rows: [][]int{{2, 0}, {1, 1}, {0, 2}}, Times: []int{int(both), int(one), int(examples - both - one)}}
		if k, err := agree.Fleiss(table); err == nil { // no PIEs: agreement is certain
			s.kappas++
			s.kappa += k.Value
		}
	}
	s.jaccard /= math.Max(1, float64(s.jaccards))
	s.kappa /= math.Max(1, float64(s.kappas))
	return s
}
