package kernel

import (
	"encoding/binary"
	"unsafe"
)

// fill copies the input rows of output rows y0 to y1 to the window, in the form
// that the weights are packed for, and returns its start. Padding is the zero
// point.
func (c *QuantConv) fill(s *Scratch, x []byte, zero int32, y0, y1 int) unsafe.Pointer {
	spec := c.w.spec
	first := y0*spec.StrideH - c.s.PadTop
	count := (y1-y0-1)*spec.StrideH + (spec.KH-1)*spec.DilationH + 1
	row := c.width * c.pitch
	// Micro-kernels read whole lanes of the last pixel's channels only, which
	// the pitch holds; a few bytes more keep wide loads of copies inside.
	buf := s.bytes(count*row + 64)
	left := min(c.s.PadLeft, c.width)
	mid := min(c.s.W, c.width-left)
	for r := range count {
		dst := buf[r*row : (r+1)*row]
		if iy := first + r; iy < 0 || iy >= c.s.H {
			c.pad(dst, zero)
		} else {
			c.pad(dst[:left*c.pitch], zero)
			c.copyPixels(dst[left*c.pitch:], x[iy*c.s.W*c.s.XPitch:], mid, zero)
			c.pad(dst[(left+mid)*c.pitch:], zero)
		}
	}
	return unsafe.Pointer(&buf[0])
}

// pad fills pixels with the zero point: 0 as words, the byte itself otherwise.
func (c *QuantConv) pad(dst []byte, zero int32) {
	if c.w.form != quantBytes || zero == 0 && !c.w.signed {
		clear(dst)
		return
	}
	b := byte(zero)
	if c.w.signed {
		b ^= 0x80
	}
	for i := range dst {
		dst[i] = b
	}
}

// copyPixels copies n pixels. Places of the window that belong to no channel
// keep what they hold: their weights are 0.
func (c *QuantConv) copyPixels(dst, src []byte, n int, zero int32) {
	in, groups := c.w.spec.In, c.w.spec.Groups
	if c.w.form == quantDepthwise {
		groups = 1
	}
	per, step := in/groups, 4*c.w.units
	if groups == 1 && per == c.pitch && c.s.XPitch == in { // pixels without gaps
		per, n = n*in, 1
	}
	for i := range n {
		for g := range groups {
			d, s := dst[i*c.pitch+g*step:], src[i*c.s.XPitch+g*per:][:per]
			switch {
			case c.w.form != quantBytes:
				c.words(d, s, zero)
			case c.w.signed:
				flip(d[:len(s)], s)
			default:
				copy(d, s)
			}
		}
	}
}

// words writes bytes without their zero point as 16-bit integers.
func (c *QuantConv) words(dst, src []byte, zero int32) {
	d := unsafe.Slice((*int16)(unsafe.Pointer(&dst[0])), len(src))
	if c.w.signed {
		for i, b := range src {
			d[i] = int16(int32(int8(b)) - zero)
		}
		return
	}
	for i, b := range src {
		d[i] = int16(int32(b) - zero)
	}
}

// flip adds 128 to each int8, which makes it a uint8.
func flip(dst, src []byte) {
	n := len(src) &^ 7
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], binary.LittleEndian.Uint64(src[i:])^0x8080808080808080)
	}
	for i := n; i < len(src); i++ {
		dst[i] = src[i] ^ 0x80
	}
}
