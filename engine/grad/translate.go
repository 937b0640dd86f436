package grad

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/onnx"
)

// Operators lists the operators that are trained, in alphabetical order. Nodes
// that only depend on constants and shapes may be any that package op runs.
func Operators() []string {
	return []string{"Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "Div", "Dropout", "Flatten",
		"Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LayerNormalization",
		"LeakyRelu", "MatMul", "MaxPool", "Mul", "Pad", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Squeeze", "Sub", "Sum",
		"Tanh", "Transpose", "Unsqueeze"}
}

// translate makes layers of an operator.
func (r *recorder) translate(o op.Operator) error {
	if r.in[0] == nil || r.in[0].v == nil && !slices.Contains([]string{"Add", "Sub", "Mul", "Div", "Sum"}, r.node.Op) {
		return fmt.Errorf("%w: input 0 is constant", op.ErrUnsupported)
	}
	switch o := o.(type) {
	case op.Conv:
		return r.conv(o)
	case op.Gemm:
		return r.gemm(o)
	case op.MatMul:
		return r.matmul()
	case op.BatchNorm:
		return r.batchNorm(o)
	case op.LayerNorm:
		return r.layerNorm(o)
	case op.Unary:
		return r.unary(o)
	case op.Clip:
		return r.clip(o)
	case op.MaxPool:
		return r.pool(o.Window, false, false)
	case op.AveragePool:
		return r.pool(o.Window, true, o.CountPad)
	case op.GlobalPool:
		return r.globalPool(o)
	case op.Reduce:
		return r.mean(o)
	}
	return r.translateMove(o)
}

// translateMove makes layers of an operator that combines or moves elements.
func (r *recorder) translateMove(o op.Operator) error {
	switch o := o.(type) {
	case op.Arith:
		return r.arith(o)
	case op.Concat:
		return r.concat(o)
	case op.Pad:
		return r.pad(o)
	case op.Transpose:
		return r.transpose(o)
	case op.Reshape, op.Flatten, op.Squeeze, op.Unsqueeze:
		return r.view()
	case op.Dropout:
		return r.dropout()
	}
	return fmt.Errorf("%w for training", op.ErrUnsupported)
}

// buffer is operand i as a running statistic.
func (r *recorder) buffer(i int) (*Buffer, error) {
	e := r.in[i]
	if e.v != nil || e.init == nil {
		return nil, fmt.Errorf("%w: input %d is no initializer", op.ErrUnsupported, i)
	}
	b := r.store.buffers[e.init.Name]
	if b == nil {
		data, err := e.init.Float32s()
		if err != nil {
			return nil, err
		}
		b = &Buffer{Name: e.init.Name, Value: append(kernel.Aligned(len(data))[:0], data...)}
		r.store.buffers[b.Name] = b
	}
	return b, nil
}

// mean is a ReduceMean over axes that are beside each other in memory.
func (r *recorder) mean(o op.Reduce) error {
	if o.Kind != op.Mean {
		return fmt.Errorf("%w for training", op.ErrUnsupported)
	}
	set, err := o.AxisSet(r.operandArgs())
	if err != nil {
		return err
	}
	for _, last := range []bool{r.in[0].last, false} {
		e := r.in[0]
		if groups, pixels, channels, ok := meanOf(e.shape, set, last, o.KeepDims); ok {
			e = r.stored(e, last)
			g := &globalMean{ends: *r.ends(groups*channels, e.v), groups: groups, pixels: pixels, channels: channels}
			r.put(g, last && o.KeepDims)
			return nil
		}
	}
	return fmt.Errorf("%w: a mean over these axes of %v", op.ErrUnsupported, r.in[0].shape)
}

// meanOf is the sizes of a mean: groups of pixels by channels. Ok is false if
// reduced axes are not beside each other in memory, or those that stay not in
// the model's order.
func meanOf(shape []int, set []bool, last, keep bool) (groups, pixels, channels int, ok bool) {
	order := make([]int, len(shape))
	for i := range order {
		order[i] = i
	}
	if last {
		order = []int{0, 2, 3, 1}
	}
	groups, pixels, channels = 1, 1, 1
	state, before := 0, -1 // 0: in front of reduced axes, 1: among them, 2: behind
	for _, a := range order {
		if shape[a] == 1 {
			continue
		}
		switch {
		case set[a] && state == 2:
			return 0, 0, 0, false
		case set[a]:
			state = 1
			pixels *= shape[a]
			continue
		case state == 1:
			state = 2
		}
		if a < before && !(keep && last) {
			return 0, 0, 0, false
		}
		before = a
		if state == 0 {
			groups *= shape[a]
		} else {
			channels *= shape[a]
		}
	}
	return groups, pixels, channels, true
}

// Model is a copy of the model in inference form with the present weights and
// running statistics: Value·Mask where there is a mask. It shares nothing that a
// further Step changes.
func (n *Network) Model() *onnx.Model {
	m := n.model.Clone()
	replace := func(name string, data []float32) {
		old := m.Graph.Initializer(name)
		t, err := onnx.TensorOf(name, slices.Clone(data), old.Dims...)
		if err == nil {
			err = m.Graph.ReplaceInitializer(t)
		}
		if err != nil {
			panic(err) // the same shape as the initializer that was read
		}
	}
	for _, p := range n.params {
		p.apply()
		replace(p.Name, p.used)
	}
	for _, b := range n.buffers {
		replace(b.Name, b.Value)
	}
	for _, node := range m.Graph.Nodes {
		switch node.Op {
		case "BatchNormalization":
			node.RemoveAttr("training_mode")
			node.Outputs = node.Outputs[:1]
		case "Dropout":
			node.Inputs = node.Inputs[:min(len(node.Inputs), 2)]
		}
	}
	return m
}
