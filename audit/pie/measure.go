package pie

import (
	"context"
	"errors"
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/jackknife"
	"github.com/lethe-audit/lethe/stat/modal"
)

// Reasons a noise floor or a swap reference cannot be measured; answers, to be
// reported as "not measurable".
var (
	ErrTooFewMembers = errors.New("pie: fewer than 2 members in a population: no noise floor")
	ErrSharedLineage = errors.New("pie: members share lineages with the baseline: the floor of independent populations does not apply")
	ErrNotPaired     = errors.New("pie: members share no lineage with the baseline: there is nothing to swap")
)

// Measured is the PIE share of one variant at a matched population size and
// the noise floors at the same size. All are shares of the examples, and
// unbiased: differences may be negative.
type Measured struct {
	Examples int // N
	KBase, K int // members
	M        int // matched size: members whose modal label is compared

	PIE      float64 // PIE share of populations of M members: mean of 1 − Σ_c q0c qtc
	Floor    float64 // share on which two disjoint sets of M baseline members disagree
	OwnFloor float64 // the same for the variant

	FloorMembers jackknife.Variance // of Floor, over baseline members; known where Excess.Interval is true

	Excess    Estimate // PIE − Floor
	OwnExcess Estimate // PIE − (Floor + OwnFloor)/2: a shift, not only a noisier variant
}

// Estimate is an estimated share with its variance.
type Estimate struct {
	Value    float64
	Members  jackknife.Variance // over members: delete-one jackknife of each population, summed
	Both     jackknife.Variance // over members and examples: Members plus s²/N, less the examples' own variance over members
	Examples float64            // s²/N
	Interval bool               // Members and Both are known (K of 3 or more)
}

// Bounds is the t interval at the level over members, or over members and
// examples. It is an error where Interval is false or there is no variance.
func (e Estimate) Bounds(level float64, both bool) (lo, hi float64, err error) {
	if !e.Interval {
		return 0, 0, ErrTooFewMembers
	}
	if both {
		return e.Both.Interval(e.Value, level)
	}
	return e.Members.Interval(e.Value, level)
}

// Measurer measures PIE shares at matched size. What it computes for one vote
// vector it keeps for all later calls, whatever their view. The zero value is
// ready; it is safe for concurrent use.
type Measurer struct{ memo memo }

// Measure is [Measurer.Measure] with a new Measurer.
func Measure(ctx context.Context, v *audit.View, t int) (Measured, error) {
	var m Measurer
	return m.Measure(ctx, v, t)
}

// Measure measures variant t (1 or higher) of the view against its baseline.
// With fewer than 2 members in a population it returns ErrTooFewMembers, with
// shared lineages ErrSharedLineage.
func (m *Measurer) Measure(ctx context.Context, v *audit.View, t int) (Measured, error) {
	c := newComparison(v, t)
	if c.units != nil {
		return Measured{}, ErrSharedLineage
	}
	size, interval := modal.MatchedSize(min(c.k0, c.kt))
	if size == 0 {
		return Measured{}, ErrTooFewMembers
	}
	r, err := m.replicate(ctx, c, size, interval, nil, nil)
	if err != nil {
		return Measured{}, err
	}
	return r.measured(c, size, interval)
}

// replicates are the three shares of all members and with each member left
// out, as sums over examples.
type replicates struct {
	pie, floor, own       float64
	excess2, ownExcess2   float64   // Σ of squares of the per-example values
	pie2, with            float64   // Σ of squares of the per-example PIE, Σ of products with other
	pieBase, floorBase    []float64 // by baseline member left out
	pieVariant, ownFloors []float64 // by variant member left out
	residual, ownResidual float64   // Σ over examples of the jackknife variance of the example's own excess
}

func newReplicates(k0, kt int) *replicates {
	return &replicates{
		pieBase: make([]float64, k0), floorBase: make([]float64, k0),
		pieVariant: make([]float64, kt), ownFloors: make([]float64, kt),
	}
}

