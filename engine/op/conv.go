package op

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// Conv is a convolution (in the sense of neural networks: a correlation) over
// any number of spatial axes: X [N, C, D1...], W [M, C/Group, K1...] and an
// optional bias [M] give [N, M, O1...].
type Conv struct {
	Window
	Group int
}

// place checks operands x and w and computes the output's shape.
func (c Conv) place(x, w []int) (p Placed, shape []int, err error) {
	if len(x) < 3 || len(w) != len(x) {
		return p, nil, fmt.Errorf("input %v and weights %v are not those of a convolution", x, w)
	}
	if c.Group < 1 || w[0]%c.Group != 0 || x[1] != w[1]*c.Group {
		return p, nil, fmt.Errorf("input %v and weights %v do not fit with group %d", x, w, c.Group)
	}
	p, err = c.Place(x[2:], w[2:])
	return p, append([]int{x[0], w[0]}, p.Out...), err
}

// Infer computes the output's shape.
func (c Conv) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	_, shape, err := c.place(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	if in[1].Type != in[0].Type {
		return nil, fmt.Errorf("input is %v, weights are %v", in[0].Type, in[1].Type)
	}
	if has(in, 2) && (len(in[2].Shape) != 1 || in[2].Shape[0] != shape[1]) {
		return nil, fmt.Errorf("bias has shape %v, want [%d]", in[2].Shape, shape[1])
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval convolves.
func (c Conv) Eval(env Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return convFloat[float32](env, c, in, out[0])
	case tensor.Float64:
		return convFloat[float64](env, c, in, out[0])
	}
	return errType(in[0].Type())
}

func convFloat[T float32 | float64](env Env, c Conv, in []tensor.Tensor, out tensor.Tensor) error {
	p, _, err := c.place(in[0].Shape(), in[1].Shape())
	if err != nil {
		return err
	}
	y := tensor.Data[T](out)
	channels, size := out.Shape()[1], product(p.Out)
	bias := tensor.Data[T](got(in, 2))
	for i := range y {
		y[i] = 0
		if bias != nil {
			y[i] = bias[i/size%channels]
		}
	}
	correlate(env, p, c.Group, in[0].Shape(), in[1].Shape(), tensor.Data[T](in[0]), tensor.Data[T](in[1]), y)
	return nil
}

// correlate adds to y, [N, M, Out...], the correlation of x, [N, C, In...],
// with w, [M, C/group, Kernel...].
func correlate[T int32 | float32 | float64](env Env, p Placed, group int, xs, ws []int, x, w, y []T) {
	batch, cin, cout, per := xs[0], xs[1], ws[0], ws[1]
	inSize, outSize, taps := product(p.In), product(p.Out), product(p.Kernel)
	lines, stride := p.lines(), p.Strides[len(p.Strides)-1]
	env.For(batch*cout, func(job int) {
		n, m := job/cout, job%cout
		first := m / (cout / group) * per // first input channel of the group
		dst := y[job*outSize:][:outSize]
		for c := range per {
			src := x[(n*cin+first+c)*inSize:][:inSize]
			coef := w[(m*per+c)*taps:][:taps]
			for _, l := range lines {
				axpy(dst[l.out:][:l.n], coef[l.tap], src[l.in:], stride)
			}
		}
	})
}

// axpy computes y[j] += a·x[j·stride].
func axpy[T int32 | float32 | float64](y []T, a T, x []T, stride int) {
	if stride == 1 {
		for j, v := range x[:len(y)] {
			y[j] += a * v
		}
		return
	}
	for j := range y {
		y[j] += a * x[j*stride]
	}
}
