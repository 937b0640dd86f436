// Package grad trains one network: forward pass in training mode, loss, and
// gradients of all parameters, on the CPU in float32.
//
//	model ─▶ New ─▶ Network ─▶ Step, (optimizer), Changed, Step, ... ─▶ Model
//
// The network is an ONNX classifier: one input of images, one output of logits.
// There is no second format: initializers that layers read are the parameters
// ([Param]), and [Network.Model] gives the same graph with what was learned, in
// inference form.
//
// # Layers
//
// Conv, Gemm, MatMul, BatchNormalization, LayerNormalization, activations,
// pooling, means, sums and products, and operators that move elements are
// trained (see [Operators]). A Softmax or LogSoftmax at the end is left out of
// training, because the loss wants logits; Model keeps it. An operator or a form
// of it that is not trained is an [onnx.Error] naming the node, whose reason
// wraps [op.ErrUnsupported].
//
// # Batch normalization
//
// Normalization is by the mean and the population variance of the batch,
// whatever form the node has. Running statistics move by 1 - momentum towards
// the batch's mean and its unbiased variance (divided by pixels - 1), as in
// PyTorch.
//
// # Loss
//
// The loss is the mean over the batch of the cross-entropy of softmax(logits)
// and the labels, which are smoothed by [Options.LabelSmoothing] s: 1 - s for
// the label and s/classes added to every class (Szegedy et al. 2016,
// arXiv:1512.00567, section 7), as in PyTorch.
//
// # Order
//
// Sums are cut by the shapes of the layers alone and added up in a fixed order:
// the same weights, images and labels give the same bits with any number of
// threads.
//
// # Memory
//
// Values and gradients share one block of memory by how long each is needed in
// forward and backward pass. Images lie in it with channels last.
package grad
