// Package zoo writes well-known classifiers as ONNX graphs with seeded initial
// weights. There is no second model format: what [Build] returns is trained,
// compressed, run and shipped like any user's own file.
//
// Every network takes one input "input", [N, channels, size, size] in float32,
// and gives one output "logits", [N, classes], without a final softmax.
// Convolutions are in front of BatchNormalization nodes in ONNX's inference
// form (one output); a trainer runs them on the statistics of the batch.
//
// # Weights
//
// Each tensor has its own stream of random numbers, drawn from the seed and the
// tensor's name: networks of one seed that share a layer share its weights, and
// the same seed gives the same bytes everywhere. How each network is
// initialized is said at the function that builds it, with the source.
//
// # Not taken from the sources
//
// Running statistics of batch normalization move by 1/10 a step (PyTorch's
// default) in every network; Keras' 1/100 needs longer runs than the short
// recipes. MobileNetV2's dropout in front of the classifier is left out: the
// graph is the same at training and at inference.
package zoo
