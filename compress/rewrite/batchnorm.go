package rewrite

import (
	"math"

	"github.com/lethe-audit/lethe/onnx"
)

// FoldBatchNorm folds every BatchNormalization into the Conv or Gemm before it,
// where that has constant weights and its result goes nowhere else. The layer
// then gives the value that the normalization gave. It returns the names of the
// normalizations that were folded and of those that stay, in the graph's order.
func FoldBatchNorm(m *onnx.Model) (folded, kept []string, err error) {
	e := edit(m)
	for _, n := range append([]*onnx.Node(nil), m.Graph.Nodes...) {
		if !standard(n, "BatchNormalization") {
			continue
		}
		ok, err := e.foldBatchNorm(n)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			kept = append(kept, n.Name)
			continue
		}
		folded = append(folded, n.Name)
		e.again()
	}
	m.Graph.Prune()
	return folded, kept, nil
}

func (e *editor) foldBatchNorm(bn *onnx.Node) (bool, error) {
	layer := e.index.Producer(bn.Input(0))
	if !standard(layer, "Conv") && !standard(layer, "Gemm") || e.only(layer.Outputs[0]) != bn ||
		bn.Int("training_mode", 0) != 0 || extraOutputs(bn) {
		return false, nil
	}
	old, w := e.floats(layer.Input(1))
	if old == nil {
		return false, nil
	}
	axis, ok := outputAxis(layer, w)
	if !ok {
		return false, nil
	}
	scale, shift, ok := e.affine(bn, int(w.Dims[axis]))
	if !ok {
		return false, nil
	}
	bias := make([]float64, len(scale))
	if name := layer.Input(2); name != "" {
		b, _ := e.floats(name)
		if len(b) != len(bias) {
			return false, nil
		}
		beta := 1.0
		if layer.Op == "Gemm" {
			beta = float64(layer.Float("beta", 1))
		}
		for c, v := range b {
			bias[c] = beta * float64(v)
		}
	}
	for c := range bias {
		bias[c] = bias[c]*scale[c] + shift[c]
	}
	data := scaleAxis(old, w.Dims, axis, scale)
	if !finite(data) || !finite(bias) {
		return false, nil
	}
	wName, err := e.constant(layer.Input(1)+"_folded", data, w.Dims...)
	if err != nil {
		return false, err
	}
	bName, err := e.constant(layer.Name+"_bias_folded", bias, int64(len(bias)))
	if err != nil {
		return false, err
	}
	layer.RemoveAttr("beta")
	return true, e.merge(layer, bn, []string{layer.Inputs[0], wName, bName})
}

// merge removes a node behind layer, which takes over its result and reads
// inputs from then on.
func (e *editor) merge(layer, after *onnx.Node, inputs []string) error {
	out := after.Outputs[0]
	layer.Inputs = inputs
	after.Outputs = []string{e.names.Fresh(out + "_unused")}
	after.Inputs = nil
	layer.Outputs = []string{out}
	return e.g.Remove(after)
}

// extraOutputs reports whether a node has more than its first output.
func extraOutputs(n *onnx.Node) bool {
	for _, name := range n.Outputs[1:] {
		if name != "" {
			return true
		}
	}
	return false
}

// affine is what a normalization of n channels does to each: x·scale + shift.
func (e *editor) affine(bn *onnx.Node, n int) (scale, shift []float64, ok bool) {
	var p [4][]float32
	for i := range p {
		if p[i], _ = e.floats(bn.Input(i + 1)); len(p[i]) != n {
			return nil, nil, false
		}
	}
	epsilon := float64(bn.Float("epsilon", 1e-5))
	scale, shift = make([]float64, n), make([]float64, n)
	for c := range n {
		scale[c] = float64(p[0][c]) / math.Sqrt(float64(p[3][c])+epsilon)
		shift[c] = float64(p[1][c]) - float64(p[2][c])*scale[c]
	}
	return scale, shift, true
}

// outputAxis is the axis of a layer's weights that runs over what it gives.
func outputAxis(layer *onnx.Node, w *onnx.Tensor) (int, bool) {
	switch {
	case layer.Op == "Conv" && len(w.Dims) >= 3:
		return 0, true
	case layer.Op == "Gemm" && len(w.Dims) == 2:
		return 1 - int(layer.Int("transB", 0)), true
	case layer.Op == "MatMul" && len(w.Dims) == 2:
		return 1, true
	}
	return 0, false
}

// scaleAxis multiplies a tensor by a factor for each index along an axis.
func scaleAxis(v []float32, dims []int64, axis int, factor []float64) []float64 {
	inner := 1
	for _, d := range dims[axis+1:] {
		inner *= int(d)
	}
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x) * factor[i/inner%len(factor)]
	}
	return out
}
