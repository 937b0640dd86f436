package kernel

import (
	"fmt"
	"math"
)

// CrossEntropy is the softmax cross-entropy of rows of logits with labels, in
// float64. With label smoothing s the target is 1 - s + s/classes for the label and
// s/classes for the others, as in PyTorch. It sets grad to (softmax - target)·scale
// (scale is 1 over the batch for a mean; grad may be logits, or nil for none) and
// returns the sum of the losses and the number of rows whose first largest logit is
// the label. Rows are independent of each other.
func CrossEntropy(grad, logits []float32, labels []int32, smoothing, scale float32) (loss float64, correct int) {
	if len(labels) == 0 {
		return 0, 0
	}
	classes := len(logits) / len(labels)
	if classes*len(labels) != len(logits) || classes == 0 || grad != nil && len(grad) != len(logits) {
		panic(fmt.Sprintf("kernel: cross-entropy: %d labels for %d logits and %d gradients", len(labels), len(logits), len(grad)))
	}
	e := make([]float64, classes)
	for i, label := range labels {
		if label < 0 || int(label) >= classes {
			panic(fmt.Sprintf("kernel: cross-entropy: label %d of %d classes", label, classes))
		}
		row := logits[i*classes : (i+1)*classes]
		best := 0
		for c, v := range row {
			if v > row[best] {
				best = c
			}
		}
		if best == int(label) {
			correct++
		}
		var g []float32
		if grad != nil {
			g = grad[i*classes : (i+1)*classes]
		}
		loss += rowCrossEntropy(g, row, e, best, int(label), float64(smoothing), float64(scale))
	}
	return loss, correct
}

// rowCrossEntropy is the loss of one row; e is working memory.
func rowCrossEntropy(grad, row []float32, e []float64, best, label int, smoothing, scale float64) float64 {
	top, sum, total := float64(row[best]), 0.0, 0.0
	for c, v := range row {
		d := float64(v) - top
		e[c] = math.Exp(d)
		sum += e[c]
		total += d
	}
	logSum, share := math.Log(sum), smoothing/float64(len(row))
	labelled := float64(row[label]) - top
	for c := range grad {
		target := share
		if c == label {
			target += 1 - smoothing
		}
		grad[c] = float32((e[c]/sum - target) * scale)
	}
	return logSum - (1-smoothing)*labelled - share*total
}
