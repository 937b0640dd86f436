package tensor

import "math"

// Float16 is the bits of an IEEE 754 binary16 number.
type Float16 uint16

// BFloat16 is the bits of a bfloat16 number: the upper half of a float32.
type BFloat16 uint16

// Float32 is the number as float32, which holds every binary16 exactly.
func (h Float16) Float32() float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch {
	case exp == 0x1f: // infinity or NaN, payload kept
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
	}
	// Zero or subnormal: frac · 2^-24, exact in float32.
	f := float32(frac) * (1.0 / (1 << 24))
	return math.Float32frombits(math.Float32bits(f) | sign)
}

// NewFloat16 rounds f to the nearest binary16, ties to even. What is beyond
// its range becomes an infinity; NaN stays NaN.
func NewFloat16(f float32) Float16 {
	b := math.Float32bits(f)
	sign := Float16(b>>16) & 0x8000
	mag := b & 0x7fffffff
	switch {
	case mag > 0x7f800000: // NaN: quiet, upper payload bits kept
		return sign | 0x7e00 | Float16(mag>>13)&0x3ff
	case mag >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case mag >= 0x38800000: // normal: 2^-14 and above
		mag += 0xfff + mag>>13&1
		return sign | Float16((mag-(127-15)<<23)>>13)
	case mag < 0x33000000: // below 2^-25: zero
		return sign
	}
	// Subnormal: frac · 2^-24 with the implicit one made explicit.
	frac := mag&0x7fffff | 0x800000
	shift := 126 - mag>>23 // 14 .. 24
	half := uint32(1) << (shift - 1)
	frac += half - 1 + frac>>shift&1
	return sign | Float16(frac>>shift)
}

// Float32 is the number as float32, which holds every bfloat16 exactly.
func (h BFloat16) Float32() float32 { return math.Float32frombits(uint32(h) << 16) }

// NewBFloat16 rounds f to the nearest bfloat16, ties to even; NaN stays NaN.
func NewBFloat16(f float32) BFloat16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return BFloat16(b>>16) | 0x40
	}
	return BFloat16((b + 0x7fff + b>>16&1) >> 16)
}