func (r *replicates) add(p *replicates) {
	r.pie += p.pie
	r.floor += p.floor
	r.own += p.own
	r.excess2 += p.excess2
	r.ownExcess2 += p.ownExcess2
	r.pie2 += p.pie2
	r.residual += p.residual
	r.ownResidual += p.ownResidual
	r.with += p.with
	for _, pair := range [][2][]float64{{r.pieBase, p.pieBase}, {r.floorBase, p.floorBase}, {r.pieVariant, p.pieVariant}, {r.ownFloors, p.ownFloors}} {
		for k, x := range pair[1] {
			pair[0][k] += x
		}
	}
}

// replicate makes the pass. keep, where it is not nil, gets each example's PIE
// probability; other, where it is not nil, is such a list of another variant.
func (m *Measurer) replicate(ctx context.Context, c *comparison, size int, deleted bool, keep, other []float64) (*replicates, error) {
	blocks := make([]*replicates, c.view.NumBlocks())
	workers := make([]*[2]*lookup, c.view.Threads())
	err := c.ballots(ctx, func(w int, b *audit.Block, i int, v *ballot) {
		if workers[w] == nil {
			workers[w] = &[2]*lookup{m.memo.lookup(size, c.ties, deleted), m.memo.lookup(size, c.ties, deleted)}
		}
		r := blocks[b.Index]
		if r == nil {
			r = newReplicates(c.k0, c.kt)
			blocks[b.Index] = r
		}
		x := r.example(v, workers[w], deleted)
		if keep != nil {
			keep[b.From+i] = x
		}
		if other != nil {
			r.with += x * other[b.From+i]
		}
	})
	if err != nil {
		return nil, err
	}
	total := newReplicates(c.k0, c.kt)
	for _, r := range blocks {
		if r != nil {
			total.add(r)
		}
	}
	return total, nil
}

// example adds one example and returns its PIE probability.
func (r *replicates) example(v *ballot, at *[2]*lookup, deleted bool) float64 {
	g0, gt := at[0].get(v.base), at[1].get(v.variant)
	pie := differ(v, g0.modes, gt.modes)
	excess, own := pie-g0.floor, pie-(g0.floor+gt.floor)/2
	r.pie += pie
	r.floor += g0.floor
	r.own += gt.floor
	r.pie2 += pie * pie
	r.excess2 += excess * excess
	r.ownExcess2 += own * own
	if !deleted {
		return pie
	}
	r.leaveOut(v, at[0], g0, gt)
	return pie
}

// leaveOut adds the example's shares with each member left out: the same for
// all members of a population that vote for the same label.
func (r *replicates) leaveOut(v *ballot, at *lookup, g0, gt *marginal) {
	k0, n := len(r.pieBase), len(v.label)
	at.pie, at.floor = resize(at.pie, n), resize(at.floor, n)
	var base, variant, ownBase, ownVariant spread
	next := 0
	for j, votes := range v.base {
		if votes > 0 {
			at.pie[j], at.floor[j] = differ(v, g0.without[next], gt.modes), g0.floors[next]
			base.add(votes, at.pie[j]-at.floor[j])
			ownBase.add(votes, at.pie[j]-at.floor[j]/2)
			next++
		}
	}
	for k, s := range v.slot[:k0] {
		r.pieBase[k] += at.pie[s]
		r.floorBase[k] += at.floor[s]
	}
	next = 0
	for j, votes := range v.variant {
		if votes > 0 {
			at.pie[j], at.floor[j] = differ(v, g0.modes, gt.without[next]), gt.floors[next]
			variant.add(votes, at.pie[j])
			ownVariant.add(votes, at.pie[j]-at.floor[j]/2)
			next++
		}
	}
	for k, s := range v.slot[k0:] {
		r.pieVariant[k] += at.pie[s]
		r.ownFloors[k] += at.floor[s]
	}
	r.residual += base.variance() + variant.variance()
	r.ownResidual += ownBase.variance() + ownVariant.variance()
}

