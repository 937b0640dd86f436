package op

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// UnaryKind names an elementwise operator of one floating-point operand.
type UnaryKind int

// The elementwise functions. Alpha and Beta are the fields of [Unary].
const (
	Relu        UnaryKind = iota // max(x, 0); integers too
	LeakyRelu                    // x < 0 ? Alpha·x : x
	Sigmoid                      // 1 / (1 + e^−x)
	HardSigmoid                  // max(0, min(1, Alpha·x + Beta))
	HardSwish                    // x · max(0, min(1, x/6 + 1/2))
	Gelu                         // x/2 · (1 + erf(x/√2))
	GeluTanh                     // x/2 · (1 + tanh(√(2/π)(x + 0.044715 x³)))
	Erf
	Sqrt
	Tanh
	Exp
	Log
	Abs // integers too
	Neg // integers too
	Reciprocal
	Floor
	Ceil
	Round // half to even
	Elu   // x < 0 ? Alpha·(e^x − 1) : x
	Softplus
)

// String is ONNX's name of the function.
func (k UnaryKind) String() string {
	return [...]string{"Relu", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Gelu", "Gelu(tanh)", "Erf",
		"Sqrt", "Tanh", "Exp", "Log", "Abs", "Neg", "Reciprocal", "Floor", "Ceil", "Round", "Elu", "Softplus"}[k]
}

// Unary applies a function to every element.
type Unary struct {
	Kind        UnaryKind
	Alpha, Beta float32
}

// Infer gives the operand's type and shape.
func (u Unary) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: in[0].Shape}}, nil
}

// Eval applies the function; float32 is computed in float64 and rounded.
func (u Unary) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		f := u.function()
		return each(out[0], in[0], func(x float32) float32 { return float32(f(float64(x))) })
	case tensor.Float64:
		return each(out[0], in[0], u.function())
	case tensor.Int8:
		return unaryInt[int8](u.Kind, out[0], in[0])
	case tensor.Int16:
		return unaryInt[int16](u.Kind, out[0], in[0])
	case tensor.Int32:
		return unaryInt[int32](u.Kind, out[0], in[0])
	case tensor.Int64:
		return unaryInt[int64](u.Kind, out[0], in[0])
	}
	return errType(in[0].Type())
}

// function is the function over float64.
func (u Unary) function() func(float64) float64 {
	a, b := float64(u.Alpha), float64(u.Beta)
	switch u.Kind {
	case Relu:
		return func(x float64) float64 { return max(x, 0) }
	case LeakyRelu:
		return func(x float64) float64 {
			if x < 0 {
				return a * x
			}
			return x
		}
	case Sigmoid:
		return func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	case HardSigmoid:
		return func(x float64) float64 { return max(0, min(1, a*x+b)) }
	case HardSwish:
		return func(x float64) float64 { return x * max(0, min(1, x/6+0.5)) }
	case Gelu:
		return func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }
	case GeluTanh:
		return func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}
	case Elu:
		return func(x float64) float64 {
			if x < 0 {
				return a * math.Expm1(x)
			}
			return x
		}
	case Softplus:
		return func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	case Neg:
		return func(x float64) float64 { return -x }
	case Reciprocal:
		return func(x float64) float64 { return 1 / x }
	}
	return map[UnaryKind]func(float64) float64{
		Erf: math.Erf, Sqrt: math.Sqrt, Tanh: math.Tanh, Exp: math.Exp, Log: math.Log, Abs: math.Abs,
		Floor: math.Floor, Ceil: math.Ceil, Round: math.RoundToEven,
	}[u.Kind]
}

func unaryInt[T int8 | int16 | int32 | int64](k UnaryKind, out, in tensor.Tensor) error {
	switch k {
	case Relu:
		return each(out, in, func(x T) T { return max(x, 0) })
	case Abs:
		return each(out, in, func(x T) T { return max(x, -x) })
	case Neg:
		return each(out, in, func(x T) T { return -x })
	}
	return errType(in.Type())
}

// each computes dst = f(src) elementwise.
func each[S, D tensor.Element](dst, src tensor.Tensor, f func(S) D) error {
	x, err := tensor.Of[S](src)
	if err != nil {
		return err
	}
	y, err := tensor.Of[D](dst)
	if err != nil {
		return err
	}
	for i, v := range x {
		y[i] = f(v)
	}
	return nil
}

// Clip limits every element to [min, max]: bounds from attributes before opset
// 11, from optional inputs 1 and 2 since. Where min > max, the result is max.
type Clip struct {
	// Min and Max are the attributes; ±Inf if there are none.
	Min, Max float32
}

// Infer gives the operand's type and shape.
func (c Clip) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 3); err != nil {
		return nil, err
	}
	for i := 1; i < len(in); i++ {
		if !in[i].Present() {
			continue
		}
		if in[i].Type != in[0].Type {
			return nil, fmt.Errorf("bound is %v, input is %v", in[i].Type, in[0].Type)
		}
		if product(in[i].Shape) != 1 {
			return nil, fmt.Errorf("bound has shape %v, want a scalar", in[i].Shape)
		}
	}
	return []Arg{{Type: in[0].Type, Shape: in[0].Shape}}, nil
}

// Eval limits the elements.
func (c Clip) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return clip(in, out[0], c.Min, c.Max)
	case tensor.Float64:
		return clip(in, out[0], float64(c.Min), float64(c.Max))
	case tensor.Int8:
		return clip[int8](in, out[0], math.MinInt8, math.MaxInt8)
	case tensor.Int16:
		return clip[int16](in, out[0], math.MinInt16, math.MaxInt16)
	case tensor.Int32:
		return clip[int32](in, out[0], math.MinInt32, math.MaxInt32)
	case tensor.Int64:
		return clip[int64](in, out[0], math.MinInt64, math.MaxInt64)
	case tensor.Uint8:
		return clip[uint8](in, out[0], 0, math.MaxUint8)
	case tensor.Uint16:
		return clip[uint16](in, out[0], 0, math.MaxUint16)
	case tensor.Uint32:
		return clip[uint32](in, out[0], 0, math.MaxUint32)
	case tensor.Uint64:
		return clip[uint64](in, out[0], 0, math.MaxUint64)
	}
	return errType(in[0].Type())
}

func clip[T tensor.Number](in []tensor.Tensor, out tensor.Tensor, lo, hi T) error {
	if b := got(in, 1); b.Present() {
		lo = tensor.Data[T](b)[0]
	}
	if b := got(in, 2); b.Present() {
		hi = tensor.Data[T](b)[0]
	}
	return each(out, in[0], func(x T) T { return min(hi, max(lo, x)) })
}

// Bounds is the bounds of a float32 Clip whose bound inputs, if any, are
// known; ok is false if they are not.
func (c Clip) Bounds(in []Arg) (lo, hi float32, ok bool) {
	lo, hi = c.Min, c.Max
	for i, b := range []*float32{&lo, &hi} {
		if !has(in, i+1) {
			continue
		}
		v := tensor.Data[float32](in[i+1].Value)
		if len(v) != 1 {
			return 0, 0, false
		}
		*b = v[0]
	}
	return lo, hi, true
}
