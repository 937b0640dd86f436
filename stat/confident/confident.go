// Package confident finds examples whose given label is likely wrong, from
// probabilities that models predicted for them (confident learning).
//
// # Statistic
//
// p̂(j; i) is the predicted probability of class j for example i, y_i its given
// label. The threshold of a class is the mean self-confidence of the examples
// that carry its label:
//
//	t_j = mean over {i : y_i = j} of p̂(j; i)
//
// An example belongs, with confidence, to the class of largest probability among
// those whose threshold it reaches:
//
//	ŷ_i = argmax over {j : p̂(j; i) ≥ t_j} of p̂(j; i)
//
// It is counted off the diagonal of the confident joint, and so is an issue, where
// ŷ_i exists, differs from y_i and is the more probable of the two. The threshold
// of a class takes in how sure models are of that class at all: a class that they
// find hard does not make all its neighbors suspects. Examples are ranked by the
// normalized margin
//
//	Score = (1 + max over j ≠ y of p̂(j; i) − p̂(y; i)) / 2
//
// above ½ where another label is more probable than the given one.
//
// # Assumes
//
// The probabilities are out of sample: of models that were not trained on these
// examples. Shares of votes of several models may stand in for them. Label noise
// depends on the classes, not on the example.
//
// # Units
//
// Probabilities and scores in [0, 1]. [Slack] is added in comparisons with a
// threshold, so that a class that every model is equally sure of reaches its own.
//
// # Not measurable
//
// A class that no example carries has no threshold and is never suggested as an
// issue. [ErrNoExamples] where no class has one.
//
// # References
//
// Northcutt, C. G., Jiang, L., Chuang, I. L. (2021). Confident learning: estimating
// uncertainty in dataset labels. Journal of Artificial Intelligence Research 70,
// 1373–1411 (equation 2; section 3.3 for the normalized margin).
package confident

import "errors"

// ErrNoExamples says that there is nothing to learn thresholds from.
var ErrNoExamples = errors.New("confident: no examples")

// Slack is how far below its threshold a probability still reaches it.
const Slack = 1e-6

// Learner gathers the thresholds. Those of parts of the examples can be merged;
// merge them in a fixed order to get the same bits.
type Learner struct {
	sum []float64
	n   []int64
}

// NewLearner returns a Learner of classes 0 to classes-1.
func NewLearner(classes int) *Learner {
	return &Learner{sum: make([]float64, classes), n: make([]int64, classes)}
}

// Add takes one example: its given label and the probability predicted for it.
func (l *Learner) Add(given int, self float64) {
	l.sum[given] += self
	l.n[given]++
}

// Merge takes over the examples of another Learner.
func (l *Learner) Merge(o *Learner) {
	for j := range l.sum {
		l.sum[j] += o.sum[j]
		l.n[j] += o.n[j]
	}
}

// Thresholds are the thresholds of the classes.
func (l *Learner) Thresholds() (*Thresholds, error) {
	t := &Thresholds{at: make([]float64, len(l.sum))}
	known := false
	for j, n := range l.n {
		t.at[j] = never
		if n > 0 {
			t.at[j] = l.sum[j] / float64(n)
			known = true
		}
	}
	if !known {
		return nil, ErrNoExamples
	}
	return t, nil
}

// never is a threshold that no probability reaches.
const never = 2

// Thresholds judges examples.
type Thresholds struct{ at []float64 }

// Of is the threshold of a class; ok is false where no example carries its
// label.
func (t *Thresholds) Of(class int) (v float64, ok bool) { return t.at[class], t.at[class] != never }

// Verdict is what is thought of one given label.
type Verdict struct {
	// Suggested is the label to put in its place: for an issue the class that the
	// example belongs to with confidence, else the most probable other one.
	Suggested int
	Issue     bool    // off the diagonal of the confident joint
	Score     float64 // in [0, 1]; the higher the likelier wrong
}

// Judge judges the given label of an example with probabilities p, of two classes
// at least. Among equal probabilities the lowest class number counts.
func (t *Thresholds) Judge(given int, p []float64) Verdict {
	other, sure := -1, -1
	for j, v := range p {
		if j != given && (other < 0 || v > p[other]) {
			other = j
		}
		if v+Slack >= t.at[j] && (sure < 0 || v > p[sure]) {
			sure = j
		}
	}
	v := Verdict{Suggested: other, Score: (1 + p[other] - p[given]) / 2}
	if sure >= 0 && sure != given && p[sure] > p[given] {
		v.Suggested, v.Issue = sure, true
	}
	return v
}
