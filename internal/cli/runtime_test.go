//go:build !ort

package cli

import (
	"strings"
	"testing"
)

// The default program says so where it is asked for ONNX Runtime.
func TestRuntimeNotBuilt(t *testing.T) {
	for _, flags := range [][]string{{"--runtime", "ort"}, {"--ort-lib", "/lib/libonnxruntime.so.1"}} {
		args := append([]string{"predict", "m.onnx", "--data", "cifar10:x", "-o", "out"}, flags...)
		code, _, stderr := run(t, t.TempDir(), args...)
		if code != ExitError || !strings.Contains(stderr, "make build-ort") {
			t.Errorf("%v: exit code %d, %s", flags, code, stderr)
		}
	}
	code, _, stderr := run(t, t.TempDir(), "predict", "m.onnx", "--data", "cifar10:x", "-o", "out", "--runtime", "gpu")
	if code != ExitError || !strings.Contains(stderr, "want go, ort or auto") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
