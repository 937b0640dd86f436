//go:build ort && (linux || darwin)

package ort

import (
	"math/rand/v2"
	"unsafe"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// random is normal variates of the given shape.
func random(rng *rand.Rand, shape ...int) tensor.Tensor {
	n, _ := tensor.Elements(shape)
	d := make([]float32, n)
	for i := range d {
		d[i] = float32(rng.NormFloat64())
	}
	return tensor.Must(tensor.New(shape, d))
}

func bytesOf(mem []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(mem))), 8*len(mem))
}

// fill gives every element bits of its own (valid ones for bool, finite floats).
func fill(t tensor.Tensor) {
	p, err := pointer(t)
	if err != nil || p == nil {
		return
	}
	b := unsafe.Slice((*byte)(p), t.Bytes())
	for i := range b {
		b[i] = byte(i % 2)
		if t.Type() != tensor.Bool {
			b[i] = byte(i*7 + 3)
		}
	}
}
