package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Concat joins operands along an axis.
type Concat struct{ Axis int }

// Infer adds up the lengths along the axis.
func (c Concat) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1<<16); err != nil {
		return nil, err
	}
	axis, err := axisOf(c.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(in[0].Shape)
	for i, x := range in[1:] {
		if x.Type != in[0].Type || len(x.Shape) != len(shape) {
			return nil, fmt.Errorf("input %d is %v%v, input 0 is %v%v", i+1, x.Type, x.Shape, in[0].Type, in[0].Shape)
		}
		for ax, d := range x.Shape {
			if ax == axis {
				shape[ax] += d
			} else if d != shape[ax] {
				return nil, fmt.Errorf("shapes %v and %v differ beside axis %d", in[0].Shape, x.Shape, axis)
			}
		}
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval copies the operands into place.
func (c Concat) Eval(_ Env, in, out []tensor.Tensor) error {
	axis, err := axisOf(c.Axis, out[0].Rank())
	if err != nil {
		return err
	}
	mv := moverOf(out[0].Type())
	outer, row := product(out[0].Shape()[:axis]), product(out[0].Shape()[axis:])
	to := 0
	for _, x := range in {
		n := product(x.Shape()[axis:])
		for o := range outer {
			mv.block(out[0], o*row+to, x, o*n, n)
		}
		to += n
	}
	return nil
}

// Split cuts the operand along an axis into as many pieces as there are
// outputs: with the lengths of the attribute (before opset 13) or of input 1,
// or else equal ones of which only the last may be shorter.
type Split struct {
	Axis    int
	Lengths []int
	Outputs int
}

// Infer computes the pieces' shapes.
func (s Split) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 2); err != nil {
		return nil, err
	}
	axis, err := axisOf(s.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	total := in[0].Shape[axis]
	lengths := s.Lengths
	if has(in, 1) {
		if lengths, err = need(in, 1); err != nil {
			return nil, err
		}
	}
	if lengths == nil {
		lengths = make([]int, s.Outputs)
		each := (total + s.Outputs - 1) / s.Outputs
		for i := range lengths {
			lengths[i] = max(0, min(each, total-i*each))
		}
	}
	if len(lengths) != s.Outputs {
		return nil, fmt.Errorf("%d lengths for %d outputs", len(lengths), s.Outputs)
	}
	out := make([]Arg, s.Outputs)
	for i, n := range lengths {
		if n < 0 || n > total {
			return nil, fmt.Errorf("lengths %v do not add up to %d", lengths, in[0].Shape[axis])
		}
		total -= n
		shape := slices.Clone(in[0].Shape)
		shape[axis] = n
		out[i] = Arg{Type: in[0].Type, Shape: shape}
	}
	if total != 0 {
		return nil, fmt.Errorf("lengths %v do not add up to %d", lengths, in[0].Shape[axis])
	}
	return out, nil
}

// Eval copies the pieces.
func (s Split) Eval(_ Env, in, out []tensor.Tensor) error {
	axis, err := axisOf(s.Axis, in[0].Rank())
	if err != nil {
		return err
	}
	args := []Arg{ArgOf(in[0])}
	if len(in) > 1 {
		args = append(args, ArgOf(in[1]))
	}
	pieces, err := s.Infer(args)
	if err != nil {
		return err
	}
	mv := moverOf(in[0].Type())
	outer, row := product(in[0].Shape()[:axis]), product(in[0].Shape()[axis:])
	from := 0
	for i, p := range pieces {
		n := product(p.Shape[axis:])
		if i < len(out) && out[i].Present() {
			for o := range outer {
				mv.block(out[i], o*n, in[0], o*row+from, n)
			}
		}
		from += n
	}
	return nil
}

// Transpose reorders axes: axis i of the result is axis Perm[i] of the
// operand; a nil Perm reverses them.
type Transpose struct{ Perm []int }

// Order is Perm for an operand of the given rank.
func (t Transpose) Order(rank int) ([]int, error) {
	if t.Perm == nil {
		p := make([]int, rank)
		for i := range p {
			p[i] = rank - 1 - i
		}
		return p, nil
	}
	if len(t.Perm) != rank {
		return nil, fmt.Errorf("perm %v for rank %d", t.Perm, rank)
	}
	if _, err := axesOf(t.Perm, rank); err != nil || slices.ContainsFunc(t.Perm, func(p int) bool { return p < 0 }) {
		return nil, fmt.Errorf("perm %v is no order of %d axes", t.Perm, rank)
	}
	return t.Perm, nil
}

// Infer permutes the shape.
func (t Transpose) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	perm, err := t.Order(len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(perm))
	for i, p := range perm {
		shape[i] = in[0].Shape[p]
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval moves the elements.
func (t Transpose) Eval(_ Env, in, out []tensor.Tensor) error {
	perm, err := t.Order(in[0].Rank())
	if err != nil {
		return err
	}
	st := rowMajor(in[0].Shape())
	to := make([]int, len(perm))
	for i, p := range perm {
		to[i] = st[p]
	}
	moverOf(in[0].Type()).gather(out[0], in[0], out[0].Shape(), to, 0)
	return nil
}

// Expand broadcasts the operand to the shape that input 1 holds and its own.
type Expand struct{}

// Infer broadcasts the shapes.
func (Expand) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 2); err != nil {
		return nil, err
	}
	to, err := need(in, 1)
	if err != nil {
		return nil, err
	}
	if _, err := tensor.Elements(to); err != nil {
		return nil, err
	}
	shape, err := Broadcast(in[0].Shape, to)
	if err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval repeats the elements.
func (Expand) Eval(_ Env, in, out []tensor.Tensor) error {
	shape := out[0].Shape()
	moverOf(in[0].Type()).gather(out[0], in[0], shape, strides(in[0].Shape(), shape), 0)
	return nil
}

// Gather picks, along an axis of input 0, the entries that input 1 numbers;
// negative numbers count from the end.
type Gather struct{ Axis int }

// Infer puts the indices' shape in the axis's place.
func (g Gather) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 2); err != nil {
		return nil, err
	}
	axis, err := axisOf(g.Axis, len(in[0].Shape))
	if err != nil {
		return nil, err
	}
	if in[1].Type != tensor.Int64 && in[1].Type != tensor.Int32 {
		return nil, fmt.Errorf("indices are %v, want int32 or int64", in[1].Type)
	}
	s := in[0].Shape
	return []Arg{{Type: in[0].Type, Shape: slices.Concat(s[:axis], in[1].Shape, s[axis+1:])}}, nil
}

