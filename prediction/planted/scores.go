package planted

import (
	"math"

	"github.com/lethe-audit/lethe/prediction"
)

// scorer makes the scores of one member. The true label's logit is the
// distance between the member's latent ease and its draw, so that the answer
// always has the highest score and hard examples have low ones; the other
// confusable label is one below. Scores are no calibrated probabilities.
type scorer struct {
	w     *world
	m     *prediction.Member
	sharp float64
	full  []float32
}

// logistic is the slope at which a logistic curve is closest to Φ.
const logistic = 1.702

func newScorer(w *world, m *prediction.Member, sharpness float64) *scorer {
	if w.spec.Scores == NoScores {
		return nil
	}
	if sharpness == 0 {
		sharpness = 1
	}
	s := &scorer{w: w, m: m, sharp: sharpness * logistic}
	m.Confidence = make([]float32, w.n)
	m.TrueScore = make([]float32, w.n)
	if w.spec.Scores == AllScores {
		classes := len(w.spec.Classes)
		s.full = make([]float32, w.n*classes)
		m.Scores = &prediction.DenseScores{ScoreKind: prediction.Probabilities, Classes: classes, Data: s.full}
	}
	return s
}

// add scores example i, whose draw u against the latent ease gave the answer.
func (s *scorer) add(i, answer int, u uint64, latent float64) {
	c := int(s.w.class[i])
	runner, third := s.w.confusable(c, s.w.pattern[i])
	first, second := runner, third
	if answer == third {
		first, second = third, runner
	}
	z := quantile((float64(u) + 0.5) / one)
	own := math.Exp(s.sharp * math.Max(-30, math.Min(30, latent-z)))
	low := math.Exp(-s.sharp)
	if first == second { // two classes
		low = 0
	}
	total := own + 1 + low
	pTrue, pFirst := own/total, 1/total
	s.m.TrueScore[i] = float32(pTrue)
	s.m.Confidence[i] = float32(math.Max(pTrue, pFirst))
	if answer != c {
		s.m.Confidence[i] = float32(pFirst)
	}
	if s.full != nil {
		row := s.full[i*len(s.w.spec.Classes):]
		row[c] = float32(pTrue)
		row[first] = float32(pFirst)
		if first != second {
			row[second] = float32(low / total)
		}
	}
}
