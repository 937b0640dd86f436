//go:build !(linux || darwin || freebsd)

package onnx

import "os"

// mapFile returns nil: files are read on this system.
func mapFile(*os.File, int64) *mapping { return nil }
