package enginetest

import (
	"math"

	"github.com/lethe-audit/lethe/onnx"
)

// Graph is a small graph with one image input "x" of N, 8, 11, 13.
type Graph struct {
	Name string
	Make func() *onnx.Model
}

// The input size of every [Graph].
const (
	GraphChannels = 8
	GraphHeight   = 11
	GraphWidth    = 13
)

// Graphs lists graphs that between them have every kind of step that the
// engine's passes join, move or replace.
func Graphs() []Graph {
	image := func(name string, f func(b *Builder, x string) (y string, rank int)) Graph {
		return Graph{name, func() *onnx.Model {
			b := New(name, 7)
			y, rank := f(b, b.Input("x", -1, GraphChannels, GraphHeight, GraphWidth))
			b.Output(y, rank)
			return b.Model()
		}}
	}
	return []Graph{
		image("residual", residual),
		image("preactivation", preactivation),
		image("depthwise", depthwise),
		image("grouped", grouped),
		image("inception", inception),
		image("squeeze-excite", squeezeExcite),
		image("asymmetric", asymmetric),
		image("pools", pools),
		image("activations", activations),
		image("scales", scales),
		image("flatten", flattened),
		image("explicit-transpose", explicit),
		image("attention", attention),
		image("patches", patches),
		image("two-outputs", sharedConv),
		image("lrn", lrn),
		image("fully-connected", fullyConnected),
	}
}

func residual(b *Builder, x string) (string, int) {
	y := b.basic(b.Relu(b.BatchNorm(b.Conv(x, ConvSpec{Out: 16, Kernel: 3}))), 16, 1)
	y = b.basic(y, 24, 2)
	return b.Dense(b.bottleneck(y, 8, 1), 10), 2
}

func preactivation(b *Builder, x string) (string, int) {
	h := b.Relu(b.BatchNorm(x))
	y := b.Conv(b.Relu(b.BatchNorm(b.Conv(h, ConvSpec{Out: 20, Kernel: 3, Stride: 2}))), ConvSpec{Out: 20, Kernel: 3, Bias: true})
	return b.Add(b.Conv(h, ConvSpec{Out: 20, Kernel: 1, Stride: 2}), y), 4
}

func depthwise(b *Builder, x string) (string, int) {
	y := b.Node("HardSwish", []string{b.BatchNorm(b.Conv(x, ConvSpec{Out: 24, Kernel: 1}))})
	y = b.BatchNorm(b.Conv(y, ConvSpec{Out: 24, Kernel: 5, Groups: 24, Stride: 2}))
	y = b.Node("Clip", []string{y, b.Const([]float32{0}), b.Const([]float32{6})})
	return b.Conv(y, ConvSpec{Out: 12, Kernel: 1, Bias: true}), 4
}

func grouped(b *Builder, x string) (string, int) {
	y := b.Conv(x, ConvSpec{Out: 32, Kernel: 3, Groups: 4, Bias: true})
	return b.Conv(b.Node("LeakyRelu", []string{y}), ConvSpec{Out: 16, Kernel: 3, Groups: 8, Dilation: 2}), 4
}

func inception(b *Builder, x string) (string, int) {
	one := b.Relu(b.Conv(x, ConvSpec{Out: 5, Kernel: 1, Bias: true}))
	three := b.Relu(b.Conv(x, ConvSpec{Out: 7, Kernel: 3}))
	pool := b.Node("MaxPool", []string{x}, onnx.IntsAttr("kernel_shape", 3, 3), onnx.IntsAttr("pads", 1, 1, 1, 1))
	y := b.Node("Concat", []string{one, three, pool}, onnx.IntAttr("axis", 1))
	b.channels[y] = 5 + 7 + GraphChannels
	return b.Conv(y, ConvSpec{Out: 6, Kernel: 1}), 4
}

func squeezeExcite(b *Builder, x string) (string, int) {
	y := b.Conv(x, ConvSpec{Out: 16, Kernel: 3})
	y = b.Node("Mul", []string{y, b.Node("Sigmoid", []string{y})})
	s := b.Node("ReduceMean", []string{y, b.Ints(2, 3)}, onnx.IntAttr("keepdims", 1))
	s = b.Relu(b.Conv(s, ConvSpec{Out: 4, Kernel: 1, Bias: true}))
	s = b.Node("HardSigmoid", []string{b.Conv(s, ConvSpec{Out: 16, Kernel: 1, Bias: true})})
	return b.Conv(b.Node("Mul", []string{s, y}), ConvSpec{Out: 8, Kernel: 1}), 4
}

