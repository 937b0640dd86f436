package onnx

import (
	"fmt"
	"slices"
)

// Tensor is a dense array of constants.
type Tensor struct {
	Name string
	Type DataType
	Dims []int64 // sizes, outermost first; empty for a scalar
	// Raw holds the elements in row-major order, little endian and without gaps;
	// 4-bit and 2-bit types are packed low bits first, a bool is one byte. It is
	// empty for strings and while External is set. It may be a view into a mapped
	// file: writing to it does not change the file, but changes every tensor that
	// shares the bytes; it is gone after [Model.Close].
	Raw []byte
	// Strings holds the elements of a String tensor.
	Strings [][]byte
	// External says where the elements are while they have not been read. Load
	// reads them and sets it to nil.
	External *External

	extra []byte
}

// External is a place in another file.
type External struct {
	Location string // path relative to the model's folder, with forward slashes
	Offset   int64  // bytes from the start of the file
	Length   int64  // bytes; -1: as many as the shape says

	entries []Property // keys that are not modelled, such as a checksum
}

// Number is a Go type that holds the elements of a tensor without conversion.
type Number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// NewTensor makes a tensor over raw, which is not copied. It fails if the
// number of bytes does not fit the type and the dimensions.
func NewTensor(name string, t DataType, dims []int64, raw []byte) (*Tensor, error) {
	x := &Tensor{Name: name, Type: t, Dims: dims, Raw: raw}
	if err := x.check(); err != nil {
		return nil, err
	}
	return x, nil
}

// TensorOf makes a tensor over data, which is not copied on a little-endian
// machine. Without dims it is a scalar.
func TensorOf[T Number](name string, data []T, dims ...int64) (*Tensor, error) {
	return NewTensor(name, typeOf[T](), dims, bytesOf(data))
}

func typeOf[T Number]() DataType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float
	case float64:
		return Double
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
	default:
		return Uint64
	}
}

// Elements is the number of elements that the dimensions give; ok is false if
// one is negative or the product does not fit in int64.
func (t *Tensor) Elements() (n int64, ok bool) { return elements(t.Dims) }

// Shape is the dimensions as a shape.
func (t *Tensor) Shape() Shape { return MakeShape(t.Dims...) }

// TypeShape is the element type and the shape.
func (t *Tensor) TypeShape() TypeShape { return TypeShape{t.Type, t.Shape()} }

// Clone is a copy that shares no bytes with t.
func (t *Tensor) Clone() *Tensor {
	c := *t
	c.Dims = slices.Clone(t.Dims)
	c.Raw = slices.Clone(t.Raw)
	c.Strings = nil
	for _, s := range t.Strings {
		c.Strings = append(c.Strings, slices.Clone(s))
	}
	if t.External != nil {
		e := *t.External
		e.entries = slices.Clone(t.External.entries)
		c.External = &e
	}
	return &c
}

// check compares the number of elements with the data that is there.
func (t *Tensor) check() error {
	if !t.Type.Valid() {
		return t.errorf(ErrUnsupported, "element type %v is not known", t.Type)
	}
	n, ok := t.Elements()
	if !ok {
		return t.errorf(ErrShape, "dimensions %v have no number of elements", t.Dims)
	}
	if t.Type == String {
		if int64(len(t.Strings)) != n {
			return t.errorf(ErrShape, "dimensions %v need %d strings, there are %d", t.Dims, n, len(t.Strings))
		}
		return nil
	}
	want, ok := t.Type.Bytes(n)
	if !ok {
		return t.errorf(ErrShape, "%v%v is too large", t.Type, t.Dims)
	}
	if t.External != nil {
		if l := t.External.Length; l >= 0 && l != want {
			return t.errorf(ErrShape, "%v%v needs %d bytes, the external data has %d", t.Type, t.Dims, want, l)
		}
		return nil
	}
	if int64(len(t.Raw)) != want {
		return t.errorf(ErrShape, "%v%v needs %d bytes, there are %d", t.Type, t.Dims, want, len(t.Raw))
	}
	return nil
}

