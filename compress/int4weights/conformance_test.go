package int4weights_test

import (
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/compresstest"
	"github.com/lethe-audit/lethe/compress/int4weights"
)

func TestConformance(t *testing.T) {
	// The default tolerance is for ONNX Runtime: it puts MatMulNBits in the place
	// of DequantizeLinear and MatMul, which by default rounds the other operand
	// to int8 (session.qdq_matmulnbits_accuracy_level 4). Without its
	// optimizations the two agree to float32 rounding.
	o := compresstest.DefaultOptions()
	compresstest.Run(t, func() compress.Scheme { return int4weights.New(int4weights.DefaultOptions()) }, o)
}
