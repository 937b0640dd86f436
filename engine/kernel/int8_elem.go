package kernel

import "unsafe"

// ByteRange is how real numbers are kept in bytes: real = (byte - Zero)·Scale,
// the byte being an int8 or a uint8.
type ByteRange struct {
	Scale  float32
	Zero   int32
	Signed bool
}

// limits are those of the type, before the zero point is added.
func (r ByteRange) limits() (lo, hi float32) {
	if r.Signed {
		return float32(-128 - r.Zero), float32(127 - r.Zero)
	}
	return float32(-r.Zero), float32(255 - r.Zero)
}

// value is the integer that a byte stands for.
func (r ByteRange) value(b byte) int32 {
	if r.Signed {
		return int32(int8(b))
	}
	return int32(b)
}

func (r ByteRange) real(b byte) float32 { return float32(r.value(b)-r.Zero) * r.Scale }

// Quantize sets dst = limit(round(x/Scale) + Zero), half to even; NaN gives the
// lower limit.
func (k *Kernels) Quantize(dst []byte, x []float32, r ByteRange) {
	lo, hi := r.limits()
	dst = dst[:len(x)]
	n := 0
	if k.int8.quantize != nil {
		if n = len(x) &^ 15; n > 0 {
			k.int8.quantize(&dst[0], &x[0], n, r.Scale, lo, hi, r.Zero)
		}
	}
	for i := n; i < len(x); i++ {
		dst[i] = roundByte(x[i]/r.Scale, lo, hi, r.Zero)
	}
}

// Dequantize sets dst = (x - Zero)·Scale.
func (k *Kernels) Dequantize(dst []float32, x []byte, r ByteRange) {
	dst = dst[:len(x)]
	n := 0
	f := k.int8.dequantU
	if r.Signed {
		f = k.int8.dequantS
	}
	if f != nil {
		if n = len(x) &^ 15; n > 0 {
			f(&dst[0], &x[0], n, r.Scale, r.Zero)
		}
	}
	for i := n; i < len(x); i++ {
		dst[i] = r.real(x[i])
	}
}

// AddBytes sets dst to the quantized sum of the real numbers in a and b, kept
// between the bytes lo and hi (as integers). a and b are both signed or both
// not; dst may be either of them.
func (k *Kernels) AddBytes(dst, a, b []byte, ra, rb, rd ByteRange, lo, hi int32) {
	dst, b = dst[:len(a)], b[:len(a)]
	p := addArgs{ascale: ra.Scale, bscale: rb.Scale, azero: ra.Zero, bzero: rb.Zero,
		scale: rd.Scale, zero: rd.Zero, lo: float32(lo - rd.Zero), hi: float32(hi - rd.Zero)}
	f := k.int8.addU
	if ra.Signed {
		f = k.int8.addS
	}
	n := 0
	if f != nil && ra.Signed == rb.Signed {
		if n = len(a) &^ 15; n > 0 {
			p.dst, p.a, p.b, p.n = unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), n
			f(&p)
		}
	}
	for i := n; i < len(a); i++ {
		// The conversion keeps the sum from being fused with a product.
		sum := float32(ra.real(a[i])) + float32(rb.real(b[i]))
		dst[i] = roundByte(sum/rd.Scale, p.lo, p.hi, rd.Zero)
	}
}

// SumBytes adds the integers that x stands for, int8 or uint8, to acc.
func (k *Kernels) SumBytes(acc []int32, x []byte, signed bool) {
	acc = acc[:len(x)]
	f := k.int8.sumU
	if signed {
		f = k.int8.sumS
	}
	n := 0
	if f != nil {
		if n = len(x) &^ 15; n > 0 {
			f(&acc[0], &x[0], n)
		}
	}
	r := ByteRange{Signed: signed}
	for i := n; i < len(x); i++ {
		acc[i] += r.value(x[i])
	}
}

// MaxBytes sets dst = max(dst, x), bytes being int8 or uint8.
func (k *Kernels) MaxBytes(dst, x []byte, signed bool) {
	dst = dst[:len(x)]
	f := k.int8.maxU
	if signed {
		f = k.int8.maxS
	}
	n := 0
	if f != nil {
		if n = len(x) &^ 15; n > 0 {
			f(&dst[0], &x[0], n)
		}
	}
	r := ByteRange{Signed: signed}
	for i := n; i < len(x); i++ {
		if r.value(x[i]) > r.value(dst[i]) {
			dst[i] = x[i]
		}
	}
}

// RequantizeRow sets dst = limit(round(sums·scale) + zero) with the same scale
// for all, between the bytes lo and hi (as integers).
func (k *Kernels) RequantizeRow(dst []byte, sums []int32, scale float32, zero, lo, hi int32) {
	for i, v := range sums {
		dst[i] = roundByte(float32(v)*scale, float32(lo-zero), float32(hi-zero), zero)
	}
}
