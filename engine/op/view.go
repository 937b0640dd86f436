package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Reshape gives input 0 the shape that input 1 holds: -1 stands for what is
// left, 0 for the operand's own axis (with AllowZero for an empty axis).
type Reshape struct{ AllowZero bool }

// Infer computes the shape.
func (r Reshape) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 2); err != nil {
		return nil, err
	}
	want, err := need(in, 1)
	if err != nil {
		return nil, err
	}
	shape, open := make([]int, len(want)), -1
	for i, d := range want {
		switch {
		case d == -1 && open >= 0:
			return nil, fmt.Errorf("shape %v leaves more than one axis open", want)
		case d == -1:
			open, d = i, 1
		case d == 0 && !r.AllowZero:
			if i >= len(in[0].Shape) {
				return nil, fmt.Errorf("shape %v copies axis %d of shape %v", want, i, in[0].Shape)
			}
			d = in[0].Shape[i]
		}
		shape[i] = d
	}
	rest, err := tensor.Elements(shape)
	if err != nil {
		return nil, err
	}
	n := product(in[0].Shape)
	if open >= 0 {
		if rest == 0 || n%rest != 0 {
			return nil, fmt.Errorf("shape %v does not fit %d elements", want, n)
		}
		shape[open] = n / rest
		rest = n
	}
	if rest != n {
		return nil, fmt.Errorf("shape %v does not fit %d elements", want, n)
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Flatten makes a matrix: the axes before Axis are its rows.
type Flatten struct{ Axis int }

// Infer multiplies axes.
func (f Flatten) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	axis, s := f.Axis, in[0].Shape
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis > len(s) {
		return nil, fmt.Errorf("axis %d is outside of rank %d", f.Axis, len(s))
	}
	return []Arg{{Type: in[0].Type, Shape: []int{product(s[:axis]), product(s[axis:])}}}, nil
}

// Squeeze drops axes of length 1: those listed by the attribute before opset
// 13 or by input 1, or all.
type Squeeze struct{ Axes []int }

// Infer drops the axes.
func (q Squeeze) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 2); err != nil {
		return nil, err
	}
	axes := q.Axes
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
	shape := []int{}
	for i, d := range in[0].Shape {
		switch {
		case set[i] && d != 1:
			return nil, fmt.Errorf("axis %d of shape %v is not 1", i, in[0].Shape)
		case !set[i] && (axes != nil || d != 1):
			shape = append(shape, d)
		}
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Unsqueeze inserts axes of length 1, numbered as in the result.
type Unsqueeze struct{ Axes []int }

// Infer inserts the axes.
func (u Unsqueeze) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 2); err != nil {
		return nil, err
	}
	axes := u.Axes
	if has(in, 1) {
		v, err := need(in, 1)
		if err != nil {
			return nil, err
		}
		axes = v
	}
	set, err := axesOf(axes, len(in[0].Shape)+len(axes))
	if err != nil {
		return nil, err
	}
	shape, rest := make([]int, len(set)), in[0].Shape
	for i := range set {
		if set[i] {
			shape[i] = 1
			continue
		}
		shape[i], rest = rest[0], rest[1:]
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Identity gives its operand.
type Identity struct{}

// Infer gives the operand's type and shape.
func (Identity) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: in[0].Shape}}, nil
}

// Dropout gives its operand, as a trained model does; output 1 is a mask of
// true. It refuses input 2 (training_mode) unless it is known to be false, or
// the ratio, input 1, to be 0.
type Dropout struct{ Mask bool }

// Infer gives the operand's type and shape.
func (d Dropout) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 3); err != nil {
		return nil, err
	}
	if has(in, 2) {
		if !in[2].Known() {
			return nil, fmt.Errorf("%w (input 2)", ErrNeedsValue)
		}
		ratio := []float32{0.5}
		if has(in, 1) {
			ratio, _ = in[1].Value.Float32s()
		}
		if v := tensor.Data[bool](in[2].Value); len(v) != 1 || v[0] && (len(ratio) != 1 || ratio[0] != 0) {
			return nil, errors.New("training mode is not supported")
		}
	}
	x := Arg{Type: in[0].Type, Shape: in[0].Shape}
	if d.Mask {
		return []Arg{x, {Type: tensor.Bool, Shape: in[0].Shape}}, nil
	}
	return []Arg{x}, nil
}

