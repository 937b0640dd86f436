package train

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// evaluator measures a model on images as they are, in their order.
type evaluator struct {
	data       dataset.Dataset
	preprocess dataset.Preprocess
	threads    int
	cpu        string
}

// evalBatch is the number of images computed at once.
const evalBatch = 64

// measure gives mean cross-entropy and accuracy of the model as it is now.
func (t *trainer) measure(ctx context.Context) (loss, accuracy float64, err error) {
	if t.average != nil {
		t.average.swap(t.net)
		defer t.average.swap(t.net)
	}
	return t.eval.measure(ctx, t.net.Model())
}

func (e *evaluator) measure(ctx context.Context, m *onnx.Model) (loss, accuracy float64, err error) {
	o := engine.DefaultOptions()
	o.Threads, o.FreeBatch = e.threads, true
	if e.cpu != "" {
		o.CPU = e.cpu
	}
	s, err := engine.New(m, o)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	lo := dataset.DefaultLoaderOptions()
	lo.Batch, lo.Workers, lo.BadLimit, lo.Preprocess = evalBatch, max(1, cores(e.threads)), 0, e.preprocess
	l, err := dataset.NewLoader(ctx, e.data, lo)
	if err != nil {
		return 0, 0, err
	}
	correct, n := 0, 0
	shares := endsInSoftmax(m)
	for b, err := range l.Batches(ctx) {
		if err != nil {
			return 0, 0, err
		}
		scores, err := score(ctx, s, l.Shape().Dims(len(b.Index)), b.Data)
		if err != nil {
			return 0, 0, err
		}
		classes := len(scores) / len(b.Index)
		for k, i := range b.Index {
			c, right := cost(scores[k*classes:(k+1)*classes], int(e.data.Example(i).Label), shares)
			loss += c
			if right {
				correct++
			}
			n++
		}
	}
	return loss / float64(n), float64(correct) / float64(n), nil
}

// score runs a batch and gives its outputs, image by image.
func score(ctx context.Context, s engine.Session, dims [4]int, data []float32) ([]float32, error) {
	x, err := tensor.New(dims[:], data)
	if err != nil {
		return nil, err
	}
	res, err := s.Run(ctx, map[string]engine.Tensor{s.Inputs()[0].Name: x})
	if err != nil {
		return nil, err
	}
	out := s.Outputs()[0].Name
	scores, err := tensor.Of[float32](res[out])
	if err != nil {
		return nil, fmt.Errorf("train: output %s: %w", out, err)
	}
	return scores, nil
}

// endsInSoftmax reports whether a model gives shares and not logits.
func endsInSoftmax(m *onnx.Model) bool {
	n := m.Graph.Index().Producer(m.Graph.Outputs[0].Name)
	return n != nil && n.Op == "Softmax"
}

// cost is the cross-entropy of one image, and whether its class has the
// greatest score (the first of equal ones).
func cost(scores []float32, label int, shares bool) (float64, bool) {
	top := 0
	for i, v := range scores {
		if v > scores[top] {
			top = i
		}
	}
	if shares {
		return -math.Log(max(float64(scores[label]), math.SmallestNonzeroFloat64)), top == label
	}
	var sum float64
	for _, v := range scores {
		sum += math.Exp(float64(v) - float64(scores[top]))
	}
	return math.Log(sum) - float64(scores[label]) + float64(scores[top]), top == label
}
