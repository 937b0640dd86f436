package prediction

import "math"

// toFloat16 rounds to the nearest IEEE 754 binary16, ties to even. It reports
// false where a finite number is too large. Source of the layout: IEEE
// 754-2008, section 3.6.
func toFloat16(f float32) (uint16, bool) {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	exp := int(b>>23&0xff) - 127
	frac := b & 0x7fffff
	switch {
	case exp == 128: // infinity or NaN
		if frac != 0 {
			return sign | 0x7e00, true
		}
		return sign | 0x7c00, true
	case exp < -25: // below half the least subnormal
		return sign, true
	case exp < -14: // subnormal: 10 bits of 2^-24
		frac |= 0x800000
		return sign | uint16(roundShift(frac, uint(-exp-1))), true
	case exp > 15:
		return 0, false
	}
	// A carry out of the fraction runs into the exponent, as it should.
	h := uint32(exp+15)<<10 + roundShift(frac, 13)
	return sign | uint16(h), h < 0x7c00
}

// roundShift is v / 2^n rounded to the nearest, ties to even.
func roundShift(v uint32, n uint) uint32 {
	q, rest, half := v>>n, v&(1<<n-1), uint32(1)<<(n-1)
	if rest > half || rest == half && q&1 == 1 {
		q++
	}
	return q
}

// fromFloat16 is the exact value of a binary16.
func fromFloat16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero or subnormal: frac * 2^-24, exact in float32
		return math.Float32frombits(math.Float32bits(float32(frac)*0x1p-24) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	default:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
}
