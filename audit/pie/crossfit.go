package pie

import (
	"context"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/audit"
)

// minCrossFit is the least number of members (or lineages) of each population
// with which PIEs can be chosen and measured by different members, and the
// baseline quartered.
const minCrossFit = 8

// side is one set of members on one side of a cross-fit.
type side struct {
	set   bitset
	units [][]int // members by unit: each alone, or the members of a lineage
	unit  []int32 // unit of each member in set
}

// fold chooses examples with some members and measures them with others.
type fold struct {
	chooseBase, chooseVariant   side
	measureBase, measureVariant side
	paired                      bool
	controls                    bool // count controls
}

// fit is what one fold counts. The choosing sides split the examples into
// PIEs and controls; both are counted by the sum of the two leads (the votes
// by which the modal label leads the next) in the choosing sides.
type fit struct {
	base, variant []int64 // right votes on PIEs, by unit of the measuring side
	pies          []int64 // examples, by lead
	controls      []int64
	right         [2][]int64 // right votes on controls, by lead: baseline, variant
}

// crossfit is the result over all folds.
type crossfit struct {
	pies     side2 // on PIEs
	controls side2 // on examples with the same leads that are no PIEs
	quarters side2 // on the PIEs of two quarters of the baseline
	chosen   float64
	unpaired float64 // share of chosen PIEs without a control of the same lead
	stable   stability
}

// side2 is the accuracy of both populations on chosen examples.
type side2 struct {
	folds         int // folds that chose an example
	base, variant float64
	variance      float64 // of variant minus base, over members
	dof           float64
}

func (s side2) change() float64 { return s.variant - s.base }

// stability compares the PIE sets of two disjoint halves of the populations.
type stability struct {
	halves                []int // members in each half of the baseline, of the variant
	partitions            int
	jaccard, kappa        float64
	jaccards, kappas      int // partitions in which they are defined
	both, one, neitherSum int64
}

// partition makes the folds of one seeded partition: two over the halves of
// both populations, two over the quarters of the baseline.
func (c *comparison) partition(seed, number uint64) []fold {
	rng := rand.New(rand.NewPCG(seed, number))
	var base, variant [][]int
	if c.units != nil {
		for _, l := range c.units.list {
			base = append(base, l.base)
			variant = append(variant, l.variant)
		}
		rng.Shuffle(len(base), func(i, j int) {
			base[i], base[j] = base[j], base[i]
			variant[i], variant[j] = variant[j], variant[i]
		})
	} else {
		base, variant = alone(0, c.k0), alone(c.k0, c.kt)
		rng.Shuffle(len(base), func(i, j int) { base[i], base[j] = base[j], base[i] })
		rng.Shuffle(len(variant), func(i, j int) { variant[i], variant[j] = variant[j], variant[i] })
	}
	part := func(units [][]int, i, parts int) side {
		n := len(units) / parts
		return c.side(units[i*n : (i+1)*n])
	}
	b0, b1 := part(base, 0, 2), part(base, 1, 2)
	t0, t1 := part(variant, 0, 2), part(variant, 1, 2)
	q0, q1, q2, q3 := part(base, 0, 4), part(base, 1, 4), part(base, 2, 4), part(base, 3, 4)
	paired := c.units != nil
	return []fold{
		{b0, t0, b1, t1, paired, true},
		{b1, t1, b0, t0, paired, true},
		{q0, q1, q2, q3, false, false},
		{q2, q3, q0, q1, false, false},
	}
}

func alone(from, n int) [][]int {
	units := make([][]int, n)
	for k := range units {
		units[k] = []int{from + k}
	}
	return units
}

func (c *comparison) side(units [][]int) side {
	s := side{set: newBitset(c.k0 + c.kt), units: units, unit: make([]int32, c.k0+c.kt)}
	for i, u := range units {
		for _, k := range u {
			s.set.add(k)
			s.unit[k] = int32(i)
		}
	}
	return s
}

// crossFit makes the pass over all partitions.
func (c *comparison) crossFit(ctx context.Context, t *tally) (*crossfit, error) {
	o := c.view.Options
	var folds []fold
	for p := range o.Partitions {
		folds = append(folds, c.partition(o.Seed, uint64(p))...)
	}
	workers := make([]*folder, c.view.Threads())
	err := c.ballots(ctx, func(w int, b *audit.Block, i int, v *ballot) {
		if workers[w] == nil {
			workers[w] = newFolder(c, folds)
		}
		v.masks()
		workers[w].example(v, b.Labels[i])
	})
	if err != nil {
		return nil, err
	}
	total := newFolder(c, folds)
	for _, p := range workers {
		if p != nil {
			total.add(p)
		}
	}
	total.unanimous(int64(c.size())-t.split, c.unanimousRight(t))
	return total.result(c), nil
}

// unanimousRight is the number of examples on which all members are right.
func (c *comparison) unanimousRight(t *tally) int64 { return t.votes[len(t.votes)-1] }

// folder counts all folds.
type folder struct {
	c     *comparison
	folds []fold
	fits  []fit
	both  []int64 // by partition: examples that are PIEs of both halves
	one   []int64 // of exactly one
}

