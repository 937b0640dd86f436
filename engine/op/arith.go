package op

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// ArithKind names an elementwise operator of two operands.
type ArithKind int

// The elementwise operators. Sum, Min and Max take any number of operands in
// ONNX; they are applied from the left.
const (
	Add ArithKind = iota
	Sub
	Mul
	Div // integers: truncated toward zero
	Min
	Max
)

// String is ONNX's name of the operator.
func (k ArithKind) String() string {
	return [...]string{"Add", "Sub", "Mul", "Div", "Min", "Max"}[k]
}

// Arith is Add, Sub, Mul, Div, Sum, Min or Max with broadcasting.
type Arith struct{ Kind ArithKind }

// Infer broadcasts the operands.
func (a Arith) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1<<16); err != nil {
		return nil, err
	}
	shapes := make([][]int, len(in))
	for i, x := range in {
		if x.Type != in[0].Type {
			return nil, fmt.Errorf("input %d is %v, input 0 is %v", i, x.Type, in[0].Type)
		}
		shapes[i] = x.Shape
	}
	shape, err := Broadcast(shapes...)
	if err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval applies the operator.
func (a Arith) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return arith(a.Kind, in, out[0], floatMin[float32], floatMax[float32])
	case tensor.Float64:
		return arith(a.Kind, in, out[0], floatMin[float64], floatMax[float64])
	case tensor.Int8:
		return arithInt[int8](a.Kind, in, out[0])
	case tensor.Int16:
		return arithInt[int16](a.Kind, in, out[0])
	case tensor.Int32:
		return arithInt[int32](a.Kind, in, out[0])
	case tensor.Int64:
		return arithInt[int64](a.Kind, in, out[0])
	case tensor.Uint8:
		return arithInt[uint8](a.Kind, in, out[0])
	case tensor.Uint16:
		return arithInt[uint16](a.Kind, in, out[0])
	case tensor.Uint32:
		return arithInt[uint32](a.Kind, in, out[0])
	case tensor.Uint64:
		return arithInt[uint64](a.Kind, in, out[0])
	}
	return errType(in[0].Type())
}

// floatMin and floatMax give NaN if an operand is NaN, as numpy.minimum does.
func floatMin[T float32 | float64](a, b T) T { return min(a, b) }
func floatMax[T float32 | float64](a, b T) T { return max(a, b) }

func arithInt[T tensor.Integer](kind ArithKind, in []tensor.Tensor, out tensor.Tensor) error {
	if kind == Div {
		for _, t := range in[1:] {
			for _, v := range tensor.Data[T](t) {
				if v == 0 {
					return errors.New("integer division by zero")
				}
			}
		}
	}
	return arith(kind, in, out,
		func(a, b T) T { return min(a, b) },
		func(a, b T) T { return max(a, b) })
}

func arith[T tensor.Number](kind ArithKind, in []tensor.Tensor, out tensor.Tensor, lo, hi func(a, b T) T) error {
	f := [...]func(a, b T) T{
		Add: func(a, b T) T { return a + b },
		Sub: func(a, b T) T { return a - b },
		Mul: func(a, b T) T { return a * b },
		Div: func(a, b T) T { return a / b },
		Min: lo,
		Max: hi,
	}[kind]
	if len(in) == 1 {
		tensor.Copy(out, in[0])
		return nil
	}
	acc := in[0]
	for _, x := range in[1:] {
		// From the third operand on, out is read and written at the same place.
		if err := zip(out, acc, x, f); err != nil {
			return err
		}
		acc = out
	}
	return nil
}

// Pow raises the first operand to the power of the second, whose type may
// differ; the result has the first's type.
type Pow struct{}

// Infer broadcasts the operands.
func (Pow) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 2); err != nil {
		return nil, err
	}
	shape, err := Broadcast(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval computes the powers in float64 and rounds them to the base's type.
func (Pow) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return powOf[float32](in, out[0])
	case tensor.Float64:
		return powOf[float64](in, out[0])
	case tensor.Int32:
		return powOf[int32](in, out[0])
	case tensor.Int64:
		return powOf[int64](in, out[0])
	}
	return errType(in[0].Type())
}

func powOf[T tensor.Number](in []tensor.Tensor, out tensor.Tensor) error {
	switch in[1].Type() {
	case tensor.Float32:
		return zip(out, in[0], in[1], power[T, float32])
	case tensor.Float64:
		return zip(out, in[0], in[1], power[T, float64])
	case tensor.Int32:
		return zip(out, in[0], in[1], power[T, int32])
	case tensor.Int64:
		return zip(out, in[0], in[1], power[T, int64])
	}
	return errType(in[1].Type())
}

func power[T, U tensor.Number](a T, b U) T { return T(math.Pow(float64(a), float64(b))) }
