package tflite

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/onnx"
)

// constant adds an initializer; without dims a scalar.
func constant[T onnx.Number](c *converter, data []T, dims ...int64) (string, error) {
	name := fmt.Sprintf("w_%d", len(c.g.Initializers))
	t, err := onnx.TensorOf(name, data, dims...)
	if err != nil {
		return "", err
	}
	c.g.Initializers = append(c.g.Initializers, t)
	return name, nil
}

// weights adds a constant of outputs, pixels and channels, turned to outputs,
// channels and pixels; what is stored as int8 is followed by a dequantization.
func (c *converter) weights(t *array, outputs, pixels, channels int, dims ...int64) (string, error) {
	if t.typ == typeFloat32 {
		data, err := words(t, math.Float32frombits)
		if err != nil {
			return "", err
		}
		return constant(c, channelsFirst(data, outputs, pixels, channels), dims...)
	}
	if t.typ != typeInt8 || t.axis != 0 {
		return "", fmt.Errorf("%w: weights of type %d, quantized along axis %d", ErrUnsupported, t.typ, t.axis)
	}
	data, err := t.bytes()
	if err != nil {
		return "", err
	}
	w, err := constant(c, channelsFirst(data, outputs, pixels, channels), dims...)
	if err != nil {
		return "", err
	}
	return c.dequantized(w, t, outputs)
}

// bias adds tensor i as a constant of n numbers.
func (c *converter) bias(i, n int) (string, error) {
	t, err := c.tensor(i)
	if err != nil {
		return "", err
	}
	if len(t.dims) != 1 || t.dims[0] != n {
		return "", fmt.Errorf("%w: bias of shape %v for %d outputs", ErrUnsupported, t.dims, n)
	}
	switch t.typ {
	case typeFloat32:
		data, err := words(t, math.Float32frombits)
		if err != nil {
			return "", err
		}
		return constant(c, data, int64(n))
	case typeInt32:
		data, err := words(t, func(u uint32) int32 { return int32(u) })
		if err != nil {
			return "", err
		}
		b, err := constant(c, data, int64(n))
		if err != nil {
			return "", err
		}
		return c.dequantized(b, t, n)
	}
	return "", fmt.Errorf("%w: bias of type %d", ErrUnsupported, t.typ)
}

// dequantized follows a stored constant with n outputs by its scales, one or
// one for each output; its zero points must be 0, as TFLite has them.
func (c *converter) dequantized(x string, t *array, n int) (string, error) {
	for _, z := range t.zero {
		if z != 0 {
			return "", fmt.Errorf("%w: tensor %q has zero point %d", ErrUnsupported, t.name, z)
		}
	}
	var dims []int64
	switch len(t.scale) {
	case 1:
	case n:
		dims = []int64{int64(n)}
	default:
		return "", fmt.Errorf("%w: tensor %q has %d scales for %d outputs", ErrUnsupported, t.name, len(t.scale), n)
	}
	scale, err := constant(c, t.scale, dims...)
	if err != nil {
		return "", err
	}
	return c.node("DequantizeLinear", []string{x, scale}, onnx.IntAttr("axis", 0)), nil
}

// quantized rounds value x as tensor i of the file stores it; a float32 tensor
// stores it as it is.
func (c *converter) quantized(x string, i int) (string, error) {
	t, err := c.tensor(i)
	if err != nil {
		return "", err
	}
	if t.typ == typeFloat32 {
		return x, nil
	}
	if t.typ != typeInt8 || len(t.scale) != 1 || len(t.zero) != 1 || t.zero[0] < -128 || t.zero[0] > 127 {
		return "", fmt.Errorf("%w: tensor %q of type %d with %d scales", ErrUnsupported, t.name, t.typ, len(t.scale))
	}
	scale, err := constant(c, t.scale)
	if err != nil {
		return "", err
	}
	zero, err := constant(c, []int8{int8(t.zero[0])})
	if err != nil {
		return "", err
	}
	return c.node("DequantizeLinear", []string{c.node("QuantizeLinear", []string{x, scale, zero}), scale, zero}), nil
}
