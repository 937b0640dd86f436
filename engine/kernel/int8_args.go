package kernel

import "unsafe"

// requantArgs are the operands of a function that turns int32 sums into bytes
// or floats, a whole vector at a time. The assembly reads them by the offsets
// in go_asm.h.
type requantArgs struct {
	dst, acc             unsafe.Pointer
	bias                 unsafe.Pointer // int32 for each column
	scale, shift         unsafe.Pointer // float32 for each column; shift for floats only
	rows, vecs           int            // at least 1
	dstStride, accStride int            // bytes
	lo, hi               float32        // limits before the zero point is added
	zero                 int32
}

// addArgs are the operands of a quantized sum of n bytes.
type addArgs struct {
	dst, a, b      unsafe.Pointer
	n              int
	ascale, bscale float32
	scale, lo, hi  float32
	azero, bzero   int32
	zero           int32
}
