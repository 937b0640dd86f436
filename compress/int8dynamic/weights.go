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

// each calls f for every run of neighbours that belong to one channel.
func (l layout) each(w []float32, f func(c, from, to int)) {
	for from, c := 0, 0; from < len(w); from, c = from+l.inner, (c+1)%l.channels {
		f(c, from, from+l.inner)
	}
}

// quantize is a weight tensor in bytes and its scales: one for each channel, or
// the same for all.
func quantize(w []float32, l layout, perTensor bool) (q []uint8, scales []float32) {
	top := make([]float64, l.channels)
	l.each(w, func(c, from, to int) {
		m := top[c]
		for _, v := range w[from:to] {
			m = max(m, math.Abs(float64(v)))
		}
		top[c] = m
	})
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
	l.each(w, func(c, from, to int) {
		s := float64(scales[c])
		for i, v := range w[from:to] {
			q[from+i] = uint8(int(min(most, max(-most, math.RoundToEven(float64(v)/s)))) + zero)
		}
	})
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
