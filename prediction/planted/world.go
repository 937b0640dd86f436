package planted

import (
	"fmt"
	"math/rand/v2"
)

// world holds the examples and, for each variant, the latent ease of every
// kind of example.
type world struct {
	spec   Spec
	n      int
	combos int // combinations of attribute values

	class   []int32
	combo   []int32    // mixed-radix code of the attribute values, first attribute slowest
	pattern []uint8    // which labels are runner-up and third, see confusable
	cluster []uint16   // inside the class
	level   [][]uint16 // [variant][example]; variants without Reshuffle share the baseline's

	x       []float64   // σ times the standard normal quantile of each level
	mu      [][]float64 // [variant][class*combos+combo] location of ease
	ability []float64   // [variant] share of latent variance common to a member
}

// purposes of random streams.
const (
	streamExamples = iota + 1
	streamAnswers
	streamFactors
	streamKeep
)

// stream is the random stream of one purpose of one member.
func stream(seed uint64, purpose, t, k int) *rand.PCG {
	h := mix(seed)
	h = mix(h ^ uint64(purpose)<<56 ^ uint64(t)<<32 ^ uint64(k))
	return rand.NewPCG(h, mix(h))
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func newWorld(spec Spec) (*world, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	w := &world{spec: spec, n: spec.examples(), combos: 1}
	for _, a := range spec.Attributes {
		w.combos *= len(a.Values)
	}
	if size := len(spec.Classes) * w.combos * spec.Clusters * spec.Levels; size > 1<<27 {
		return nil, fmt.Errorf("planted: classes, groups, clusters and levels make %d kinds of examples, want at most %d", size, 1<<27)
	}
	w.x = make([]float64, spec.Levels)
	for l := range w.x {
		w.x[l] = spec.Spread * quantile((float64(l)+0.5)/float64(spec.Levels))
	}
	w.drawExamples(spec.Seed)
	if err := w.solve(); err != nil {
		return nil, err
	}
	return w, nil
}

// drawExamples makes the examples in random order.
func (w *world) drawExamples(seed uint64) {
	r := rand.New(stream(seed, streamExamples, 0, 0))
	w.class = make([]int32, 0, w.n)
	base := make([]uint16, 0, w.n)
	for c, class := range w.spec.Classes {
		for j := range class.Size {
			w.class = append(w.class, int32(c))
			if w.spec.Sampling == Quota {
				base = append(base, uint16((2*j+1)*w.spec.Levels/(2*class.Size)))
			} else {
				base = append(base, uint16(r.IntN(w.spec.Levels)))
			}
		}
	}
	r.Shuffle(w.n, func(i, j int) {
		w.class[i], w.class[j] = w.class[j], w.class[i]
		base[i], base[j] = base[j], base[i]
	})
	w.combo = make([]int32, w.n)
	w.pattern = make([]uint8, w.n)
	w.cluster = make([]uint16, w.n)
	for i := range w.n {
		for _, a := range w.spec.Attributes {
			w.combo[i] = w.combo[i]*int32(len(a.Values)) + int32(drawValue(r, a.Values))
		}
		w.pattern[i] = uint8(r.IntN(patterns))
		w.cluster[i] = uint16(r.IntN(w.spec.Clusters))
	}
	w.level = make([][]uint16, len(w.spec.Variants))
	for t := range w.level {
		w.level[t] = base
		if w.spec.Variants[t].Reshuffle > 0 {
			w.level[t] = w.reshuffle(base, t, rand.New(stream(seed, streamExamples, t, 1)))
		}
	}
}

func drawValue(r *rand.Rand, values []Value) int {
	u := r.Float64()
	for v := range values[:len(values)-1] {
		if u -= values[v].Share; u < 0 {
			return v
		}
	}
	return len(values) - 1
}

// reshuffle changes the ease of a share of the examples: with Quota, they
// trade it inside their class and subgroup; with Drawn, they draw it anew.
func (w *world) reshuffle(base []uint16, t int, r *rand.Rand) []uint16 {
	level := append([]uint16(nil), base...)
	share := w.spec.Variants[t].Reshuffle
	if w.spec.Sampling == Drawn {
		for i := range level {
			if r.Float64() < share {
				level[i] = uint16(r.IntN(w.spec.Levels))
			}
		}
		return level
	}
	strata := make([][]int, len(w.spec.Classes)*w.combos)
	for i := range level {
		s := w.stratum(i)
		strata[s] = append(strata[s], i)
	}
	for _, s := range strata {
		r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		s = s[:int(share*float64(len(s))+0.5)]
		for j, i := range s {
			level[i] = base[s[(j+1)%len(s)]]
		}
	}
	return level
}

// stratum is the number of example i's class and subgroup.
func (w *world) stratum(i int) int { return int(w.class[i])*w.combos + int(w.combo[i]) }

// ease is τ of example i for variant t.
func (w *world) ease(t, i int) float64 { return w.mu[t][w.stratum(i)] + w.x[w.level[t][i]] }

// solve finds the locations that plant the losses, and the members' spread.
func (w *world) solve() error {
	hist := w.histograms()
	grid := make([]float64, w.spec.Levels)
	for l := range grid {
		grid[l] = 1
	}
	w.mu = make([][]float64, len(w.spec.Variants))
	for t := range w.mu {
		w.mu[t] = make([]float64, len(hist))
	}
	for c := range w.spec.Classes {
		if err := w.solveClass(c, hist, grid); err != nil {
			return err
		}
	}
	return w.solveAbility()
}

// histograms counts the levels in each stratum, over the grid where examples
// are drawn or there are none.
func (w *world) histograms() [][]float64 {
	if w.spec.Sampling == Drawn {
		return make([][]float64, len(w.spec.Classes)*w.combos)
	}
	hist := make([][]float64, len(w.spec.Classes)*w.combos)
	for i := range w.n {
		s := w.stratum(i)
		if hist[s] == nil {
			hist[s] = make([]float64, w.spec.Levels)
		}
		hist[s][w.level[0][i]]++
	}
	return hist
}

func (w *world) solveClass(c int, hist [][]float64, grid []float64) error {
	all := grid
	if w.spec.Sampling == Quota {
		all = make([]float64, w.spec.Levels)
		for g := range w.combos {
			for l, n := range hist[c*w.combos+g] {
				all[l] += n
			}
		}
	}
	mu, err := location(w.x, all, w.spec.Classes[c].Recall)
	if err != nil {
		return fmt.Errorf("planted: class %s: %w", w.spec.Classes[c].Name, err)
	}
	for g := range w.combos {
		s := c*w.combos + g
		h := hist[s]
		if h == nil {
			h = grid
		}
		start, base := meanPhi(mu, w.x, h), 0.0
		for t := range w.mu {
			loss := w.loss(t, c, g)
			if t > 0 && loss == 0 {
				w.mu[t][s] = w.mu[0][s]
				continue
			}
			w.mu[t][s] = mu
			if loss != 0 || base != 0 {
				if w.mu[t][s], err = location(w.x, h, start-base-loss); err != nil {
					return fmt.Errorf("planted: variant %s, class %s: %w", w.spec.Variants[t].Name, w.spec.Classes[c].Name, err)
				}
			}
			if t == 0 {
				base = loss
			}
		}
	}
	return nil
}

// loss is the planted loss of variant t in class c and combination g.
func (w *world) loss(t, c, g int) float64 {
	v := &w.spec.Variants[t]
	loss := v.Loss + v.ClassLoss[c]
	for _, gl := range v.GroupLoss {
		a, value, err := w.spec.attributeValue(gl.Attribute, gl.Value)
		if err == nil && w.valueOf(g, a) == value {
			loss += gl.Loss
		}
	}
	return loss
}

// valueOf is the value of attribute a in combination g.
func (w *world) valueOf(g, a int) int {
	for j := len(w.spec.Attributes) - 1; j > a; j-- {
		g /= len(w.spec.Attributes[j].Values)
	}
	return g % len(w.spec.Attributes[a].Values)
}

func (w *world) solveAbility() error {
	w.ability = make([]float64, len(w.spec.Variants))
	for t := range w.ability {
		v := &w.spec.Variants[t]
		if v.AccuracySD == 0 {
			continue
		}
		tau := make([]float64, w.n)
		weight := make([]float64, w.n)
		for i := range tau {
			tau[i], weight[i] = w.ease(t, i), 1
		}
		a, err := abilityShare(tau, weight, v.AccuracySD)
		if err != nil {
			return fmt.Errorf("planted: variant %s: %w", v.Name, err)
		}
		if a+v.Correlation >= 0.999 {
			return fmt.Errorf("planted: variant %s: accuracy sd %v and correlation %v together leave no independent errors", v.Name, v.AccuracySD, v.Correlation)
		}
		w.ability[t] = a
	}
	return nil
}

// patterns is the number of ways an example's confusable labels lie.
const patterns = 4

// confusable returns the runner-up and the third label of an example of class
// c: its neighbours in class order.
func (w *world) confusable(c int, pattern uint8) (runner, third int) {
	classes := len(w.spec.Classes)
	if classes == 2 {
		return 1 - c, 1 - c
	}
	step := func(d int) int { return ((c+d)%classes + classes) % classes }
	switch pattern {
	case 0:
		return step(1), step(2)
	case 1:
		return step(-1), step(-2)
	case 2:
		return step(1), step(-1)
	default:
		return step(-1), step(1)
	}
}
