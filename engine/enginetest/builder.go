// Package enginetest makes models with seeded random weights for tests and
// benchmarks of the engine: the networks that speed is measured on, and small
// graphs of every kind of step.
package enginetest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/onnx"
)

// Opset is the operator set of the models made here.
const Opset = 20

// Builder makes a graph node by node. Methods return the name of the value
// that they make. The zero Builder is of no use; New makes one.
type Builder struct {
	g        *onnx.Graph
	rng      *rand.Rand
	channels map[string]int
}

// New starts a graph whose weights come from seed.
func New(name string, seed uint64) *Builder {
	return &Builder{
		g:        &onnx.Graph{Name: name},
		rng:      rand.New(rand.NewPCG(seed, 0x6c657468)),
		channels: map[string]int{},
	}
}

// Input adds a float32 input; a size below 0 is a symbolic dimension "N".
func (b *Builder) Input(name string, dims ...int64) string {
	shape := make(onnx.Shape, len(dims))
	for i, d := range dims {
		shape[i] = onnx.Fixed(d)
		if d < 0 {
			shape[i] = onnx.Symbol("N")
		}
	}
	b.g.Inputs = append(b.g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: onnx.Float, Shape: shape}})
	if len(dims) > 1 {
		b.channels[name] = int(dims[1])
	}
	return name
}

// Output declares a value to be an output of the given rank.
func (b *Builder) Output(name string, rank int) {
	b.g.Outputs = append(b.g.Outputs, &onnx.ValueInfo{Name: name,
		Type: onnx.TypeShape{Elem: onnx.Float, Shape: make(onnx.Shape, rank)}})
}

// Model finishes the graph.
func (b *Builder) Model() *onnx.Model {
	return &onnx.Model{
		IRVersion: 9,
		Opsets:    []onnx.Opset{{Version: Opset}},
		Producer:  onnx.Producer{Name: "lethe"},
		Graph:     b.g,
	}
}

// Node adds a node with one output.
func (b *Builder) Node(op string, inputs []string, attrs ...*onnx.Attr) string {
	name := fmt.Sprintf("%s_%d", op, len(b.g.Nodes))
	b.g.Nodes = append(b.g.Nodes, &onnx.Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{name + "_y"}, Attrs: attrs})
	if len(inputs) > 0 {
		b.channels[name+"_y"] = b.channels[inputs[0]]
	}
	return name + "_y"
}

// Const adds a float32 constant.
func (b *Builder) Const(data []float32, dims ...int64) string { return add(b, data, dims) }

// Ints adds an int64 constant with one axis.
func (b *Builder) Ints(v ...int64) string { return add(b, v, []int64{int64(len(v))}) }

func add[T onnx.Number](b *Builder, data []T, dims []int64) string {
	name := fmt.Sprintf("c_%d", len(b.g.Initializers))
	t, err := onnx.TensorOf(name, data, dims...)
	if err != nil {
		panic(err) // the caller's dims do not fit the data
	}
	b.g.Initializers = append(b.g.Initializers, t)
	return name
}

// Random adds a constant of normal variates with the given standard deviation
// and mean.
func (b *Builder) Random(sd, mean float64, dims ...int64) string {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(mean + sd*b.rng.NormFloat64())
	}
	return b.Const(data, dims...)
}

// Channels is the number of channels of an image value that this builder made.
func (b *Builder) Channels(x string) int { return b.channels[x] }

// ConvSpec says what a convolution is like; zero fields mean 1, no bias, and
// padding that keeps the size at stride 1.
type ConvSpec struct {
	Out, Kernel, Stride, Dilation, Groups int
	Bias                                  bool
	Pads                                  []int64
}

// Conv adds a convolution with weights that keep the variance.
func (b *Builder) Conv(x string, c ConvSpec) string {
	one := func(v int) int { return max(1, v) }
	k, g := one(c.Kernel), one(c.Groups)
	per := b.channels[x] / g
	in := []string{x, b.Random(math.Sqrt(2/float64(per*k*k)), 0, int64(c.Out), int64(per), int64(k), int64(k))}
	if c.Bias {
		in = append(in, b.Random(0.1, 0, int64(c.Out)))
	}
	s, d := int64(one(c.Stride)), int64(one(c.Dilation))
	pads := c.Pads
	if pads == nil {
		p := d * int64(k/2)
		pads = []int64{p, p, p, p}
	}
	y := b.Node("Conv", in, onnx.IntsAttr("kernel_shape", int64(k), int64(k)), onnx.IntsAttr("strides", s, s),
		onnx.IntsAttr("dilations", d, d), onnx.IntsAttr("pads", pads...), onnx.IntAttr("group", int64(g)))
	b.channels[y] = c.Out
	return y
}

// BatchNorm adds a batch normalization with random statistics.
func (b *Builder) BatchNorm(x string) string {
	c := int64(b.channels[x])
	variance := make([]float32, c)
	for i := range variance {
		variance[i] = 0.5 + b.rng.Float32()
	}
	return b.Node("BatchNormalization", []string{x, b.Random(0.1, 1, c), b.Random(0.1, 0, c), b.Random(0.1, 0, c), b.Const(variance, c)})
}

// Relu adds max(x, 0).
func (b *Builder) Relu(x string) string { return b.Node("Relu", []string{x}) }

// Add adds x + y.
func (b *Builder) Add(x, y string) string { return b.Node("Add", []string{x, y}) }

// Dense adds the global mean of an image and a fully connected layer.
func (b *Builder) Dense(x string, classes int) string {
	c := b.channels[x]
	x = b.Node("Flatten", []string{b.Node("GlobalAveragePool", []string{x})})
	w := b.Random(math.Sqrt(1/float64(c)), 0, int64(classes), int64(c))
	return b.Node("Gemm", []string{x, w, b.Random(0.1, 0, int64(classes))}, onnx.IntAttr("transB", 1))
}