func (t *Tensor) errorf(reason error, format string, args ...any) *Error {
	return &Error{Value: t.Name, Msg: fmt.Sprintf(format, args...), Reason: reason}
}

// Values is a tensor's elements in the Go type of its element type, as a view
// where the machine allows (see [Tensor.Raw] for what that means) and a copy
// elsewhere. It fails if T does not match the element type; uint16 also fits
// float16 and bfloat16 (their bits), uint8 every type of 8 bits.
func Values[T Number](t *Tensor) ([]T, error) {
	want := typeOf[T]()
	fits := t.Type == want ||
		want == Uint16 && (t.Type == Float16 || t.Type == BFloat16) ||
		want == Uint8 && t.Type.Bits() == 8
	if !fits {
		return nil, t.errorf(ErrShape, "elements are %v, want %v", t.Type, want)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	if t.External != nil {
		return nil, t.errorf(ErrExternal, "data in %q has not been read", t.External.Location)
	}
	return view[T](t.Raw), nil
}

// Float32s is the elements of a Float tensor; see [Values].
func (t *Tensor) Float32s() ([]float32, error) { return Values[float32](t) }

// Float64s is the elements of a Double tensor; see [Values].
func (t *Tensor) Float64s() ([]float64, error) { return Values[float64](t) }

// Int64s is the elements of an Int64 tensor; see [Values].
func (t *Tensor) Int64s() ([]int64, error) { return Values[int64](t) }

// Int32s is the elements of an Int32 tensor; see [Values].
func (t *Tensor) Int32s() ([]int32, error) { return Values[int32](t) }

// Int8s is the elements of an Int8 tensor; see [Values].
func (t *Tensor) Int8s() ([]int8, error) { return Values[int8](t) }

// Uint8s is the elements of a Uint8 tensor or the bytes of another 8-bit type;
// see [Values].
func (t *Tensor) Uint8s() ([]uint8, error) { return Values[uint8](t) }

// Bits16 is the bits of a Float16, BFloat16 or Uint16 tensor; see [Values].
func (t *Tensor) Bits16() ([]uint16, error) { return Values[uint16](t) }

// Bools is the elements of a Bool tensor, copied.
func (t *Tensor) Bools() ([]bool, error) {
	if t.Type != Bool {
		return nil, t.errorf(ErrShape, "elements are %v, want bool", t.Type)
	}
	raw, err := Values[uint8](t)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(raw))
	for i, b := range raw {
		out[i] = b != 0
	}
	return out, nil
}

// AsFloat32s is the elements of a tensor of any real type converted to float32
// (rounded to nearest where float32 cannot hold them). It is a view for Float
// and a copy otherwise.
func (t *Tensor) AsFloat32s() ([]float32, error) {
	if t.Type == Float {
		return t.Float32s()
	}
	out, err := convert(t, func(c cell) float32 { return c.float32() })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AsFloat64s is the elements of a tensor of any real type converted to float64.
// It is a view for Double and a copy otherwise.
func (t *Tensor) AsFloat64s() ([]float64, error) {
	if t.Type == Double {
		return t.Float64s()
	}
	return convert(t, func(c cell) float64 { return c.float64() })
}

// AsInt64s is the elements of a tensor of any integer type or bool converted to
// int64. It fails for floating-point types and for a uint64 that does not fit.
// It is a view for Int64 and a copy otherwise.
func (t *Tensor) AsInt64s() ([]int64, error) {
	switch {
	case t.Type == Int64:
		return t.Int64s()
	case t.Type != Bool && !t.Type.IsInteger():
		return nil, t.errorf(ErrShape, "elements are %v, want an integer type", t.Type)
	}
	over := false
	out, err := convert(t, func(c cell) int64 {
		v, ok := c.int64()
		over = over || !ok
		return v
	})
	if err == nil && over {
		return nil, t.errorf(ErrShape, "a uint64 element does not fit in int64")
	}
	return out, err
}
