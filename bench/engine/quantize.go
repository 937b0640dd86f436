package main

import (
	"context"
	"slices"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// quantize puts QDQ pairs into a network, with the ranges that two random
// images give.
func quantize(ctx context.Context, m *onnx.Model, size int) (*onnx.Model, error) {
	m, err := enginetest.FoldBatchNorm(m)
	if err != nil {
		return nil, err
	}
	o := engine.DefaultOptions()
	o.KeepIntermediates = true
	s, err := engine.New(m, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	in := map[string]tensor.Tensor{"x": images(2, size)}
	values, err := s.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	values["x"] = in["x"]
	ranges := map[string]enginetest.Range{}
	for name, v := range values {
		if d := tensor.Data[float32](v); len(d) > 0 {
			ranges[name] = enginetest.Range{Low: slices.Min(d), High: slices.Max(d)}
		}
	}
	return enginetest.QuantizeQDQ(m, ranges, false)
}