// IsView reports that the output is the operand.
func (Reshape) IsView() bool { return true }

// IsView reports that the output is the operand.
func (Flatten) IsView() bool { return true }

// IsView reports that the output is the operand.
func (Squeeze) IsView() bool { return true }

// IsView reports that the output is the operand.
func (Unsqueeze) IsView() bool { return true }

// IsView reports that the output is the operand.
func (Identity) IsView() bool { return true }

// IsView reports that the output is the operand, unless there is a mask too.
func (d Dropout) IsView() bool { return !d.Mask }

// Eval copies the elements.
func (Reshape) Eval(_ Env, in, out []tensor.Tensor) error { return copyFirst(in, out) }

// Eval copies the elements.
func (Flatten) Eval(_ Env, in, out []tensor.Tensor) error { return copyFirst(in, out) }

// Eval copies the elements.
func (Squeeze) Eval(_ Env, in, out []tensor.Tensor) error { return copyFirst(in, out) }

// Eval copies the elements.
func (Unsqueeze) Eval(_ Env, in, out []tensor.Tensor) error { return copyFirst(in, out) }

// Eval copies the elements.
func (Identity) Eval(_ Env, in, out []tensor.Tensor) error { return copyFirst(in, out) }

// Eval copies the elements and sets the mask.
func (d Dropout) Eval(_ Env, in, out []tensor.Tensor) error {
	mask := tensor.Data[bool](got(out, 1))
	for i := range mask {
		mask[i] = true
	}
	if !out[0].Present() {
		return nil
	}
	return copyFirst(in, out)
}

func copyFirst(in, out []tensor.Tensor) error {
	if !tensor.Copy(out[0], in[0]) {
		return fmt.Errorf("cannot copy %v to %v", in[0], out[0])
	}
	return nil
}

// Constant is a tensor from the node's attributes.
type Constant struct{ Value tensor.Tensor }

// Infer gives the tensor.
func (c Constant) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 0, 0); err != nil {
		return nil, err
	}
	return []Arg{ArgOf(c.Value)}, nil
}

// Eval copies the tensor.
func (c Constant) Eval(_ Env, _, out []tensor.Tensor) error {
	return copyFirst([]tensor.Tensor{c.Value}, out)
}

// ConstantOfShape is a tensor of the shape that its operand holds, filled with
// the one element of Value.
type ConstantOfShape struct{ Value tensor.Tensor }

// Infer reads the shape.
func (c ConstantOfShape) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	shape, err := need(in, 0)
	if err != nil {
		return nil, err
	}
	if _, err := tensor.Elements(shape); err != nil {
		return nil, err
	}
	return []Arg{{Type: c.Value.Type(), Shape: shape}}, nil
}

// Eval fills the output.
func (c ConstantOfShape) Eval(_ Env, _, out []tensor.Tensor) error {
	shape := out[0].Shape()
	moverOf(c.Value.Type()).gather(out[0], c.Value, shape, make([]int, len(shape)), 0)
	return nil
}

// Shape is the lengths Start to End-1 of its operand's axes.
type Shape struct{ Start, End int }

// Infer gives the lengths, which are known.
func (s Shape) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	n := len(in[0].Shape)
	clamp := func(x int) int {
		if x < 0 {
			x += n
		}
		return max(0, min(n, x))
	}
	lo, hi := clamp(s.Start), clamp(s.End)
	return []Arg{ArgOf(tensor.FromInts(slices.Clone(in[0].Shape[lo:max(lo, hi)])))}, nil
}

// Eval writes the lengths.
func (s Shape) Eval(_ Env, in, out []tensor.Tensor) error {
	a, err := s.Infer([]Arg{ArgOf(in[0])})
	if err != nil {
		return err
	}
	return copyFirst([]tensor.Tensor{a[0].Value}, out)
}
