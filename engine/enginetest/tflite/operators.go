package tflite

import (
	"fmt"

	"github.com/lethe-audit/lethe/onnx"
)

// operator adds the nodes of one operator.
func (c *converter) operator(o operator) error {
	if len(o.in) == 0 || len(o.out) != 1 {
		return fmt.Errorf("%w: %d inputs and %d outputs", ErrUnsupported, len(o.in), len(o.out))
	}
	x, err := c.value(o.in[0])
	if err != nil {
		return err
	}
	var y string
	switch o.code {
	case opConv2D:
		y, err = c.conv(x, o)
	case opAdd:
		y, err = c.add(x, o)
	case opAveragePool2D:
		y, err = c.averagePool(x, o)
	case opReshape:
		y, err = c.flatten(x, o)
	case opFullyConnected:
		y, err = c.dense(x, o)
	case opSoftmax:
		y = c.node("Softmax", []string{x}, onnx.IntAttr("axis", -1))
	default:
		err = ErrUnsupported
	}
	if err != nil {
		return err
	}
	if o.code != opSoftmax { // its result is the scores
		y, err = c.quantized(y, o.out[0])
	}
	c.names[o.out[0]] = y
	return err
}

// window is the strides and kernel of a sliding window along height and width.
type window struct{ padding, strideH, strideW, kernelH, kernelW int }

// pads is TensorFlow's padding as ONNX wants it (SAME is padding 0, VALID 1):
// SAME pads so that the output has ceil(in / stride), the odd row at the end.
func (w window) pads(in, out size) ([]int64, error) {
	one := func(in, out, k, s int) (lo, hi int, ok bool) {
		if s <= 0 || k <= 0 {
			return 0, 0, false
		}
		if w.padding == 1 {
			return 0, 0, out == (in-k)/s+1
		}
		total := max((out-1)*s+k-in, 0)
		return total / 2, total - total/2, out == (in+s-1)/s
	}
	top, bottom, okH := one(in.h, out.h, w.kernelH, w.strideH)
	left, right, okW := one(in.w, out.w, w.kernelW, w.strideW)
	if !okH || !okW {
		return nil, fmt.Errorf("%w: window %+v from %+v to %+v", ErrUnsupported, w, in, out)
	}
	return []int64{int64(top), int64(left), int64(bottom), int64(right)}, nil
}

func (w window) attrs(pads []int64) []*onnx.Attr {
	return []*onnx.Attr{
		onnx.IntsAttr("kernel_shape", int64(w.kernelH), int64(w.kernelW)),
		onnx.IntsAttr("strides", int64(w.strideH), int64(w.strideW)),
		onnx.IntsAttr("pads", pads...),
	}
}

// sizes are those of the operator's first input and its output.
func (c *converter) sizes(o operator) (in, out size, err error) {
	if in, err = c.image(o.in[0]); err != nil {
		return in, out, err
	}
	out, err = c.image(o.out[0])
	return in, out, err
}

// conv is CONV_2D: weights are output, height, width, input channels.
func (c *converter) conv(x string, o operator) (string, error) {
	if len(o.in) != 3 {
		return "", fmt.Errorf("%w: %d operands, want image, weights and bias", ErrUnsupported, len(o.in))
	}
	in, out, err := c.sizes(o)
	if err != nil {
		return "", err
	}
	w, err := c.tensor(o.in[1])
	if err != nil {
		return "", err
	}
	if len(w.dims) != 4 || w.dims[0] != out.c || w.dims[3] != in.c || o.options.int(4, 1) != 1 || o.options.int(5, 1) != 1 {
		return "", fmt.Errorf("%w: weights %v for %d to %d channels, or dilation", ErrUnsupported, w.dims, in.c, out.c)
	}
	kh, kw := w.dims[1], w.dims[2]
	weights, err := c.weights(w, out.c, kh*kw, in.c, int64(out.c), int64(in.c), int64(kh), int64(kw))
	if err != nil {
		return "", err
	}
	bias, err := c.bias(o.in[2], out.c)
	if err != nil {
		return "", err
	}
	win := window{o.options.byte(0, 0), o.options.int(2, 0), o.options.int(1, 0), kh, kw}
	pads, err := win.pads(in, out)
	if err != nil {
		return "", err
	}
	return c.activation(c.node("Conv", []string{x, weights, bias}, win.attrs(pads)...), o.options.byte(3, 0))
}

