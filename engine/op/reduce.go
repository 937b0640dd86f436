package op

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// ReduceKind names what a reduction makes of the elements.
type ReduceKind int

// The reductions.
const (
	Mean ReduceKind = iota
	SumOf
	Largest
	Smallest
)

// Reduce combines the elements along axes into one: axes from the attribute,
// or since opset 18 (ReduceSum: 13) from optional input 1. Without any, all
// axes are reduced, or with Noop none.
type Reduce struct {
	Kind     ReduceKind
	Axes     []int
	KeepDims bool
	Noop     bool
}

// AxisSet says for each axis of a shape whether it is reduced.
func (r Reduce) AxisSet(in []Arg) ([]bool, error) {
	axes := r.Axes
	if has(in, 1) {
		v, err := need(in, 1)
		if err != nil {
			return nil, err
		}
		axes = v
	}
	set, err := axesOf(axes, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 && !r.Noop {
		for i := range set {
			set[i] = true
		}
	}
	return set, nil
}

// Infer computes the output's shape.
func (r Reduce) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 2); err != nil {
		return nil, err
	}
	set, err := r.AxisSet(in)
	if err != nil {
		return nil, err
	}
	shape := []int{}
	for i, d := range in[0].Shape {
		switch {
		case !set[i]:
			shape = append(shape, d)
		case d == 0 && r.Kind != SumOf:
			return nil, fmt.Errorf("axis %d of shape %v is empty", i, in[0].Shape)
		case r.KeepDims:
			shape = append(shape, 1)
		}
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval reduces. Sums of floats are taken in float64, means of integers are
// truncated.
func (r Reduce) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return reduceOf[float32, float64](r, in, out[0])
	case tensor.Float64:
		return reduceOf[float64, float64](r, in, out[0])
	case tensor.Int32:
		return reduceOf[int32, int64](r, in, out[0])
	case tensor.Int64:
		return reduceOf[int64, int64](r, in, out[0])
	case tensor.Uint32:
		return reduceOf[uint32, uint64](r, in, out[0])
	case tensor.Uint64:
		return reduceOf[uint64, uint64](r, in, out[0])
	case tensor.Int8:
		return reduceOf[int8, int64](r, in, out[0])
	case tensor.Uint8:
		return reduceOf[uint8, int64](r, in, out[0])
	}
	return errType(in[0].Type())
}

func reduceOf[T, A tensor.Number](r Reduce, in []tensor.Tensor, out tensor.Tensor) error {
	args := make([]Arg, len(in))
	for i, t := range in {
		args[i] = ArgOf(t)
	}
	set, err := r.AxisSet(args)
	if err != nil {
		return err
	}
	shape := in[0].Shape()
	kept := make([]int, len(shape))
	count := 1
	for i, d := range shape {
		kept[i] = d
		if set[i] {
			kept[i] = 1
			count *= d
		}
	}
	x, y := tensor.Data[T](in[0]), tensor.Data[T](out)
	acc, seen := make([]A, len(y)), make([]bool, len(y))
	st := strides(kept, shape)
	width, step := 1, 0
	if n := len(shape); n > 0 {
		width, step = shape[n-1], st[n-1]
	}
	rows(shape, [][]int{st}, func(o int, at []int) {
		for k, v := range x[o:][:width] {
			i := at[0] + k*step
			acc[i] = combine(r.Kind, acc[i], A(v), seen[i])
			seen[i] = true
		}
	})
	for i, a := range acc {
		if r.Kind == Mean {
			a /= A(count)
		}
		y[i] = T(a)
	}
	return nil
}

func combine[A tensor.Number](kind ReduceKind, acc, v A, seen bool) A {
	switch {
	case !seen:
		return v
	case kind == Largest:
		return max(acc, v)
	case kind == Smallest:
		return min(acc, v)
	}
	return acc + v
}

// ArgMax is the index of the largest element along an axis (with Smallest: the
// smallest): the first such, or with Last the last.
type ArgMax struct {
	Axis     int
	KeepDims bool
	Last     bool
	Smallest bool
}

// Infer computes the output's shape.
func (a ArgMax) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	axis, err := axisOf(a.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	shape := []int{}
	for i, d := range in[0].Shape {
		switch {
		case i != axis:
			shape = append(shape, d)
		case d == 0:
			return nil, fmt.Errorf("axis %d of shape %v is empty", axis, in[0].Shape)
		case a.KeepDims:
			shape = append(shape, 1)
		}
	}
	return []Arg{{Type: tensor.Int64, Shape: shape}}, nil
}

// Eval finds the indices. NaN is never larger or smaller than anything.
func (a ArgMax) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return argMax[float32](a, in[0], out[0])
	case tensor.Float64:
		return argMax[float64](a, in[0], out[0])
	case tensor.Int8:
		return argMax[int8](a, in[0], out[0])
	case tensor.Int16:
		return argMax[int16](a, in[0], out[0])
	case tensor.Int32:
		return argMax[int32](a, in[0], out[0])
	case tensor.Int64:
		return argMax[int64](a, in[0], out[0])
	case tensor.Uint8:
		return argMax[uint8](a, in[0], out[0])
	case tensor.Uint16:
		return argMax[uint16](a, in[0], out[0])
	case tensor.Uint32:
		return argMax[uint32](a, in[0], out[0])
	case tensor.Uint64:
		return argMax[uint64](a, in[0], out[0])
	}
	return errType(in[0].Type())
}

func argMax[T tensor.Number](a ArgMax, in, out tensor.Tensor) error {
	axis, err := axisOf(a.Axis, in.Rank())
	if err != nil {
		return err
	}
	s := in.Shape()
	n, inner := s[axis], product(s[axis+1:])
	x, y := tensor.Data[T](in), tensor.Data[int64](out)
	for i := range y {
		at := i/inner*n*inner + i%inner
		best := 0
		for k := 1; k < n; k++ {
			v, b := x[at+k*inner], x[at+best*inner]
			if a.Smallest {
				v, b = b, v
			}
			if v > b || a.Last && v == b {
				best = k
			}
		}
		y[i] = int64(best)
	}
	return nil
}
