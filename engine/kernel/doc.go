// Package kernel holds the float32 CPU kernels that the engine is built from:
// convolution, matrix product, elementwise and transcendental functions,
// softmax, normalization, pooling, transposition and float16 conversion.
//
// Tensors are flat []float32 slices; images are NHWC, matrices row-major.
// Every kernel exists as plain Go (its scalar twin) and, for the levels AVX2
// and AVX512 on amd64 and NEON on arm64, as generated assembly. A *Kernels is
// chosen once, by Detect or For, and is safe for use by many goroutines; what
// a goroutine needs for itself is a *Scratch.
//
// # Convolution and matrix product
//
// Both stand on one strided micro-kernel,
//
//	C[m,n] (+)= Σ_p Σ_o Σ_k A[m·am + k·ak₀ + o·ak₁ + p·ak₂] · B[k·bk₀ + o·bk₁ + p·bk₂ + n]
//
// with a bias, a residual and an activation applied before C is stored. Every
// element of C is one chain of fused multiply-adds in the order p, o, k, so its
// bits depend neither on the number of threads nor on how the work is cut into
// tiles, and are the same for AVX2, AVX512 and NEON (there a clip may return the
// other zero, and activations of a second pass are scalar). The scalar twin rounds
// products and sums separately unless the compiler fuses them.
//
// Weights are packed once (PackConv, PackMatrix); a plan for a shape (Conv,
// MatMul) is cut into tiles that any goroutine may run in any order.
//
// # Training
//
// TrainWeights and TrainConv, TrainDense, Norm, Pool.Grad, ActivateGrad and
// CrossEntropy are what gradients are made of; optimizers are package train's. A
// convolution's weights are packed anew after each update, in pieces. Sums over
// images and pixels (gradients of weights, statistics) are cut by the shape alone:
// a tile computes a partial sum, and a finishing function adds the partial sums in
// order once all tiles are done. So a step has the same bits however many
// goroutines run its tiles, and in whatever order.
//
// # Errors
//
// Constructors check what a model may get wrong and return errors. Run
// functions panic when a slice is too short: that is a fault of the caller.
package kernel

//go:generate go run ./gen
