package train

import (
	"context"
	"fmt"
	"time"

	"github.com/lethe-audit/lethe/engine/grad"
	"github.com/lethe-audit/lethe/onnx"
)

// StepTime is the median of [StepTimes] of so many steps after one that is not
// counted.
func StepTime(ctx context.Context, m *onnx.Model, r Recipe, threads, steps int) (time.Duration, error) {
	times, err := StepTimes(ctx, m, r, threads, 1, steps)
	if err != nil {
		return 0, err
	}
	return median(times), nil
}

// StepTimes measures how long training steps of a model take (forward, gradients,
// the recipe's optimizer), on random images and without loading, after warmup
// steps that are not counted. The model is not changed.
func StepTimes(ctx context.Context, m *onnx.Model, r Recipe, threads, warmup, steps int) ([]time.Duration, error) {
	shape, classes, err := Takes(m)
	if err != nil {
		return nil, err
	}
	o := grad.DefaultOptions()
	o.Threads = threads
	net, err := grad.New(m, o)
	if err != nil {
		return nil, err
	}
	opt := newOptimizer(r.Optimizer, net.Params())
	x, labels := make([]float32, r.Batch*shape.Len()), make([]int32, r.Batch)
	random := newStream(1, streamAugment, 0, 0)
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	for i := range labels {
		labels[i] = int32(random.IntN(classes))
	}
	var times []time.Duration
	for i := range warmup + steps {
		began := time.Now()
		if _, err := net.Step(ctx, x, labels); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
		opt.update(net.Params(), 1e-6)
		net.Changed()
		if i >= warmup {
			times = append(times, time.Since(began))
		}
	}
	return times, nil
}

// StepsOf is the number of steps of a recipe over so many training images.
func StepsOf(r Recipe, images int) int {
	held := int(float64(images) * r.Holdout)
	return r.Length.steps((images - held) / r.Batch)
}
