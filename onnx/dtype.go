package onnx

import "strconv"

// DataType is the type of a tensor's elements, numbered as in ONNX
// (TensorProto.DataType).
type DataType int32

// The element types. The 4-bit and 2-bit types are packed, low bits first.
const (
	Undefined      DataType = 0
	Float          DataType = 1 // IEEE 754 binary32
	Uint8          DataType = 2
	Int8           DataType = 3
	Uint16         DataType = 4
	Int16          DataType = 5
	Int32          DataType = 6
	Int64          DataType = 7
	String         DataType = 8
	Bool           DataType = 9  // one byte, 0 or 1
	Float16        DataType = 10 // IEEE 754 binary16
	Double         DataType = 11 // IEEE 754 binary64
	Uint32         DataType = 12
	Uint64         DataType = 13
	Complex64      DataType = 14
	Complex128     DataType = 15
	BFloat16       DataType = 16 // the upper half of a binary32
	Float8E4M3FN   DataType = 17
	Float8E4M3FNUZ DataType = 18
	Float8E5M2     DataType = 19
	Float8E5M2FNUZ DataType = 20
	Uint4          DataType = 21
	Int4           DataType = 22
	Float4E2M1     DataType = 23
	Float8E8M0     DataType = 24 // a power of two: a scale
	Uint2          DataType = 25
	Int2           DataType = 26
)

// kind sorts element types.
type kind uint8

const (
	kindOther kind = iota
	kindFloat
	kindSigned
	kindUnsigned
	kindComplex
)

type typeInfo struct {
	name string
	bits int // of one element; 0 where elements have no fixed size
	kind kind
}

// info is what is known of a type; ok is false for a number that ONNX does not
// define.
func (t DataType) info() (i typeInfo, ok bool) {
	table := [...]typeInfo{
		Float:          {"float32", 32, kindFloat},
		Uint8:          {"uint8", 8, kindUnsigned},
		Int8:           {"int8", 8, kindSigned},
		Uint16:         {"uint16", 16, kindUnsigned},
		Int16:          {"int16", 16, kindSigned},
		Int32:          {"int32", 32, kindSigned},
		Int64:          {"int64", 64, kindSigned},
		String:         {"string", 0, kindOther},
		Bool:           {"bool", 8, kindOther},
		Float16:        {"float16", 16, kindFloat},
		Double:         {"float64", 64, kindFloat},
		Uint32:         {"uint32", 32, kindUnsigned},
		Uint64:         {"uint64", 64, kindUnsigned},
		Complex64:      {"complex64", 64, kindComplex},
		Complex128:     {"complex128", 128, kindComplex},
		BFloat16:       {"bfloat16", 16, kindFloat},
		Float8E4M3FN:   {"float8e4m3fn", 8, kindFloat},
		Float8E4M3FNUZ: {"float8e4m3fnuz", 8, kindFloat},
		Float8E5M2:     {"float8e5m2", 8, kindFloat},
		Float8E5M2FNUZ: {"float8e5m2fnuz", 8, kindFloat},
		Uint4:          {"uint4", 4, kindUnsigned},
		Int4:           {"int4", 4, kindSigned},
		Float4E2M1:     {"float4e2m1", 4, kindFloat},
		Float8E8M0:     {"float8e8m0", 8, kindFloat},
		Uint2:          {"uint2", 2, kindUnsigned},
		Int2:           {"int2", 2, kindSigned},
	}
	if t <= Undefined || int(t) >= len(table) {
		return typeInfo{}, false
	}
	return table[t], true
}

// Valid reports whether t is an element type that ONNX defines.
func (t DataType) Valid() bool { _, ok := t.info(); return ok }

// Bits is the size of one element; 0 for strings and undefined types.
func (t DataType) Bits() int { i, _ := t.info(); return i.bits }

// IsFloat reports whether t is a real floating-point type of any width.
func (t DataType) IsFloat() bool { i, _ := t.info(); return i.kind == kindFloat }

// IsInteger reports whether t is a signed or unsigned integer of any width.
func (t DataType) IsInteger() bool {
	i, _ := t.info()
	return i.kind == kindSigned || i.kind == kindUnsigned
}

// IsSigned reports whether t is a signed integer.
func (t DataType) IsSigned() bool { i, _ := t.info(); return i.kind == kindSigned }

// String is the type's name in lower case, as NumPy and ONNX's printer have it
// ("float32", "int8", "float8e4m3fn"); "type(N)" where ONNX defines none.
func (t DataType) String() string {
	if i, ok := t.info(); ok {
		return i.name
	}
	if t == Undefined {
		return "undefined"
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// Bytes is the number of bytes that n elements take, the last byte of a packed
// type filled up; ok is false for strings, undefined types, a negative n and
// sizes past int64.
func (t DataType) Bytes(n int64) (size int64, ok bool) {
	bits := int64(t.Bits())
	if bits == 0 || n < 0 {
		return 0, false
	}
	if bits < 8 {
		per := 8 / bits
		return n/per + (n%per+per-1)/per, true
	}
	const maxInt64 = 1<<63 - 1
	if n > maxInt64/(bits/8) {
		return 0, false
	}
	return n * (bits / 8), true
}
