package audittest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/prediction"
)

// Spec describes a table of random predictions.
type Spec struct {
	Examples, Classes int
	Members           []int     // members per variant; the first is the baseline
	Accuracy          []float64 // share of right answers per variant, 0.8 where absent
	Lineage           bool      // the k-th members of all variants share a lineage and mostly agree
	Attributes        []int     // values per attribute
	Confidence        bool      // members have a confidence
	LongTail          bool      // class sizes fall off, and training counts follow them
	Seed              uint64
}

// Table makes the table. A wrong answer falls on a class near the true one
// more often, and examples differ in difficulty, so that votes look like real
// ones.
func Table(s Spec) *prediction.Table {
	rng := rand.New(rand.NewPCG(s.Seed, 17))
	t := &prediction.Table{Labels: prediction.NewColumn(s.Examples, s.Classes)}
	for c := range s.Classes {
		t.Classes = append(t.Classes, fmt.Sprintf("c%d", c))
	}
	hard := make([]float64, s.Examples)
	for i := range s.Examples {
		c := i % s.Classes
		if s.LongTail {
			c = min(s.Classes-1, int(-math.Log(1-rng.Float64())*float64(s.Classes)/3))
		}
		t.Labels.Set(i, c)
		hard[i] = rng.Float64()
	}
	for a, values := range s.Attributes {
		t.Attributes = append(t.Attributes, attribute(rng, a, values, s.Examples))
	}
	for v, members := range s.Members {
		acc := 0.8
		if v < len(s.Accuracy) {
			acc = s.Accuracy[v]
		}
		t.Variants = append(t.Variants, s.variant(rng, t, v, members, acc, hard))
	}
	if s.LongTail {
		t.Training = training(t)
	}
	return t
}

func attribute(rng *rand.Rand, a, values, examples int) prediction.Attribute {
	at := prediction.Attribute{Name: fmt.Sprintf("a%d", a), Codes: make([]int32, examples)}
	for x := range values {
		at.Values = append(at.Values, fmt.Sprintf("v%d", x))
	}
	for i := range at.Codes {
		at.Codes[i] = int32(rng.IntN(values))
	}
	return at
}

func (s Spec) variant(rng *rand.Rand, t *prediction.Table, v, members int, acc float64, hard []float64) prediction.Variant {
	out := prediction.Variant{Name: "dense", Kind: prediction.KindDense}
	if v > 0 {
		level := 1 - 1/float64(v+1)
		out = prediction.Variant{Name: fmt.Sprintf("pruned-%d", v), Kind: prediction.KindPruned, Level: &level}
	}
	for k := range members {
		m := prediction.Member{Name: fmt.Sprintf("m%d", k), Predicted: prediction.NewColumn(s.Examples, s.Classes)}
		if s.Confidence {
			m.Confidence = make([]float32, s.Examples)
		}
		if s.Lineage {
			m.Lineage = fmt.Sprintf("l%02d", k)
		}
		for i := range s.Examples {
			if s.Lineage && v > 0 && k < s.Members[0] && rng.Float64() < 0.9 {
				m.Predicted.Set(i, t.Variants[0].Members[k].Predicted.At(i))
			} else {
				m.Predicted.Set(i, answer(rng, t.Labels.At(i), s.Classes, acc, hard[i]))
			}
			if s.Confidence {
				m.Confidence[i] = float32(1 - rng.Float64()*(1-acc)*2*hard[i])
			}
		}
		out.Members = append(out.Members, m)
	}
	return out
}

// answer is right with a probability that falls with difficulty and is acc on
// average.
func answer(rng *rand.Rand, label, classes int, acc, hard float64) int {
	if rng.Float64() < 1-(1-acc)*2*hard {
		return label
	}
	step := 1
	for rng.Float64() < 0.3 && step < classes-1 {
		step++
	}
	return (label + step) % classes
}

func training(t *prediction.Table) *prediction.TrainCounts {
	tc := &prediction.TrainCounts{Source: "audittest", Classes: make([]int64, len(t.Classes)), Attributes: map[string]map[string]int64{}}
	for i := range t.Len() {
		tc.Classes[t.Labels.At(i)] += 7
	}
	for _, a := range t.Attributes {
		m := map[string]int64{}
		for _, c := range a.Codes {
			if c >= 0 {
				m[a.Values[c]] += 7
			}
		}
		tc.Attributes[a.Name] = m
	}
	return tc
}

// Permuted is the table with its rows in the given order.
func Permuted(t *prediction.Table, order []int) *prediction.Table {
	p := *t
	column := func(c prediction.Column) prediction.Column {
		out := prediction.NewColumn(c.Len(), len(t.Classes))
		for i, j := range order {
			out.Set(i, c.At(j))
		}
		return out
	}
	p.Labels = column(t.Labels)
	p.IDs = make([]dataset.ExampleID, len(order))
	for i, j := range order {
		p.IDs[i] = t.ID(j)
	}
	p.Attributes = nil
	for _, a := range t.Attributes {
		a.Codes = reorder(a.Codes, order)
		p.Attributes = append(p.Attributes, a)
	}
	p.Variants = nil
	for _, v := range t.Variants {
		members := v.Members
		v.Members = nil
		for _, m := range members {
			m.Predicted = column(m.Predicted)
			m.Confidence = reorder(m.Confidence, order)
			v.Members = append(v.Members, m)
		}
		p.Variants = append(p.Variants, v)
	}
	return &p
}

func reorder[T any](s []T, order []int) []T {
	if s == nil {
		return nil
	}
	out := make([]T, len(order))
	for i, j := range order {
		out[i] = s[j]
	}
	return out
}

// Swapped is a table of two variants with the predictions of the baseline and
// the variant exchanged; names and levels stay.
func Swapped(t *prediction.Table) *prediction.Table {
	p := *t
	a, b := t.Variants[0], t.Variants[1]
	a.Members, b.Members = b.Members, a.Members
	p.Variants = []prediction.Variant{a, b}
	return &p
}
