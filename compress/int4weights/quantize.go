package int4weights

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/rewrite"
	"github.com/lethe-audit/lethe/onnx"
)

// Opset is the operator set that models have at least: block-wise
// DequantizeLinear came with 21.
const Opset = 21

// ErrBlock: a block size that cannot be.
var ErrBlock = errors.New("block size out of range")

// Options say how weights are quantized.
type Options struct {
	Block int // elements that share a scale, at least 2
	// KeepFirst and KeepLast leave the first and the last layer in float; Keep
	// names further nodes.
	KeepFirst, KeepLast bool
	Keep                []string
}

// DefaultOptions are blocks of 32 elements in all layers.
func DefaultOptions() Options { return Options{Block: 32} }

// Layer is what became of a convolution or matrix product.
type Layer struct {
	Node, Op  string
	Quantized bool
	Note      string // how, or why not
}

// Quantize quantizes the weights of a model, which it does not change.
func Quantize(m *onnx.Model, o Options) (*onnx.Model, []Layer, error) {
	if o.Block < 2 {
		return nil, nil, fmt.Errorf("int4-weights: %w: %d, want 2 or more", ErrBlock, o.Block)
	}
	if err := compress.Check(m); err != nil {
		return nil, nil, err
	}
	w := &writer{m: m.Clone(), o: o, done: map[string]string{}, labels: map[*onnx.Node]string{}}
	for i, n := range w.m.Graph.Nodes {
		if w.labels[n] = n.Name; n.Name == "" {
			w.labels[n] = fmt.Sprintf("#%d", i)
		}
	}
	if err := w.m.Graph.Sort(); err != nil {
		return nil, nil, err
	}
	if err := rewrite.RaiseOpset(w.m, Opset); err != nil {
		return nil, nil, err
	}
	w.g = w.m.Graph
	w.names, w.index = w.g.Names(), w.g.Index()
	if err := w.keep(); err != nil {
		return nil, nil, err
	}
	for _, n := range slices.Clone(w.g.Nodes) {
		if err := w.node(n); err != nil {
			return nil, nil, err
		}
	}
	if len(w.done) == 0 {
		return nil, nil, &onnx.Error{File: m.Path, Msg: "int4-weights: no Conv, Gemm or MatMul with constant float32 weights is left to quantize", Reason: compress.ErrNoWeights}
	}
	w.g.Prune()
	if err := w.g.Sort(); err != nil {
		return nil, nil, err
	}
	if err := onnx.Validate(w.m); err != nil {
		return nil, nil, fmt.Errorf("int4-weights: the quantized model: %w", err)
	}
	return w.m, w.layers, nil
}

type writer struct {
	m      *onnx.Model
	g      *onnx.Graph
	o      Options
	names  *onnx.Names
	index  *onnx.Index
	labels map[*onnx.Node]string // name, or place in the model as it came
	kept   map[*onnx.Node]string
	done   map[string]string // weights, with their blocks' axis: dequantized
	layers []Layer
}

// weights is the constant of a layer, nil if it has none that can be quantized,
// and the axis along which blocks lie: 0 for a matrix whose columns are results.
func (w *writer) weights(n *onnx.Node) (t *onnx.Tensor, axis int) {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return nil, 0
	}
	t = w.index.Constant(n.Input(1))
	if t == nil || t.Type != onnx.Float {
		return nil, 0
	}
	switch {
	case n.Op == "Conv" && len(t.Dims) >= 3:
		return t, 1
	case n.Op == "Gemm" && len(t.Dims) == 2:
		return t, int(n.Int("transB", 0))
	case n.Op == "MatMul" && len(t.Dims) == 2:
		return t, 0
	}
	return nil, 0
}

// keep finds the nodes that the options leave in float.
func (w *writer) keep() error {
	w.kept = map[*onnx.Node]string{}
	var layers []*onnx.Node
	for _, n := range w.g.Nodes {
		if t, _ := w.weights(n); t != nil {
			layers = append(layers, n)
		}
	}
	if len(layers) > 0 && w.o.KeepFirst {
		w.kept[layers[0]] = "first layer, kept"
	}
	if len(layers) > 0 && w.o.KeepLast {
		w.kept[layers[len(layers)-1]] = "last layer, kept"
	}
	for _, name := range w.o.Keep {
		i := slices.IndexFunc(w.g.Nodes, func(n *onnx.Node) bool { return w.labels[n] == name })
		if i < 0 {
			return fmt.Errorf("int4-weights: no operator %q to keep in float", name)
		}
		w.kept[w.g.Nodes[i]] = "kept, as asked"
	}
	return nil
}

