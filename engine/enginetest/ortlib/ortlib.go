// Package ortlib finds the ONNX Runtime library that tests compare with.
package ortlib

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// RequiredEnv, set to 1, turns a missing library from a skip into a failure.
const RequiredEnv = "LETHE_ORT_REQUIRED"

// Path is the file of the library: what ONNXRUNTIME_LIB names, or what
// scripts/ort.sh has installed into LETHE_ORT_DIR (default: lethe/onnxruntime in
// the user's cache). Without one the test is skipped with a message, or fails
// if [RequiredEnv] is set.
func Path(tb testing.TB) string {
	tb.Helper()
	path, err := find()
	switch {
	case err == nil:
		return path
	case os.Getenv(RequiredEnv) == "1":
		tb.Fatalf("ONNX Runtime is required and missing: %v", err)
	}
	tb.Skipf("no ONNX Runtime (scripts/ort.sh installs it): %v", err)
	return ""
}

func find() (string, error) {
	if path := os.Getenv("ONNXRUNTIME_LIB"); path != "" {
		_, err := os.Stat(path)
		return path, err
	}
	dir := os.Getenv("LETHE_ORT_DIR")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "lethe", "onnxruntime")
	}
	arch, name := runtime.GOARCH, "libonnxruntime.so.1"
	if arch == "amd64" {
		arch = "x64"
	}
	if runtime.GOOS == "darwin" {
		name = "libonnxruntime.1.dylib"
	}
	pattern := filepath.Join(dir, "node_modules", "onnxruntime-node", "bin", "napi-v*", runtime.GOOS, arch, name)
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("nothing at %s", pattern)
	}
	return found[0], nil
}
