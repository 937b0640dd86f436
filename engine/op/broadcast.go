package op

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Broadcast is the shape that operands of the given shapes have together, by
// ONNX's (NumPy's) rule: shapes are aligned at the last axis, and an axis of
// length 1 stands for any length.
func Broadcast(shapes ...[]int) ([]int, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int, rank)
	for i := range out {
		out[i] = 1
	}
	for _, s := range shapes {
		for i, d := range s {
			o := &out[rank-len(s)+i]
			switch {
			case d == *o || d == 1:
			case *o == 1:
				*o = d
			default:
				return nil, fmt.Errorf("shapes %v do not broadcast", shapes)
			}
		}
	}
	return out, nil
}

// strides is the row-major strides of shape when it is broadcast to out: 0
// along axes that are repeated.
func strides(shape, out []int) []int {
	st := make([]int, len(out))
	n, off := 1, len(out)-len(shape)
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 {
			st[off+i] = n
		}
		n *= shape[i]
	}
	return st
}

// rows calls f for every run along the last axis of out: its offset in the
// output and in each operand with the given strides.
func rows(out []int, st [][]int, f func(o int, at []int)) {
	n := product(out)
	if n == 0 {
		return
	}
	at := make([]int, len(st))
	if len(out) == 0 {
		f(0, at)
		return
	}
	last := len(out) - 1
	idx := make([]int, last)
	for o := 0; o < n; o += out[last] {
		f(o, at)
		for ax := last - 1; ax >= 0; ax-- {
			idx[ax]++
			for j, s := range st {
				at[j] += s[ax]
			}
			if idx[ax] < out[ax] {
				break
			}
			for j, s := range st {
				at[j] -= s[ax] * out[ax]
			}
			idx[ax] = 0
		}
	}
}

// zip computes dst = f(a, b) elementwise with broadcasting. S and T differ
// only for Pow.
func zip[S, T, R tensor.Element](dst, a, b tensor.Tensor, f func(S, T) R) error {
	x, err := tensor.Of[S](a)
	if err != nil {
		return err
	}
	y, err := tensor.Of[T](b)
	if err != nil {
		return err
	}
	z, err := tensor.Of[R](dst)
	if err != nil {
		return err
	}
	shape := dst.Shape()
	st := [][]int{strides(a.Shape(), shape), strides(b.Shape(), shape)}
	width, sa, sb := 1, 0, 0
	if r := len(shape); r > 0 {
		width, sa, sb = shape[r-1], st[0][r-1], st[1][r-1]
	}
	rows(shape, st, func(o int, at []int) {
		i, j := at[0], at[1]
		for k := range width {
			z[o+k] = f(x[i], y[j])
			i += sa
			j += sb
		}
	})
	return nil
}
