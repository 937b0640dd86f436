package kernel

import (
	"fmt"
	"math"
	"slices"
)

// ToNHWC transposes images NCHW to NHWC: dst[n][p][c] = src[n][c][p] for
// pixels p.
func (k *Kernels) ToNHWC(dst, src []float32, images, channels, pixels int) {
	k.transposeImages(dst, src, images, channels, pixels)
}

// ToNCHW transposes images NHWC to NCHW: dst[n][c][p] = src[n][p][c].
func (k *Kernels) ToNCHW(dst, src []float32, images, channels, pixels int) {
	k.transposeImages(dst, src, images, pixels, channels)
}

func (k *Kernels) transposeImages(dst, src []float32, images, rows, cols int) {
	size := rows * cols
	for i := range images {
		k.transpose(dst[i*size:(i+1)*size], src[i*size:(i+1)*size], rows, cols, cols, rows)
	}
}

// transposeChunk is how many columns are written before the next rows, so that
// a line of dst is still in cache when its other half is written.
const transposeChunk = 64

// transpose sets dst[j·ldd + i] = src[i·lds + j] for rows i and columns j.
func (k *Kernels) transpose(dst, src []float32, rows, cols, lds, ldd int) {
	rows8, cols8 := 0, 0
	if k.transposeBlocks != nil {
		rows8, cols8 = rows&^7, cols&^7
	}
	if rows8 > 0 {
		for j := 0; j < cols8; j += transposeChunk {
			n := min(transposeChunk, cols8-j)
			_, _ = dst[(j+n-1)*ldd+rows8-1], src[(rows8-1)*lds+j+n-1]
			k.transposeBlocks(&dst[j*ldd], &src[j], rows8, n, lds, ldd)
		}
	}
	for i := range rows {
		from := 0
		if i < rows8 {
			from = cols8
		}
		for j := from; j < cols; j++ {
			dst[j*ldd+i] = src[i*lds+j]
		}
	}
}

// Transpose sets dst to src, dense and row-major, with its axes permuted: axis
// i of the result is axis perm[i] of src (ONNX's Transpose). dst must not
// overlap src.
func (k *Kernels) Transpose(dst, src []float32, shape, perm []int) error {
	if len(perm) != len(shape) {
		return fmt.Errorf("kernel: transpose: %w: permutation %v of shape %v", ErrShape, perm, shape)
	}
	for i := range perm {
		if !slices.Contains(perm, i) {
			return fmt.Errorf("kernel: transpose: %w: %v is not a permutation", ErrShape, perm)
		}
	}
	step := make([]int, len(shape)) // of src, by its axes
	total := 1
	for i := len(shape) - 1; i >= 0; i-- {
		step[i] = total
		total *= shape[i]
	}
	if len(src) != total || len(dst) != total {
		return fmt.Errorf("kernel: transpose: %w: slices of %d and %d values for %v", ErrShape, len(src), len(dst), shape)
	}
	if total > 0 {
		k.permute(dst, src, permuted(shape, step, perm))
	}
	return nil
}

// axisStep is an axis of the result: its length and its step in src.
type axisStep struct{ n, step int }

// permuted lists the axes of the result, those that stay together joined.
func permuted(shape, step, perm []int) []axisStep {
	var out []axisStep
	for _, a := range perm {
		if shape[a] == 1 {
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].step == shape[a]*step[a] {
			out[last] = axisStep{out[last].n * shape[a], step[a]}
			continue
		}
		out = append(out, axisStep{shape[a], step[a]})
	}
	return out
}

// permute writes dst in order. The last two axes are copied or transposed as a
// block where one of them is contiguous in src.
func (k *Kernels) permute(dst, src []float32, axes []axisStep) {
	switch n := len(axes); {
	case n == 0:
		dst[0] = src[0]
	case n == 1 && axes[0].step == 1:
		copy(dst[:axes[0].n], src)
	case n == 1:
		for i := range axes[0].n {
			dst[i] = src[i*axes[0].step]
		}
	case n == 2 && axes[0].step == 1:
		k.transpose(dst, src, axes[1].n, axes[0].n, axes[1].step, axes[1].n)
	default:
		size := 1
		for _, a := range axes[1:] {
			size *= a.n
		}
		for i := range axes[0].n {
			k.permute(dst[i*size:], src[i*axes[0].step:], axes[1:])
		}
	}
}

// HalfToFloat converts IEEE 754 binary16 values to float32, exactly; NaN
// becomes quiet.
func (k *Kernels) HalfToFloat(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	n := 0
	if n8 := len(src) &^ 7; n8 > 0 && k.halfToFloat != nil {
		k.halfToFloat(&dst[0], &src[0], n8)
		n = n8
	}
	for i := n; i < len(src); i++ {
		dst[i] = halfToFloat(src[i])
	}
}

// FloatToHalf converts float32 values to IEEE 754 binary16, rounding to
// nearest, ties to even; NaN becomes quiet.
func (k *Kernels) FloatToHalf(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	n := 0
	if n8 := len(src) &^ 7; n8 > 0 && k.floatToHalf != nil {
		k.floatToHalf(&dst[0], &src[0], n8)
		n = n8
	}
	for i := n; i < len(src); i++ {
		dst[i] = floatToHalf(src[i])
	}
}

// halfToFloat is the scalar twin of VCVTPH2PS.
func halfToFloat(h uint16) float32 {
	sign, exp, mant := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&0x3ff
	switch {
	case exp == 31 && mant != 0:
		return math.Float32frombits(sign | 0x7fc00000 | mant<<13)
	case exp == 31:
		return math.Float32frombits(sign | 0x7f800000)
	case exp == 0: // subnormal: mant·2^-24
		v := float32(mant) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | mant<<13)
}

// floatToHalf is the scalar twin of VCVTPS2PH rounding to nearest even.
func floatToHalf(f float32) uint16 {
	bits := math.Float32bits(f)
	sign, abs := uint16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case abs > 0x7f800000:
		return sign | 0x7e00 | uint16(abs>>13)&0x3ff
	case abs >= 0x477ff000: // 65520 and above round to infinity
		return sign | 0x7c00
	case abs < 0x38800000: // below 2^-14: adding 0.5 rounds to a multiple of 2^-24
		v := math.Float32frombits(abs) + 0.5
		return sign | uint16(math.Float32bits(v)-0x3f000000)
	}
	rounded := abs + 0xfff + abs>>13&1
	return sign | uint16(rounded>>13-112<<10)
}
