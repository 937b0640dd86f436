package rewrite

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/onnx"
)

// editor is a graph, its index and the names that it does not use yet.
type editor struct {
	m     *onnx.Model
	g     *onnx.Graph
	index *onnx.Index
	names *onnx.Names
}

func edit(m *onnx.Model) *editor {
	return &editor{m: m, g: m.Graph, index: m.Graph.Index(), names: m.Graph.Names()}
}

// again indexes the graph after an edit.
func (e *editor) again() { e.index = e.g.Index() }

// fail says what is wrong with a node.
func (e *editor) fail(n *onnx.Node, value, format string, args ...any) error {
	return &onnx.Error{File: e.m.Path, Node: n.Name, Op: n.Op, Value: value, Msg: fmt.Sprintf(format, args...), Reason: onnx.ErrUnsupported}
}

// floats is the elements of a float32 constant; nil for any other value.
func (e *editor) floats(value string) ([]float32, *onnx.Tensor) {
	t := e.index.Constant(value)
	if value == "" || t == nil || t.Type != onnx.Float {
		return nil, nil
	}
	v, err := t.Float32s()
	if err != nil {
		return nil, nil
	}
	return v, t
}

// constant adds a float32 constant whose name starts with base.
func (e *editor) constant(base string, v []float64, dims ...int64) (string, error) {
	data := make([]float32, len(v))
	for i, x := range v {
		data[i] = float32(x)
	}
	return e.add(base, data, dims)
}

func (e *editor) add(base string, data []float32, dims []int64) (string, error) {
	t, err := onnx.TensorOf(e.names.Fresh(base), data, dims...)
	if err != nil {
		return "", err
	}
	return t.Name, e.g.AddInitializer(t)
}

// ints adds an int64 constant with one axis.
func (e *editor) ints(base string, v []int64) (string, error) {
	t, err := onnx.TensorOf(e.names.Fresh(base), v, int64(len(v)))
	if err != nil {
		return "", err
	}
	return t.Name, e.g.AddInitializer(t)
}

// finite reports whether v holds neither NaN nor infinities, also after rounding
// to float32.
func finite(v []float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.Abs(x) > math.MaxFloat32 {
			return false
		}
	}
	return true
}

// only is the single reader of a value that no output of the graph is; nil if
// there are more, or none, or a subgraph.
func (e *editor) only(value string) *onnx.Node {
	uses := e.index.Uses(value)
	if value == "" || len(uses) != 1 || uses[0].Slot < 0 || e.index.IsOutput(value) {
		return nil
	}
	return uses[0].Node
}

// standard reports whether n is an operator of the default domain.
func standard(n *onnx.Node, op string) bool {
	return n != nil && n.Op == op && (n.Domain == "" || n.Domain == "ai.onnx")
}
