package int8dynamic

import (
	"math"

	"github.com/lethe-audit/lethe/onnx"
)

// zero is what stands for 0 in a stored weight, and most the largest quantized
// magnitude.
const (
	zero = 128
	most = 127
)

// layout says how a weight tensor is divided into output channels: element i
// belongs to channel i / inner % channels.
type layout struct{ channels, inner int }

// quantize is a weight tensor in bytes and its scales: one for each channel, or
// the same for all.
func quantize(w []float32, l layout, perTensor bool) (q []uint8, scales []float32) {
	top := make([]float64, l.channels)
	for i, v := range w {
		c := i / l.inner % l.channels
		top[c] = max(top[c], math.Abs(float64(v)))
	}
	if perTensor {
		all := 0.0
		for _, t := range top {
			all = max(all, t)
		}
		for c := range top {
			top[c] = all
		}
	}
	scales = make([]float32, l.channels)
	for c, t := range top {
		scales[c] = float32(t / most)
		if scales[c] == 0 { // no weight is above 0, or above what a scale can say
			scales[c] = 1
		}
	}
	q = make([]uint8, len(w))
	for i, v := range w {
		s := float64(scales[i/l.inner%l.channels])
		q[i] = uint8(int(min(most, max(-most, math.RoundToEven(float64(v)/s)))) + zero)
	}
	return q, scales
}

// transposed is a matrix of rows x columns with its axes exchanged.
func transposed[T any](w []T, rows, columns int) []T {
	out := make([]T, len(w))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = w[r*columns+c]
		}
	}
	return out
}

// bytes makes a tensor of uint8.
func bytes(name string, q []uint8, dims ...int64) (*onnx.Tensor, error) {
	return onnx.NewTensor(name, onnx.Uint8, dims, q)
}
