// Package int4weights stores the weights of a network in 4 bits and leaves its
// arithmetic in float: the harder end of a ladder of compressions.
//
// Every constant weight of a Conv, Gemm or MatMul is cut into blocks of elements
// that one result is made of (along K of a matrix [K, N], along input channels
// and kernel of a convolution), and each block has a float32 scale:
//
//	q = round(w / scale), -7 to 7,   scale = largest magnitude of the block / 7
//
// so that an element is off by at most half a scale. In the model they are INT4
// constants behind DequantizeLinear with block_size, which came with operator
// set 21. A convolution's are a matrix of output channels by all that is summed
// for one, given its axes by a Reshape. Biases and everything else stay float32.
//
// # References
//
// ONNX, DequantizeLinear-21. Block-wise rounding to nearest is what Dettmers
// and Zettlemoyer, The case for 4-bit precision (ICML 2023), arXiv:2212.09720,
// section 2.2, call blocking.
package int4weights
