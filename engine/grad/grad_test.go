package grad

import (
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/onnx"
)

// small is the input of most graphs here.
const (
	channels = 6
	height   = 7
	width    = 5
)

// graph makes a classifier of 3 classes out of what f does to images.
func graph(f func(b *enginetest.Builder, x string) string) *onnx.Model {
	return graphOf(0, f)
}

// graphOf is graph where the builder does not know the number of channels; 0
// says that it does.
func graphOf(c int64, f func(b *enginetest.Builder, x string) string) *onnx.Model {
	b := enginetest.New("graph", 5)
	y := f(b, b.Input("x", -1, channels, height, width))
	if c == 0 {
		c = int64(b.Channels(y))
	}
	y = b.Node("Flatten", []string{b.Node("GlobalAveragePool", []string{y})})
	b.Output(b.Node("Gemm", []string{y, b.Random(0.5, 0, 3, c), b.Random(0.1, 0, 3)}, onnx.IntAttr("transB", 1)), 2)
	return b.Model()
}

type convSpec = enginetest.ConvSpec

// TestOperators checks the gradients of every operator against finite
// differences in float64.
func TestOperators(t *testing.T) {
	for _, c := range graphs() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checkGradients(t, c.model, Options{Threads: 2, LabelSmoothing: 0.1}, 4, 7)
		})
	}
}

type named struct {
	name  string
	model *onnx.Model
}

