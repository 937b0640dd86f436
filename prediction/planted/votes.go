package planted

import (
	"fmt"
	"math"
)

func errNoExamples(attribute, value string) error {
	return fmt.Errorf("planted: no example has %s = %s", attribute, value)
}

// Votes are expectations about the modal labels of m members.
type Votes struct {
	PIE          float64 // share of examples whose modal labels differ between m baseline members and m of the variant
	Floor        float64 // the same between two disjoint sets of m baseline members
	VariantFloor float64 // the same between two sets of m members of the variant
}

// Excess is the PIE share beyond the baseline's floor.
func (v Votes) Excess() float64 { return v.PIE - v.Floor }

// OwnExcess is the PIE share beyond the mean of both populations' floors.
func (v Votes) OwnExcess() float64 { return v.PIE - (v.Floor+v.VariantFloor)/2 }

// Votes gives the expected PIE share and floors of m members, for
// independently trained populations; ties go to the lowest label, or to the
// highest.
func (tr *Truth) Votes(t, m int, highest bool) Votes {
	memo := map[voteKey][3]float64{}
	var out Votes
	for _, c := range tr.of(t) {
		order := tr.w.labelOrder(c.class, c.pattern)
		q0 := tr.w.modes(memo, c.p0, order, m, highest)
		qt := tr.w.modes(memo, c.pt, order, m, highest)
		cross, own0, ownT := 1.0, 1.0, 1.0
		for j := range q0 {
			cross -= q0[j] * qt[j]
			own0 -= q0[j] * q0[j]
			ownT -= qt[j] * qt[j]
		}
		out.PIE += c.weight * cross
		out.Floor += c.weight * own0
		out.VariantFloor += c.weight * ownT
	}
	return out
}

type voteKey struct {
	p     float64
	order [3]int
}

// labelOrder ranks the true, runner-up and third label by class number.
func (w *world) labelOrder(c int, pattern uint8) [3]int {
	runner, third := w.confusable(c, pattern)
	label := [3]int{c, runner, third}
	var rank [3]int
	for j := range label {
		for _, other := range label {
			if other < label[j] {
				rank[j]++
			}
		}
	}
	return rank
}

// modes is the distribution of the modal label, as true, runner-up or third,
// of m independent answers that are right with probability p.
func (w *world) modes(memo map[voteKey][3]float64, p float64, rank [3]int, m int, highest bool) [3]float64 {
	key := voteKey{p, rank}
	if q, ok := memo[key]; ok {
		return q
	}
	runner := w.spec.RunnerShare
	if len(w.spec.Classes) == 2 {
		runner = 1 // the third label is the runner-up
	}
	prob := [3]float64{p, (1 - p) * runner, (1 - p) * (1 - runner)}
	var q [3]float64
	for a := range m + 1 {
		for b := range m + 1 - a {
			n := [3]int{a, b, m - a - b}
			win := 0
			for j := 1; j < 3; j++ {
				ahead := rank[j] < rank[win]
				if highest {
					ahead = rank[j] > rank[win]
				}
				if n[j] > n[win] || n[j] == n[win] && ahead {
					win = j
				}
			}
			weight := multinomial(n)
			for j, k := range n {
				weight *= math.Pow(prob[j], float64(k))
			}
			q[win] += weight
		}
	}
	memo[key] = q
	return q
}

// multinomial is the number of ways to give n[j] of Σn answers label j.
func multinomial(n [3]int) float64 {
	ways, left := 1.0, n[0]+n[1]+n[2]
	for _, k := range n[:2] {
		for j := range k {
			ways = ways * float64(left-j) / float64(j+1)
		}
		left -= k
	}
	return ways
}
