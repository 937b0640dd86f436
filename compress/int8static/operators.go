package int8static

import (
	"fmt"

	"github.com/lethe-audit/lethe/onnx"
)

// role is what an operator is to quantization.
type role int

const (
	roleFloat  role = iota // has no integer form here
	roleConv               // a convolution with constant weights
	roleMatrix             // a matrix product with constant weights
	roleSum                // adds two values that are computed
	rolePool               // averages: another scale may come out
	roleMove               // gives elements of its operands: one scale for all
	roleLimit              // Relu, or Clip with constant limits
)

func (r role) layer() bool { return r == roleConv || r == roleMatrix }

// judge gives a node its role, and where it has none the reason.
func (p *plan) judge(n *onnx.Node) (role, string) {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return roleFloat, "not an operator of the ONNX standard"
	}
	switch n.Op {
	case "Conv":
		return p.judgeConv(n)
	case "Gemm", "MatMul":
		return p.judgeProduct(n)
	case "Add":
		if len(n.Inputs) != 2 || p.constant(n.Inputs[0]) || p.constant(n.Inputs[1]) {
			return roleFloat, "adds a constant"
		}
		return roleSum, ""
	case "AveragePool", "GlobalAveragePool":
		return rolePool, ""
	case "MaxPool":
		if n.Output(1) != "" {
			return roleFloat, "gives indices"
		}
		return roleMove, ""
	case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose":
		return roleMove, ""
	case "Concat":
		for _, in := range n.Inputs {
			if p.constant(in) {
				return roleFloat, "joins a constant"
			}
		}
		return roleMove, ""
	case "Relu":
		return roleLimit, ""
	case "Clip":
		for _, in := range n.Inputs[1:] {
			if in != "" && !p.constant(in) {
				return roleFloat, "its limits are computed"
			}
		}
		return roleLimit, ""
	}
	return roleFloat, "no integer form of " + n.Op
}

func (p *plan) constant(value string) bool { return p.index.Constant(value) != nil }

// float reports whether value is a float32 constant.
func (p *plan) float(value string) *onnx.Tensor {
	if t := p.index.Constant(value); t != nil && t.Type == onnx.Float {
		return t
	}
	return nil
}

func (p *plan) judgeConv(n *onnx.Node) (role, string) {
	w := p.float(n.Input(1))
	if w == nil || len(w.Dims) < 3 || p.constant(n.Input(0)) {
		return roleFloat, "its weights are not a float32 constant"
	}
	return p.judgeBias(n, w.Dims[0], roleConv)
}

func (p *plan) judgeProduct(n *onnx.Node) (role, string) {
	w := p.float(n.Input(1))
	if w == nil || p.constant(n.Input(0)) {
		return roleFloat, "its second operand is not a float32 constant"
	}
	if len(w.Dims) != 2 {
		return roleFloat, fmt.Sprintf("its weights have %d axes", len(w.Dims))
	}
	if n.Op == "MatMul" {
		return roleMatrix, ""
	}
	if n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 {
		return roleFloat, "has a transposed operand or factors"
	}
	return p.judgeBias(n, w.Dims[1-n.Int("transB", 0)], roleMatrix)
}

func (p *plan) judgeBias(n *onnx.Node, channels int64, r role) (role, string) {
	if n.Input(2) == "" {
		return r, ""
	}
	b := p.float(n.Input(2))
	if b == nil || len(b.Dims) != 1 || b.Dims[0] != channels {
		return roleFloat, "its bias is not a float32 constant for each channel"
	}
	return r, ""
}

// moved are the inputs of a moving operator that hold elements; the others are
// shapes and axes.
func moved(n *onnx.Node) []string {
	if n.Op == "Concat" {
		return n.Inputs
	}
	return n.Inputs[:1]
}

// limits are those of a Relu or a Clip.
func (p *plan) limits(n *onnx.Node) (lo, hi float64, hasHi bool) {
	if n.Op == "Relu" {
		return 0, 0, false
	}
	lo = -1
	if t := p.float(n.Input(1)); t != nil {
		if v, err := t.Float32s(); err == nil && len(v) == 1 {
			lo = float64(v[0])
		}
	}
	if t := p.float(n.Input(2)); t != nil {
		if v, err := t.Float32s(); err == nil && len(v) == 1 {
			return lo, float64(v[0]), true
		}
	}
	return lo, 0, false
}
