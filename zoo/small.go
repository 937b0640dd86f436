package zoo

import (
	"fmt"

	"github.com/lethe-audit/lethe/onnx"
)

// cnnSmall is three 3x3 convolutions of 32, 64 and 128 channels, each with
// batch normalization and ReLU, the first two followed by 2x2 max pooling, then
// the global mean and a fully connected layer. Weights are He normal by fan-in;
// the last layer, which no ReLU follows, has variance 1/fan-in.
func cnnSmall(b *builder) {
	x := b.input()
	for i, c := range []int{32, 64, 128} {
		x = b.normConv(fmt.Sprintf("layer%d", i+1), x, convSpec{out: c, kernel: 3}, false)
		if i < 2 {
			x = b.maxPool(fmt.Sprintf("pool%d", i+1), x, 2, 2, 0)
		}
	}
	b.classify(x, unitNormal)
}

// resnet8 is resnet_v1_eembc of MLPerf Tiny's keras_model.py: 16, 32 and 64
// channels, one block each; convolutions have biases and TensorFlow's padding,
// shortcuts that change the size are 1x1 convolutions without normalization.
// Keras' he_normal everywhere, epsilon 1e-3.
//
// Banbury et al. 2021 (arXiv:2106.07597); github.com/mlcommons/tiny,
// benchmark/training/image_classification/keras_model.py.
func resnet8(b *builder) {
	b.epsilon, b.weight = 1e-3, heTruncated
	x := b.normConv("stem", b.input(), convSpec{out: 16, kernel: 3, bias: true, same: true}, false)
	for i, c := range []int{16, 32, 64} {
		name := fmt.Sprintf("stage%d", i+1)
		stride := min(i+1, 2)
		y := b.normConv(layer(name, "1"), x, convSpec{out: c, kernel: 3, stride: stride, bias: true, same: true}, false)
		y = b.normConv(layer(name, "2"), y, convSpec{out: c, kernel: 3, bias: true, same: true}, true)
		if stride > 1 {
			x = b.conv(layer(name, "shortcut"), x, convSpec{out: c, kernel: 1, stride: stride, bias: true, same: true})
		}
		x = b.relu(layer(name, "relu"), b.add(layer(name, "add"), x, y))
	}
	b.classify(x, heTruncated)
}

// resnet20 is the residual network for CIFAR-10 of He et al. 2016
// (arXiv:1512.03385), section 4.2: 16, 32 and 64 channels, three blocks each,
// shortcuts without parameters (option A: every second pixel, new channels
// zero). Weights are He normal by fan-in.
func resnet20(b *builder) {
	x := b.normConv("stem", b.input(), convSpec{out: 16, kernel: 3}, false)
	for stage, c := range []int{16, 32, 64} {
		for block := range 3 {
			name := layer(fmt.Sprintf("stage%d", stage+1), fmt.Sprintf("block%d", block+1))
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			y := b.normConv(layer(name, "1"), x, convSpec{out: c, kernel: 3, stride: stride}, false)
			y = b.normConv(layer(name, "2"), y, convSpec{out: c, kernel: 3}, true)
			if stride > 1 {
				x = b.skipPixels(name, x, c)
			}
			x = b.relu(layer(name, "relu"), b.add(layer(name, "add"), y, x))
		}
	}
	b.classify(x, unitNormal)
}

// skipPixels keeps every second pixel and adds channels of zeros.
func (b *builder) skipPixels(name string, x value, c int) value {
	y := b.node(layer(name, "shortcut"), "AveragePool", []string{x.name}, onnx.IntsAttr("kernel_shape", 1, 1), onnx.IntsAttr("strides", 2, 2))
	pads := layer(name, "widen.pads")
	t, err := onnx.TensorOf(pads, []int64{0, 0, 0, 0, 0, int64(c - x.c), 0, 0}, 8)
	if err != nil {
		b.err = err
	}
	b.g.Initializers = append(b.g.Initializers, t)
	y = b.node(layer(name, "widen"), "Pad", []string{y, pads})
	return value{y, c, (x.size + 1) / 2}
}
