// Package int8dynamic quantizes weights to 8 bits beforehand and activations as
// they come: no calibration examples are needed.
//
// # What becomes what
//
//	x ─▶ DynamicQuantizeLinear ─▶ ConvInteger or MatMulInteger ─▶ Cast ─▶ ·(scale of x · scales of w) ─▶ + bias
//
// Batch normalizations are first folded into the layers before them (package
// rewrite): with a scale for each channel this changes no quantized weight but
// by rounding, and saves a pass over every value. A Gemm is written as a MatMulInteger: its weights are transposed where they
// have to be, alpha goes into the scales and beta into the bias. Layers that read
// the same value share its quantization. The integer operator bears the name of
// the layer, the last operator gives its value.
//
// Weights are symmetric, one scale for each output channel (or one for all,
// PerTensor): scale = max|w| / 127, q = round(w / scale), ties to even, so q is
// from -127 to 127. They are stored as uint8 with zero point 128, which is the
// same arithmetic: ONNX Runtime had no ConvInteger for int8 weights before 2026,
// and its products of uint8 with int8 saturate on processors without VNNI, those
// of uint8 with uint8 do not.
//
// Activations are uint8 with the range of the value at hand, zero included. That
// range is over the whole batch, as the standard has it: results depend on which
// images are computed together.
//
// # What stays in float
//
// Everything but convolutions and matrix products with constant float32 weights;
// transposed convolutions; products whose weights do not have two axes.
//
// # References
//
// ONNX operators DynamicQuantizeLinear-11, ConvInteger-10, MatMulInteger-10.
// ONNX Runtime, pull request 26585 (ConvInteger for int8), and its page on
// quantization about U8S8 and saturation.
package int8dynamic
