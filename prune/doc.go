// Package prune decides which weights to remove. It knows magnitudes and
// counts, not models: layers come in as slices of float32, masks go out.
//
// # Rule
//
// Of size weights, k = round(size·(1-s)) are kept, at least one: those of
// largest magnitude. Ties at the threshold are broken by position, the earlier
// weight is kept, so that a mask keeps exactly k weights and the same weights
// give the same mask everywhere.
//
//	Layer    k of one layer
//	Global   k of all layers together
//	NofM     the largest n of every m neighbours along an axis (2:4)
//	Random   k of one layer, drawn: the control to magnitude
//
// # Assumes
//
// Weights are not NaN; a NaN counts as larger than everything.
//
// # References
//
// Zhu & Gupta, To prune, or not to prune (2017), arXiv:1710.01878, and the code
// that the audited paper used (TensorFlow's contrib/model_pruning), where the
// threshold is the k-th largest magnitude, k is rounded to nearest with ties to
// even, and weights equal to the threshold are all kept: it keeps more than k
// where there are ties. 2:4: Mishra et al., Accelerating Sparse Deep Neural
// Networks (2021), arXiv:2104.08378.
package prune
