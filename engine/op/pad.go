package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Pad adds elements before and after each axis, or takes some away where a
// count is negative. Counts and value come from attributes before opset 11,
// from inputs 1 (pads), 2 (value) and 3 (axes) since.
type Pad struct {
	Mode       string // constant, reflect, edge or wrap
	Pads       []int  // all starts, then all ends
	Value      float32
	FromInputs bool
}

// Counts is the elements added before and after each axis.
func (p Pad) Counts(in []Arg) (start, stop []int, err error) {
	rank := len(in[0].Shape)
	pads := p.Pads
	var axes []int
	if p.FromInputs {
		if pads, err = need(in, 1); err != nil {
			return nil, nil, err
		}
		if has(in, 3) {
			if axes, err = need(in, 3); err != nil {
				return nil, nil, err
			}
			if _, err := axesOf(axes, rank); err != nil {
				return nil, nil, err
			}
		}
	}
	start, stop = make([]int, rank), make([]int, rank)
	n := rank
	if axes != nil {
		n = len(axes)
	}
	if len(pads) != 2*n {
		return nil, nil, fmt.Errorf("%d pads for %d axes", len(pads), n)
	}
	for i := range n {
		a := i
		if axes != nil {
			a = (axes[i] + rank) % rank
		}
		start[a], stop[a] = pads[i], pads[n+i]
	}
	return start, stop, nil
}

// Infer computes the output's shape.
func (p Pad) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 4); err != nil {
		return nil, err
	}
	if p.FromInputs && !has(in, 1) {
		return nil, errors.New("input 1 (pads) is missing")
	}
	if has(in, 2) && (in[2].Type != in[0].Type || product(in[2].Shape) != 1) {
		return nil, fmt.Errorf("value is %v%v, want one %v", in[2].Type, in[2].Shape, in[0].Type)
	}
	start, stop, err := p.Counts(in)
	if err != nil {
		return nil, err
	}
	const limit = 1 << 40 // keeps the sum from overflowing
	shape := slices.Clone(in[0].Shape)
	for i, d := range shape {
		if max(start[i], stop[i]) > limit || min(start[i], stop[i]) < -limit {
			return nil, fmt.Errorf("pads %v, %v are out of range", start, stop)
		}
		n := d + start[i] + stop[i]
		if n < 0 {
			return nil, fmt.Errorf("pads %d and %d take more than length %d has", start[i], stop[i], d)
		}
		if n > 0 && (start[i] > 0 || stop[i] > 0) {
			if _, err := p.source(-1, d); err != nil {
				return nil, err
			}
		}
		shape[i] = n
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// source is the index that position i of an axis of n elements is copied
// from; -1 for the value. Positions outside of 0 to n-1 are padding.
func (p Pad) source(i, n int) (int, error) {
	if i >= 0 && i < n {
		return i, nil
	}
	switch p.Mode {
	case "constant":
		return -1, nil
	case "edge", "reflect", "wrap":
	default:
		return 0, fmt.Errorf("mode %q is not known", p.Mode)
	}
	if n == 0 {
		return 0, fmt.Errorf("nothing to pad from in mode %s", p.Mode)
	}
	switch p.Mode {
	case "edge":
		return max(0, min(n-1, i)), nil
	case "wrap":
		return ((i % n) + n) % n, nil
	}
	if n == 1 {
		return 0, nil
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i), nil
}

// Eval copies each element from its source.
func (p Pad) Eval(_ Env, in, out []tensor.Tensor) error {
	args := make([]Arg, len(in))
	for i, t := range in {
		args[i] = ArgOf(t)
	}
	start, _, err := p.Counts(args)
	if err != nil {
		return err
	}
	// from[a][i] is the offset that index i of axis a adds, -1 for padding.
	st, shape := rowMajor(in[0].Shape()), out[0].Shape()
	from := make([][]int, len(shape))
	for a, n := range shape {
		from[a] = make([]int, n)
		for i := range n {
			s, err := p.source(i-start[a], in[0].Shape()[a])
			if err != nil {
				return err
			}
			from[a][i] = s
			if s > 0 {
				from[a][i] = s * st[a]
			}
		}
	}
	value, err := p.value(in)
	if err != nil {
		return err
	}
	switch in[0].Type().Size() {
	case 1:
		padWords[uint8](out[0], in[0], value, from)
	case 2:
		padWords[uint16](out[0], in[0], value, from)
	case 4:
		padWords[uint32](out[0], in[0], value, from)
	default:
		padWords[uint64](out[0], in[0], value, from)
	}
	return nil
}

// value is the element that constant padding consists of.
func (p Pad) value(in []tensor.Tensor) (tensor.Tensor, error) {
	if v := got(in, 2); v.Present() {
		return v, nil
	}
	if p.Value == 0 {
		return tensor.Make(in[0].Type(), []int{})
	}
	v, err := tensor.Make(in[0].Type(), []int{})
	if err != nil {
		return v, err
	}
	return v, Cast{To: in[0].Type()}.Eval(Env{}, []tensor.Tensor{tensor.Scalar(p.Value)}, []tensor.Tensor{v})
}

func padWords[W word](out, in, value tensor.Tensor, from [][]int) {
	x, y, v := wordsOf[W](in), wordsOf[W](out), wordsOf[W](value)[0]
	if len(y) == 0 {
		return
	}
	if len(from) == 0 {
		y[0] = x[0]
		return
	}
	last := from[len(from)-1]
	idx := make([]int, len(from)-1)
	for o := 0; o < len(y); o += len(last) {
		base, inside := 0, true
		for a, i := range idx {
			s := from[a][i]
			inside = inside && s >= 0
			base += s
		}
		for k, s := range last {
			if inside && s >= 0 {
				y[o+k] = x[base+s]
			} else {
				y[o+k] = v
			}
		}
		for a := len(idx) - 1; a >= 0; a-- {
			if idx[a]++; idx[a] < len(from[a]) {
				break
			}
			idx[a] = 0
		}
	}
}