func graphs() []named {
	var out []named
	add := func(name string, f func(b *enginetest.Builder, x string) string) {
		out = append(out, named{name, graph(f)})
	}
	addOf := func(c int64, name string, f func(b *enginetest.Builder, x string) string) {
		out = append(out, named{name, graphOf(c, f)})
	}
	conv := func(c convSpec) func(b *enginetest.Builder, x string) string {
		return func(b *enginetest.Builder, x string) string { // twice, so that a data gradient is tested
			first := b.Conv(x, convSpec{Out: channels, Kernel: 3, Bias: true})
			return b.Node("Tanh", []string{b.Conv(first, c)})
		}
	}
	add("conv 3x3", conv(convSpec{Out: 8, Kernel: 3, Bias: true}))
	add("conv 3x3, many channels", func(b *enginetest.Builder, x string) string {
		y := b.Conv(b.Conv(x, convSpec{Out: 48, Kernel: 3}), convSpec{Out: 40, Kernel: 3})
		return b.Node("Tanh", []string{y})
	})
	add("conv stride 2", conv(convSpec{Out: 5, Kernel: 3, Stride: 2}))
	add("conv 1x1 stride 2", conv(convSpec{Out: 5, Kernel: 1, Stride: 2}))
	add("conv asymmetric", conv(convSpec{Out: 4, Kernel: 3, Stride: 2, Pads: []int64{0, 1, 2, 0}}))
	add("conv dilated", conv(convSpec{Out: 4, Kernel: 3, Dilation: 2}))
	add("conv grouped", conv(convSpec{Out: 9, Kernel: 3, Groups: 3, Bias: true}))
	add("conv depthwise", conv(convSpec{Out: channels, Kernel: 3, Groups: channels}))
	add("conv depthwise stride 2", conv(convSpec{Out: channels, Kernel: 5, Groups: channels, Stride: 2, Bias: true}))
	for _, act := range []string{"Relu", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Gelu"} {
		add(act, func(b *enginetest.Builder, x string) string {
			return b.Node(act, []string{b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})})
		})
	}
	add("Gelu tanh", func(b *enginetest.Builder, x string) string {
		return b.Node("Gelu", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3})}, onnx.StringAttr("approximate", "tanh"))
	})
	add("Clip", func(b *enginetest.Builder, x string) string {
		return b.Node("Clip", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3}), b.Const([]float32{-0.5}), b.Const([]float32{0.75})})
	})
	add("BatchNormalization", func(b *enginetest.Builder, x string) string {
		y := b.BatchNorm(b.Conv(x, convSpec{Out: 9, Kernel: 3}))
		return b.Node("Tanh", []string{b.Conv(y, convSpec{Out: 4, Kernel: 1})})
	})
	add("BatchNormalization, Relu", func(b *enginetest.Builder, x string) string {
		y := b.Relu(b.BatchNorm(b.Conv(x, convSpec{Out: 9, Kernel: 3})))
		return b.Node("Tanh", []string{b.Conv(y, convSpec{Out: 4, Kernel: 1})})
	})
	add("BatchNormalization, Clip", func(b *enginetest.Builder, x string) string {
		y := b.BatchNorm(b.Conv(x, convSpec{Out: 9, Kernel: 3}))
		y = b.Node("Clip", []string{y, b.Const([]float32{0}), b.Const([]float32{1})})
		return b.Node("Tanh", []string{b.Conv(y, convSpec{Out: 4, Kernel: 1})})
	})
	// Nothing before the first weights has a gradient.
	add("normalized input", func(b *enginetest.Builder, x string) string {
		y := b.Node("Div", []string{b.Node("Sub", []string{x, b.Const([]float32{0.2})}), b.Const([]float32{0.7})})
		return b.Node("Tanh", []string{b.Conv(y, convSpec{Out: 4, Kernel: 3})})
	})
	add("pooled input", func(b *enginetest.Builder, x string) string {
		y := b.Node("Relu", []string{b.Node("AveragePool", []string{x}, onnx.IntsAttr("kernel_shape", 2, 2))})
		return b.Node("Tanh", []string{b.Conv(y, convSpec{Out: 4, Kernel: 3})})
	})
	add("residual", func(b *enginetest.Builder, x string) string {
		x = b.Conv(x, convSpec{Out: 8, Kernel: 3})
		y := b.Relu(b.BatchNorm(b.Conv(x, convSpec{Out: 8, Kernel: 3})))
		y = b.BatchNorm(b.Conv(y, convSpec{Out: 8, Kernel: 3}))
		return b.Relu(b.Add(y, x))
	})
	add("residual, two norms", func(b *enginetest.Builder, x string) string {
		x = b.Relu(b.BatchNorm(b.Conv(x, convSpec{Out: 8, Kernel: 3})))
		y := b.BatchNorm(b.Conv(x, convSpec{Out: 12, Kernel: 3, Stride: 2}))
		s := b.BatchNorm(b.Conv(x, convSpec{Out: 12, Kernel: 1, Stride: 2}))
		z := b.Relu(b.Add(y, s))
		w := b.BatchNorm(b.Conv(z, convSpec{Out: 12, Kernel: 3}))
		return b.Relu(b.Add(z, w))
	})
	add("residual without activation", func(b *enginetest.Builder, x string) string {
		x = b.BatchNorm(b.Conv(x, convSpec{Out: 8, Kernel: 3}))
		y := b.BatchNorm(b.Conv(x, convSpec{Out: 8, Kernel: 3, Groups: 8}))
		z := b.Add(x, y)
		return b.Node("Tanh", []string{b.Add(z, b.BatchNorm(b.Conv(z, convSpec{Out: 8, Kernel: 1})))})
	})
	add("residual around a norm", func(b *enginetest.Builder, x string) string {
		x = b.Conv(x, convSpec{Out: 8, Kernel: 3})
		return b.Relu(b.Add(x, b.BatchNorm(x)))
	})
	add("sum of itself", func(b *enginetest.Builder, x string) string {
		y := b.BatchNorm(b.Conv(x, convSpec{Out: 8, Kernel: 3}))
		y = b.Node("Tanh", []string{b.Add(y, y)})
		return b.Node("Sub", []string{y, b.Node("Sigmoid", []string{y})})
	})
	add("preactivation", func(b *enginetest.Builder, x string) string {
		x = b.Conv(x, convSpec{Out: 8, Kernel: 3})
		for range 2 {
			h := b.Relu(b.BatchNorm(x))
			y := b.Conv(b.Relu(b.BatchNorm(b.Conv(h, convSpec{Out: 8, Kernel: 3}))), convSpec{Out: 8, Kernel: 3})
			x = b.Add(y, x)
		}
		return b.Node("Tanh", []string{x})
	})
	add("MaxPool", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})
		return b.Node("MaxPool", []string{y}, onnx.IntsAttr("kernel_shape", 3, 3), onnx.IntsAttr("strides", 2, 2), onnx.IntsAttr("pads", 1, 1, 1, 1))
	})
	add("AveragePool", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})
		y = b.Node("AveragePool", []string{y}, onnx.IntsAttr("kernel_shape", 3, 2), onnx.IntsAttr("strides", 2, 2), onnx.IntsAttr("pads", 1, 0, 1, 1))
		return b.Node("Tanh", []string{y})
	})
	add("AveragePool, padding counted", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})
		y = b.Node("AveragePool", []string{y}, onnx.IntsAttr("kernel_shape", 3, 2), onnx.IntsAttr("strides", 2, 2), onnx.IntsAttr("pads", 1, 0, 1, 1),
			onnx.IntAttr("count_include_pad", 1), onnx.IntAttr("ceil_mode", 1))
		return b.Node("Tanh", []string{y})
	})
	add("GlobalMaxPool", func(b *enginetest.Builder, x string) string {
		return b.Node("GlobalMaxPool", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})})
	})
	add("ReduceMean", func(b *enginetest.Builder, x string) string {
		y := b.Node("Tanh", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})})
		return b.Node("ReduceMean", []string{y, b.Ints(2)}, onnx.IntAttr("keepdims", 1))
	})
	add("squeeze and excite", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 16, Kernel: 3})
		y = b.Node("Mul", []string{y, b.Node("Sigmoid", []string{y})})
		s := b.Node("ReduceMean", []string{y, b.Ints(2, 3)}, onnx.IntAttr("keepdims", 1))
		s = b.Node("Tanh", []string{b.Conv(s, convSpec{Out: 4, Kernel: 1, Bias: true})})
		s = b.Node("HardSigmoid", []string{b.Conv(s, convSpec{Out: 16, Kernel: 1, Bias: true})})
		return b.Node("Mul", []string{s, y})
	})
	addOf(8, "scales", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})
		y = b.Node("Mul", []string{y, b.Random(1, 0, 8, 1, 1)})
		y = b.Node("Sub", []string{b.Random(1, 0, 1, 8, 1, 1), y})
		y = b.Node("Div", []string{y, b.Random(0.1, 2, height, 1)})
		y = b.Node("Add", []string{b.Node("Tanh", []string{y}), b.Random(1, 0, 8, 1, width)})
		return b.Node("Mul", []string{y, b.Const([]float32{0.5})})
	})
	add("square", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 8, Kernel: 3, Bias: true})
		return b.Node("Div", []string{y, b.Node("Add", []string{b.Node("Mul", []string{y, y}), b.Const([]float32{1})})})
	})
	addOf(4, "Concat", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 5, Kernel: 3})
		z := b.Conv(x, convSpec{Out: 7, Kernel: 1})
		c := b.Node("Concat", []string{y, z, y}, onnx.IntAttr("axis", 1))
		w := b.Random(0.3, 0, 4, 17, 1, 1)
		d := b.Node("Conv", []string{b.Node("Concat", []string{c, c}, onnx.IntAttr("axis", 3)), w}, onnx.IntsAttr("kernel_shape", 1, 1))
		return b.Node("Tanh", []string{d})
	})
	addOf(4, "Pad", func(b *enginetest.Builder, x string) string {
		y := b.Conv(x, convSpec{Out: 5, Kernel: 3})
		y = b.Node("Pad", []string{y, b.Ints(0, 1, 2, -1, 0, 2, 0, 3), b.Const([]float32{0.5})})
		w := b.Random(0.3, 0, 4, 8, 3, 3)
		return b.Node("Tanh", []string{b.Node("Conv", []string{y, w})})
	})
	add("shared weights", func(b *enginetest.Builder, x string) string {
		w, g := b.Random(0.3, 0, 6, 6, 3, 3), b.Random(0.1, 1, 6)
		c := func(x string) string {
			y := b.Node("Conv", []string{x, w, g}, onnx.IntsAttr("pads", 1, 1, 1, 1))
			return b.Node("BatchNormalization", []string{y, g, g, b.Random(0, 0, 6), b.Random(0, 1, 6)})
		}
		return b.Node("Tanh", []string{c(c(x))})
	})
	add("Dropout of 0, Identity", func(b *enginetest.Builder, x string) string {
		y := b.Node("Dropout", []string{b.Conv(x, convSpec{Out: 5, Kernel: 3}), b.Const([]float32{0})})
		return b.Node("Identity", []string{b.Node("Tanh", []string{y})})
	})
	return append(out, flat()...)
}

