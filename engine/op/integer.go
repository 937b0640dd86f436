package op

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// ConvInteger convolves 8-bit integers to int32: operands x, w and optional
// zero points of x (a scalar) and of w (a scalar or one for each output
// channel). Padding counts as x's zero point.
type ConvInteger struct{ Conv }

// Infer computes the output's shape.
func (c ConvInteger) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 4); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[1]); err != nil {
		return nil, err
	}
	_, shape, err := c.place(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	if err := zeroPoint(in, 2, in[0].Type, 1); err != nil {
		return nil, err
	}
	if err := zeroPoint(in, 3, in[1].Type, shape[1]); err != nil {
		return nil, err
	}
	return []Arg{{Type: tensor.Int32, Shape: shape}}, nil
}

// bytesOnly fails unless all operands are int8 or uint8.
func bytesOnly(args ...Arg) error {
	for _, a := range args {
		if a.Type != tensor.Int8 && a.Type != tensor.Uint8 {
			return errType(a.Type)
		}
	}
	return nil
}

// zeroPoint checks an optional operand that has one element or n.
func zeroPoint(in []Arg, i int, typ tensor.Type, n int) error {
	if !has(in, i) {
		return nil
	}
	if in[i].Type != typ {
		return fmt.Errorf("zero point (input %d) is %v, its operand is %v", i, in[i].Type, typ)
	}
	if k := product(in[i].Shape); k != 1 && k != n {
		return fmt.Errorf("zero point (input %d) has shape %v, want one element or %d", i, in[i].Shape, n)
	}
	return nil
}

// scaleOf checks a scale that has one element or n.
func scaleOf(in []Arg, i, n int) error {
	if !in[i].Type.IsFloat() {
		return fmt.Errorf("scale (input %d) is %v", i, in[i].Type)
	}
	if k := product(in[i].Shape); k != 1 && k != n {
		return fmt.Errorf("scale (input %d) has shape %v, want one element or %d", i, in[i].Shape, n)
	}
	return nil
}

// Eval convolves; sums wrap in int32.
func (c ConvInteger) Eval(env Env, in, out []tensor.Tensor) error {
	y := tensor.Data[int32](out[0])
	clear(y)
	return c.accumulate(env, in[0], in[1], got(in, 2), got(in, 3), y)
}

// accumulate adds the correlation of x and w, both without their zero points,
// to y.
func (c Conv) accumulate(env Env, x, w, xz, wz tensor.Tensor, y []int32) error {
	p, _, err := c.place(x.Shape(), w.Shape())
	if err != nil {
		return err
	}
	per := 1
	if w.Len() > 0 {
		per = w.Len() / w.Shape()[0]
	}
	correlate(env, p, c.Group, x.Shape(), w.Shape(), widen(x, xz, 1, x.Len()), widen(w, wz, w.Shape()[0], per), y)
	return nil
}

// widen is the elements of a byte tensor minus zero points, as int32. There is
// one zero point, or n: element i then has number i/run mod n.
func widen(t, zero tensor.Tensor, n, run int) []int32 {
	x, _ := bytes32(t)
	z, ok := bytes32(zero)
	if !ok {
		return x
	}
	for i := range x {
		k := 0
		if len(z) > 1 {
			k = i / run % n
		}
		x[i] -= z[k]
	}
	return x
}

// bytes32 is a copy of the elements of a byte tensor as int32.
func bytes32(t tensor.Tensor) (v []int32, ok bool) {
	switch t.Type() {
	case tensor.Int8:
		v = make([]int32, t.Len())
		convert(v, tensor.Data[int8](t), func(b int8) int32 { return int32(b) })
	case tensor.Uint8:
		v = make([]int32, t.Len())
		convert(v, tensor.Data[uint8](t), func(b uint8) int32 { return int32(b) })
	default:
		return nil, false
	}
	return v, true
}

// QLinearConv is a convolution of quantized operands: x, its scale and zero
// point, w, its scales and zero points (one, or one for each output channel),
// scale and zero point of the result, and an optional int32 bias in units of
// x scale · w scale.
type QLinearConv struct{ Conv }

// Infer computes the output's shape.
func (c QLinearConv) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 8, 9); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[3], in[7]); err != nil {
		return nil, err
	}
	_, shape, err := c.place(in[0].Shape, in[3].Shape)
	if err != nil {
		return nil, err
	}
	for _, check := range []error{
		scaleOf(in, 1, 1), zeroPoint(in, 2, in[0].Type, 1),
		scaleOf(in, 4, shape[1]), zeroPoint(in, 5, in[3].Type, shape[1]),
		scaleOf(in, 6, 1), zeroPoint(in, 7, in[7].Type, 1),
	} {
		if check != nil {
			return nil, check
		}
	}
	if has(in, 8) && (in[8].Type != tensor.Int32 || product(in[8].Shape) != shape[1]) {
		return nil, fmt.Errorf("bias is %v%v, want int32[%d]", in[8].Type, in[8].Shape, shape[1])
	}
	return []Arg{{Type: in[7].Type, Shape: shape}}, nil
}

