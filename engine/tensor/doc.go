// Package tensor is a dense array with an ONNX element type: what goes into a
// model, what comes out, and what flows between its operators.
//
// A [Tensor] is a shape and one Go slice in row-major order (the last axis
// runs fastest). Every ONNX element type that the engine computes with has one
// Go element type, so generic code may be written over [Element] or [Number]:
//
//	FLOAT float32 · DOUBLE float64 · FLOAT16 Float16 · BFLOAT16 BFloat16
//	INT8 int8 ... INT64 int64 · UINT8 uint8 ... UINT64 uint64 · BOOL bool
//
// A tensor without axes (shape []) is a scalar with one element; an axis of
// length 0 makes an empty tensor.
package tensor
