package planted

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// Truth gives the expectations over members that a specification implies.
// Changes are variant minus baseline in shares: negative is a loss.
type Truth struct {
	w          *world
	population bool
	once       []sync.Once // by variant
	cells      [][]cell
}

// cell is a set of examples that are alike to the baseline and one variant.
type cell struct {
	class, combo   int
	level0, levelT int
	pattern        uint8
	weight         float64 // share of all examples
	p0, pt         float64 // expected share of right answers
}

func newTruth(w *world, population bool) *Truth {
	return &Truth{w: w, population: population, once: make([]sync.Once, len(w.spec.Variants)), cells: make([][]cell, len(w.spec.Variants))}
}

// Population is the truth of the population that the examples were drawn
// from; with [Quota] the examples are the population.
func (tr *Truth) Population() *Truth {
	if tr.population || tr.w.spec.Sampling == Quota {
		return tr
	}
	return newTruth(tr.w, true)
}

func (tr *Truth) of(t int) []cell {
	tr.once[t].Do(func() {
		if tr.population {
			tr.cells[t] = tr.w.populationCells(t)
		} else {
			tr.cells[t] = tr.w.exampleCells(t)
		}
		for i := range tr.cells[t] {
			c := &tr.cells[t][i]
			s := c.class*tr.w.combos + c.combo
			c.p0 = phi(tr.w.mu[0][s] + tr.w.x[c.level0])
			c.pt = phi(tr.w.mu[t][s] + tr.w.x[c.levelT])
		}
	})
	return tr.cells[t]
}

// exampleCells counts the examples at hand.
func (w *world) exampleCells(t int) []cell {
	type key struct {
		stratum        int
		level0, levelT uint16
		pattern        uint8
	}
	count := map[key]int{}
	for i := range w.n {
		count[key{w.stratum(i), w.level[0][i], w.level[t][i], w.pattern[i]}]++
	}
	out := make([]cell, 0, len(count))
	for k, n := range count {
		out = append(out, cell{
			class: k.stratum / w.combos, combo: k.stratum % w.combos,
			level0: int(k.level0), levelT: int(k.levelT), pattern: k.pattern,
			weight: float64(n) / float64(w.n),
		})
	}
	slices.SortFunc(out, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.combo, b.combo), cmp.Compare(a.level0, b.level0),
			cmp.Compare(a.levelT, b.levelT), cmp.Compare(a.pattern, b.pattern))
	})
	return out
}

// populationCells enumerates the population that examples are drawn from.
func (w *world) populationCells(t int) []cell {
	var out []cell
	levels := w.spec.Levels
	moved := w.spec.Variants[t].Reshuffle
	for c, class := range w.spec.Classes {
		for g := range w.combos {
			each := float64(class.Size) / float64(w.n) * w.comboShare(g) / float64(levels*patterns)
			for l0 := range levels {
				for pattern := range uint8(patterns) {
					base := cell{class: c, combo: g, level0: l0, levelT: l0, pattern: pattern, weight: each * (1 - moved)}
					out = append(out, base)
					if moved == 0 {
						continue
					}
					for lt := range levels {
						base.levelT, base.weight = lt, each*moved/float64(levels)
						out = append(out, base)
					}
				}
			}
		}
	}
	return out
}

func (w *world) comboShare(g int) float64 {
	share := 1.0
	for a, attr := range w.spec.Attributes {
		share *= attr.Values[w.valueOf(g, a)].Share
	}
	return share
}

// All stands for all classes where a method takes a class number.
const All = -1

// mean averages f over the examples of a class, or over all.
func (tr *Truth) mean(t, class int, f func(*cell) float64) float64 {
	sum, total := 0.0, 0.0
	cells := tr.of(t)
	for i := range cells {
		if c := &cells[i]; class == All || c.class == class {
			sum += c.weight * f(c)
			total += c.weight
		}
	}
	return sum / total
}

// Recall is the expected recall of a class under variant t, or with [All] the
// expected accuracy.
func (tr *Truth) Recall(t, class int) float64 {
	return tr.mean(t, class, func(c *cell) float64 { return c.pt })
}

