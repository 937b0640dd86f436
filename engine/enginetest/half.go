package enginetest

import (
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Half is a float32 model in float16: constants, inputs and outputs. It shares
// nodes with m.
func Half(m *onnx.Model) (*onnx.Model, error) {
	out, g := *m, *m.Graph
	out.Graph = &g
	g.Initializers = nil
	for _, t := range m.Graph.Initializers {
		if t.Type != onnx.Float {
			g.Initializers = append(g.Initializers, t)
			continue
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		raw := make([]byte, 0, 2*len(data))
		for _, v := range data {
			h := tensor.NewFloat16(v)
			raw = append(raw, byte(h), byte(h>>8))
		}
		h, err := onnx.NewTensor(t.Name, onnx.Float16, t.Dims, raw)
		if err != nil {
			return nil, err
		}
		g.Initializers = append(g.Initializers, h)
	}
	g.Inputs, g.Outputs = halfInfos(g.Inputs), halfInfos(g.Outputs)
	return &out, nil
}

func halfInfos(in []*onnx.ValueInfo) []*onnx.ValueInfo {
	out := make([]*onnx.ValueInfo, len(in))
	for i, v := range in {
		c := *v
		if c.Type.Elem == onnx.Float {
			c.Type.Elem = onnx.Float16
		}
		out[i] = &c
	}
	return out
}
