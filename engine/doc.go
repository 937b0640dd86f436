// Package engine runs ONNX graphs on the CPU.
//
//	model ─▶ Compile ─▶ Program ─▶ NewSession ─▶ Run, Run, Run
//
// [Compile] turns a model into a [Program]: a graph of steps over values, each
// step an operator of package engine/op with its attributes, constants folded,
// normalizations and activations fused. A Program is read-only and shared by
// any number of sessions.
//
// For every shape of inputs that a session meets, the program makes a plan
// once: all shapes are inferred, images are laid out with channels last,
// convolutions and products are handed to package engine/kernel, and every
// value gets a place in one arena by how long it lives. A step that the
// kernels do not cover runs its definition in engine/op, in ONNX's own layout.
//
// A plan is data: steps, values and who produces them stay addressable after
// compilation, so that other passes over it (a backward pass) can be added.
//
// # Threads
//
// A batch is cut into groups of images that run through the whole graph on one
// core each, while their values are still in its cache. Images that are left
// over, a batch of one, and graphs whose images depend on one another are run
// step by step, each step cut into tiles. How the work is cut never changes a
// bit of the result.
package engine
