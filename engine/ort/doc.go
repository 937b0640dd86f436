// Package ort runs models in ONNX Runtime, behind the same [engine.Session]
// interface as the engine of this module: for operators that the engine lacks,
// and to check it.
//
// The library is never linked and no C compiler is needed: [Open] loads it at
// run time through its C interface. That makes a program dynamically linked,
// so the package is empty unless the build tag "ort" is given (make build-ort,
// Linux and macOS); without it Open returns [ErrNotBuilt].
//
// The C interface is a table of functions to which later versions only append,
// so any library of version 1.17 or newer serves (doc/decisions/ort.md).
//
// What differs from the engine: Options.CPU is ignored, ONNX Runtime chooses
// its instructions itself; Options.Reference turns its graph optimizations off;
// a model must fit into one ONNX file (onnx.MaxBytes).
package ort

import "errors"

// LibEnv is the environment variable that names the library, such as
// .../libonnxruntime.so.1.
const LibEnv = "ONNXRUNTIME_LIB"

var (
	// ErrNotBuilt says that the program was built without this package.
	ErrNotBuilt = errors.New("ort: this program was built without ONNX Runtime (make build-ort builds one with it)")
	// ErrLibrary says that the library could not be loaded.
	ErrLibrary = errors.New("ort: no ONNX Runtime library")
	// ErrRuntime says that ONNX Runtime refused a model or an input.
	ErrRuntime = errors.New("onnx runtime")
)
