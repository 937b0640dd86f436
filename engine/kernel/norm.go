package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// BatchNorm sets dst = x·scale + shift, channel by channel, for rows of
// len(scale) channels; dst may be x. The engine folds mean and variance into
// scale and shift.
func (k *Kernels) BatchNorm(dst, x, scale, shift []float32) {
	c := len(scale)
	if c == 0 || len(x)%c != 0 || len(shift) != c {
		panic(fmt.Sprintf("kernel: batch norm: %d values, %d and %d channels", len(x), c, len(shift)))
	}
	if rows := len(x) / c; rows > 0 {
		dst = dst[:len(x)]
		k.affineRows(&dst[0], &x[0], &scale[0], &shift[0], rows, c, c, c)
	}
}

// LayerNorm sets each row of len(gamma) values to (x - mean)/√(variance + eps)·gamma + beta,
// the variance being the mean squared distance from the row's mean (two
// passes). dst may be x.
func (k *Kernels) LayerNorm(dst, x, gamma, beta []float32, eps float32) {
	n := len(gamma)
	k.eachRow("layer norm", dst, x, n, func(d, v *float32) {
		mean := k.sumOf(v, n) / float32(n)
		variance := k.sumSquares(v, n, mean) / float32(n)
		inv := float32(1 / math.Sqrt(float64(variance)+float64(eps)))
		k.normRow(d, v, &gamma[0], &beta[:n][0], n, mean, inv)
	})
}

// Softmax sets each row of n values to e^(x - max)/Σ e^(x - max); dst may be x.
func (k *Kernels) Softmax(dst, x []float32, n int) {
	k.eachRow("softmax", dst, x, n, func(d, v *float32) {
		sum := k.expSum(d, v, n, k.maxOf(v, n))
		k.binary[Div][vectorScalar](d, d, &sum, 1, n, 0, 0, 0)
	})
}

// LogSoftmax sets each row of n values to x - max - log Σ e^(x - max). dst must
// not be x.
func (k *Kernels) LogSoftmax(dst, x []float32, n int) {
	k.eachRow("log softmax", dst, x, n, func(d, v *float32) {
		m := k.maxOf(v, n)
		log := float32(math.Log(float64(k.expSum(d, v, n, m))))
		k.binary[Sub][vectorScalar](d, v, &m, 1, n, 0, 0, 0)
		k.binary[Sub][vectorScalar](d, d, &log, 1, n, 0, 0, 0)
	})
}

// eachRow visits the rows of n values of x and dst.
func (k *Kernels) eachRow(what string, dst, x []float32, n int, f func(d, v *float32)) {
	if n < 1 || len(x)%n != 0 {
		panic(fmt.Sprintf("kernel: %s: %d values are not rows of %d", what, len(x), n))
	}
	dst = dst[:len(x)]
	for i := 0; i < len(x); i += n {
		f(&dst[i], &x[i])
	}
}

// Sum is the sum of x, added up lane by lane.
func (k *Kernels) Sum(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return k.sumOf(&x[0], len(x))
}

func scalarReductions(k *Kernels) {
	k.maxOf = func(x *float32, n int) float32 {
		acc := float32(math.Inf(-1))
		for _, v := range unsafe.Slice(x, n) {
			if !(acc > v) {
				acc = v
			}
		}
		return acc
	}
	k.sumOf = func(x *float32, n int) float32 {
		var acc float64
		for _, v := range unsafe.Slice(x, n) {
			acc += float64(v)
		}
		return float32(acc)
	}
	k.sumSquares = func(x *float32, n int, mean float32) float32 {
		var acc float64
		for _, v := range unsafe.Slice(x, n) {
			d := float64(v - mean)
			acc += d * d
		}
		return float32(acc)
	}
	k.expSum = func(dst, x *float32, n int, m float32) float32 {
		var acc float64
		d := unsafe.Slice(dst, n)
		for i, v := range unsafe.Slice(x, n) {
			d[i] = float32(math.Exp(float64(v - m)))
			acc += float64(d[i])
		}
		return float32(acc)
	}
	k.normRow = func(dst, x, gamma, beta *float32, n int, mean, inv float32) {
		d, g, b := unsafe.Slice(dst, n), unsafe.Slice(gamma, n), unsafe.Slice(beta, n)
		for i, v := range unsafe.Slice(x, n) {
			d[i] = (v-mean)*inv*g[i] + b[i]
		}
	}
}
