package pie

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/prediction"
)

// planting describes a table with many examples whose votes look like those of
// real populations: most examples are easy, each hard one has a few labels of
// its own that it is mistaken for.
type planting struct {
	examples, classes int
	members           []int   // per variant, the baseline first
	hard              float64 // share of the examples on which members can err
	shift             float64 // added to the log-odds of an error in every variant but the first
	correlation       float64 // of members: standard deviation of a member's own log-odds
	lineage           bool    // variants flip a few of their baseline member's answers
	flips             float64 // share of answers drawn anew where lineage is set
	seed              uint64
}

func (p planting) table() *prediction.Table {
	rng := rand.New(rand.NewPCG(p.seed, 99))
	t := &prediction.Table{Labels: prediction.NewColumn(p.examples, p.classes)}
	for c := range p.classes {
		t.Classes = append(t.Classes, fmt.Sprintf("class %d", c))
	}
	for v, members := range p.members {
		level := float64(v) / 10
		out := prediction.Variant{Name: "dense", Kind: prediction.KindDense}
		if v > 0 {
			out = prediction.Variant{Name: fmt.Sprintf("pruned-%d", v), Kind: prediction.KindPruned, Level: &level}
		}
		for k := range members {
			m := prediction.Member{Name: fmt.Sprintf("%s/%d", out.Name, k), Predicted: prediction.NewColumn(p.examples, p.classes)}
			if p.lineage {
				m.Lineage = fmt.Sprintf("checkpoint %02d", k)
			}
			out.Members = append(out.Members, m)
		}
		t.Variants = append(t.Variants, out)
	}
	own := make([][]float64, len(p.members)) // each member's own log-odds
	for v, members := range p.members {
		for range members {
			own[v] = append(own[v], p.correlation*rng.NormFloat64())
		}
	}
	for i := range p.examples {
		p.example(rng, t, i, own)
	}
	return t
}

func (p planting) example(rng *rand.Rand, t *prediction.Table, i int, own [][]float64) {
	y := i % p.classes
	t.Labels.Set(i, y)
	isHard := rng.Float64() < p.hard
	logit := 1.5*rng.NormFloat64() - 0.5
	var other [4]int
	for j := range other {
		other[j] = (y + 1 + rng.IntN(p.classes-1)) % p.classes
	}
	answer := func(z float64) int {
		if !isHard || rng.Float64() >= 1/(1+math.Exp(-z)) {
			return y
		}
		j := 0
		for j < len(other)-1 && rng.Float64() < 0.3 {
			j++
		}
		return other[j]
	}
	for v := range t.Variants {
		z := logit
		if v > 0 {
			z += p.shift
		}
		for k := range t.Variants[v].Members {
			col := t.Variants[v].Members[k].Predicted
			if p.lineage && v > 0 && rng.Float64() >= p.flips {
				col.Set(i, t.Variants[0].Members[k].Predicted.At(i))
				continue
			}
			col.Set(i, answer(z+own[v][k]))
		}
	}
}
