package tensor

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"unsafe"
)

// Tensor is a dense array. The zero Tensor holds nothing and is the "left
// out" of an optional operand.
//
// A Tensor is a view: copying the struct shares the elements.
type Tensor struct {
	shape []int
	data  any // []T with T an Element
	typ   Type
}

// ErrTooLarge says that a shape asks for more elements than memory can hold.
var ErrTooLarge = errors.New("tensor: shape too large")

// MaxBytes is the largest tensor that [Make] allocates: 8 GiB. It only stops
// sizes that come from a damaged or hostile file.
const MaxBytes = 1 << 33

// New is the tensor of the given shape over data, which is not copied and
// must have as many elements as the shape.
func New[T Element](shape []int, data []T) (Tensor, error) {
	n, err := Elements(shape)
	if err != nil {
		return Tensor{}, err
	}
	if n != len(data) {
		return Tensor{}, fmt.Errorf("tensor: shape %v has %d elements, data has %d", shape, n, len(data))
	}
	return Tensor{shape: slices.Clone(shape), data: data, typ: TypeOf[T]()}, nil
}

// Must is for shapes that are known to fit: it panics if err is not nil.
func Must(t Tensor, err error) Tensor {
	if err != nil {
		panic(err)
	}
	return t
}

// Scalar is a tensor without axes that holds v.
func Scalar[T Element](v T) Tensor {
	return Tensor{shape: []int{}, data: []T{v}, typ: TypeOf[T]()}
}

// Vector is a tensor with one axis over data, which is not copied.
func Vector[T Element](data ...T) Tensor {
	return Tensor{shape: []int{len(data)}, data: data, typ: TypeOf[T]()}
}

// Make is a tensor of zeros.
func Make(typ Type, shape []int) (Tensor, error) {
	n, err := Elements(shape)
	if err != nil {
		return Tensor{}, err
	}
	if typ.Size() == 0 {
		return Tensor{}, fmt.Errorf("tensor: element type %v is not supported", typ)
	}
	if n > MaxBytes/typ.Size() {
		return Tensor{}, fmt.Errorf("%w: %v %v", ErrTooLarge, typ, shape)
	}
	return Tensor{shape: slices.Clone(shape), data: makeSlice(typ, n), typ: typ}, nil
}

func makeSlice(typ Type, n int) any {
	switch typ {
	case Float32:
		return make([]float32, n)
	case Float64:
		return make([]float64, n)
	case Int8:
		return make([]int8, n)
	case Int16:
		return make([]int16, n)
	case Int32:
		return make([]int32, n)
	case Int64:
		return make([]int64, n)
	case Uint8:
		return make([]uint8, n)
	case Uint16:
		return make([]uint16, n)
	case Uint32:
		return make([]uint32, n)
	case Uint64:
		return make([]uint64, n)
	case Bool:
		return make([]bool, n)
	case F16:
		return make([]Float16, n)
	case BF16:
		return make([]BFloat16, n)
	}
	panic("tensor: makeSlice of " + typ.String())
}

// Elements is the number of elements of a shape; an error if an axis is
// negative or the product does not fit.
func Elements(shape []int) (int, error) {
	n, empty := 1, false
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("tensor: shape %v has a negative axis", shape)
		}
		if d == 0 {
			empty = true
			continue
		}
		hi, lo := bits.Mul64(uint64(n), uint64(d))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("%w: %v", ErrTooLarge, shape)
		}
		n = int(lo)
	}
	if empty {
		return 0, nil
	}
	return n, nil
}

// Type is the element type; Undefined for the zero Tensor.
func (t Tensor) Type() Type { return t.typ }

// Present reports whether t holds something: it is false for the zero Tensor.
func (t Tensor) Present() bool { return t.typ != Undefined }

// Shape is the lengths of the axes, to read only.
func (t Tensor) Shape() []int { return t.shape }

// Rank is the number of axes.
func (t Tensor) Rank() int { return len(t.shape) }

// Len is the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	if !t.Present() {
		return 0
	}
	return n
}

// Bytes is the memory that the elements take.
func (t Tensor) Bytes() int { return t.Len() * t.typ.Size() }

// String is type and shape, such as "float[1 3 32 32]".
func (t Tensor) String() string { return fmt.Sprintf("%v%v", t.typ, t.shape) }

