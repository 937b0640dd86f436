package zoo

import (
	"fmt"

	"github.com/lethe-audit/lethe/onnx"
)

// mobileNetV2 is MobileNetV2 at width 1 (Sandler et al. 2018, arXiv:1801.04381,
// table 2), without the dropout in front of the classifier. As in torchvision,
// convolutions are He normal by fan-out and the last layer has standard
// deviation 0.01.
func mobileNetV2(b *builder) {
	b.weight = heNormal(fanOut)
	x := b.relu6("stem.relu6", b.normConv("stem", b.input(), convSpec{out: 32, kernel: 3, stride: 2}, true))
	stages := []struct{ expand, out, blocks, stride int }{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	}
	for i, s := range stages {
		for j := range s.blocks {
			stride := s.stride
			if j > 0 {
				stride = 1
			}
			x = b.inverted(layer(fmt.Sprintf("stage%d", i+1), fmt.Sprintf("block%d", j+1)), x, s.expand, s.out, stride)
		}
	}
	x = b.relu6("head.relu6", b.normConv("head", x, convSpec{out: 1280, kernel: 1}, true))
	b.classify(x, normal(func([]int64) float64 { return 0.01 }))
}

// inverted is a 1x1 convolution to more channels, a 3x3 convolution of each
// channel and a linear 1x1 convolution to few.
func (b *builder) inverted(name string, x value, expand, out, stride int) value {
	y := x
	if expand > 1 {
		y = b.relu6(layer(name, "expand.relu6"), b.normConv(layer(name, "expand"), y, convSpec{out: x.c * expand, kernel: 1}, true))
	}
	y = b.relu6(layer(name, "depthwise.relu6"), b.normConv(layer(name, "depthwise"), y, convSpec{out: y.c, kernel: 3, stride: stride, groups: y.c}, true))
	y = b.normConv(layer(name, "project"), y, convSpec{out: out, kernel: 1}, true)
	if stride == 1 && x.c == out {
		y = b.add(layer(name, "add"), x, y)
	}
	return y
}

// relu6 is min(max(x, 0), 6).
func (b *builder) relu6(name string, x value) value {
	if b.g.Initializer("zero") == nil {
		for _, c := range []struct {
			name string
			v    float32
		}{{"zero", 0}, {"six", 6}} {
			t, err := onnx.TensorOf(c.name, []float32{c.v})
			if err != nil {
				b.err = err
			}
			b.g.Initializers = append(b.g.Initializers, t)
		}
	}
	return value{b.node(name, "Clip", []string{x.name, "zero", "six"}), x.c, x.size}
}
