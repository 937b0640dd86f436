package op

import (
	"fmt"
	"unsafe"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// FromONNX is a constant of a model as a tensor. The elements are not copied
// where the model's bytes are in the machine's layout: whoever writes to one
// writes to the other. Elements of 4 bits become bytes.
func FromONNX(t *onnx.Tensor) (tensor.Tensor, error) {
	shape := make([]int, len(t.Dims))
	for i, d := range t.Dims {
		shape[i] = int(d)
	}
	switch t.Type {
	case onnx.Float:
		return numbers[float32](t, shape)
	case onnx.Double:
		return numbers[float64](t, shape)
	case onnx.Int8:
		return numbers[int8](t, shape)
	case onnx.Int16:
		return numbers[int16](t, shape)
	case onnx.Int32:
		return numbers[int32](t, shape)
	case onnx.Int64:
		return numbers[int64](t, shape)
	case onnx.Uint8:
		return numbers[uint8](t, shape)
	case onnx.Uint16:
		return numbers[uint16](t, shape)
	case onnx.Uint32:
		return numbers[uint32](t, shape)
	case onnx.Uint64:
		return numbers[uint64](t, shape)
	case onnx.Bool:
		v, err := t.Bools()
		if err != nil {
			return tensor.Tensor{}, err
		}
		return tensor.New(shape, v)
	case onnx.Int4:
		// Shifted up and back down, an int8 has the sign of its 4 bits.
		return nibbles(t, shape, func(b byte) int8 { return int8(b<<4) >> 4 })
	case onnx.Uint4:
		return nibbles(t, shape, func(b byte) uint8 { return b & 0xf })
	case onnx.Float16:
		return halves[tensor.Float16](t, shape)
	case onnx.BFloat16:
		return halves[tensor.BFloat16](t, shape)
	}
	return tensor.Tensor{}, fmt.Errorf("tensor %q: element type %v is not supported", t.Name, t.Type)
}

func numbers[T interface {
	onnx.Number
	tensor.Element
}](t *onnx.Tensor, shape []int) (tensor.Tensor, error) {
	v, err := onnx.Values[T](t)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.New(shape, v)
}

// nibbles unpacks elements of 4 bits, the first of two in the low ones.
func nibbles[T int8 | uint8](t *onnx.Tensor, shape []int, low func(byte) T) (tensor.Tensor, error) {
	n, err := tensor.Elements(shape)
	if err != nil {
		return tensor.Tensor{}, err
	}
	if len(t.Raw) != (n+1)/2 {
		return tensor.Tensor{}, fmt.Errorf("tensor %q: %d bytes, want %d", t.Name, len(t.Raw), (n+1)/2)
	}
	v := make([]T, n)
	for i := range v {
		v[i] = low(t.Raw[i/2] >> (i % 2 * 4))
	}
	return tensor.New(shape, v)
}

// halves gives the 16-bit words of t the element type that they have.
func halves[T tensor.Float16 | tensor.BFloat16](t *onnx.Tensor, shape []int) (tensor.Tensor, error) {
	bits, err := t.Bits16()
	if err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.New(shape, unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bits))), len(bits)))
}
