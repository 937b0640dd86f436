package op

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// The operators below are not ONNX's. They are what a graph with
// QuantizeLinear and DequantizeLinear around float operators means, done in
// integers; the engine puts them in.

// QProduct multiplies quantized matrices: a [..., K], its scale and zero point,
// b [K, N] (TransB: [N, K]), its scales and zero points (one, or one for each
// column), an optional int32 bias in units of a scale · b scale, and scale and
// zero point of the result; without the last two the result is float32.
type QProduct struct{ TransB bool }

// dims is the sizes of the product of a matrix with M rows.
func (q QProduct) dims(a, b []int) (m, k, n int, err error) {
	if len(a) < 1 || len(b) != 2 {
		return 0, 0, 0, fmt.Errorf("operands %v and %v are no matrix product", a, b)
	}
	k, n = b[0], b[1]
	if q.TransB {
		k, n = n, k
	}
	if a[len(a)-1] != k {
		return 0, 0, 0, fmt.Errorf("operands %v and %v: inner lengths differ", a, b)
	}
	return product(a[:len(a)-1]), k, n, nil
}

// Infer computes the result's shape.
func (q QProduct) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 6, 9); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[3]); err != nil {
		return nil, err
	}
	_, _, n, err := q.dims(in[0].Shape, in[3].Shape)
	if err != nil {
		return nil, err
	}
	for _, check := range []error{
		scaleOf(in, 1, 1), zeroPoint(in, 2, in[0].Type, 1), scaleOf(in, 4, n), zeroPoint(in, 5, in[3].Type, n),
	} {
		if check != nil {
			return nil, check
		}
	}
	if has(in, 6) && (in[6].Type != tensor.Int32 || product(in[6].Shape) != n) {
		return nil, fmt.Errorf("bias is %v%v, want int32[%d]", in[6].Type, in[6].Shape, n)
	}
	s := in[0].Shape
	out := Arg{Type: tensor.Float32, Shape: append(append([]int{}, s[:len(s)-1]...), n)}
	if has(in, 7) {
		if err := bytesOnly(in[8]); err != nil {
			return nil, err
		}
		out.Type = in[8].Type
	}
	return []Arg{out}, nil
}

// Eval multiplies and requantizes.
func (q QProduct) Eval(env Env, in, out []tensor.Tensor) error {
	m, k, n, err := q.dims(in[0].Shape(), in[3].Shape())
	if err != nil {
		return err
	}
	b := widen(in[3], in[5], n, 1)
	if q.TransB {
		b = transposed(widen(in[3], in[5], n, k), n, k)
	}
	acc := make([]int32, m*n)
	multiply(env, Product{M: m, K: k, N: n, a: []int{m, k}, b: []int{k, n}}, widen(in[0], in[2], 1, m*k), b, acc)
	if c := tensor.Data[int32](got(in, 6)); c != nil {
		for i := range acc {
			acc[i] += c[i%n]
		}
	}
	if y := got(in, 7); y.Present() {
		factor, err := Factors(in[1], in[4], y)
		if err != nil {
			return err
		}
		return requantize(out[0], acc, factor, n, 1, in[8])
	}
	factor, err := Factors(in[1], in[4], tensor.Scalar[float32](1))
	if err != nil {
		return err
	}
	y := tensor.Data[float32](out[0])
	for i, v := range acc {
		y[i] = float32(v) * factor[i%n%len(factor)]
	}
	return nil
}

// QAdd is the quantized sum of two dequantized operands: a, its scale and zero
// point, b, its scale and zero point, scale and zero point of the result.
type QAdd struct{}

// Infer broadcasts the operands.
func (QAdd) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 8, 8); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[3], in[7]); err != nil {
		return nil, err
	}
	shape, err := Broadcast(in[0].Shape, in[3].Shape)
	if err != nil {
		return nil, err
	}
	return []Arg{{Type: in[7].Type, Shape: shape}}, nil
}

// Eval dequantizes, adds and quantizes.
func (QAdd) Eval(env Env, in, out []tensor.Tensor) error {
	sum, err := tensor.Make(tensor.Float32, out[0].Shape())
	if err != nil {
		return err
	}
	var terms [2]tensor.Tensor
	for i := range terms {
		x := in[3*i : 3*i+3]
		if terms[i], err = tensor.Make(tensor.Float32, x[0].Shape()); err != nil {
			return err
		}
		if err := (Dequantize{}).Eval(env, x, terms[i:i+1]); err != nil {
			return err
		}
	}
	if err := (Arith{Add}).Eval(env, terms[:], []tensor.Tensor{sum}); err != nil {
		return err
	}
	return Quantize{}.Eval(env, []tensor.Tensor{sum, in[6], in[7]}, out)
}

// ByteMap replaces every byte: element b (its bits as a uint8) by Table[b],
// which are the bits of an element of type To.
type ByteMap struct {
	Table [256]byte
	To    tensor.Type // Int8 or Uint8
}

// Infer gives the operand's shape.
func (m ByteMap) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0]); err != nil {
		return nil, err
	}
	return []Arg{{Type: m.To, Shape: in[0].Shape}}, nil
}

// Eval looks every byte up.
func (m ByteMap) Eval(_ Env, in, out []tensor.Tensor) error {
	dst := out[0].Bytes8()
	for i, b := range in[0].Bytes8() {
		dst[i] = m.Table[b]
	}
	return nil
}

// Limits are those of int8 or uint8.
func Limits(t tensor.Type) (lo, hi int32) {
	if t == tensor.Int8 {
		return math.MinInt8, math.MaxInt8
	}
	return 0, math.MaxUint8
}
