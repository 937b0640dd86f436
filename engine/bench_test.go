package engine

import (
	"fmt"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
)

// BenchmarkRun is whole networks; bench/engine compares them with ONNX Runtime.
func BenchmarkRun(b *testing.B) {
	for _, n := range enginetest.Nets() {
		for _, batch := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", n.Name, batch), func(b *testing.B) {
				s, err := New(n.Make(), DefaultOptions())
				if err != nil {
					b.Fatal(err)
				}
				in := map[string]Tensor{"x": randomTensor(1, batch, 3, int(n.Size), int(n.Size))}
				if _, err := s.Run(b.Context(), in); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if _, err := s.Run(b.Context(), in); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
