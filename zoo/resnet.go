package zoo

import "fmt"

// wide is a wide residual network of depth 6n + 4 and width k: 16k, 32k and 64k
// channels in n blocks each, normalization and ReLU in front of each
// convolution, 1x1 convolutions where a block changes the shape. Convolutions
// are He normal by fan-out, the last layer is Torch's default.
//
// Zagoruyko and Komodakis 2016 (arXiv:1605.07146);
// github.com/szagoruyko/wide-residual-networks, models/wide-resnet.lua, utils.lua.
func wide(depth, k int) Architecture {
	return Architecture{
		Name:  fmt.Sprintf("wrn-%d-%d", depth, k),
		Title: fmt.Sprintf("wide residual network of depth %d and width %d (Zagoruyko and Komodakis 2016)", depth, k),
		Size:  32, Classes: 10, MinSize: 4,
		build: func(b *builder) { b.wide((depth-4)/6, k) },
	}
}

func (b *builder) wide(blocks, k int) {
	b.weight = heNormal(fanOut)
	x := b.conv("stem.conv", b.input(), convSpec{out: 16, kernel: 3})
	for stage := range 3 {
		c := (16 << stage) * k
		for block := range blocks {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			x = b.preactivated(layer(fmt.Sprintf("stage%d", stage+1), fmt.Sprintf("block%d", block+1)), x, c, stride)
		}
	}
	b.classify(b.relu("head.relu", b.norm("head.norm", x, 1)), uniformFanIn)
}

// preactivated is a block with normalization and activation in front of its
// convolutions. A shortcut that changes the shape starts behind the first.
func (b *builder) preactivated(name string, x value, c, stride int) value {
	h := b.relu(layer(name, "1.relu"), b.norm(layer(name, "1.norm"), x, 1))
	y := b.conv(layer(name, "1.conv"), h, convSpec{out: c, kernel: 3, stride: stride})
	y = b.relu(layer(name, "2.relu"), b.norm(layer(name, "2.norm"), y, 1))
	y = b.conv(layer(name, "2.conv"), y, convSpec{out: c, kernel: 3})
	if x.c != c || stride > 1 {
		x = b.conv(layer(name, "shortcut.conv"), h, convSpec{out: c, kernel: 1, stride: stride})
	}
	return b.add(layer(name, "add"), y, x)
}

// resnet18 is the 18-layer network of He et al. 2016 (arXiv:1512.03385). As in
// torchvision, convolutions are He normal by fan-out and the last layer is
// PyTorch's default.
func resnet18(b *builder) { b.resnet([]int{2, 2, 2, 2}, (*builder).basic) }

// resnet50 is the 50-layer network of He et al. 2016 with the stride on the 3x3
// convolution (v1.5). The last normalization of a block starts with scale 0
// (Goyal et al. 2017, arXiv:1706.02677, section 5.1), so that a block starts as
// the identity; the rest as [resnet18].
func resnet50(b *builder) { b.resnet([]int{3, 4, 6, 3}, (*builder).bottleneck) }

func (b *builder) resnet(blocks []int, block func(b *builder, name string, x value, width, stride int) value) {
	b.weight = heNormal(fanOut)
	x := b.normConv("stem", b.input(), convSpec{out: 64, kernel: 7, stride: 2}, false)
	x = b.maxPool("stem.pool", x, 3, 2, 1)
	for stage, n := range blocks {
		for i := range n {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = block(b, layer(fmt.Sprintf("stage%d", stage+1), fmt.Sprintf("block%d", i+1)), x, 64<<stage, stride)
		}
	}
	b.classify(x, uniformFanIn)
}

// basic is two 3x3 convolutions beside a shortcut.
func (b *builder) basic(name string, x value, width, stride int) value {
	y := b.normConv(layer(name, "1"), x, convSpec{out: width, kernel: 3, stride: stride}, false)
	y = b.normConv(layer(name, "2"), y, convSpec{out: width, kernel: 3}, true)
	return b.join(name, x, y, stride)
}

// bottleneck is 1x1, 3x3 and 1x1 convolutions beside a shortcut.
func (b *builder) bottleneck(name string, x value, width, stride int) value {
	y := b.normConv(layer(name, "1"), x, convSpec{out: width, kernel: 1}, false)
	y = b.normConv(layer(name, "2"), y, convSpec{out: width, kernel: 3, stride: stride}, false)
	y = b.norm(layer(name, "3.norm"), b.conv(layer(name, "3.conv"), y, convSpec{out: 4 * width, kernel: 1}), 0)
	return b.join(name, x, y, stride)
}

// join adds the shortcut, a normalized 1x1 convolution where shapes differ.
func (b *builder) join(name string, x, y value, stride int) value {
	if x.c != y.c || stride > 1 {
		x = b.normConv(layer(name, "shortcut"), x, convSpec{out: y.c, kernel: 1, stride: stride}, true)
	}
	return b.relu(layer(name, "relu"), b.add(layer(name, "add"), y, x))
}
