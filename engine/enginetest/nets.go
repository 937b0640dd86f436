package enginetest

import "github.com/lethe-audit/lethe/onnx"

// Net is a network to measure: its model and the size of its square input.
type Net struct {
	Name string
	Size int64
	Make func() *onnx.Model
}

// Nets lists the networks that the engine's speed is judged by.
func Nets() []Net {
	return []Net{
		{"resnet8", 32, ResNet8},
		{"resnet-tiny-large", 32, ResNetTinyLarge},
		{"wrn-16-4", 32, WRN16x4},
		{"resnet18", 224, ResNet18},
		{"resnet50", 224, ResNet50},
	}
}

// ResNet8 is MLPerf-tiny's small network for CIFAR-10: 16, 32 and 64 channels,
// one block each.
func ResNet8() *onnx.Model { return tiny("resnet8", 1, 16) }

// ResNetTinyLarge is MLPerf-tiny's larger one, with three blocks each.
func ResNetTinyLarge() *onnx.Model { return tiny("resnet-tiny-large", 3, 16) }

func tiny(name string, blocks, width int) *onnx.Model {
	b := New(name, 1)
	x := b.Input("x", -1, 3, 32, 32)
	x = b.Relu(b.BatchNorm(b.Conv(x, ConvSpec{Out: width, Kernel: 3, Bias: true})))
	for stage := range 3 {
		for i := range blocks {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = b.basic(x, width<<stage, stride)
		}
	}
	b.finish(x, 10)
	return b.Model()
}

func (b *Builder) finish(x string, classes int) {
	b.Output(b.Node("Softmax", []string{b.Dense(x, classes)}), 2)
}

// basic is two 3x3 convolutions beside a shortcut, added before the last
// activation.
func (b *Builder) basic(x string, out, stride int) string {
	y := b.Relu(b.BatchNorm(b.Conv(x, ConvSpec{Out: out, Kernel: 3, Stride: stride})))
	y = b.BatchNorm(b.Conv(y, ConvSpec{Out: out, Kernel: 3}))
	if stride != 1 || b.channels[x] != out {
		x = b.BatchNorm(b.Conv(x, ConvSpec{Out: out, Kernel: 1, Stride: stride}))
	}
	return b.Relu(b.Add(y, x))
}

// bottleneck is 1x1, 3x3 and 1x1 convolutions beside a shortcut.
func (b *Builder) bottleneck(x string, width, stride int) string {
	y := b.Relu(b.BatchNorm(b.Conv(x, ConvSpec{Out: width, Kernel: 1})))
	y = b.Relu(b.BatchNorm(b.Conv(y, ConvSpec{Out: width, Kernel: 3, Stride: stride})))
	y = b.BatchNorm(b.Conv(y, ConvSpec{Out: 4 * width, Kernel: 1}))
	if stride != 1 || b.channels[x] != 4*width {
		x = b.BatchNorm(b.Conv(x, ConvSpec{Out: 4 * width, Kernel: 1, Stride: stride}))
	}
	return b.Relu(b.Add(y, x))
}

// WRN16x4 is a wide residual network for 32x32 images, normalization and
// activation before each convolution.
func WRN16x4() *onnx.Model {
	b := New("wrn-16-4", 2)
	x := b.Conv(b.Input("x", -1, 3, 32, 32), ConvSpec{Out: 16, Kernel: 3})
	for stage := range 3 {
		for i := range 2 {
			out, stride := 64<<stage, 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			h := b.Relu(b.BatchNorm(x))
			short := x
			if b.channels[x] != out {
				short = b.Conv(h, ConvSpec{Out: out, Kernel: 1, Stride: stride})
			}
			y := b.Relu(b.BatchNorm(b.Conv(h, ConvSpec{Out: out, Kernel: 3, Stride: stride})))
			x = b.Add(b.Conv(y, ConvSpec{Out: out, Kernel: 3}), short)
		}
	}
	b.finish(b.Relu(b.BatchNorm(x)), 10)
	return b.Model()
}

// ResNet18 is the residual network of 18 layers for 224x224 images.
func ResNet18() *onnx.Model { return resnet("resnet18", []int{2, 2, 2, 2}, (*Builder).basic) }

// ResNet50 is the residual network of 50 layers for 224x224 images.
func ResNet50() *onnx.Model { return resnet("resnet50", []int{3, 4, 6, 3}, (*Builder).bottleneck) }

func resnet(name string, blocks []int, block func(b *Builder, x string, width, stride int) string) *onnx.Model {
	b := New(name, 3)
	x := b.Input("x", -1, 3, 224, 224)
	x = b.Relu(b.BatchNorm(b.Conv(x, ConvSpec{Out: 64, Kernel: 7, Stride: 2})))
	y := b.Node("MaxPool", []string{x}, onnx.IntsAttr("kernel_shape", 3, 3), onnx.IntsAttr("strides", 2, 2), onnx.IntsAttr("pads", 1, 1, 1, 1))
	for stage, n := range blocks {
		for i := range n {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			y = block(b, y, 64<<stage, stride)
		}
	}
	b.finish(y, 1000)
	return b.Model()
}
