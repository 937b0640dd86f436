package prune

import (
	"fmt"
	"math"
)

// Keep is the number of weights that stay of size at a sparsity in [0, 1):
// size·(1-sparsity), rounded to nearest with ties to even, and at least 1 (0 for
// an empty layer). It panics for a sparsity outside of the range; see [Check].
func Keep(size int, sparsity float64) int {
	if err := Check(sparsity); err != nil {
		panic(err)
	}
	if size == 0 {
		return 0
	}
	return max(1, int(math.RoundToEven(float64(size)*(1-sparsity))))
}

// Check fails unless a sparsity, the share of weights to remove, is in [0, 1).
func Check(sparsity float64) error {
	if !(sparsity >= 0 && sparsity < 1) {
		return fmt.Errorf("prune: sparsity %v, want a share from 0 and below 1", sparsity)
	}
	return nil
}

// KthLargest is the k-th largest magnitude among the weights of all layers, k
// from 1. It panics if there are fewer than k weights.
func KthLargest(k int, layers ...[]float32) float32 {
	t := threshold(k, layers)
	return math.Float32frombits(t.bits)
}

// cut is where magnitudes are divided: all above are kept, and the first ties
// of those equal to it.
type cut struct {
	bits uint32 // of the magnitude; magnitudes are ordered as their bits are
	ties int
}

// abs is the bits of a magnitude.
func abs(v float32) uint32 { return math.Float32bits(v) &^ (1 << 31) }

// The two halves of a magnitude's 31 bits that threshold counts by.
const (
	lowBits  = 15
	lowMask  = 1<<lowBits - 1
	highSize = 1 << 16
)

// threshold finds the k-th largest magnitude in two passes that count: by the
// upper half of the bits, then by the lower half among those that share it. No
// weight is moved or copied.
func threshold(k int, layers [][]float32) cut {
	high := make([]int, highSize)
	total := 0
	for _, w := range layers {
		total += len(w)
		for _, v := range w {
			high[abs(v)>>lowBits]++
		}
	}
	if k < 1 || k > total {
		panic(fmt.Sprintf("prune: the %d-th largest of %d weights", k, total))
	}
	top, left := fromAbove(high, k)
	low := make([]int, lowMask+1)
	for _, w := range layers {
		for _, v := range w {
			if a := abs(v); int(a>>lowBits) == top {
				low[a&lowMask]++
			}
		}
	}
	bottom, ties := fromAbove(low, left)
	return cut{bits: uint32(top)<<lowBits | uint32(bottom), ties: ties}
}

// fromAbove is the class in which the k-th largest lies and which of that class
// it is, from 1.
func fromAbove(count []int, k int) (class, left int) {
	for i := len(count) - 1; i > 0; i-- {
		if count[i] >= k {
			return i, k
		}
		k -= count[i]
	}
	return 0, k
}
