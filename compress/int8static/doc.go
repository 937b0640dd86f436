// Package int8static quantizes a network to 8-bit integers with scales that are
// fixed beforehand: weights and activations, in integer arithmetic throughout.
//
// # What becomes what
//
//   - Weights of Conv, Gemm and MatMul: int8, symmetric (zero point 0, values
//     -127 to 127), one scale for each output channel.
//   - Activations: uint8 with a scale and a zero point for the whole value, from
//     the range that calibration gives (package calibrate), zero included.
//   - Biases: int32 in units of activation scale times weight scale.
//
// The graph is first brought to the operator set that this needs and its batch
// normalizations are folded (package rewrite). A Relu, or a Clip from 0, behind a
// quantized operator goes away: its result's range starts at 0, and quantizing
// limits to the range. Operators that only move values (MaxPool, Reshape,
// Concat, ...) get one scale for all that they read and give.
//
// # Forms
//
// QDQ, the default: every operator stays as it is between DequantizeLinear and
// QuantizeLinear, and a runtime puts an integer operator in its place. QOperator:
// QLinearConv, QLinearMatMul and, for products with a bias or a float result,
// MatMulInteger. Only operators of the ONNX standard are written.
//
// # What stays in float
//
// Operators without an integer form, and those next to them for which nothing
// would be gained; the result of a last Gemm or MatMul, which the classes are
// read from. The plan lists them with reasons.
//
// doc/decisions/quantization.md says why it is done this way.
//
// # References
//
// Jacob et al., Quantization and Training of Neural Networks for Efficient
// Integer-Arithmetic-Only Inference (CVPR 2018). Krishnamoorthi, Quantizing deep
// convolutional networks for efficient inference (2018), arXiv:1806.08342. Bias
// correction: Nagel et al., Data-Free Quantization Through Weight Equalization
// and Bias Correction (ICCV 2019), section 4.2, with the mean of a layer's input
// measured rather than derived from a batch normalization.
package int8static
