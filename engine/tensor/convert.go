package tensor

import (
	"slices"
	"unsafe"
)

// Ints is the elements of an integer tensor as ints, as shapes, axes and
// split sizes need them; ok is false for any other element type.
func (t Tensor) Ints() (v []int, ok bool) {
	switch d := t.data.(type) {
	case []int64:
		return toInts(d), true
	case []int32:
		return toInts(d), true
	case []int16:
		return toInts(d), true
	case []int8:
		return toInts(d), true
	case []uint64:
		return toInts(d), true
	case []uint32:
		return toInts(d), true
	case []uint16:
		return toInts(d), true
	case []uint8:
		return toInts(d), true
	}
	return nil, false
}

func toInts[T Integer](s []T) []int {
	out := make([]int, len(s))
	for i, v := range s {
		out[i] = int(v)
	}
	return out
}

// FromInts is a tensor with one axis of int64, ONNX's type of shapes.
func FromInts(v []int) Tensor {
	d := make([]int64, len(v))
	for i, x := range v {
		d[i] = int64(x)
	}
	return Vector(d...)
}

// Equal reports whether a and b have the same type, shape and elements, as Go
// compares them: NaN differs from itself and -0 equals 0.
func Equal(a, b Tensor) bool {
	if a.typ != b.typ || !slices.Equal(a.shape, b.shape) {
		return false
	}
	switch s := a.data.(type) {
	case nil:
		return true
	case []float32:
		return slices.Equal(s, b.data.([]float32))
	case []float64:
		return slices.Equal(s, b.data.([]float64))
	case []int8:
		return slices.Equal(s, b.data.([]int8))
	case []int16:
		return slices.Equal(s, b.data.([]int16))
	case []int32:
		return slices.Equal(s, b.data.([]int32))
	case []int64:
		return slices.Equal(s, b.data.([]int64))
	case []uint8:
		return slices.Equal(s, b.data.([]uint8))
	case []uint16:
		return slices.Equal(s, b.data.([]uint16))
	case []uint32:
		return slices.Equal(s, b.data.([]uint32))
	case []uint64:
		return slices.Equal(s, b.data.([]uint64))
	case []bool:
		return slices.Equal(s, b.data.([]bool))
	case []Float16:
		return slices.Equal(s, b.data.([]Float16))
	}
	return slices.Equal(a.data.([]BFloat16), b.data.([]BFloat16))
}

// Float32s is a copy of the elements of a floating-point tensor as float32;
// ok is false for any other element type.
func (t Tensor) Float32s() (v []float32, ok bool) {
	switch d := t.data.(type) {
	case []float32:
		return slices.Clone(d), true
	case []float64:
		v = make([]float32, len(d))
		for i, x := range d {
			v[i] = float32(x)
		}
		return v, true
	case []Float16:
		v = make([]float32, len(d))
		for i, x := range d {
			v[i] = x.Float32()
		}
		return v, true
	case []BFloat16:
		v = make([]float32, len(d))
		for i, x := range d {
			v[i] = x.Float32()
		}
		return v, true
	}
	return nil, false
}

// Bytes8 is the elements of a tensor of uint8 or int8 as bytes, not copied; nil
// for any other element type.
func (t Tensor) Bytes8() []byte {
	switch d := t.data.(type) {
	case []uint8:
		return d
	case []int8:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(d))), len(d))
	}
	return nil
}

// Bits16 is the bits of the elements of a tensor of float16, bfloat16 or
// uint16, not copied; nil for any other element type.
func (t Tensor) Bits16() []uint16 {
	switch d := t.data.(type) {
	case []uint16:
		return d
	case []Float16:
		return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(d))), len(d))
	case []BFloat16:
		return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(d))), len(d))
	}
	return nil
}
