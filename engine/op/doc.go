// Package op holds the ONNX operators: what shapes they give and what they
// compute, for every element type and opset that the engine runs.
//
// [New] turns a node of a graph into an [Operator]: a value that carries the
// node's attributes and nothing else, so that passes over a graph can look
// into it. Infer gives types and shapes of the outputs, Eval the elements.
//
// The code here is the definition that the engine's fast paths are tested
// against: plain loops in the layout that ONNX prescribes (batch, channels,
// then space). Floats are computed in their own precision, float16 and
// bfloat16 in float32; integers wrap as in C; quantization rounds half to
// even and saturates, as the ONNX operator pages say.
package op