func asymmetric(b *Builder, x string) (string, int) {
	y := b.Node("Pad", []string{x, b.Ints(0, 0, 1, 0, 0, 0, 2, 3), b.Const([]float32{0.5})})
	b.channels[y] = GraphChannels
	y = b.Conv(y, ConvSpec{Out: 9, Kernel: 3, Stride: 2, Pads: []int64{0, 1, 2, 0}})
	y = b.Node("Pad", []string{y, b.Ints(0, 1, 0, 1, 0, 0, 1, 0)}, onnx.StringAttr("mode", "edge"))
	b.channels[y] = 10
	return b.Conv(y, ConvSpec{Out: 4, Kernel: 2, Pads: []int64{1, 1, 0, 0}}), 4
}

func pools(b *Builder, x string) (string, int) {
	y := b.Conv(x, ConvSpec{Out: 10, Kernel: 3})
	a := b.Node("AveragePool", []string{y}, onnx.IntsAttr("kernel_shape", 3, 2), onnx.IntsAttr("strides", 2, 2),
		onnx.IntsAttr("pads", 1, 0, 1, 1), onnx.IntAttr("ceil_mode", 1), onnx.IntAttr("count_include_pad", 1))
	m := b.Node("MaxPool", []string{y}, onnx.IntsAttr("kernel_shape", 2, 3), onnx.IntsAttr("strides", 2, 2),
		onnx.StringAttr("auto_pad", "SAME_UPPER"))
	g := b.Add(b.Node("GlobalMaxPool", []string{a}), b.Node("GlobalAveragePool", []string{m}))
	return b.Node("Sub", []string{m, g}), 4
}

func activations(b *Builder, x string) (string, int) {
	y := x
	for _, act := range []string{"Relu", "Sigmoid", "Tanh", "Gelu", "Elu", "Softplus", "Exp", "Erf"} {
		y = b.Node(act, []string{b.BatchNorm(b.Conv(y, ConvSpec{Out: 8, Kernel: 1, Bias: true}))})
	}
	// Gelu and HardSwish as exporters spell them out.
	e := b.Node("Erf", []string{b.Node("Div", []string{y, b.Const([]float32{math.Sqrt2})})})
	e = b.Node("Mul", []string{y, b.Node("Add", []string{e, b.Const([]float32{1})})})
	y = b.Node("Mul", []string{e, b.Const([]float32{0.5})})
	c := b.Node("Clip", []string{b.Node("Add", []string{y, b.Const([]float32{3})}), b.Const([]float32{0}), b.Const([]float32{6})})
	return b.Node("Div", []string{b.Node("Mul", []string{y, c}), b.Const([]float32{6})}), 4
}

func scales(b *Builder, x string) (string, int) {
	y := b.Conv(x, ConvSpec{Out: 12, Kernel: 3, Bias: true})
	y = b.Node("Mul", []string{y, b.Random(1, 0, 12, 1, 1)})
	y = b.Node("Add", []string{b.Random(1, 0, 1, 12, 1, 1), y})
	y = b.Node("Sub", []string{y, b.Const([]float32{0.25})})
	y = b.Node("Add", []string{b.Relu(y), b.Random(1, 0, 12, 1, 1)})
	y = b.Node("Mul", []string{y, b.Random(1, 0, GraphHeight, 1)})
	return b.Node("Sum", []string{y, y, b.Node("Sqrt", []string{b.Node("Abs", []string{y})})}), 4
}

func flattened(b *Builder, x string) (string, int) {
	y := b.Relu(b.Conv(x, ConvSpec{Out: 6, Kernel: 3, Stride: 2}))
	y = b.Node("Reshape", []string{y, b.Ints(0, -1)})
	const n = 6 * 6 * 7
	y = b.Relu(b.Node("Gemm", []string{y, b.Random(0.1, 0, n, 20), b.Random(0.1, 0, 20)}, onnx.FloatAttr("alpha", 0.5), onnx.FloatAttr("beta", 2)))
	y = b.Node("Mul", []string{b.Node("MatMul", []string{y, b.Random(0.2, 0, 20, 9)}), b.Random(1, 0, 9)})
	return b.Node("LogSoftmax", []string{b.Node("Add", []string{y, b.Random(1, 0, 9)})}), 2
}

func explicit(b *Builder, x string) (string, int) {
	y := b.Node("Transpose", []string{x}, onnx.IntsAttr("perm", 0, 2, 3, 1))
	y = b.Node("Transpose", []string{b.Node("Tanh", []string{y})}, onnx.IntsAttr("perm", 0, 3, 1, 2))
	b.channels[y] = GraphChannels
	y = b.Conv(y, ConvSpec{Out: 5, Kernel: 3})
	return b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", 0, 2, 3, 1)), 4
}

