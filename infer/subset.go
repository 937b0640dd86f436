package infer

import (
	"math"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/prediction"
)

// subsetOf are the classes that models choose among for the examples of d; nil for
// all of them.
func subsetOf(d dataset.Dataset) []int {
	var out []int
	for _, c := range dataset.ClassSubset(d) {
		out = append(out, int(c))
	}
	return out
}

// subsetScores are a model's scores as it is judged among some of its classes:
// probabilities of these, 0 for the others.
type subsetScores struct {
	all     prediction.Scores
	classes int
	subset  []int
}

// Kind says that they are probabilities.
func (s *subsetScores) Kind() prediction.ScoreKind { return prediction.Probabilities }

// Rows reads the scores of consecutive examples.
func (s *subsetScores) Rows(from int, dst []float32) error {
	if err := s.all.Rows(from, dst); err != nil {
		return err
	}
	for i := 0; i < len(dst); i += s.classes {
		among(dst[i:i+s.classes], s.subset, s.all.Kind())
	}
	return nil
}

// among turns the scores of one example into probabilities of the subset's
// classes, which sum to 1, and 0 for the others: a softmax over the subset, or
// probabilities divided by the subset's. Where the subset has none, all of its
// classes are as likely.
func among(scores []float32, subset []int, kind prediction.ScoreKind) {
	p := make([]float64, len(subset))
	best, sum := scores[highest(scores, subset)], 0.0
	for j, c := range subset {
		switch {
		case kind == prediction.Logits:
			p[j] = math.Exp(float64(scores[c]) - float64(best))
		case best <= 0:
			p[j] = 1
		default:
			p[j] = float64(scores[c])
		}
		sum += p[j]
	}
	clear(scores)
	for j, c := range subset {
		scores[c] = float32(p[j] / sum)
	}
}

// highest is the class of the highest score, the lowest class number among equals;
// of the subset where there is one.
func highest(scores []float32, subset []int) (best int) {
	if subset == nil {
		for c, v := range scores {
			if v > scores[best] {
				best = c
			}
		}
		return best
	}
	best = subset[0]
	for _, c := range subset {
		if scores[c] > scores[best] {
			best = c
		}
	}
	return best
}