// flat are graphs that end in matrices.
func flat() []named {
	make := func(f func(b *enginetest.Builder, x string) string) *onnx.Model {
		b := enginetest.New("flat", 6)
		b.Output(f(b, b.Input("x", -1, channels, height, width)), 2)
		return b.Model()
	}
	tokens := func(b *enginetest.Builder, x string, wide int) string {
		y := b.Conv(x, convSpec{Out: wide, Kernel: 3, Bias: true})
		y = b.Node("Reshape", []string{y, b.Ints(0, int64(wide), -1)})
		return b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", 0, 2, 1))
	}
	return []named{
		{"Gemm", make(func(b *enginetest.Builder, x string) string {
			y := b.Node("Flatten", []string{b.Conv(x, convSpec{Out: 3, Kernel: 3, Stride: 2})})
			y = b.Node("Gemm", []string{y, b.Random(0.1, 0, 36, 20), b.Random(0.1, 0, 20)})
			y = b.Node("Tanh", []string{y})
			return b.Node("Softmax", []string{b.Node("Gemm", []string{y, b.Random(0.3, 0, 4, 20)}, onnx.IntAttr("transB", 1))})
		})},
		{"MatMul, LayerNormalization", make(func(b *enginetest.Builder, x string) string {
			y := tokens(b, x, 12)
			y = b.Node("LayerNormalization", []string{y, b.Random(0.1, 1, 12), b.Random(0.1, 0, 12)})
			y = b.Node("Add", []string{b.Node("MatMul", []string{y, b.Random(0.3, 0, 12, 8)}), b.Random(0.1, 0, 8)})
			y = b.Node("Gelu", []string{y})
			z := b.Node("MatMul", []string{b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", 0, 2, 1)), y})
			y = b.Node("Tanh", []string{b.Node("MatMul", []string{y, z})})
			y = b.Node("ReduceMean", []string{y, b.Ints(1)}, onnx.IntAttr("keepdims", 0))
			return b.Node("MatMul", []string{y, b.Random(0.3, 0, 8, 4)})
		})},
		{"explicit Transpose", make(func(b *enginetest.Builder, x string) string {
			y := b.Node("Transpose", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3})}, onnx.IntsAttr("perm", 0, 2, 3, 1))
			y = b.Node("LayerNormalization", []string{y, b.Random(0.1, 1, 8)})
			y = b.Node("Transpose", []string{b.Node("Tanh", []string{y})}, onnx.IntsAttr("perm", 0, 3, 1, 2))
			y = b.Node("Transpose", []string{y}, onnx.IntsAttr("perm", 0, 1, 3, 2))
			y = b.Node("Squeeze", []string{b.Node("GlobalAveragePool", []string{b.Node("Tanh", []string{y})}), b.Ints(2, 3)})
			return b.Node("MatMul", []string{y, b.Random(0.3, 0, 8, 4)})
		})},
		{"BatchNormalization of rows", make(func(b *enginetest.Builder, x string) string {
			y := b.Node("GlobalAveragePool", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3})})
			y = b.Node("Gemm", []string{b.Node("Flatten", []string{y}), b.Random(0.3, 0, 8, 6)})
			y = b.Node("BatchNormalization", []string{y, b.Random(0.1, 1, 6), b.Random(0.1, 0, 6), b.Random(0, 0, 6), b.Random(0, 1, 6)})
			return b.Node("Gemm", []string{b.Node("Relu", []string{y}), b.Random(0.3, 0, 6, 4)})
		})},
		{"BatchNormalization of sequences", make(func(b *enginetest.Builder, x string) string {
			y := b.Node("Reshape", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3}), b.Ints(0, 8, -1)})
			y = b.Node("BatchNormalization", []string{y, b.Random(0.1, 1, 8), b.Random(0.1, 0, 8), b.Random(0, 0, 8), b.Random(0, 1, 8)})
			y = b.Node("ReduceMean", []string{b.Node("Relu", []string{y}), b.Ints(2)}, onnx.IntAttr("keepdims", 0))
			return b.Node("Gemm", []string{y, b.Random(0.3, 0, 8, 4)})
		})},
	}
}