// channelsFirst turns n matrices of pixels by channels around.
func channelsFirst[T any](data []T, n, pixels, channels int) []T {
	out := make([]T, len(data))
	for i := range n {
		for p := range pixels {
			for k := range channels {
				out[(i*channels+k)*pixels+p] = data[(i*pixels+p)*channels+k]
			}
		}
	}
	return out
}

// add is ADD of two values of the same shape.
func (c *converter) add(x string, o operator) (string, error) {
	if len(o.in) != 2 {
		return "", fmt.Errorf("%w: %d operands, want 2", ErrUnsupported, len(o.in))
	}
	z, err := c.value(o.in[1])
	if err != nil {
		return "", err
	}
	a, b := c.file.tensors[o.in[0]].dims, c.file.tensors[o.in[1]].dims
	if fmt.Sprint(a) != fmt.Sprint(b) {
		return "", fmt.Errorf("%w: broadcasting %v and %v", ErrUnsupported, a, b)
	}
	return c.activation(c.node("Add", []string{x, z}), o.options.byte(0, 0))
}

// averagePool is AVERAGE_POOL_2D, whose padding is not counted.
func (c *converter) averagePool(x string, o operator) (string, error) {
	in, out, err := c.sizes(o)
	if err != nil {
		return "", err
	}
	win := window{o.options.byte(0, 0), o.options.int(2, 0), o.options.int(1, 0), o.options.int(4, 0), o.options.int(3, 0)}
	pads, err := win.pads(in, out)
	if err != nil {
		return "", err
	}
	return c.activation(c.node("AveragePool", []string{x}, win.attrs(pads)...), o.options.byte(5, 0))
}

// flatten is RESHAPE of images to rows: TFLite's order is height, width,
// channels.
func (c *converter) flatten(x string, o operator) (string, error) {
	in, err := c.image(o.in[0])
	if err != nil {
		return "", err
	}
	t, err := c.tensor(o.out[0])
	if err != nil {
		return "", err
	}
	if len(t.dims) != 2 || t.dims[1] != in.h*in.w*in.c {
		return "", fmt.Errorf("%w: reshape to %v", ErrUnsupported, t.dims)
	}
	if in.h*in.w > 1 {
		x = c.node("Transpose", []string{x}, onnx.IntsAttr("perm", 0, 2, 3, 1))
	}
	return c.node("Flatten", []string{x}, onnx.IntAttr("axis", 1)), nil
}

// dense is FULLY_CONNECTED: weights are outputs by inputs.
func (c *converter) dense(x string, o operator) (string, error) {
	if len(o.in) != 3 {
		return "", fmt.Errorf("%w: %d operands, want rows, weights and bias", ErrUnsupported, len(o.in))
	}
	w, err := c.tensor(o.in[1])
	if err != nil {
		return "", err
	}
	if len(w.dims) != 2 {
		return "", fmt.Errorf("%w: weights %v", ErrUnsupported, w.dims)
	}
	weights, err := c.weights(w, w.dims[0], 1, w.dims[1], int64(w.dims[0]), int64(w.dims[1]))
	if err != nil {
		return "", err
	}
	bias, err := c.bias(o.in[2], w.dims[0])
	if err != nil {
		return "", err
	}
	return c.activation(c.node("Gemm", []string{x, weights, bias}, onnx.IntAttr("transB", 1)), o.options.byte(0, 0))
}
