// Package calibrate finds the ranges of a network's values over examples: what
// the scales of a quantized network are made of.
//
//	s, err := calibrate.Collect(ctx, model, examples, request)
//	r, err := s.Values[name].Range(calibrate.DefaultOptions())
//
// # Memory
//
// Values are not kept. The examples run through the network a few at a time;
// what stays of a value is its smallest and largest element, a histogram where
// the method needs one, and sums for each channel where they are asked for.
// The histogram needs the largest magnitude, so that percentile and entropy run
// the examples twice.
//
// # Methods
//
//   - minmax: smallest and largest element.
//   - percentile: the range that leaves out a share of the elements.
//   - entropy: the threshold T for which the values limited to [-T, T] and then
//     quantized have the least Kullback-Leibler divergence from the original.
//
// # References
//
// Entropy: Migacz, 8-bit Inference with TensorRT (GTC 2017), slides 26 to 39, in
// the form of NVIDIA's pytorch-quantization (calib/histogram.py): 2048 bins of
// the magnitude, 128 levels for values of both signs and 256 for values of one
// sign, the bin at zero given its neighbor's count, the last of equal minima.
// Percentile and comparison of the methods: Wu et al., Integer Quantization for
// Deep Learning Inference (2020), arXiv:2004.09602, section 3.4 and 5.
package calibrate
