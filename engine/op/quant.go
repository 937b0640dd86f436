package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Grid says how scales and zero points are laid over a tensor: one for all
// (a scalar), one for each index along Axis, or with Block > 0 one for each
// block of that many elements along Axis.
type Grid struct{ Axis, Block int }

// check compares the shapes of a tensor and of its scales.
func (g Grid) check(shape, scale []int) error {
	if product(scale) == 1 && g.Block == 0 {
		return nil
	}
	axis, err := axisOf(g.Axis, len(shape))
	if err != nil {
		return err
	}
	if g.Block == 0 {
		if len(scale) != 1 || scale[0] != shape[axis] {
			return fmt.Errorf("scale has shape %v, want [%d]", scale, shape[axis])
		}
		return nil
	}
	want := slices.Clone(shape)
	want[axis] = (shape[axis] + g.Block - 1) / g.Block
	if g.Block < 0 || !slices.Equal(scale, want) {
		return fmt.Errorf("scale has shape %v, want %v for blocks of %d", scale, want, g.Block)
	}
	return nil
}

// index returns the function that gives, for the offset of an element, that of
// its scale.
func (g Grid) index(shape []int, scales int) func(i int) int {
	if scales == 1 && g.Block == 0 {
		return func(int) int { return 0 }
	}
	axis, _ := axisOf(g.Axis, len(shape))
	n, inner := shape[axis], product(shape[axis+1:])
	if g.Block == 0 {
		return func(i int) int { return i / inner % n }
	}
	blocks := (n + g.Block - 1) / g.Block
	return func(i int) int {
		return (i/(inner*n)*blocks+i/inner%n/g.Block)*inner + i%inner
	}
}

// Quantize is y = saturate(round(x / scale) + zero point) with operands x,
// scale and an optional zero point, whose type is the result's; without it To,
// or else uint8. Halves are rounded to even.
type Quantize struct {
	Grid
	To tensor.Type // attribute output_dtype; Undefined if there is none
}

// Infer checks the grid.
func (q Quantize) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	to := q.To
	switch {
	case has(in, 2) && to != tensor.Undefined && to != in[2].Type:
		return nil, fmt.Errorf("output_dtype is %v, zero point is %v", to, in[2].Type)
	case has(in, 2):
		to = in[2].Type
	case to == tensor.Undefined:
		to = tensor.Uint8
	}
	if has(in, 2) && product(in[2].Shape) != product(in[1].Shape) {
		return nil, fmt.Errorf("scale has shape %v, zero point %v", in[1].Shape, in[2].Shape)
	}
	if err := q.check(in[0].Shape, in[1].Shape); err != nil {
		return nil, err
	}
	return []Arg{{Type: to, Shape: in[0].Shape}}, nil
}

// Eval quantizes; the division is one of float32.
func (q Quantize) Eval(_ Env, in, out []tensor.Tensor) error {
	switch out[0].Type() {
	case tensor.Uint8:
		return quantize[uint8](q, in, out[0], 0, math.MaxUint8)
	case tensor.Int8:
		return quantize[int8](q, in, out[0], math.MinInt8, math.MaxInt8)
	case tensor.Uint16:
		return quantize[uint16](q, in, out[0], 0, math.MaxUint16)
	case tensor.Int16:
		return quantize[int16](q, in, out[0], math.MinInt16, math.MaxInt16)
	}
	return errType(out[0].Type())
}

func quantize[T uint8 | int8 | uint16 | int16](q Quantize, in []tensor.Tensor, out tensor.Tensor, lo, hi int32) error {
	x, ok := floatsOf(in[0])
	scale, okScale := floatsOf(in[1])
	if !ok || !okScale {
		return errType(in[0].Type())
	}
	zero := tensor.Data[T](got(in, 2))
	at := q.index(in[0].Shape(), len(scale))
	y := tensor.Data[T](out)
	for i, v := range x {
		k := at(i)
		var z int32
		if zero != nil {
			z = int32(zero[k])
		}
		y[i] = T(Saturate(v/scale[k], z, lo, hi))
	}
	return nil
}

// Saturate is round(v) + zero, half to even, limited to [lo, hi]; NaN gives lo.
func Saturate(v float32, zero, lo, hi int32) int32 {
	// Limits before rounding, so that the sum cannot overflow.
	if low := float32(lo - zero); !(v > low) {
		v = low
	}
	v = min(v, float32(hi-zero))
	return int32(math.RoundToEven(float64(v))) + zero
}

