package op

import (
	"errors"
	"fmt"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Arg is what is known of an operand before the graph runs.
type Arg struct {
	Type  tensor.Type   // Undefined: an optional operand that was left out
	Shape []int         // lengths of the axes
	Value tensor.Tensor // the elements, where they are known already
}

// ArgOf describes a tensor whose elements are known.
func ArgOf(t tensor.Tensor) Arg { return Arg{Type: t.Type(), Shape: t.Shape(), Value: t} }

// Present reports whether the operand is there.
func (a Arg) Present() bool { return a.Type != tensor.Undefined }

// Known reports whether the elements are known.
func (a Arg) Known() bool { return a.Value.Present() }

// Operator is one node's operator with its attributes.
type Operator interface {
	// Infer gives type and shape of every output, or an error if the
	// operands do not fit. It returns [ErrNeedsValue] if a shape depends on
	// the elements of an operand that is not known yet.
	Infer(in []Arg) ([]Arg, error)
	// Eval computes the outputs. The caller has made them in the types and
	// shapes that Infer gives; operands that were left out and outputs that
	// nobody reads are the zero Tensor. Outputs share no memory with inputs.
	Eval(env Env, in, out []tensor.Tensor) error
}

// View is an operator whose first output is its first input in another
// shape, so that the elements need not be copied.
type View interface {
	Operator
	// IsView tells this operator from others of the same Go type.
	IsView() bool
}

// Env is what an operator may use while it runs. The zero Env runs everything
// on the caller's goroutine.
type Env struct {
	// Parallel calls f(0) to f(n-1), some of them at the same time, and
	// returns when all have returned. Nil: one after another.
	Parallel func(n int, f func(i int))
}

// For calls f(0) to f(n-1) and returns when all have returned.
func (e Env) For(n int, f func(i int)) {
	if e.Parallel != nil && n > 1 {
		e.Parallel(n, f)
		return
	}
	for i := range n {
		f(i)
	}
}

// ErrNeedsValue says that a shape cannot be told before an operand's
// elements are known.
var ErrNeedsValue = errors.New("shape depends on an operand's elements")

// need is the integers that operand i of in holds.
func need(in []Arg, i int) ([]int, error) {
	if !in[i].Known() {
		return nil, fmt.Errorf("%w (input %d)", ErrNeedsValue, i)
	}
	v, ok := in[i].Value.Ints()
	if !ok {
		return nil, fmt.Errorf("input %d is %v, want integers", i, in[i].Type)
	}
	return v, nil
}

// has reports whether operand i is there.
func has(in []Arg, i int) bool { return i < len(in) && in[i].Present() }

// got is operand i, or the zero Tensor if it was left out.
func got(in []tensor.Tensor, i int) tensor.Tensor {
	if i < len(in) {
		return in[i]
	}
	return tensor.Tensor{}
}

// arity fails unless between lo and hi operands are there; the first lo may
// not be left out.
func arity(in []Arg, lo, hi int) error {
	if len(in) < lo || len(in) > hi {
		if lo == hi {
			return fmt.Errorf("has %d inputs, want %d", len(in), lo)
		}
		return fmt.Errorf("has %d inputs, want %d to %d", len(in), lo, hi)
	}
	for i := range lo {
		if !in[i].Present() {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// errType says that an operator has no code for an element type.
func errType(t tensor.Type) error {
	return fmt.Errorf("element type %v is not supported", t)
}

// axisOf is axis in 0..rank-1, counted from the end if negative.
func axisOf(axis, rank int) (int, error) {
	a := axis
	if a < 0 {
		a += rank
	}
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d is outside of rank %d", axis, rank)
	}
	return a, nil
}

// axesOf is axes in 0..rank-1 as a set: has[a] says whether a is among them.
func axesOf(axes []int, rank int) (set []bool, err error) {
	set = make([]bool, rank)
	for _, x := range axes {
		a, err := axisOf(x, rank)
		if err != nil {
			return nil, err
		}
		if set[a] {
			return nil, fmt.Errorf("axis %d is listed twice", x)
		}
		set[a] = true
	}
	return set, nil
}

func product(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}