func (w *writer) node(n *onnx.Node) error {
	if n.Op != "Conv" && n.Op != "Gemm" && n.Op != "MatMul" && n.Op != "ConvTranspose" {
		return nil
	}
	l := Layer{Node: w.labels[n], Op: n.Op, Note: w.kept[n]}
	t, axis := w.weights(n)
	switch {
	case l.Note != "":
	case t == nil:
		l.Note = "its weights are not a float32 constant of a known form"
	default:
		value, err := w.dequantized(n, t, axis)
		if err != nil {
			return err
		}
		n.Inputs = slices.Clone(n.Inputs)
		n.Inputs[1] = value
		l.Quantized, l.Note = true, fmt.Sprintf("int4 in blocks of %d", w.o.Block)
	}
	w.layers = append(w.layers, l)
	return nil
}

// dequantized is the value that replaces a layer's weights. Layers that share
// weights share it.
func (w *writer) dequantized(n *onnx.Node, t *onnx.Tensor, axis int) (string, error) {
	key := fmt.Sprintf("%d %s", axis, t.Name)
	if v := w.done[key]; v != "" {
		return v, nil
	}
	v, err := t.Float32s()
	if err != nil {
		return "", err
	}
	var q []int8
	var scales []float32
	dims := t.Dims
	if axis == 0 { // columns are results: their transpose has them as rows
		k, m := int(dims[0]), int(dims[1])
		q, scales = blocks(transpose(v, k, m), m, k, w.o.Block)
		q, scales = transpose(q, m, k), transpose(scales, m, len(scales)/m)
	} else {
		dims = []int64{t.Dims[0], int64(len(v)) / t.Dims[0]}
		q, scales = blocks(v, int(dims[0]), int(dims[1]), w.o.Block)
	}
	per := slices.Clone(dims)
	per[axis] = (dims[axis] + int64(w.o.Block) - 1) / int64(w.o.Block)
	out, err := w.add(n, t.Name, q, dims, scales, per, axis)
	if err == nil && len(t.Dims) != len(dims) {
		out, err = w.reshape(n, t, out)
	}
	w.done[key] = out
	return out, err
}

// add adds the constants and the DequantizeLinear before n.
func (w *writer) add(n *onnx.Node, name string, q []int8, dims []int64, scales []float32, per []int64, axis int) (string, error) {
	wt, err := onnx.NewTensor(w.names.Fresh(name+"_int4"), onnx.Int4, dims, pack(q))
	if err != nil {
		return "", err
	}
	st, err := onnx.TensorOf(w.names.Fresh(name+"_scale"), scales, per...)
	if err != nil {
		return "", err
	}
	for _, t := range []*onnx.Tensor{wt, st} {
		if err := w.g.AddInitializer(t); err != nil {
			return "", err
		}
	}
	out := w.names.Fresh(name + "_dequantized")
	return out, w.g.Insert(n, &onnx.Node{Name: out, Op: "DequantizeLinear", Inputs: []string{wt.Name, st.Name}, Outputs: []string{out},
		Attrs: []*onnx.Attr{onnx.IntAttr("axis", int64(axis)), onnx.IntAttr("block_size", int64(w.o.Block))}})
}

// reshape gives a matrix the axes that the weights had.
func (w *writer) reshape(n *onnx.Node, t *onnx.Tensor, from string) (string, error) {
	shape, err := onnx.TensorOf(w.names.Fresh(t.Name+"_shape"), slices.Clone(t.Dims), int64(len(t.Dims)))
	if err != nil {
		return "", err
	}
	if err := w.g.AddInitializer(shape); err != nil {
		return "", err
	}
	out := w.names.Fresh(t.Name + "_reshaped")
	return out, w.g.Insert(n, &onnx.Node{Name: out, Op: "Reshape", Inputs: []string{from, shape.Name}, Outputs: []string{out}})
}
