package op

import (
	"unsafe"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// word is an unsigned integer as wide as an element: what operators that only
// move elements work on, whatever the elements mean.
type word interface {
	uint8 | uint16 | uint32 | uint64
}

// wordsOf is the elements of t seen as words of the same size.
func wordsOf[W word](t tensor.Tensor) []W {
	n := t.Len()
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*W)(pointer(t)), n)
}

// pointer is the address of the first element of t, which is not empty.
func pointer(t tensor.Tensor) unsafe.Pointer {
	switch t.Type() {
	case tensor.Float32:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[float32](t)))
	case tensor.Float64:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[float64](t)))
	case tensor.Int8:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[int8](t)))
	case tensor.Int16:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[int16](t)))
	case tensor.Int32:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[int32](t)))
	case tensor.Int64:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[int64](t)))
	case tensor.Uint8:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[uint8](t)))
	case tensor.Uint16:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[uint16](t)))
	case tensor.Uint32:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[uint32](t)))
	case tensor.Uint64:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[uint64](t)))
	case tensor.Bool:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[bool](t)))
	case tensor.F16:
		return unsafe.Pointer(unsafe.SliceData(tensor.Data[tensor.Float16](t)))
	}
	return unsafe.Pointer(unsafe.SliceData(tensor.Data[tensor.BFloat16](t)))
}

// mover moves elements of one size.
type mover struct {
	// gather copies, for every element of out in row-major order, the element
	// of src at base plus its index times stride.
	gather func(out, src tensor.Tensor, shape, stride []int, base int)
	// block copies n elements.
	block func(dst tensor.Tensor, to int, src tensor.Tensor, from, n int)
}

// moverOf is the mover for elements of type t.
func moverOf(t tensor.Type) mover {
	switch t.Size() {
	case 1:
		return mover{gatherWords[uint8], blockWords[uint8]}
	case 2:
		return mover{gatherWords[uint16], blockWords[uint16]}
	case 4:
		return mover{gatherWords[uint32], blockWords[uint32]}
	}
	return mover{gatherWords[uint64], blockWords[uint64]}
}

func gatherWords[W word](out, src tensor.Tensor, shape, stride []int, base int) {
	x, y := wordsOf[W](src), wordsOf[W](out)
	width, step := 1, 0
	if r := len(shape); r > 0 {
		width, step = shape[r-1], stride[r-1]
	}
	rows(shape, [][]int{stride}, func(o int, at []int) {
		i := base + at[0]
		if step == 1 {
			copy(y[o:][:width], x[i:])
			return
		}
		for k := range width {
			y[o+k] = x[i]
			i += step
		}
	})
}

func blockWords[W word](dst tensor.Tensor, to int, src tensor.Tensor, from, n int) {
	copy(wordsOf[W](dst)[to:to+n], wordsOf[W](src)[from:from+n])
}

// rowMajor is the strides of a dense array of that shape.
func rowMajor(shape []int) []int {
	st := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		st[i] = n
		n *= shape[i]
	}
	return st
}
