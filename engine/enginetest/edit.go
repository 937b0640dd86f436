package enginetest

import (
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/onnx"
)

// AllOutputs is the model with every value that one node makes and another
// reads as an output. It shares nodes and constants with m.
func AllOutputs(m *onnx.Model) *onnx.Model {
	all, g := *m, *m.Graph
	declared, read := map[string]bool{}, map[string]bool{}
	for _, v := range g.Outputs {
		declared[v.Name] = true
	}
	for _, n := range g.Nodes {
		for _, name := range n.Inputs {
			read[name] = true
		}
	}
	g.Outputs = append([]*onnx.ValueInfo(nil), g.Outputs...)
	for _, n := range g.Nodes {
		for _, name := range n.Outputs {
			if read[name] && !declared[name] {
				declared[name] = true
				g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: name})
			}
		}
	}
	all.Graph = &g
	return &all
}

// Refill replaces the ConstantOfShape nodes that stand for the weights of
// ONNX's light models by random initializers: weights that keep the variance
// of what flows through, variances above zero, small biases.
func Refill(m *onnx.Model, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0x726566))
	roles := map[string]string{}
	for _, n := range m.Graph.Nodes {
		for i, name := range n.Inputs {
			if n.Op == "BatchNormalization" && i > 0 {
				roles[name] = []string{"", "scale", "bias", "bias", "scale"}[i]
			}
		}
	}
	kept := m.Graph.Nodes[:0:0]
	for _, n := range m.Graph.Nodes {
		if n.Op != "ConstantOfShape" {
			kept = append(kept, n)
			continue
		}
		dims, err := m.Graph.Initializer(n.Inputs[0]).Int64s()
		if err != nil {
			return err
		}
		t, err := onnx.TensorOf(n.Outputs[0], variates(rng, roles[n.Outputs[0]], dims), dims...)
		if err != nil {
			return err
		}
		m.Graph.Initializers = append(m.Graph.Initializers, t)
	}
	m.Graph.Nodes = kept
	return nil
}

func variates(rng *rand.Rand, role string, dims []int64) []float32 {
	n, fan := 1, 1
	for i, d := range dims {
		n *= int(d)
		if i > 0 {
			fan *= int(d)
		}
	}
	out := make([]float32, n)
	for i := range out {
		switch {
		case role == "scale":
			out[i] = 0.5 + rng.Float32()
		case role == "bias" || len(dims) < 2:
			out[i] = float32(0.1 * rng.NormFloat64())
		default:
			out[i] = float32(math.Sqrt(2/float64(fan)) * rng.NormFloat64())
		}
	}
	return out
}
