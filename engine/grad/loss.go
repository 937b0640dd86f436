package grad

import "github.com/lethe-audit/lethe/engine/kernel"

// loss is the mean cross-entropy of softmax(logits) and smoothed labels.
type loss struct {
	batch, classes int
	smoothing      float32
	sums           []rowSum
}

// rowSum is the loss of one image.
type rowSum struct {
	loss    float64
	correct int
}

// run computes the loss and its gradient in the logits. Images are added up in
// their order.
func (l *loss) run(c *crew, logits, grad []float32, labels []int32) Result {
	if l.sums == nil {
		l.sums = make([]rowSum, l.batch)
	}
	scale := 1 / float32(l.batch)
	c.each(l.batch, func(i int, _ *kernel.Scratch) {
		from, to := i*l.classes, (i+1)*l.classes
		l.sums[i].loss, l.sums[i].correct = kernel.CrossEntropy(grad[from:to], logits[from:to], labels[i:i+1], l.smoothing, scale)
	})
	var r Result
	for _, s := range l.sums {
		r.Loss += s.loss
		r.Correct += s.correct
	}
	r.Loss /= float64(l.batch)
	return r
}
