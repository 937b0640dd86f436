package prune

import (
	"fmt"
	"math/rand/v2"
)

// Mask says of every weight whether it stays.
type Mask []bool

// Kept counts the weights that stay.
func (m Mask) Kept() int {
	n := 0
	for _, keep := range m {
		if keep {
			n++
		}
	}
	return n
}

// Apply sets the weights that do not stay to +0. It panics if w has another
// length than the mask.
func (m Mask) Apply(w []float32) {
	m.check(w)
	for i, keep := range m {
		if !keep {
			w[i] = 0
		}
	}
}

// Multiply writes w times the mask to dst, which may be w.
func (m Mask) Multiply(dst, w []float32) {
	m.check(w)
	m.check(dst)
	for i, keep := range m {
		if keep {
			dst[i] = w[i]
		} else {
			dst[i] = 0
		}
	}
}

func (m Mask) check(w []float32) {
	if len(w) != len(m) {
		panic(fmt.Sprintf("prune: a mask of %d for %d weights", len(m), len(w)))
	}
}

// Layer is the mask of one layer at a sparsity in [0, 1): it keeps exactly
// [Keep] of len(w) weights.
func Layer(w []float32, sparsity float64) Mask {
	m := make(Mask, len(w))
	Update(m, w, sparsity)
	return m
}

// Update is [Layer] into a mask that is there.
func Update(m Mask, w []float32, sparsity float64) {
	m.check(w)
	k := Keep(len(w), sparsity)
	if k == 0 {
		return
	}
	c := threshold(k, [][]float32{w})
	c.fill(m, w)
}

// fill marks what stays of w and uses up ties.
func (c *cut) fill(m Mask, w []float32) {
	for i, v := range w {
		a := abs(v)
		m[i] = a > c.bits
		if a == c.bits && c.ties > 0 {
			m[i] = true
			c.ties--
		}
	}
}

// Global is the masks of layers that share one threshold: exactly [Keep] of all
// their weights stay. Ties are kept in the order of the layers. A layer may lose
// all its weights; see the caller's report.
func Global(layers [][]float32, sparsity float64) []Mask {
	out := make([]Mask, len(layers))
	total := 0
	for i, w := range layers {
		out[i] = make(Mask, len(w))
		total += len(w)
	}
	k := Keep(total, sparsity)
	if k == 0 {
		return out
	}
	c := threshold(k, layers)
	for i, w := range layers {
		c.fill(out[i], w)
	}
	return out
}

// NofM is the mask that keeps the n weights of largest magnitude of every m
// neighbours along an axis of a tensor with dimensions dims in row-major order.
// Groups start at index 0 of the axis; a last group with fewer than m weights is
// taken as filled up with zeros, so it keeps n of what it has. It panics if dims
// do not fit w or the axis, or unless 0 < n <= m.
func NofM(w []float32, dims []int, axis, n, m int) Mask {
	size, inner := 1, 1
	for i, d := range dims {
		size *= d
		if i > axis {
			inner *= d
		}
	}
	if size != len(w) || axis < 0 || axis >= len(dims) || n < 1 || n > m {
		panic(fmt.Sprintf("prune: %d of %d along axis %d of %v for %d weights", n, m, axis, dims, len(w)))
	}
	out := make(Mask, len(w))
	if size == 0 {
		return out
	}
	length := dims[axis]
	for start := 0; start < size; start += length * inner {
		for lane := range inner {
			for from := 0; from < length; from += m {
				group(out, w, start+lane+from*inner, min(m, length-from), inner, n)
			}
		}
	}
	return out
}

// group keeps the n largest of count weights that lie stride apart.
func group(out Mask, w []float32, at, count, stride, n int) {
	for range min(n, count) {
		best := -1
		for i := range count {
			p := at + i*stride
			if !out[p] && (best < 0 || abs(w[p]) > abs(w[best])) {
				best = p
			}
		}
		out[best] = true
	}
}

// Random is a mask that keeps exactly [Keep] of size weights, drawn without
// regard to their magnitude: every choice is equally likely.
func Random(size int, sparsity float64, rng *rand.Rand) Mask {
	m := make(Mask, size)
	need := Keep(size, sparsity)
	for i := range m { // selection sampling (Knuth, TAOCP 2, algorithm 3.4.2S)
		if rng.IntN(size-i) < need {
			m[i] = true
			need--
		}
	}
	return m
}
