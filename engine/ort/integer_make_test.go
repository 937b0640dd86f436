//go:build ort && (linux || darwin)

package ort

import (
	"fmt"

	"github.com/lethe-audit/lethe/onnx"
)

// convShape is the geometry of a random convolution.
type convShape struct {
	n, c, h, w, out, group    int
	kernel, stride, dilation  [2]int
	top, left, bottom, right  int
	xSigned, wSigned, hasBias bool
	perChannel                bool
}

func (b *integer) convShape() convShape {
	s := convShape{n: b.between(1, 3), group: 1, c: b.between(1, 40), out: b.between(1, 40)}
	switch {
	case b.chance(25): // depthwise, sometimes with several outputs a channel
		s.group, s.out = s.c, s.c*b.between(1, 2)
	case b.chance(25):
		s.group = b.between(2, 4)
		s.c, s.out = s.group*b.between(1, 9), s.group*b.between(1, 9)
	}
	for i := range 2 {
		s.kernel[i], s.stride[i], s.dilation[i] = b.between(1, 5), b.between(1, 3), 1
		if b.chance(20) {
			s.dilation[i] = 2
		}
	}
	s.h = b.between(1+(s.kernel[0]-1)*s.dilation[0], 20)
	s.w = b.between(1+(s.kernel[1]-1)*s.dilation[1], 20)
	s.top, s.bottom = b.between(0, s.kernel[0]-1), b.between(0, s.kernel[0]-1)
	s.left, s.right = b.between(0, s.kernel[1]-1), b.between(0, s.kernel[1]-1)
	return s
}

func (s convShape) attrs() []*onnx.Attr {
	return []*onnx.Attr{
		onnx.IntsAttr("kernel_shape", int64(s.kernel[0]), int64(s.kernel[1])),
		onnx.IntsAttr("strides", int64(s.stride[0]), int64(s.stride[1])),
		onnx.IntsAttr("dilations", int64(s.dilation[0]), int64(s.dilation[1])),
		onnx.IntsAttr("pads", int64(s.top), int64(s.left), int64(s.bottom), int64(s.right)),
		onnx.IntAttr("group", int64(s.group)),
	}
}

// conv makes QLinearConv, or ConvInteger, whose images are unsigned in ONNX
// Runtime.
func (b *integer) conv(quantized bool) {
	s := b.convShape()
	s.xSigned, s.wSigned = quantized && b.chance(40), b.chance(60)
	if s.xSigned {
		s.wSigned = true // ONNX Runtime has no signed images with unsigned weights
	}
	s.hasBias, s.perChannel = quantized && b.chance(60), quantized && b.chance(50)
	b.what = fmt.Sprintf("%+v", s)
	b.node.Attrs = s.attrs()
	x := byteTensor(b, s.xSigned, false, []int{s.n, s.c, s.h, s.w})
	w := byteTensor(b, s.wSigned, reducedRange(), []int{s.out, s.c / s.group, s.kernel[0], s.kernel[1]})
	if !quantized {
		b.operand(x, true)
		b.operand(w, b.chance(30))
		b.zeroPoint(s.xSigned, b.middle(s.xSigned))
		b.zeroPoint(s.wSigned, b.middle(s.wSigned))
		b.output(onnx.Int32, 4)
		return
	}
	k := s.c / s.group * s.kernel[0] * s.kernel[1]
	xs, ws, ys := b.scales(k)
	b.operand(x, true)
	constant(b, []float32{xs})
	b.zeroPoint(s.xSigned, b.middle(s.xSigned))
	b.operand(w, false)
	b.weightScales(s, ws)
	constant(b, []float32{ys})
	b.zeroPoint(s.xSigned, b.middle(s.xSigned))
	if s.hasBias {
		bias := make([]int32, s.out)
		for i := range bias {
			bias[i] = int32(b.between(-20000, 20000))
		}
		constant(b, bias, s.out)
	}
	b.output(byteType(s.xSigned), 4)
}

// weightScales adds the scale and the zero point of QLinearConv's weights: one,
// or one for each output channel.
func (b *integer) weightScales(s convShape, scale float32) {
	zero := 0
	if !s.wSigned {
		zero = b.middle(false)
	}
	if !s.perChannel {
		constant(b, []float32{scale})
		b.zeroPoint(s.wSigned, zero)
		return
	}
	scales := make([]float32, s.out)
	for i := range scales {
		scales[i] = scale * (0.5 + b.rng.Float32())
	}
	constant(b, scales, s.out)
	if s.wSigned {
		constant(b, make([]int8, s.out), s.out)
		return
	}
	zeros := make([]uint8, s.out) // ONNX Runtime wants the same for all channels
	for i := range zeros {
		zeros[i] = uint8(zero)
	}
	constant(b, zeros, s.out)
}

// matMul makes QLinearMatMul or MatMulInteger, plain or in batches.
func (b *integer) matMul(quantized bool) {
	m, k, n := b.between(1, 40), b.between(1, 150), b.between(1, 70)
	left, right := []int{m, k}, []int{k, n}
	if b.chance(40) {
		batch := b.between(1, 4)
		left = append([]int{batch}, left...)
		if b.chance(50) {
			right = append([]int{batch}, right...)
		}
	}
	xSigned, wSigned := b.chance(40), b.chance(60)
	if xSigned {
		wSigned = true
	}
	b.what = fmt.Sprintf("%v x %v, signed %t and %t", left, right, xSigned, wSigned)
	x := byteTensor(b, xSigned, false, left)
	w := byteTensor(b, wSigned, reducedRange(), right)
	asInput := b.chance(40)
	if !quantized {
		b.operand(x, true)
		b.operand(w, asInput)
		b.zeroPoint(xSigned, b.middle(xSigned))
		b.zeroPoint(wSigned, b.middle(wSigned))
		b.output(onnx.Int32, len(left))
		return
	}
	xs, ws, ys := b.scales(k)
	b.operand(x, true)
	constant(b, []float32{xs})
	b.zeroPoint(xSigned, b.middle(xSigned))
	b.operand(w, asInput)
	constant(b, []float32{ws})
	b.zeroPoint(wSigned, b.middle(wSigned))
	constant(b, []float32{ys})
	b.zeroPoint(xSigned, b.middle(xSigned))
	b.output(byteType(xSigned), len(left))
}