// floatsOf is the elements of a float tensor, or of an int32 one converted, as
// float32.
func floatsOf(t tensor.Tensor) ([]float32, bool) {
	switch t.Type() {
	case tensor.Float32:
		return tensor.Data[float32](t), true
	case tensor.Int32:
		v := make([]float32, t.Len())
		for i, x := range tensor.Data[int32](t) {
			v[i] = float32(x)
		}
		return v, true
	}
	return t.Float32s()
}

// Dequantize is y = (x − zero point)·scale with operands x, scale and an
// optional zero point; the result has the scale's type, or To.
type Dequantize struct {
	Grid
	To tensor.Type // attribute output_dtype; Undefined if there is none
}

// Infer checks the grid.
func (d Dequantize) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	if has(in, 2) {
		if in[2].Type != in[0].Type {
			return nil, fmt.Errorf("input is %v, zero point is %v", in[0].Type, in[2].Type)
		}
		if product(in[2].Shape) != product(in[1].Shape) {
			return nil, fmt.Errorf("scale has shape %v, zero point %v", in[1].Shape, in[2].Shape)
		}
	}
	if err := d.check(in[0].Shape, in[1].Shape); err != nil {
		return nil, err
	}
	to := d.To
	if to == tensor.Undefined {
		to = in[1].Type
	}
	return []Arg{{Type: to, Shape: in[0].Shape}}, nil
}

// Eval dequantizes in float32.
func (d Dequantize) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Uint8:
		return dequantize[uint8](d, in, out[0])
	case tensor.Int8:
		return dequantize[int8](d, in, out[0])
	case tensor.Uint16:
		return dequantize[uint16](d, in, out[0])
	case tensor.Int16:
		return dequantize[int16](d, in, out[0])
	case tensor.Int32:
		return dequantize[int32](d, in, out[0])
	}
	return errType(in[0].Type())
}

func dequantize[T tensor.Integer](d Dequantize, in []tensor.Tensor, out tensor.Tensor) error {
	scale, ok := floatsOf(in[1])
	if !ok {
		return errType(in[1].Type())
	}
	x, zero := tensor.Data[T](in[0]), tensor.Data[T](got(in, 2))
	at := d.index(in[0].Shape(), len(scale))
	y := make([]float32, len(x))
	for i, v := range x {
		k := at(i)
		var z int64
		if zero != nil {
			z = int64(zero[k])
		}
		y[i] = float32(int64(v)-z) * scale[k]
	}
	return castFloat(out, y)
}

// DynamicQuantize quantizes to uint8 with a scale and a zero point that it
// computes from the operand's range, zero included; outputs are y, scale, zero
// point.
type DynamicQuantize struct{}

// Infer gives the three outputs.
func (DynamicQuantize) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if in[0].Type != tensor.Float32 {
		return nil, errType(in[0].Type)
	}
	return []Arg{{Type: tensor.Uint8, Shape: in[0].Shape},
		{Type: tensor.Float32, Shape: []int{}}, {Type: tensor.Uint8, Shape: []int{}}}, nil
}

// Eval quantizes. An operand of zeros has scale 1.
func (DynamicQuantize) Eval(_ Env, in, out []tensor.Tensor) error {
	x := tensor.Data[float32](in[0])
	scale, zero := DynamicRange(x)
	if d := tensor.Data[float32](got(out, 1)); d != nil {
		d[0] = scale
	}
	if d := tensor.Data[uint8](got(out, 2)); d != nil {
		d[0] = zero
	}
	y := tensor.Data[uint8](out[0])
	for i, v := range x[:len(y)] {
		y[i] = uint8(Saturate(v/scale, int32(zero), 0, math.MaxUint8))
	}
	return nil
}

// DynamicRange is the scale and the zero point that [DynamicQuantize] gives x.
func DynamicRange(x []float32) (scale float32, zero uint8) {
	var lo, hi float32
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale = (hi - lo) / math.MaxUint8
	if !(scale > 0) {
		return 1, 0
	}
	return scale, uint8(Saturate(-lo/scale, 0, 0, math.MaxUint8))
}
