// Package magnitude prunes a trained network in one shot: the weights of least
// magnitude become zero (package prune has the rule).
//
// # What is pruned
//
// Every convolution, the stem and projections too, and every matrix product but
// the last, which gives the classes. Biases and normalizations are left alone.
// Weights that two layers share are pruned once. The graph stays as it is: what
// the zeros are worth is up to the runtime and to compression of the file.
//
// # How much
//
// Layer by layer the same share (as the audited paper does), or the same
// threshold for all layers (Global), or the larger 2 of every 4 neighbours along
// the input channels (Pattern 2:4), which some hardware runs faster.
//
// # Recalibration
//
// Pruning shifts what normalizations see. With Recalibrate their running means
// and variances are estimated anew: calibration batches run through the pruned
// network with every normalization using the batch's own moments, as in
// training, and these are averaged over the batches by their number of examples.
// Moments are taken in two passes: the mean, then the mean squared distance from
// it (divided by n, as ONNX defines training mode).
//
// # References
//
// Han et al., Learning both weights and connections (NIPS 2015),
// arXiv:1506.02626. Zhu & Gupta (2017), arXiv:1710.01878. 2:4: Mishra et al.
// (2021), arXiv:2104.08378. Recalibration: Li et al., EagleEye (ECCV 2020),
// arXiv:2007.02491, section 3.3.
package magnitude
