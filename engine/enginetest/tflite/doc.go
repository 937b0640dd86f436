// Package tflite rebuilds a TensorFlow Lite classifier as ONNX, for tests:
// published networks whose accuracy is known come as TFLite files.
//
// It reads what those need, from the FlatBuffers file itself: one subgraph of
// CONV_2D, ADD, AVERAGE_POOL_2D, RESHAPE (as flatten), FULLY_CONNECTED and
// SOFTMAX, in float32 or int8. Everything else is an error. An int8 network
// becomes what ONNX tools write of one: operators between DequantizeLinear and
// QuantizeLinear with the file's scales and zero points, weights stored as int8;
// the last softmax is left in float32. The ONNX graph takes images
// as batch, channels, height, width (TFLite: height, width, channels) with a
// free batch size, in the units that the original takes.
//
// Reference: tensorflow/lite/schema/schema.fbs, version 3.
package tflite
