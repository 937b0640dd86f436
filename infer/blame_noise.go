package infer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// noise sums the squares of a signal and of what was added to it.
type noise struct{ signal, noise float64 }

func (s *noise) add(want, got []float32) {
	for i, x := range want {
		d := float64(got[i]) - float64(x)
		s.signal += float64(x) * float64(x)
		s.noise += d * d
	}
}

// sqnr is the signal-to-quantization-noise ratio in decibels; nil without signal
// or without noise.
func (s *noise) sqnr() *float64 {
	if s.signal == 0 || s.noise == 0 {
		return nil
	}
	v := 10 * math.Log10(s.signal/s.noise)
	return &v
}

// measure fills in how far compression moved each layer: its weights, its output
// with the compressed model's inputs (the layer's own noise), and its output
// with all the noise before it.
func (w *blameRun) measure(ctx context.Context, restored []prediction.Variant) error {
	n := min(w.o.Sample, len(w.examples))
	for i := range restored {
		w.measureWeights(ctx, i, restored[i].Restored)
	}
	if n == 0 {
		return nil
	}
	model, outs, err := w.pair.plan.BaseTapped()
	if err != nil {
		return err
	}
	base, err := engine.New(model, w.job.Engine)
	if err != nil {
		return err
	}
	defer base.Close()
	own, all := make([]noise, len(restored)), make([]noise, len(restored))
	for _, group := range w.groups() {
		if err := w.measureGroup(ctx, base, outs, group, w.examples[:n], own, all); err != nil {
			return err
		}
	}
	for i := range restored {
		restored[i].Restored.OwnSQNR, restored[i].Restored.OutputSQNR = own[i].sqnr(), all[i].sqnr()
	}
	return nil
}

func (w *blameRun) measureGroup(ctx context.Context, base engine.Session, outs [][]string, group, examples []int, own, all []noise) error {
	naive := *w
	naive.o.Naive = false
	m, err := naive.open(group, true)
	if err != nil {
		return err
	}
	defer m.close()
	return naive.batches(ctx, m, examples, func(values map[string]engine.Tensor, real int) error {
		clean, err := base.Run(ctx, map[string]engine.Tensor{base.Inputs()[0].Name: values[m.ports.in.Name]})
		if err != nil {
			return err
		}
		for _, p := range m.parts {
			alone, err := p.run(ctx, values)
			if err != nil {
				return err
			}
			for k, name := range p.outs {
				got, ok := values[name].Float32s()
				if !ok {
					continue
				}
				if want, ok := alone[name].Float32s(); ok {
					own[p.layer].addRows(want, got, values[name], real)
				}
				if want, ok := clean[outs[p.layer][k]].Float32s(); ok {
					all[p.layer].addRows(want, got, values[name], real)
				}
			}
		}
		return nil
	})
}

// addRows adds the real images of a batch.
func (s *noise) addRows(want, got []float32, t engine.Tensor, real int) {
	n := len(got)
	if t.Rank() > 0 && t.Shape()[0] > 0 {
		n = n / t.Shape()[0] * min(real, t.Shape()[0])
	}
	if len(want) >= n {
		s.add(want[:n], got[:n])
	}
}

// measureWeights compares the weights of a layer with the baseline's, where the
// compressed model holds them as a constant in the same form.
func (w *blameRun) measureWeights(ctx context.Context, layer int, r *prediction.Restored) {
	base, cand, ok := w.pair.plan.Weights(layer)
	if !ok {
		return
	}
	want, err := constantValue(ctx, base)
	if err != nil {
		return // not known: a part of the model that cannot be computed alone
	}
	got, err := constantValue(ctx, cand)
	if err != nil || len(got) != len(want) {
		return
	}
	var s noise
	s.add(want, got)
	r.WeightSQNR = s.sqnr()
	top, worst := 0.0, 0.0
	for i, x := range want {
		top = max(top, math.Abs(float64(x)))
		worst = max(worst, math.Abs(float64(got[i])-float64(x)))
	}
	if top > 0 {
		v := worst / top
		r.WeightError = &v
	}
}

// constantValue is the only output of a model without inputs.
func constantValue(ctx context.Context, m *onnx.Model) ([]float32, error) {
	if t := m.Graph.Initializer(m.Graph.Outputs[0].Name); t != nil {
		return t.AsFloat32s()
	}
	s, err := engine.New(m, engine.Options{Threads: 1, Reference: true})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	out, err := s.Run(ctx, map[string]engine.Tensor{})
	if err != nil {
		return nil, err
	}
	v, ok := out[m.Graph.Outputs[0].Name].Float32s()
	if !ok {
		return nil, fmt.Errorf("infer: weights are %v", out[m.Graph.Outputs[0].Name])
	}
	return slices.Clone(v), nil
}
