// Package train trains one member: an ONNX classifier over images, dense or
// pruned while it trains.
//
//	Recipe (YAML) ─┐
//	model (ONNX) ──┼─▶ Member ─▶ model, manifest, curve
//	images, seed ──┘     │
//	                     └─▶ checkpoints: a run that was killed goes on
//
// # The same bits
//
// A member depends on the model, the images, the recipe, the sparsity and the
// seed, and on nothing else: not on the number of threads, not on when it was
// interrupted. All randomness is computed from counters: the order of the
// images from (seed, epoch), the augmentation of an image from (seed, epoch, image).
//
// # Step by step
//
// A step takes a batch, computes loss and gradients on the masked weights (engine/grad),
// updates the dense weights, and counts. Before a step at which a pruning update
// is due (train/gmp), masks are recomputed from the dense weights (prune), so a
// weight can come back. Images that do not fill a last batch are left out of
// their epoch; another order leaves out others in the next.
//
// # Files
//
// doc/format/training.md describes the manifest, the curve and the checkpoint.
package train
