// Package compress turns a model into a smaller or faster one, and writes down
// how.
//
//	model ─▶ Check ─▶ Scheme.Apply ─▶ validated, digests differ ─▶ model + Manifest
//	                  (one package each, below)     (Run)
//
// A [Scheme] is pure: the same model, options, calibration data and seed give
// the same bytes. It does not change the model that it is given, keeps the names
// and types of inputs and outputs, and where it can the names of nodes and of
// the values that they give, so that layers can be compared with those of the
// original. What it leaves in float it says, with the reason.
//
// [Run] applies schemes in order, checks each result and adds to the model's
// metadata where it came from: the weights digest of the first original, which
// is the lineage that makes a comparison paired, the schemes with their options,
// the ids of the calibration examples and the tool. doc/format/compress.md
// describes the keys and the manifest file.
//
//	float16      weights and computation in half precision
//	int8dynamic  int8 weights, activations quantized as they come
//	int8static   int8 weights and activations, scales fixed by calibration
//	int4weights  4-bit weights in blocks
//	magnitude    weights of least magnitude set to zero
package compress