func newFolder(c *comparison, folds []fold) *folder {
	f := &folder{c: c, folds: folds, fits: make([]fit, len(folds))}
	f.both, f.one = make([]int64, len(folds)/4), make([]int64, len(folds)/4)
	for i, x := range folds {
		leads := x.chooseBase.set.count() + x.chooseVariant.set.count() + 1
		f.fits[i] = fit{
			base: make([]int64, len(x.measureBase.units)), variant: make([]int64, len(x.measureVariant.units)),
			pies: make([]int64, leads), controls: make([]int64, leads),
			right: [2][]int64{make([]int64, leads), make([]int64, leads)},
		}
	}
	return f
}

// add adds what another worker counted.
func (f *folder) add(p *folder) {
	sum := func(a, b []int64) {
		for i, n := range b {
			a[i] += n
		}
	}
	sum(f.both, p.both)
	sum(f.one, p.one)
	for i := range f.fits {
		a, b := &f.fits[i], &p.fits[i]
		sum(a.base, b.base)
		sum(a.variant, b.variant)
		sum(a.pies, b.pies)
		sum(a.controls, b.controls)
		sum(a.right[0], b.right[0])
		sum(a.right[1], b.right[1])
	}
}

// example counts one example, whose masks are filled, in every fold.
func (f *folder) example(v *ballot, label int32) {
	var right []uint64 // members that are right
	if j := v.at(label); j >= 0 {
		right = v.mask[j*v.words : (j+1)*v.words]
	}
	split := v.splitBase(f.c.k0)
	for p := range f.both {
		first := f.fold(4*p, v, right)
		second := f.fold(4*p+1, v, right)
		if first && second {
			f.both[p]++
		} else if first || second {
			f.one[p]++
		}
		if split {
			f.fold(4*p+2, v, right)
			f.fold(4*p+3, v, right)
		}
	}
}

// splitBase reports whether baseline members disagree.
func (v *ballot) splitBase(k0 int) bool {
	for _, n := range v.base {
		if n == k0 {
			return false
		}
	}
	return true
}

// fold counts the example in one fold and reports whether it is chosen.
func (f *folder) fold(i int, v *ballot, right []uint64) bool {
	x, n := &f.folds[i], &f.fits[i]
	label0, lead0 := v.top(x.chooseBase.set, f.c.ties)
	labelT, leadT := v.top(x.chooseVariant.set, f.c.ties)
	lead := lead0 + leadT
	if label0 != labelT {
		n.pies[lead]++
		x.measureBase.count(n.base, right)
		x.measureVariant.count(n.variant, right)
		return true
	}
	if x.controls {
		n.controls[lead]++
		for w, m := range right {
			n.right[0][lead] += int64(bits.OnesCount64(m & x.measureBase.set[w]))
			n.right[1][lead] += int64(bits.OnesCount64(m & x.measureVariant.set[w]))
		}
	}
	return false
}

// count adds the members that are right to their units.
func (s *side) count(into []int64, right []uint64) {
	for w, m := range right {
		for m &= s.set[w]; m != 0; m &= m - 1 {
			into[s.unit[w*64+bits.TrailingZeros64(m)]]++
		}
	}
}

// unanimous adds the examples on which all members agree: controls with the
// largest lead in every fold.
func (f *folder) unanimous(examples, right int64) {
	for i := range f.fits {
		x, n := &f.folds[i], &f.fits[i]
		if !x.controls {
			continue
		}
		last := len(n.controls) - 1
		n.controls[last] += examples
		n.right[0][last] += right * int64(x.measureBase.set.count())
		n.right[1][last] += right * int64(x.measureVariant.set.count())
	}
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
func (s *side2) add(f side2) bool {
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
	return true
}

// finish turns sums over folds into means. The variance stays that of a single
// fold: the mean over folds, which share members, has no larger one.
func (s *side2) finish() {
	if s.folds == 0 {
		return
	}
	n := float64(s.folds)
	s.base /= n
	s.variant /= n
	s.variance /= n
}

// onPIEs are the accuracies on the chosen examples; folds is 0 if there are
// none.
func (n *fit) onPIEs(x *fold) side2 {
	examples := sum(n.pies)
	if examples == 0 {
		return side2{}
	}
	base := rates(n.base, x.measureBase.units, examples)
	variant := rates(n.variant, x.measureVariant.units, examples)
	s := side2{folds: 1, base: mean(base), variant: mean(variant), dof: float64(min(len(base), len(variant)) - 1)}
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
func (n *fit) onControls(x *fold) (s side2, without int64) {
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
		return side2{}, without
	}
	return side2{
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
	s := stability{partitions: len(f.both), halves: []int{len(f.folds[0].chooseBase.units), len(f.folds[0].chooseVariant.units)}}
	for p, both := range f.both {
		one := f.one[p]
		if both+one > 0 {
			s.jaccards++
			s.jaccard += float64(both) / float64(both+one)
		}
		if k, ok := fleissOfTwo(both, one, examples); ok {
			s.kappas++
			s.kappa += k
		}
	}
	s.jaccard /= math.Max(1, float64(s.jaccards))
	s.kappa /= math.Max(1, float64(s.kappas))
	return s
}

// fleissOfTwo is Fleiss' kappa of two raters who both call "PIE" on both
// examples, disagree on one and both say no on the rest; not ok where chance
// agreement is certain.
func fleissOfTwo(both, one, examples int64) (kappa float64, ok bool) {
	n := float64(examples)
	yes := (2*float64(both) + float64(one)) / (2 * n)
	chance := yes*yes + (1-yes)*(1-yes)
	if yes == 0 || yes == 1 {
		return 0, false
	}
	return (1 - float64(one)/n - chance) / (1 - chance), true
}