// Eval copies the entries.
func (g Gather) Eval(_ Env, in, out []tensor.Tensor) error {
	axis, err := axisOf(g.Axis, in[0].Rank())
	if err != nil {
		return err
	}
	idx, ok := in[1].Ints()
	if !ok {
		return errType(in[1].Type())
	}
	s := in[0].Shape()
	outer, n, inner := product(s[:axis]), s[axis], product(s[axis+1:])
	mv := moverOf(in[0].Type())
	for k, i := range idx {
		if i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return fmt.Errorf("index %d is outside of length %d", idx[k], n)
		}
		for o := range outer {
			mv.block(out[0], (o*len(idx)+k)*inner, in[0], (o*n+i)*inner, inner)
		}
	}
	return nil
}

// Slice takes a range along some axes: starts, ends, axes and steps from
// attributes before opset 10, from inputs 1 to 4 since.
type Slice struct {
	Starts, Ends, Axes []int
	FromInputs         bool
}

// Range is what [Slice] takes of one axis: Len elements from Start on, Step
// apart.
type Range struct{ Start, Step, Len int }

// Ranges is the range of every axis.
func (s Slice) Ranges(in []Arg) ([]Range, error) {
	lists := [4][]int{s.Starts, s.Ends, s.Axes, nil}
	if s.FromInputs {
		for i := range lists {
			if !has(in, i+1) {
				continue
			}
			v, err := need(in, i+1)
			if err != nil {
				return nil, err
			}
			lists[i] = v
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	shape := in[0].Shape
	if axes == nil {
		for i := range starts {
			axes = append(axes, i)
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	if _, err := axesOf(axes, len(shape)); err != nil {
		return nil, err
	}
	out := make([]Range, len(shape))
	for i, d := range shape {
		out[i] = Range{0, 1, d}
	}
	for i, a := range axes {
		a, step := (a+len(shape))%len(shape), 1
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return nil, errors.New("step is 0")
		}
		out[a] = rangeOf(starts[i], ends[i], step, shape[a])
	}
	return out, nil
}

// rangeOf is Python's start:end:step of n elements.
func rangeOf(start, end, step, n int) Range {
	clamp := func(x, lo, hi int) int {
		if x < 0 {
			x += n
		}
		return max(lo, min(hi, x))
	}
	if step > 0 {
		start, end = clamp(start, 0, n), clamp(end, 0, n)
		if end <= start {
			return Range{0, 1, 0}
		}
		return Range{start, step, (end-start-1)/step + 1}
	}
	start, end = clamp(start, 0, n-1), clamp(end, -1, n-1)
	if end >= start {
		return Range{0, 1, 0}
	}
	return Range{start, step, (end-start+1)/step + 1}
}

// Infer computes the output's shape.
func (s Slice) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 5); err != nil {
		return nil, err
	}
	r, err := s.Ranges(in)
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(r))
	for i := range r {
		shape[i] = r[i].Len
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval copies the range.
func (s Slice) Eval(_ Env, in, out []tensor.Tensor) error {
	args := make([]Arg, len(in))
	for i, t := range in {
		args[i] = ArgOf(t)
	}
	r, err := s.Ranges(args)
	if err != nil {
		return err
	}
	st, base := rowMajor(in[0].Shape()), 0
	for i := range st {
		base += r[i].Start * st[i]
		st[i] *= r[i].Step
	}
	moverOf(in[0].Type()).gather(out[0], in[0], out[0].Shape(), st, base)
	return nil
}
