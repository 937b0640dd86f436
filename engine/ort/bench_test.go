//go:build ort && (linux || darwin)

package ort

import (
	"testing"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// BenchmarkCall is what one Run costs beside the model: Identity of one number.
func BenchmarkCall(b *testing.B) {
	s := sessionOf(b, library(b), model("Identity", onnx.Float, 1), engine.Options{Threads: 1})
	in := map[string]engine.Tensor{"x": tensor.Vector[float32](1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Run(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