// Eval convolves and requantizes.
func (c QLinearConv) Eval(env Env, in, out []tensor.Tensor) error {
	shape := out[0].Shape()
	channels, size := shape[1], product(shape[2:])
	acc := make([]int32, out[0].Len())
	if b := tensor.Data[int32](got(in, 8)); b != nil {
		for i := range acc {
			acc[i] = b[i/size%channels]
		}
	}
	if err := c.accumulate(env, in[0], in[3], in[2], in[5], acc); err != nil {
		return err
	}
	factor, err := Factors(in[1], in[4], in[6])
	if err != nil {
		return err
	}
	return requantize(out[0], acc, factor, channels, size, in[7])
}

// Factors is x scale · w scale / y scale for each w scale, in float32 and in
// that order: the number that an int32 sum is multiplied by.
func Factors(xScale, wScale, yScale tensor.Tensor) ([]float32, error) {
	x, okX := floatsOf(xScale)
	w, okW := floatsOf(wScale)
	y, okY := floatsOf(yScale)
	if !okX || !okW || !okY || len(x) != 1 || len(y) != 1 {
		return nil, fmt.Errorf("scales are %v, %v, %v", xScale, wScale, yScale)
	}
	out := make([]float32, len(w))
	for i, s := range w {
		out[i] = x[0] * s / y[0]
	}
	return out, nil
}

// requantize is saturate(round(acc·factor) + zero) in the type of out. There is
// one factor, or n: element i then has number i/run mod n.
func requantize(out tensor.Tensor, acc []int32, factor []float32, n, run int, zero tensor.Tensor) error {
	z, ok := bytes32(zero)
	if !ok {
		return errType(zero.Type())
	}
	at := func(i int) float32 {
		if len(factor) == 1 {
			return factor[0]
		}
		return factor[i/run%n]
	}
	switch out.Type() {
	case tensor.Uint8:
		y := tensor.Data[uint8](out)
		for i, a := range acc {
			y[i] = uint8(Saturate(float32(a)*at(i), z[0], 0, math.MaxUint8))
		}
	case tensor.Int8:
		y := tensor.Data[int8](out)
		for i, a := range acc {
			y[i] = int8(Saturate(float32(a)*at(i), z[0], math.MinInt8, math.MaxInt8))
		}
	default:
		return errType(out.Type())
	}
	return nil
}

// MatMulInteger multiplies matrices of 8-bit integers to int32: operands a, b
// and optional zero points of a (one, or one for each row) and of b (one, or
// one for each column).
type MatMulInteger struct{}

// Infer computes the result's shape.
func (MatMulInteger) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 4); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[1]); err != nil {
		return nil, err
	}
	p, err := ProductOf(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	if err := zeroPoint(in, 2, in[0].Type, p.M); err != nil {
		return nil, err
	}
	if err := zeroPoint(in, 3, in[1].Type, p.N); err != nil {
		return nil, err
	}
	return []Arg{{Type: tensor.Int32, Shape: p.Shape}}, nil
}

// Eval multiplies; sums wrap in int32.
func (MatMulInteger) Eval(env Env, in, out []tensor.Tensor) error {
	return multiplyBytes(env, in[0], in[1], got(in, 2), got(in, 3), tensor.Data[int32](out[0]))
}

func multiplyBytes(env Env, a, b, az, bz tensor.Tensor, y []int32) error {
	p, err := ProductOf(a.Shape(), b.Shape())
	if err != nil {
		return err
	}
	multiply(env, p, widen(a, az, p.M, p.K), widen(b, bz, p.N, 1), y)
	return nil
}

// QLinearMatMul multiplies quantized matrices: a, its scale and zero point, b,
// its scale and zero point, scale and zero point of the result. b may have one
// scale and zero point for each column.
type QLinearMatMul struct{}

// Infer computes the result's shape.
func (QLinearMatMul) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 8, 8); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[3], in[7]); err != nil {
		return nil, err
	}
	p, err := ProductOf(in[0].Shape, in[3].Shape)
	if err != nil {
		return nil, err
	}
	for _, check := range []error{
		scaleOf(in, 1, 1), zeroPoint(in, 2, in[0].Type, 1),
		scaleOf(in, 4, p.N), zeroPoint(in, 5, in[3].Type, p.N),
		scaleOf(in, 6, 1), zeroPoint(in, 7, in[7].Type, 1),
	} {
		if check != nil {
			return nil, check
		}
	}
	return []Arg{{Type: in[7].Type, Shape: p.Shape}}, nil
}

// Eval multiplies and requantizes.
func (QLinearMatMul) Eval(env Env, in, out []tensor.Tensor) error {
	p, err := ProductOf(in[0].Shape(), in[3].Shape())
	if err != nil {
		return err
	}
	acc := make([]int32, out[0].Len())
	if err := multiplyBytes(env, in[0], in[3], in[2], in[5], acc); err != nil {
		return err
	}
	factor, err := Factors(in[1], in[4], in[6])
	if err != nil {
		return err
	}
	return requantize(out[0], acc, factor, p.N, 1, in[7])
}
