package op

import (
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Cast converts elements to another type. Floats are truncated toward zero on
// their way to integers; integers that do not fit wrap, floats beyond int64
// and uint64 saturate, and NaN becomes 0. Any non-zero is true.
type Cast struct{ To tensor.Type }

// Infer gives the operand's shape with the new type.
func (c Cast) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if c.To.Size() == 0 {
		return nil, errType(c.To)
	}
	return []Arg{{Type: c.To, Shape: in[0].Shape}}, nil
}

// Eval converts.
func (c Cast) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case c.To:
		return copyFirst(in, out)
	case tensor.Float32:
		return castFloat(out[0], tensor.Data[float32](in[0]))
	case tensor.Float64:
		return castFloat(out[0], tensor.Data[float64](in[0]))
	case tensor.F16, tensor.BF16:
		v, _ := in[0].Float32s()
		return castFloat(out[0], v)
	case tensor.Bool:
		v := make([]uint8, in[0].Len())
		for i, b := range tensor.Data[bool](in[0]) {
			if b {
				v[i] = 1
			}
		}
		return castInt(out[0], v)
	case tensor.Int8:
		return castInt(out[0], tensor.Data[int8](in[0]))
	case tensor.Int16:
		return castInt(out[0], tensor.Data[int16](in[0]))
	case tensor.Int32:
		return castInt(out[0], tensor.Data[int32](in[0]))
	case tensor.Int64:
		return castInt(out[0], tensor.Data[int64](in[0]))
	case tensor.Uint8:
		return castInt(out[0], tensor.Data[uint8](in[0]))
	case tensor.Uint16:
		return castInt(out[0], tensor.Data[uint16](in[0]))
	case tensor.Uint32:
		return castInt(out[0], tensor.Data[uint32](in[0]))
	case tensor.Uint64:
		return castInt(out[0], tensor.Data[uint64](in[0]))
	}
	return errType(in[0].Type())
}

// castReal makes floats or booleans of numbers; done is false for integers,
// which depend on what the numbers are.
func castReal[S tensor.Integer | float32 | float64](out tensor.Tensor, x []S) (done bool) {
	switch out.Type() {
	case tensor.Float32:
		convert(tensor.Data[float32](out), x, func(v S) float32 { return float32(v) })
	case tensor.Float64:
		convert(tensor.Data[float64](out), x, func(v S) float64 { return float64(v) })
	case tensor.F16:
		convert(tensor.Data[tensor.Float16](out), x, func(v S) tensor.Float16 { return tensor.NewFloat16(float32(v)) })
	case tensor.BF16:
		convert(tensor.Data[tensor.BFloat16](out), x, func(v S) tensor.BFloat16 { return tensor.NewBFloat16(float32(v)) })
	case tensor.Bool:
		convert(tensor.Data[bool](out), x, func(v S) bool { return v != 0 })
	default:
		return false
	}
	return true
}

func castInt[S tensor.Integer](out tensor.Tensor, x []S) error {
	if castReal(out, x) {
		return nil
	}
	switch out.Type() {
	case tensor.Int8:
		convert(tensor.Data[int8](out), x, func(v S) int8 { return int8(v) })
	case tensor.Int16:
		convert(tensor.Data[int16](out), x, func(v S) int16 { return int16(v) })
	case tensor.Int32:
		convert(tensor.Data[int32](out), x, func(v S) int32 { return int32(v) })
	case tensor.Int64:
		convert(tensor.Data[int64](out), x, func(v S) int64 { return int64(v) })
	case tensor.Uint8:
		convert(tensor.Data[uint8](out), x, func(v S) uint8 { return uint8(v) })
	case tensor.Uint16:
		convert(tensor.Data[uint16](out), x, func(v S) uint16 { return uint16(v) })
	case tensor.Uint32:
		convert(tensor.Data[uint32](out), x, func(v S) uint32 { return uint32(v) })
	case tensor.Uint64:
		convert(tensor.Data[uint64](out), x, func(v S) uint64 { return uint64(v) })
	default:
		return errType(out.Type())
	}
	return nil
}

func castFloat[S float32 | float64](out tensor.Tensor, x []S) error {
	if castReal(out, x) {
		return nil
	}
	if out.Type() == tensor.Uint64 {
		convert(tensor.Data[uint64](out), x, func(v S) uint64 { return truncateUint(float64(v)) })
		return nil
	}
	whole := make([]int64, len(x))
	convert(whole, x, func(v S) int64 { return truncate(float64(v)) })
	return castInt(out, whole)
}

func convert[S, D tensor.Element](dst []D, src []S, f func(S) D) {
	for i, v := range src {
		dst[i] = f(v)
	}
}

// truncate drops the fraction of v; what int64 cannot hold saturates.
func truncate(v float64) int64 {
	switch {
	case v != v:
		return 0
	case v >= 1<<63:
		return math.MaxInt64
	case v < -1<<63:
		return math.MinInt64
	}
	return int64(v)
}

// truncateUint is truncate for uint64; negative numbers wrap as int64 does.
func truncateUint(v float64) uint64 {
	switch {
	case v >= 1<<64:
		return math.MaxUint64
	case v >= 1<<63:
		return uint64(v)
	}
	return uint64(truncate(v))
}
