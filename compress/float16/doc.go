// Package float16 stores the weights of a network in half precision and lets
// operators compute in it.
//
// # What becomes what
//
// Every operator that is known here and takes float16 in the ONNX standard reads
// and gives float16: its constants are rounded to nearest, ties to even. Inputs
// and outputs of the model stay float32; a Cast stands at each edge. Values keep
// their names, also those that are float16 now; a value that is needed in both
// types has the other one under a name of its own.
//
// # Range
//
// float16 holds magnitudes up to 65504, normal numbers from 6.1e-5 and subnormal
// ones, with fewer digits, from 6.0e-8. A constant beyond the range becomes
// ±65504 and is counted; one that rounds to zero is counted too. Infinities, and
// ±3.4e38 (an exporter's way to write no limit), become the range's end uncounted.
// Activations are not checked: what overflows when the model runs shows in its
// predictions.
//
// # What stays in float32
//
// Operators on the block list ([Options].Block), operators with subgraphs or of
// other domains, and those that are not known here. The default list is that of
// ONNX Runtime's converter: operators that choose, count or resample, where half
// precision changes what they choose, or whose standard has no float16.
//
// # References
//
// IEEE 754-2019 binary16. microsoft/onnxconverter-common, float16.py, the list
// DEFAULT_OP_BLOCK_LIST and keep_io_types.
package float16