// spread is the jackknife variance of one example's value over the members of
// one population.
type spread struct{ n, sum, squares float64 }

// add counts a value that votes members give when they are left out.
func (s *spread) add(votes int, x float64) {
	n := float64(votes)
	s.n += n
	s.sum += n * x
	s.squares += n * x * x
}

// variance is (K−1)/K · Σ(θ₋ₖ − mean)².
func (s *spread) variance() float64 {
	return (s.n - 1) / s.n * max(0, s.squares-s.sum*s.sum/s.n)
}

// differ is 1 − Σ_c q0[c]·qt[c]. q0 runs over the labels with votes in the
// baseline, qt over those with votes in the variant.
func differ(v *ballot, q0, qt []float64) float64 {
	d := 0.0
	i, k := 0, 0
	for j, n := range v.base {
		q, s := 0.0, 0.0
		if n > 0 {
			q = q0[i]
			i++
		}
		if v.variant[j] > 0 {
			s = qt[k]
			k++
		}
		d += q * (1 - s)
	}
	return d
}

// measured turns sums into shares and variances.
func (r *replicates) measured(c *comparison, size int, interval bool) (Measured, error) {
	n := c.size()
	share := 1 / float64(n)
	m := Measured{
		Examples: n, KBase: c.k0, K: c.kt, M: size,
		PIE: r.pie * share, Floor: r.floor * share, OwnFloor: r.own * share,
	}
	m.Excess.Value = m.PIE - m.Floor
	m.OwnExcess.Value = m.PIE - (m.Floor+m.OwnFloor)/2
	if !interval {
		return m, nil
	}
	rep := func(k int, f func(k int) float64) []float64 {
		x := make([]float64, k)
		for i := range x {
			x[i] = f(i) * share
		}
		return x
	}
	var err error
	if m.FloorMembers, err = jackknife.DeleteOne(rep(c.k0, func(k int) float64 { return r.floorBase[k] })); err != nil {
		return Measured{}, fmt.Errorf("pie: baseline: %w", err)
	}
	m.Excess, err = estimate(m.Excess.Value, r.excess2, r.residual, n,
		rep(c.k0, func(k int) float64 { return r.pieBase[k] - r.floorBase[k] }),
		rep(c.kt, func(k int) float64 { return r.pieVariant[k] - r.floor }))
	if err != nil {
		return Measured{}, err
	}
	m.OwnExcess, err = estimate(m.OwnExcess.Value, r.ownExcess2, r.ownResidual, n,
		rep(c.k0, func(k int) float64 { return r.pieBase[k] - (r.floorBase[k]+r.own)/2 }),
		rep(c.kt, func(k int) float64 { return r.pieVariant[k] - (r.floor+r.ownFloors[k])/2 }))
	return m, err
}

// estimate adds the variances to a mean over n examples whose squares sum to
// squares. residual is the sum of the examples' own variances over members,
// which both s²/N and the variance over members hold: it is taken off once.
// Where it is not known it is 0, and the interval over both is too wide.
func estimate(value, squares, residual float64, n int, rep ...[]float64) (Estimate, error) {
	e := Estimate{Value: value, Interval: true}
	for i, x := range rep {
		v, err := jackknife.DeleteOne(x)
		if err != nil {
			return Estimate{}, fmt.Errorf("pie: population %d: %w", i, err)
		}
		e.Members.V += v.V
		if i == 0 || v.DoF < e.Members.DoF {
			e.Members.DoF = v.DoF
		}
	}
	e.Both = e.Members
	if n < 2 {
		return e, nil
	}
	s2 := max(0, squares-float64(n)*value*value) / float64(n-1)
	e.Examples = s2 / float64(n)
	var err error
	e.Both, err = e.Members.WithExamples(s2, n, residual/(float64(n)*float64(n)))
	return e, err
}
