package kernel

import (
	"math"
	"unsafe"
)

// int8Funcs are the functions of bytes of one level.
type int8Funcs struct {
	lanes        int           // columns of a vector
	bytes, words [][]microFunc // by vectors-1, rows-1; bytes is nil where the processor cannot
	depthwise    microFunc     // one pixel; n[2] is the number of vectors

	requantBytes, requantFloats func(p *requantArgs)

	// nil at level Scalar; lengths are multiples of 16
	quantize           func(dst *byte, x *float32, n int, scale, lo, hi float32, zero int32)
	dequantU, dequantS func(dst *float32, x *byte, n int, scale float32, zero int32)
	addU, addS         func(p *addArgs)
	sumU, sumS         func(acc *int32, x *byte, n int)
	maxU, maxS         func(dst, x *byte, n int)
}

// scalarInt8 are the functions in plain Go.
func scalarInt8() int8Funcs {
	f := int8Funcs{lanes: scalarLanes, bytes: [][]microFunc{{}}, words: [][]microFunc{{}}}
	for rows := 1; rows <= 4; rows++ {
		f.bytes[0] = append(f.bytes[0], scalarDot(rows, dotOfBytes))
		f.words[0] = append(f.words[0], scalarDot(rows, dotOfWords))
	}
	f.depthwise = func(p *microArgs) { scalarDepthwise(p, scalarLanes) }
	f.requantBytes = func(p *requantArgs) { scalarRequant(p, true) }
	f.requantFloats = func(p *requantArgs) { scalarRequant(p, false) }
	return f
}

// dotOfBytes is the sum of four products of unsigned and signed bytes.
func dotOfBytes(a, b uint32) int32 {
	return int32(a&0xff)*int32(int8(b)) + int32(a>>8&0xff)*int32(int8(b>>8)) +
		int32(a>>16&0xff)*int32(int8(b>>16)) + int32(a>>24)*int32(int8(b>>24))
}

// dotOfWords is the sum of two products of signed words.
func dotOfWords(a, b uint32) int32 {
	return int32(int16(a))*int32(int16(b)) + int32(int16(a>>16))*int32(int16(b>>16))
}

// scalarDot is the scalar twin of the integer micro-kernels with one vector.
func scalarDot(rows int, dot func(a, b uint32) int32) microFunc {
	first := (rows + 1) / 2
	return func(p *microArgs) {
		for r := range rows {
			a, c := unsafe.Add(p.a, r*p.am), unsafe.Add(p.c, r*p.cm)
			if r >= first {
				a, c = unsafe.Add(p.a, p.am2+(r-first)*p.am), unsafe.Add(p.c, p.cm2+(r-first)*p.cm)
			}
			*(*[scalarLanes]int32)(c) = scalarDotRow(p, a, dot)
		}
	}
}

func scalarDotRow(p *microArgs, a unsafe.Pointer, dot func(a, b uint32) int32) (sum [scalarLanes]int32) {
	for ip := range p.n[2] {
		for io := range p.n[1] {
			at, bt := ip*p.ak[2]+io*p.ak[1], ip*p.bk[2]+io*p.bk[1]
			for range p.n[0] {
				x := lane(unsafe.Add(a, at))
				w := (*[scalarLanes]int32)(unsafe.Add(p.b, bt))
				for i := range sum {
					sum[i] += dot(x, uint32(w[i]))
				}
				at += p.ak[0]
				bt += p.bk[0]
			}
		}
	}
	return sum
}

// lane is four bytes of the window, which may lie at any address.
func lane(p unsafe.Pointer) uint32 {
	b := (*[4]byte)(p)
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// scalarDepthwise is the scalar twin of the depthwise pixel.
func scalarDepthwise(p *microArgs, lanes int) {
	channels := p.n[2] * lanes
	c := unsafe.Slice((*int32)(p.c), channels)
	clear(c)
	for o := range p.n[1] {
		for k := range p.n[0] {
			x := unsafe.Slice((*int16)(unsafe.Add(p.a, o*p.ak[1]+k*p.ak[0])), channels)
			w := unsafe.Slice((*int32)(unsafe.Add(p.b, o*p.bk[1]+k*p.bk[0])), channels)
			for i, v := range x {
				c[i] += int32(v) * int32(int16(w[i]))
			}
		}
	}
}

func scalarRequant(p *requantArgs, toBytes bool) {
	n := p.vecs * scalarLanes
	bias, scale := unsafe.Slice((*int32)(p.bias), n), unsafe.Slice((*float32)(p.scale), n)
	shift := unsafe.Slice((*float32)(p.shift), n)
	for r := range p.rows {
		acc := unsafe.Slice((*int32)(unsafe.Add(p.acc, r*p.accStride)), n)
		dst := unsafe.Add(p.dst, r*p.dstStride)
		for i, v := range acc {
			f := float32(float32(v+bias[i]) * scale[i]) // rounded before anything is added
			if toBytes {                                // bytes may overwrite sums that have been read
				*(*byte)(unsafe.Add(dst, i)) = roundByte(f, p.lo, p.hi, p.zero)
			} else {
				*(*float32)(unsafe.Add(dst, 4*i)) = f + shift[i]
			}
		}
	}
}

// roundByte is limit(round(v)) + zero, half to even; NaN gives the lower limit.
func roundByte(v, lo, hi float32, zero int32) byte {
	if !(v > lo) {
		v = lo
	}
	if v > hi {
		v = hi
	}
	return byte(int32(math.RoundToEven(float64(v))) + zero)
}
