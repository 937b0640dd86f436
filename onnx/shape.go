package onnx

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Dim is one dimension of a shape: a size, a named unknown (a symbol such as
// the batch size) or unknown. The zero value is unknown. Two dims with the same
// symbol have the same size.
type Dim struct {
	size   int64
	known  bool
	symbol string
}

// Fixed is a dimension of n elements.
func Fixed(n int64) Dim { return Dim{size: n, known: true} }

// Symbol is an unknown dimension with a name; an empty name gives an unknown
// dimension.
func Symbol(name string) Dim { return Dim{symbol: name} }

// Size is the number of elements; ok is false where it is not known.
func (d Dim) Size() (n int64, ok bool) { return d.size, d.known }

// Name is the symbol of an unknown dimension, "" if it has none.
func (d Dim) Name() string { return d.symbol }

// String is the size, the symbol or "?".
func (d Dim) String() string {
	switch {
	case d.known:
		return strconv.FormatInt(d.size, 10)
	case d.symbol != "":
		return clean(d.symbol)
	}
	return "?"
}

// MarshalJSON writes a size as a number, a symbol as a string and an unknown
// dimension as null.
func (d Dim) MarshalJSON() ([]byte, error) {
	switch {
	case d.known:
		return strconv.AppendInt(nil, d.size, 10), nil
	case d.symbol != "":
		return json.Marshal(d.symbol)
	}
	return []byte("null"), nil
}

// Shape is the dimensions of a tensor, outermost first. A nil Shape has an
// unknown number of dimensions; a scalar has the empty, non-nil one.
type Shape []Dim

// MakeShape is the shape with these sizes; without any, a scalar's.
func MakeShape(sizes ...int64) Shape {
	s := make(Shape, len(sizes))
	for i, n := range sizes {
		s[i] = Fixed(n)
	}
	return s
}

// Ranked reports whether the number of dimensions is known.
func (s Shape) Ranked() bool { return s != nil }

// Sizes is the size of every dimension; ok is false if one is not known.
func (s Shape) Sizes() (sizes []int64, ok bool) {
	if s == nil {
		return nil, false
	}
	sizes = make([]int64, len(s))
	for i, d := range s {
		if !d.known {
			return nil, false
		}
		sizes[i] = d.size
	}
	return sizes, true
}

// Elements is the number of elements; ok is false if it is not known or too
// large for int64.
func (s Shape) Elements() (n int64, ok bool) {
	sizes, ok := s.Sizes()
	if !ok {
		return 0, false
	}
	return elements(sizes)
}

// Equal reports whether both shapes are the same, unknown dimensions included.
func (s Shape) Equal(o Shape) bool {
	if len(s) != len(o) || s.Ranked() != o.Ranked() {
		return false
	}
	for i := range s {
		if s[i] != o[i] {
			return false
		}
	}
	return true
}

// Clone is a copy that shares nothing.
func (s Shape) Clone() Shape {
	if s == nil {
		return nil
	}
	return append(Shape{}, s...)
}

// String is "[N, 3, 32, 32]", "[]" for a scalar and "[...]" for an unknown
// number of dimensions.
func (s Shape) String() string {
	if s == nil {
		return "[...]"
	}
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = d.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// TypeShape is the element type and the shape of a value. Elem is Undefined
// where it is not known.
type TypeShape struct {
	Elem  DataType
	Shape Shape
}

// String is "float32[N, 3, 32, 32]".
func (t TypeShape) String() string {
	if t.Elem == Undefined {
		return "?" + t.Shape.String()
	}
	return t.Elem.String() + t.Shape.String()
}

// elements multiplies sizes; ok is false on a negative size or overflow.
func elements(sizes []int64) (n int64, ok bool) {
	n = 1
	zero := false
	for _, d := range sizes {
		switch {
		case d < 0:
			return 0, false
		case d == 0:
			zero = true
		case n > (1<<63-1)/d:
			return 0, false
		default:
			n *= d
		}
	}
	if zero {
		return 0, true
	}
	return n, true
}
