package tensor

import "strconv"

// Type is an element type. The values are those of ONNX's
// TensorProto.DataType, so that they can be converted without a table.
type Type int32

// The element types that the engine computes with.
const (
	Undefined Type = 0 // no type: an optional operand that was left out
	Float32   Type = 1
	Uint8     Type = 2
	Int8      Type = 3
	Uint16    Type = 4
	Int16     Type = 5
	Int32     Type = 6
	Int64     Type = 7
	Bool      Type = 9
	F16       Type = 10 // IEEE 754 binary16, elements are [Float16]
	Float64   Type = 11
	Uint32    Type = 12
	Uint64    Type = 13
	BF16      Type = 16 // bfloat16, elements are [BFloat16]
)

// String is the name that ONNX's operator tables use, such as "float" or
// "uint8"; a type outside the list is written "type(N)".
func (t Type) String() string {
	switch t {
	case Undefined:
		return "undefined"
	case Float32:
		return "float"
	case Uint8:
		return "uint8"
	case Int8:
		return "int8"
	case Uint16:
		return "uint16"
	case Int16:
		return "int16"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Bool:
		return "bool"
	case F16:
		return "float16"
	case Float64:
		return "double"
	case Uint32:
		return "uint32"
	case Uint64:
		return "uint64"
	case BF16:
		return "bfloat16"
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// Size is the bytes that one element takes in memory and in a model file; 0
// for a type that the engine does not compute with.
func (t Type) Size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16, F16, BF16:
		return 2
	case Float32, Int32, Uint32:
		return 4
	case Float64, Int64, Uint64:
		return 8
	}
	return 0
}

// IsFloat reports whether t is one of the floating-point types.
func (t Type) IsFloat() bool { return t == Float32 || t == Float64 || t == F16 || t == BF16 }

// IsInteger reports whether t is an integer type; bool is none.
func (t Type) IsInteger() bool { return t.Size() > 0 && !t.IsFloat() && t != Bool }

// IsSigned reports whether t is a signed integer type.
func (t Type) IsSigned() bool { return t == Int8 || t == Int16 || t == Int32 || t == Int64 }

// Integer is the Go element types of the integer element types.
type Integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// Number is the Go element types that Go can calculate with.
type Number interface {
	Integer | float32 | float64
}

// Element is every Go element type of a tensor.
type Element interface {
	Number | bool | Float16 | BFloat16
}

// TypeOf is the element type whose elements are T.
func TypeOf[T Element]() Type {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case bool:
		return Bool
	case Float16:
		return F16
	}
	return BF16
}
