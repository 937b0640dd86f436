package op

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// MaxPool is the largest element of each window; with a second output also
// its index in the whole input, row-major (ColumnMajor: spatial axes reversed).
type MaxPool struct {
	Window
	Indices     bool
	ColumnMajor bool
}

// Infer computes the output's shape.
func (m MaxPool) Infer(in []Arg) ([]Arg, error) {
	a, err := inferPool(m.Window, in)
	if err != nil {
		return nil, err
	}
	if m.Indices {
		return []Arg{a, {Type: tensor.Int64, Shape: a.Shape}}, nil
	}
	return []Arg{a}, nil
}

func inferPool(w Window, in []Arg) (Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return Arg{}, err
	}
	if len(in[0].Shape) < 3 {
		return Arg{}, fmt.Errorf("input has shape %v, want batch, channels and space", in[0].Shape)
	}
	p, err := w.Place(in[0].Shape[2:], nil)
	if err != nil {
		return Arg{}, err
	}
	return Arg{Type: in[0].Type, Shape: append([]int{in[0].Shape[0], in[0].Shape[1]}, p.Out...)}, nil
}

// Eval pools. A window that lies in the padding altogether gives the type's
// smallest value.
func (m MaxPool) Eval(env Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return maxPool(env, m, in[0], out, float32(math.Inf(-1)))
	case tensor.Float64:
		return maxPool(env, m, in[0], out, math.Inf(-1))
	case tensor.Int8:
		return maxPool[int8](env, m, in[0], out, math.MinInt8)
	case tensor.Uint8:
		return maxPool[uint8](env, m, in[0], out, 0)
	}
	return errType(in[0].Type())
}

func maxPool[T tensor.Number](env Env, m MaxPool, in tensor.Tensor, out []tensor.Tensor, lowest T) error {
	p, err := m.Place(in.Shape()[2:], nil)
	if err != nil {
		return err
	}
	lines, stride := p.lines(), p.Strides[len(p.Strides)-1]
	inSize, outSize := product(p.In), product(p.Out)
	x, y := tensor.Data[T](in), tensor.Data[T](out[0])
	best := tensor.Data[int64](got(out, 1)) // nil if nobody reads indices
	env.For(in.Shape()[0]*in.Shape()[1], func(plane int) {
		src, dst := x[plane*inSize:][:inSize], y[plane*outSize:][:outSize]
		for i := range dst {
			dst[i] = lowest
		}
		for _, l := range lines {
			for j := range l.n {
				v := src[l.in+j*stride]
				if d := &dst[l.out+j]; v > *d || v != v {
					*d = v
					if best != nil {
						best[plane*outSize+l.out+j] = int64(plane*inSize + m.index(p.In, l.in+j*stride))
					}
				}
			}
		}
	})
	return nil
}

// index turns a row-major offset in space into the one that is reported.
func (m MaxPool) index(space []int, at int) int {
	if !m.ColumnMajor {
		return at
	}
	idx, n := 0, product(space)
	for i := len(space) - 1; i >= 0; i-- {
		n /= space[i]
		idx += at % space[i] * n
		at /= space[i]
	}
	return idx
}

// AveragePool is the mean of each window: over the elements that lie on the
// input, or with CountPad over those on input and padding.
type AveragePool struct {
	Window
	CountPad bool
}

// Infer computes the output's shape.
func (a AveragePool) Infer(in []Arg) ([]Arg, error) {
	y, err := inferPool(a.Window, in)
	return []Arg{y}, err
}

// Eval pools.
func (a AveragePool) Eval(env Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return averagePool[float32](env, a, in[0], out[0])
	case tensor.Float64:
		return averagePool[float64](env, a, in[0], out[0])
	}
	return errType(in[0].Type())
}

func averagePool[T float32 | float64](env Env, a AveragePool, in, out tensor.Tensor) error {
	p, err := a.Place(in.Shape()[2:], nil)
	if err != nil {
		return err
	}
	lines, stride := p.lines(), p.Strides[len(p.Strides)-1]
	inSize, outSize := product(p.In), product(p.Out)
	x, y := tensor.Data[T](in), tensor.Data[T](out)
	count := a.Divisors(&p)
	env.For(in.Shape()[0]*in.Shape()[1], func(plane int) {
		src, dst := x[plane*inSize:][:inSize], y[plane*outSize:][:outSize]
		clear(dst)
		for _, l := range lines {
			axpy(dst[l.out:][:l.n], 1, src[l.in:], stride)
		}
		for i := range dst {
			dst[i] /= T(count[i])
		}
	})
	return nil
}

// Divisors is the number of elements that each window's sum is divided by; 1
// for a window without any.
func (a AveragePool) Divisors(p *Placed) []int {
	n := make([]int, product(p.Out))
	if !a.CountPad {
		for _, l := range p.lines() {
			for j := range l.n {
				n[l.out+j]++
			}
		}
	} else {
		// A window that was rounded up may reach past the padding; what lies
		// there does not count.
		for i := range n {
			n[i] = 1
			at := i
			for ax := len(p.Out) - 1; ax >= 0; ax-- {
				start := at % p.Out[ax] * p.Strides[ax]
				room := p.In[ax] + p.PadStart[ax] + p.PadStop[ax] - start
				n[i] *= min(p.Kernel[ax], (room+p.Dilations[ax]-1)/p.Dilations[ax])
				at /= p.Out[ax]
			}
		}
	}
	for i := range n {
		n[i] = max(n[i], 1)
	}
	return n
}

// GlobalPool is the mean (or with Max the largest) of all spatial positions of
// each channel; spatial axes become 1.
type GlobalPool struct{ Max bool }

// Infer computes the output's shape.
func (g GlobalPool) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	s := in[0].Shape
	if len(s) < 3 || product(s[2:]) == 0 {
		return nil, fmt.Errorf("input has shape %v, want batch, channels and space", s)
	}
	shape := make([]int, len(s))
	for i := range shape {
		shape[i] = 1
	}
	shape[0], shape[1] = s[0], s[1]
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval pools; means are summed in float64.
func (g GlobalPool) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return globalPool[float32](g, in[0], out[0])
	case tensor.Float64:
		return globalPool[float64](g, in[0], out[0])
	}
	return errType(in[0].Type())
}

func globalPool[T float32 | float64](g GlobalPool, in, out tensor.Tensor) error {
	x, y := tensor.Data[T](in), tensor.Data[T](out)
	size := product(in.Shape()[2:])
	for i := range y {
		plane := x[i*size:][:size]
		if g.Max {
			y[i] = plane[0]
			for _, v := range plane {
				y[i] = max(y[i], v)
			}
			continue
		}
		var sum float64
		for _, v := range plane {
			sum += float64(v)
		}
		y[i] = T(sum / float64(size))
	}
	return nil
}
