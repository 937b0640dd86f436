package pie

import (
	"context"
	"math/bits"

	"github.com/lethe-audit/lethe/audit"
)

// fit is what one fold counts. The choosing sides split the examples into
// PIEs and controls; both are counted by the sum of the two leads (the votes
// by which the modal label leads the next) in the choosing sides.
type fit struct {
	base, variant []int64 // right votes on PIEs, by unit of the measuring side
	pies          []int64 // examples, by lead
	controls      []int64
	right         [2][]int64 // right votes on controls, by lead: baseline, variant
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