// Change is the expected recall change of a class, or with [All] the expected
// accuracy change.
func (tr *Truth) Change(t, class int) float64 {
	return tr.mean(t, class, func(c *cell) float64 { return c.pt - c.p0 })
}

// NormalizedChange is the expected normalized recall difference of a class.
func (tr *Truth) NormalizedChange(t, class int) float64 {
	return tr.Change(t, class) - tr.Change(t, All)
}

// GroupChange is the expected accuracy change of the examples whose attribute
// has the value; it is an error to name a group that there is not, or that has
// no examples.
func (tr *Truth) GroupChange(t int, attribute, value string) (float64, error) {
	a, v, err := tr.w.spec.attributeValue(attribute, value)
	if err != nil {
		return 0, err
	}
	sum, total := 0.0, 0.0
	for _, c := range tr.of(t) {
		if tr.w.valueOf(c.combo, a) == v {
			sum += c.weight * (c.pt - c.p0)
			total += c.weight
		}
	}
	if total == 0 {
		return 0, errNoExamples(attribute, value)
	}
	return sum / total, nil
}

// Changed is the expected share of a class's examples that a member of variant
// t and a baseline member answer differently in being right: right to wrong
// and wrong to right. For a paired variant both are of one lineage. It holds
// where members have no factors in common across examples (AccuracySD and
// Correlation 0); ok is false where they have.
func (tr *Truth) Changed(t, class int) (rightToWrong, wrongToRight float64, ok bool) {
	keep := tr.keep(t)
	both := func(c *cell) float64 { return keep*math.Min(c.p0, c.pt) + (1-keep)*c.p0*c.pt }
	rightToWrong = tr.mean(t, class, func(c *cell) float64 { return c.p0 - both(c) })
	wrongToRight = tr.mean(t, class, func(c *cell) float64 { return c.pt - both(c) })
	return rightToWrong, wrongToRight, tr.plain(t)
}

// keep is the share of draws that a pair of members has in common.
func (tr *Truth) keep(t int) float64 {
	if tr.w.spec.Variants[t].Paired {
		return tr.w.spec.Variants[t].KeepShare
	}
	return 0
}

// plain reports whether members' answers are independent across examples.
func (tr *Truth) plain(t int) bool {
	v, b := &tr.w.spec.Variants[t], &tr.w.spec.Variants[0]
	return v.AccuracySD == 0 && v.Correlation == 0 && b.AccuracySD == 0 && b.Correlation == 0
}

// MemberSD is the standard deviation, over members of variant t with these
// examples, of a class's recall or (normalized) of recall minus accuracy. It
// holds where members have no factors in common across examples; ok is false
// where they have, and for [Truth.Population].
func (tr *Truth) MemberSD(t, class int, normalized bool) (sd float64, ok bool) {
	return tr.sd(t, class, normalized, func(c *cell) float64 { return c.pt * (1 - c.pt) })
}

// LineageSD is the same for the difference between a member of a paired
// variant and its lineage.
func (tr *Truth) LineageSD(t, class int, normalized bool) (sd float64, ok bool) {
	keep := tr.keep(t)
	return tr.sd(t, class, normalized, func(c *cell) float64 {
		return c.p0*(1-c.p0) + c.pt*(1-c.pt) - 2*keep*(math.Min(c.p0, c.pt)-c.p0*c.pt)
	})
}

func (tr *Truth) sd(t, class int, normalized bool, variance func(*cell) float64) (float64, bool) {
	n := float64(tr.w.n)
	share := float64(tr.w.spec.Classes[class].Size) / n
	sum := 0.0
	for _, c := range tr.of(t) {
		weight := 0.0 // of one example in the statistic, times n
		if c.class == class {
			weight = 1 / share
		}
		if normalized {
			weight--
		}
		sum += c.weight * weight * weight * variance(&c)
	}
	return math.Sqrt(sum / n), tr.plain(t) && !tr.population
}

// Example is the expected share of members that are right on example i, for
// the baseline and for variant t; wrong answers are the runner-up with
// Spec.RunnerShare and else the third label, under every variant.
func (tr *Truth) Example(t, i int) (base, variant float64) {
	return phi(tr.w.ease(0, i)), phi(tr.w.ease(t, i))
}
