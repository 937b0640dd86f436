package onnx

import (
	"encoding/binary"
	"math"
)

// cell is one element: its type and its bits, zero extended.
type cell struct {
	typ  DataType
	bits uint64
}

// convert applies f to every element of a tensor of a real type or bool.
func convert[T any](t *Tensor, f func(cell) T) ([]T, error) {
	if t.Type != Bool && !t.Type.IsFloat() && !t.Type.IsInteger() {
		return nil, t.errorf(ErrShape, "elements are %v, want numbers", t.Type)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	if t.External != nil {
		return nil, t.errorf(ErrExternal, "data in %q has not been read", t.External.Location)
	}
	n, _ := t.Elements()
	out := make([]T, n)
	for i := range out {
		out[i] = f(cell{t.Type, t.bitsAt(i)})
	}
	return out, nil
}

// bitsAt is the bits of element i, zero extended; for types of at most 64 bits.
func (t *Tensor) bitsAt(i int) uint64 {
	switch b := t.Type.Bits(); b {
	case 2, 4:
		per := 8 / b
		return uint64(t.Raw[i/per]>>(i%per*b)) & (1<<b - 1)
	case 8:
		return uint64(t.Raw[i])
	case 16:
		return uint64(binary.LittleEndian.Uint16(t.Raw[2*i:]))
	case 32:
		return uint64(binary.LittleEndian.Uint32(t.Raw[4*i:]))
	default:
		return binary.LittleEndian.Uint64(t.Raw[8*i:])
	}
}

// int64 is the element of an integer type or bool; ok is false for a uint64
// past int64.
func (c cell) int64() (v int64, ok bool) {
	if c.typ.IsSigned() {
		shift := 64 - c.typ.Bits()
		return int64(c.bits<<shift) >> shift, true
	}
	if c.typ == Bool && c.bits != 0 {
		return 1, true
	}
	return int64(c.bits), c.bits <= math.MaxInt64
}

// float64 is the element as float64, rounded for 64-bit integers.
func (c cell) float64() float64 {
	switch {
	case c.typ == Float:
		return float64(math.Float32frombits(uint32(c.bits)))
	case c.typ == Double:
		return math.Float64frombits(c.bits)
	case c.typ.IsFloat():
		return float64(smallFloat(c.typ, c.bits))
	case c.typ == Uint64:
		return float64(c.bits)
	}
	v, _ := c.int64()
	return float64(v)
}

// float32 is the element as float32, rounded once.
func (c cell) float32() float32 {
	switch {
	case c.typ == Float:
		return math.Float32frombits(uint32(c.bits))
	case c.typ == Double:
		return float32(math.Float64frombits(c.bits))
	case c.typ.IsFloat():
		return smallFloat(c.typ, c.bits)
	case c.typ == Uint64:
		return float32(c.bits)
	}
	v, _ := c.int64()
	return float32(v)
}

// format describes a floating-point type of at most 16 bits: sign, exponent
// and mantissa from the top.
type format struct {
	exp, man, bias int
	inf            bool // the largest exponent holds infinities and NaN, as in IEEE 754
	nan            uint64
	hasNaN         bool // nan is the only NaN (whatever its sign, if signedNaN)
	signedNaN      bool
}

func formatOf(t DataType) format {
	switch t {
	case Float16:
		return format{exp: 5, man: 10, bias: 15, inf: true}
	case Float8E4M3FN:
		return format{exp: 4, man: 3, bias: 7, nan: 0x7f, hasNaN: true, signedNaN: true}
	case Float8E4M3FNUZ:
		return format{exp: 4, man: 3, bias: 8, nan: 0x80, hasNaN: true}
	case Float8E5M2:
		return format{exp: 5, man: 2, bias: 15, inf: true}
	case Float8E5M2FNUZ:
		return format{exp: 5, man: 2, bias: 16, nan: 0x80, hasNaN: true}
	default: // Float4E2M1
		return format{exp: 2, man: 1, bias: 1}
	}
}

// smallFloat decodes a floating-point type of at most 16 bits; float32 holds
// all of their values exactly.
// Sources: IEEE 754-2019 (binary16), OCP 8-bit Floating Point Specification
// 1.0 and OCP Microscaling Formats 1.0 (E4M3, E5M2, E8M0, E2M1), ONNX
// docs/docsgen/source/technical/float8.md (the FNUZ variants).
func smallFloat(t DataType, bits uint64) float32 {
	switch t {
	case BFloat16:
		return math.Float32frombits(uint32(bits) << 16)
	case Float8E8M0:
		if bits == 0xff {
			return float32(math.NaN())
		}
		return float32(math.Ldexp(1, int(bits)-127))
	}
	f := formatOf(t)
	sign := bits >> (f.exp + f.man) & 1
	if f.hasNaN && (bits == f.nan || f.signedNaN && bits == f.nan|sign<<(f.exp+f.man)) {
		return float32(math.NaN())
	}
	exp := int(bits>>f.man) & (1<<f.exp - 1)
	man := bits & (1<<f.man - 1)
	var v float64
	switch {
	case f.inf && exp == 1<<f.exp-1 && man != 0:
		return float32(math.NaN())
	case f.inf && exp == 1<<f.exp-1:
		v = math.Inf(1)
	case exp == 0:
		v = math.Ldexp(float64(man), 1-f.bias-f.man)
	default:
		v = math.Ldexp(float64(man|1<<f.man), exp-f.bias-f.man)
	}
	if sign == 1 {
		v = math.Copysign(v, -1)
	}
	return float32(v)
}
