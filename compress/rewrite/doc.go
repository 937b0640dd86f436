// Package rewrite changes graphs in ways that keep what they compute: the steps
// that come before a model is quantized.
//
//	RaiseOpset      the same graph in a newer operator set
//	FoldBatchNorm   batch normalization into the layer before it
//	PlainProducts   Gemm without factors, MatMul and Add as one Gemm
//	Equalize        weight ranges evened out between consecutive layers
//
// All of them edit the model that they are given (see [onnx.Model.Clone]) and
// put new constants beside the old ones, never in their place, so that weights
// which two nodes share stay right. Arithmetic is in float64, rounded once to
// float32. What a rewrite cannot do it leaves as it is and lists.
//
// # References
//
// Folding: Jacob et al., Quantization and Training of Neural Networks for
// Efficient Integer-Arithmetic-Only Inference (CVPR 2018), section 3.2.
// Equalization: Nagel et al., Data-Free Quantization Through Weight
// Equalization and Bias Correction (ICCV 2019), section 4.1.
package rewrite
