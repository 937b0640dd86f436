package kernel

import (
	"fmt"
	"slices"
)

// ReduceMean sets dst to the mean of src, dense and row-major, over the given
// axes (none: all of them); dst holds the other axes in order.
func (k *Kernels) ReduceMean(dst, src []float32, shape, axes []int, s *Scratch) error {
	gone := make([]bool, len(shape))
	for _, a := range axes {
		if a < 0 || a >= len(shape) || gone[a] {
			return fmt.Errorf("kernel: mean: %w: axes %v of shape %v", ErrShape, axes, shape)
		}
		gone[a] = true
	}
	in, out := 1, 1
	for i, n := range shape {
		if len(axes) == 0 {
			gone[i] = true
		}
		in *= n
		if !gone[i] {
			out *= n
		}
	}
	if len(src) != in || len(dst) != out || in == 0 {
		return fmt.Errorf("kernel: mean: %w: slices of %d and %d values for %v over %v", ErrShape, len(src), len(dst), shape, axes)
	}
	k.reduceMean(dst, src, shape, gone, s)
	return nil
}

// reduceMean reduces one run of neighbouring axes at a time, the last first:
// means of means of equally many values.
func (k *Kernels) reduceMean(dst, src []float32, shape []int, gone []bool, s *Scratch) {
	end := len(shape)
	for end > 0 && !gone[end-1] {
		end--
	}
	first := end
	for first > 0 && gone[first-1] {
		first--
	}
	inner, count := product(shape[end:]), product(shape[first:end])
	outer := len(src) / (inner * count)
	out := dst
	more := slices.Contains(gone[:first], true)
	if more {
		out = make([]float32, outer*inner)
	}
	for i := range outer {
		block := src[i*count*inner : (i+1)*count*inner]
		if inner == 1 {
			out[i] = k.Sum(block) / float32(count)
		} else {
			k.MeanPixels(out[i*inner:(i+1)*inner], block, count, inner, s)
		}
	}
	if more {
		rest := append(slices.Clone(shape[:first]), shape[end:]...)
		keep := append(slices.Clone(gone[:first]), gone[end:]...)
		k.reduceMean(dst, out, rest, keep, s)
	}
}

func product(s []int) int {
	p := 1
	for _, n := range s {
		p *= n
	}
	return p
}
