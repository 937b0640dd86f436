package power

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/prediction"
)

// Guess is what a table of predictions says about the options.
type Guess struct {
	Groups       []Group // all examples, then every class that has examples
	Churn        float64 // over all examples
	MemberSpread float64
	From         string // what was compared, in plain words
}

// FromTable reads sizes, churn and spread off predictions: the baseline's members
// against each other if there are two or more, else the baseline's only member
// against the first of the first candidate. A group in which no answer changed takes
// half an answer as its churn: none seen is not none.
func FromTable(t *prediction.Table) (*Guess, error) {
	pairs, from, err := pairsOf(t)
	if err != nil {
		return nil, err
	}
	classes := len(t.Classes)
	size := make([]int, classes)
	changed := make([]int, classes)
	for i := range t.Len() {
		size[t.Labels.At(i)]++
	}
	var losses []float64
	for _, p := range pairs {
		lost, n := count(t, p, changed)
		losses = append(losses, float64(lost)/float64(n))
	}
	total, all := 0, 0
	for c := range size {
		total, all = total+size[c], all+changed[c]
	}
	churn := func(k, n int) float64 { return math.Max(float64(k), 0.5) / float64(n*len(pairs)) }
	g := &Guess{From: from, Churn: churn(all, total)}
	g.Groups = append(g.Groups, Group{Name: "all examples", N: total, Churn: &g.Churn})
	for c, n := range size {
		if n > 0 {
			psi := churn(changed[c], n)
			g.Groups = append(g.Groups, Group{Name: t.Classes[c], N: n, Churn: &psi})
		}
	}
	g.MemberSpread = spread(losses, g.Churn/float64(total))
	return g, nil
}

// pairsOf lists members that are compared: neighbours, so that no member is in more
// than one pair.
func pairsOf(t *prediction.Table) ([][2]*prediction.Member, string, error) {
	var out [][2]*prediction.Member
	base := t.Baseline()
	for k := 0; k+1 < len(base.Members); k += 2 {
		out = append(out, [2]*prediction.Member{&base.Members[k], &base.Members[k+1]})
	}
	if len(out) > 0 {
		return out, fmt.Sprintf("%d members of %s, two by two: what retraining alone changes", 2*len(out), base.Name), nil
	}
	if len(t.Variants) < 2 || len(base.Members) < 1 || len(t.Variants[1].Members) < 1 {
		return nil, "", fmt.Errorf("power: want two members of the baseline, or a baseline and a candidate, to see how many answers change")
	}
	v := &t.Variants[1]
	return append(out, [2]*prediction.Member{&base.Members[0], &v.Members[0]}), fmt.Sprintf("%s against %s: what this compression changes", base.Name, v.Name), nil
}

// count adds the changed answers of a pair by class, and gives its net loss.
func count(t *prediction.Table, p [2]*prediction.Member, changed []int) (lost, n int) {
	n = t.Len()
	for i := range n {
		label := t.Labels.At(i)
		a, b := p[0].Predicted.At(i) == label, p[1].Predicted.At(i) == label
		switch {
		case a && !b:
			lost++
			changed[label]++
		case b && !a:
			lost--
			changed[label]++
		}
	}
	return lost, n
}

// spread is the standard deviation of the pairs' losses beyond what the examples
// explain, 0 where there are too few pairs or nothing is left.
func spread(losses []float64, examples float64) float64 {
	if len(losses) < 2 {
		return 0
	}
	mean, ss := 0.0, 0.0
	for _, x := range losses {
		mean += x / float64(len(losses))
	}
	for _, x := range losses {
		ss += (x - mean) * (x - mean)
	}
	return math.Sqrt(max(0, ss/float64(len(losses)-1)-examples))
}