// Data is the elements of t, not copied; nil unless they are of type T.
func Data[T Element](t Tensor) []T {
	d, _ := t.data.([]T)
	return d
}

// Of is the elements of t, not copied; an error unless they are of type T.
func Of[T Element](t Tensor) ([]T, error) {
	d, ok := t.data.([]T)
	if !ok {
		return nil, fmt.Errorf("tensor: elements are %v, want %v", t.typ, TypeOf[T]())
	}
	return d, nil
}

// Reshape is a view of t with another shape of as many elements.
func (t Tensor) Reshape(shape []int) (Tensor, error) {
	n, err := Elements(shape)
	if err != nil {
		return Tensor{}, err
	}
	if n != t.Len() {
		return Tensor{}, fmt.Errorf("tensor: %v does not fit shape %v", t, shape)
	}
	t.shape = slices.Clone(shape)
	return t, nil
}

// Slice is a view of rows lo to hi-1 along the first axis. It panics if t has
// no axis or the range is outside of it, as slicing does.
func (t Tensor) Slice(lo, hi int) Tensor {
	row := 1
	for _, d := range t.shape[1:] {
		row *= d
	}
	if lo < 0 || hi < lo || hi > t.shape[0] {
		panic(fmt.Sprintf("tensor: rows %d:%d of %v", lo, hi, t))
	}
	t.shape = slices.Clone(t.shape)
	t.shape[0] = hi - lo
	t.data = reflect.ValueOf(t.data).Slice3(lo*row, hi*row, hi*row).Interface()
	return t
}

// Clone is a copy of t that shares nothing with it.
func (t Tensor) Clone() Tensor {
	if !t.Present() {
		return Tensor{}
	}
	c := Tensor{shape: slices.Clone(t.shape), data: makeSlice(t.typ, t.Len()), typ: t.typ}
	Copy(c, t)
	return c
}

// Copy copies the elements of src to the front of dst, which must have the
// same element type and at least as many elements; it reports whether it did.
func Copy(dst, src Tensor) bool {
	if dst.typ != src.typ || dst.Len() < src.Len() {
		return false
	}
	reflect.Copy(reflect.ValueOf(dst.data), reflect.ValueOf(src.data))
	return true
}

// Over is the tensor of the given type and shape over mem, little endian as
// the machine, which must be aligned to the element size and long enough.
func Over(typ Type, shape []int, mem []byte) (Tensor, error) {
	n, err := Elements(shape)
	if err != nil {
		return Tensor{}, err
	}
	if typ.Size() == 0 {
		return Tensor{}, fmt.Errorf("tensor: element type %v is not supported", typ)
	}
	if n > len(mem)/typ.Size() {
		return Tensor{}, fmt.Errorf("tensor: %v %v needs %d bytes, has %d", typ, shape, n*typ.Size(), len(mem))
	}
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if uintptr(p)%uintptr(typ.Size()) != 0 {
		return Tensor{}, fmt.Errorf("tensor: memory is not aligned for %v", typ)
	}
	return Tensor{shape: slices.Clone(shape), data: sliceAt(typ, p, n), typ: typ}, nil
}

func sliceAt(typ Type, p unsafe.Pointer, n int) any {
	switch typ {
	case Float32:
		return unsafe.Slice((*float32)(p), n)
	case Float64:
		return unsafe.Slice((*float64)(p), n)
	case Int8:
		return unsafe.Slice((*int8)(p), n)
	case Int16:
		return unsafe.Slice((*int16)(p), n)
	case Int32:
		return unsafe.Slice((*int32)(p), n)
	case Int64:
		return unsafe.Slice((*int64)(p), n)
	case Uint8:
		return unsafe.Slice((*uint8)(p), n)
	case Uint16:
		return unsafe.Slice((*uint16)(p), n)
	case Uint32:
		return unsafe.Slice((*uint32)(p), n)
	case Uint64:
		return unsafe.Slice((*uint64)(p), n)
	case Bool:
		return unsafe.Slice((*bool)(p), n)
	case F16:
		return unsafe.Slice((*Float16)(p), n)
	}
	return unsafe.Slice((*BFloat16)(p), n)
}

// Elements is the elements of t, not copied, as a slice of their Go type in an
// interface; nil for the zero Tensor. [Data] and [Of] give the slice itself.
func (t Tensor) Elements() any { return t.data }
