// Package onnx reads, checks, edits and writes ONNX models. It knows the file
// format and the shapes of operators; it runs nothing and decides nothing.
//
// # Reading
//
// [Load] maps the file into memory, decodes the graph and checks it
// ([Validate]). Tensors are views into the mapping: weights are not copied.
// Whatever encoding a tensor had in the file (raw bytes, typed repeated fields,
// a second file), [Tensor.Raw] holds its elements little endian and dense; the
// writer always uses raw bytes. [Decode] does the same for bytes in memory,
// [DecodeTensor] for a TensorProto file.
//
// # What is kept
//
// Fields that this package does not model (doc strings, training
// information, quantization annotations, device configurations, fields of later
// versions) are kept as bytes with their message and written back unchanged.
// Dropped, on purpose: denotations of dimensions and types, and the segment of a
// tensor (never used by ONNX). Not readable: sparse initializers, segmented
// tensors and protobuf groups. The domain "ai.onnx" is the default domain and is
// read as "".
//
// # Hostile files
//
// Nothing is allocated by a number that a file states: every length is first
// checked against the bytes that are there. Nesting is limited to [MaxDepth].
// External data must lie inside the model's own folder, links included.
//
// # Limits
//
// Models of IR version 3 to [MaxIRVersion]; operator sets up to [MaxOpset].
// [Infer] knows the operators listed by [Operators]; for others it takes the
// shapes that the file declares.
//
// # References
//
// ONNX's onnx.proto (IR version 13, ONNX 1.20), docs/IR.md, docs/Operators.md
// and docs/ExternalData.md.
package onnx
