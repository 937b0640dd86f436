package float16

import (
	"encoding/binary"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// The bits of float16 that matter here.
const (
	largest  = 0x7bff // 65504
	infinity = 0x7c00
	sign     = 0x8000
	normal   = 0x0400 // least normal magnitude, 2^-14
)

// tensor is a float32 constant in float16; what does not fit is counted.
func (c *converter) tensor(t *onnx.Tensor, name string) (*onnx.Tensor, error) {
	w, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 2*len(w))
	for i, v := range w {
		binary.LittleEndian.PutUint16(raw[2*i:], c.round(v))
	}
	return onnx.NewTensor(name, onnx.Float16, t.Dims, raw)
}

// round is v as bits of float16.
func (c *converter) round(v float32) uint16 {
	h := uint16(tensor.NewFloat16(v))
	switch m := h &^ sign; {
	case m == infinity && math.IsInf(float64(v), 0): // means no limit
		return h
	case m == infinity:
		if math.Abs(float64(v)) < math.MaxFloat32 {
			c.clamped++
		}
		return h&sign | largest
	case m == 0 && v != 0:
		c.flushed++
	case m < normal && m > 0:
		c.subnormal++
	}
	return h
}