// tokens makes N, pixels, width of an image.
func (b *Builder) tokens(x string, width int) string {
	y := b.Conv(x, ConvSpec{Out: width, Kernel: 3, Stride: 2, Bias: true})
	y = b.Node("Reshape", []string{y, b.Ints(0, int64(width), -1)})
	return b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", 0, 2, 1))
}

// linear adds x·W + bias.
func (b *Builder) linear(x string, in, out int64) string {
	y := b.Node("MatMul", []string{x, b.Random(math.Sqrt(1/float64(in)), 0, in, out)})
	return b.Node("Add", []string{b.Random(0.1, 0, out), y})
}

// attention is a block of a transformer, LayerNormalization as one operator.
func attention(b *Builder, x string) (string, int) {
	const width, heads = 24, 3
	t := b.tokens(x, width)
	n := b.Node("LayerNormalization", []string{t, b.Random(0.1, 1, width), b.Random(0.1, 0, width)})
	split := func(perm ...int64) string {
		y := b.Node("Reshape", []string{b.linear(n, width, width), b.Ints(0, 0, heads, -1)})
		return b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", perm...))
	}
	q, k, v := split(0, 2, 1, 3), split(0, 2, 3, 1), split(0, 2, 1, 3)
	s := b.Node("Div", []string{b.Node("MatMul", []string{q, k}), b.Const([]float32{2.8284271})})
	y := b.Node("MatMul", []string{b.Node("Softmax", []string{s}), v})
	y = b.Node("Reshape", []string{b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", 0, 2, 1, 3)), b.Ints(0, 0, width)})
	t = b.Add(t, b.linear(y, width, width))
	h := b.Node("Gelu", []string{b.linear(t, width, 40)})
	return b.Node("ReduceMean", []string{b.Add(b.linear(h, 40, width), t), b.Ints(1)}, onnx.IntAttr("keepdims", 0)), 2
}

// patches has a layer normalization as older exporters spell it out.
func patches(b *Builder, x string) (string, int) {
	const width = 16
	t := b.tokens(x, width)
	last := b.Ints(-1)
	d := b.Node("Sub", []string{t, b.Node("ReduceMean", []string{t, last})})
	v := b.Node("ReduceMean", []string{b.Node("Pow", []string{d, b.Const([]float32{2})}), last})
	v = b.Node("Sqrt", []string{b.Node("Add", []string{v, b.Const([]float32{1e-5})})})
	y := b.Node("Mul", []string{b.Node("Div", []string{d, v}), b.Random(0.1, 1, width)})
	y = b.Node("Add", []string{y, b.Random(0.1, 0, width)})
	first := b.Node("Gather", []string{y, b.Ints(0)}, onnx.IntAttr("axis", 1))
	return b.linear(b.Node("Squeeze", []string{first, b.Ints(1)}), width, 5), 2
}

// sharedConv reads the result of a convolution before and after its activation.
func sharedConv(b *Builder, x string) (string, int) {
	y := b.Conv(x, ConvSpec{Out: 8, Kernel: 3, Bias: true})
	z := b.Relu(b.BatchNorm(y))
	b.Output(z, 4)
	return b.Relu(b.Node("Sub", []string{b.Conv(z, ConvSpec{Out: 8, Kernel: 3}), y})), 4
}

func lrn(b *Builder, x string) (string, int) {
	y := b.Relu(b.Conv(x, ConvSpec{Out: 12, Kernel: 3}))
	y = b.Node("LRN", []string{y}, onnx.IntAttr("size", 5), onnx.FloatAttr("alpha", 0.1), onnx.FloatAttr("beta", 0.75), onnx.FloatAttr("bias", 1))
	return b.Node("LRN", []string{y}, onnx.IntAttr("size", 3), onnx.FloatAttr("beta", 0.6)), 4
}

// fullyConnected ends in layers whose weights are larger than a cache.
func fullyConnected(b *Builder, x string) (string, int) {
	y := b.Node("Flatten", []string{b.Relu(b.Conv(x, ConvSpec{Out: 6, Kernel: 3, Stride: 2}))})
	const n, wide = 6 * 6 * 7, 700
	y = b.Node("Gemm", []string{y, b.Random(0.1, 0, wide, n), b.Random(0.1, 0, wide)}, onnx.IntAttr("transB", 1))
	y = b.Node("Gemm", []string{b.Node("Tanh", []string{y}), b.Random(0.05, 0, wide, 9)})
	return b.Node("Softmax", []string{y}), 2
}
