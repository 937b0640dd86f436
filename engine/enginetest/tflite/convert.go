package tflite

import (
	"fmt"
	"os"

	"github.com/lethe-audit/lethe/onnx"
)

// opset is the operator set of the models made here.
const opset = 17

// Load reads a TFLite file and rebuilds its network as ONNX. The weights are
// the file's; the input and the output are called "image" and "scores".
func Load(path string) (*onnx.Model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tflite: %w", err)
	}
	m, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Decode rebuilds the network of a TFLite file in memory; see [Load].
func Decode(b []byte) (*onnx.Model, error) {
	f, err := parse(b)
	if err != nil {
		return nil, err
	}
	if len(f.inputs) != 1 || len(f.outputs) != 1 {
		return nil, fmt.Errorf("tflite: %w: %d inputs and %d outputs, want one each", ErrUnsupported, len(f.inputs), len(f.outputs))
	}
	c := &converter{file: f, g: &onnx.Graph{Name: "tflite"}, names: map[int]string{}}
	in, err := c.image(f.inputs[0])
	if err != nil {
		return nil, err
	}
	c.g.Inputs = []*onnx.ValueInfo{{Name: "image", Type: onnx.TypeShape{Elem: onnx.Float, Shape: onnx.Shape{
		onnx.Symbol("N"), onnx.Fixed(int64(in.c)), onnx.Fixed(int64(in.h)), onnx.Fixed(int64(in.w))}}}}
	if c.names[f.inputs[0]], err = c.quantized("image", f.inputs[0]); err != nil {
		return nil, err
	}
	for i, o := range f.ops {
		if err := c.operator(o); err != nil {
			return nil, fmt.Errorf("tflite: operator %d (code %d): %w", i, o.code, err)
		}
	}
	last, err := c.value(f.outputs[0])
	if err != nil {
		return nil, err
	}
	dims := f.tensors[f.outputs[0]].dims
	if len(dims) != 2 {
		return nil, fmt.Errorf("tflite: %w: output of shape %v, want batch and classes", ErrUnsupported, dims)
	}
	c.g.Nodes = append(c.g.Nodes, &onnx.Node{Name: "scores", Op: "Identity", Inputs: []string{last}, Outputs: []string{"scores"}})
	c.g.Outputs = []*onnx.ValueInfo{{Name: "scores", Type: onnx.TypeShape{Elem: onnx.Float, Shape: onnx.Shape{
		onnx.Symbol("N"), onnx.Fixed(int64(dims[1]))}}}}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: opset}}, Producer: onnx.Producer{Name: "lethe tflite"}, Graph: c.g}
	return m, onnx.Validate(m)
}

// converter makes ONNX nodes of a file's operators.
type converter struct {
	file  *file
	g     *onnx.Graph
	names map[int]string // the ONNX value of a tensor that was computed
}

// size is the shape of one image.
type size struct{ h, w, c int }

// tensor is tensor i of the file.
func (c *converter) tensor(i int) (*array, error) {
	if i < 0 || i >= len(c.file.tensors) {
		return nil, fmt.Errorf("%w: tensor %d of %d", errDamaged, i, len(c.file.tensors))
	}
	return &c.file.tensors[i], nil
}

// image is the size of tensor i, which must hold float32 images.
func (c *converter) image(i int) (size, error) {
	t, err := c.tensor(i)
	if err != nil {
		return size{}, err
	}
	if len(t.dims) != 4 || t.typ != typeFloat32 && t.typ != typeInt8 || t.dims[1] <= 0 || t.dims[2] <= 0 || t.dims[3] <= 0 {
		return size{}, fmt.Errorf("%w: tensor %q of type %d and shape %v, want images of float32 or int8", ErrUnsupported, t.name, t.typ, t.dims)
	}
	return size{t.dims[1], t.dims[2], t.dims[3]}, nil
}

// value is the ONNX value of tensor i, which an earlier operator has made.
func (c *converter) value(i int) (string, error) {
	if name, ok := c.names[i]; ok {
		return name, nil
	}
	return "", fmt.Errorf("%w: tensor %d is used before it is computed", ErrUnsupported, i)
}

// node adds a node.
func (c *converter) node(op string, inputs []string, attrs ...*onnx.Attr) string {
	name := fmt.Sprintf("%s_%d", op, len(c.g.Nodes))
	c.g.Nodes = append(c.g.Nodes, &onnx.Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{name + "_y"}, Attrs: attrs})
	return name + "_y"
}

// activation adds a fused activation (ActivationFunctionType).
func (c *converter) activation(y string, kind int) (string, error) {
	switch kind {
	case 0:
		return y, nil
	case 1:
		return c.node("Relu", []string{y}), nil
	}
	return "", fmt.Errorf("%w: fused activation %d", ErrUnsupported, kind)
}
