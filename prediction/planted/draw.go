package planted

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/prediction"
)

// kinds are the examples of one variant by what decides their answers: class,
// subgroup, cluster and level.
type kinds struct {
	of     []int32   // [example] kind
	ease   []float64 // [kind] τ
	factor []int32   // [kind] class*Clusters + cluster
}

func (w *world) kindsOf(t int) *kinds {
	levels, clusters := w.spec.Levels, w.spec.Clusters
	number := make([]int32, len(w.spec.Classes)*w.combos*clusters*levels) // 1 + kind, 0: none yet
	k := &kinds{of: make([]int32, w.n)}
	for i := range w.n {
		at := (w.stratum(i)*clusters+int(w.cluster[i]))*levels + int(w.level[t][i])
		if number[at] == 0 {
			k.ease = append(k.ease, w.ease(t, i))
			k.factor = append(k.factor, w.class[i]*int32(clusters)+int32(w.cluster[i]))
			number[at] = int32(len(k.ease))
		}
		k.of[i] = number[at] - 1
	}
	return k
}

// one is the number of values of a 32-bit draw: a share p of it is p·one.
const one = 1 << 32

// cuts are the draws below which a member answers the true label and the
// runner-up; the third label takes the rest.
type cuts struct {
	right, runner uint64
}

// member draws member k of variant t.
func (w *world) member(seed uint64, t, k int, kd *kinds) prediction.Member {
	v := &w.spec.Variants[t]
	m := prediction.Member{
		Name: fmt.Sprintf("%s-%d", v.Name, k), Seed: new(int64),
		Predicted: prediction.NewColumn(w.n, len(w.spec.Classes)),
	}
	*m.Seed = int64(k)
	m.Lineage = m.Name
	lineage := -1
	if v.Paired {
		lineage = k / v.Members
		m.Lineage = fmt.Sprintf("%s-%d", w.spec.Variants[0].Name, lineage)
	}
	shift := w.factors(seed, t, k, lineage)
	rest := math.Sqrt(1 - w.ability[t] - v.Correlation)
	table := make([]cuts, len(kd.ease))
	latent := make([]float64, len(kd.ease)) // ease of this member, standard normal draws against it
	for j, tau := range kd.ease {
		latent[j] = (tau - shift[int(kd.factor[j])%len(shift)]) / rest
		right := uint64(phi(latent[j])*one + 0.5)
		table[j] = cuts{right, right + uint64(w.spec.RunnerShare*float64(one-right)+0.5)}
	}
	s := newScorer(w, &m, v.Sharpness)
	draws := newDraws(seed, t, k, lineage, v.KeepShare)
	for i := range w.n {
		u := draws.next()
		c := int(w.class[i])
		cut := table[kd.of[i]]
		answer := c
		if u >= cut.right {
			runner, third := w.confusable(c, w.pattern[i])
			if answer = third; u < cut.runner {
				answer = runner
			}
		}
		m.Predicted.Set(i, answer)
		if s != nil {
			s.add(i, answer, u, latent[kd.of[i]])
		}
	}
	return m
}

// factors are what a member's ability and its luck in each cluster take off the
// ease: one number for each class*Clusters + cluster, or a single one where
// clusters do not matter. A paired member shares KeepShare of them with its
// lineage.
func (w *world) factors(seed uint64, t, k, lineage int) []float64 {
	v := &w.spec.Variants[t]
	size := 1
	if v.Correlation > 0 {
		size = len(w.spec.Classes) * w.spec.Clusters
	}
	out := make([]float64, size)
	own := rand.New(stream(seed, streamFactors, t, k))
	from, keep := own, 0.0
	if lineage >= 0 {
		from, keep = rand.New(stream(seed, streamFactors, 0, lineage)), v.KeepShare
	}
	draw := func() float64 {
		if lineage < 0 {
			return own.NormFloat64()
		}
		return math.Sqrt(keep)*from.NormFloat64() + math.Sqrt(1-keep)*own.NormFloat64()
	}
	all := math.Sqrt(w.ability[t]) * draw()
	for j := range out {
		out[j] = all
		if v.Correlation > 0 {
			out[j] += math.Sqrt(v.Correlation) * draw()
		}
	}
	return out
}

// draws gives one 32-bit draw for each example: a member's own or, for a
// paired member on the share it keeps, its lineage's.
type draws struct {
	base *rand.PCG // the lineage's answers, nil where there is no lineage
	own  *rand.PCG
	keep uint64
}

func newDraws(seed uint64, t, k, lineage int, keep float64) *draws {
	if lineage < 0 {
		return &draws{own: stream(seed, streamAnswers, t, k)}
	}
	return &draws{
		base: stream(seed, streamAnswers, 0, lineage),
		own:  stream(seed, streamKeep, t, k),
		keep: uint64(keep*one + 0.5),
	}
}

func (d *draws) next() uint64 {
	if d.base == nil {
		return d.own.Uint64() >> 32
	}
	u, own := d.base.Uint64()>>32, d.own.Uint64()
	if own&(one-1) < d.keep {
		return u
	}
	return own >> 32
}
