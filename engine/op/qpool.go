package op

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// QMean is the quantized mean over the spatial positions of each channel: x,
// its scale and zero point, scale and zero point of the result. The sum is
// exact; it is multiplied by x scale / (y scale · positions) once.
type QMean struct{}

// Infer computes the result's shape.
func (QMean) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 5, 5); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[4]); err != nil {
		return nil, err
	}
	out, err := GlobalPool{}.Infer(in[:1])
	if err != nil {
		return nil, err
	}
	out[0].Type = in[4].Type
	return out, fitsSum(product(in[0].Shape[2:]))
}

// fitsSum refuses a mean of n bytes whose sum may not fit into int32.
func fitsSum(n int) error {
	if n > math.MaxInt32/math.MaxUint8 {
		return fmt.Errorf("quantized mean of %d elements: their sum may not fit into int32", n)
	}
	return nil
}

// Eval adds up and requantizes.
func (QMean) Eval(_ Env, in, out []tensor.Tensor) error {
	x := widen(in[0], in[2], 1, in[0].Len())
	acc := make([]int32, out[0].Len())
	size := product(in[0].Shape()[2:])
	for i, v := range x {
		acc[i/size] += v
	}
	factor, err := MeanFactor(in[1], in[3], size)
	if err != nil {
		return err
	}
	return requantize(out[0], acc, []float32{factor}, 1, 1, in[4])
}

// MeanFactor is the number that [QMean] multiplies sums of n elements by.
func MeanFactor(xScale, yScale tensor.Tensor, n int) (float32, error) {
	x, okX := floatsOf(xScale)
	y, okY := floatsOf(yScale)
	if !okX || !okY || len(x) != 1 || len(y) != 1 {
		return 0, fmt.Errorf("scales are %v, %v", xScale, yScale)
	}
	return x[0] / (y[0] * float32(n)), nil
}

// QAveragePool is the quantized mean of each window: operands as [QMean]. A
// window that covers the whole image is a QMean. Others are computed as the
// three operators say, in float32: elements dequantized, added in the window's
// order, divided by their number, then by y scale.
type QAveragePool struct{ AveragePool }

// Infer computes the result's shape.
func (q QAveragePool) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 5, 5); err != nil {
		return nil, err
	}
	if err := bytesOnly(in[0], in[4]); err != nil {
		return nil, err
	}
	out, err := q.AveragePool.Infer(in[:1])
	if err != nil {
		return nil, err
	}
	out[0].Type = in[4].Type
	return out, fitsSum(product(q.Kernel))
}

// Eval pools.
func (q QAveragePool) Eval(env Env, in, out []tensor.Tensor) error {
	p, err := q.Place(in[0].Shape()[2:], nil)
	if err != nil {
		return err
	}
	if p.Whole() {
		return QMean{}.Eval(env, in, out)
	}
	x, err := tensor.Make(tensor.Float32, in[0].Shape())
	if err != nil {
		return err
	}
	y, err := tensor.Make(tensor.Float32, out[0].Shape())
	if err != nil {
		return err
	}
	if err := (Dequantize{}).Eval(env, in[:3], []tensor.Tensor{x}); err != nil {
		return err
	}
	if err := q.AveragePool.Eval(env, []tensor.Tensor{x}, []tensor.Tensor{y}); err != nil {
		return err
	}
	return Quantize{}.Eval(env, []tensor.Tensor{y, in[3], in[4]}, out)
}
