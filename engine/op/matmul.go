package op

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// MatMul is the matrix product of the last two axes, broadcast over the
// others, as numpy.matmul: an operand with one axis is a row (first) or a
// column (second), and that axis is dropped from the result.
type MatMul struct{}

// Product is the sizes of a broadcast matrix product: Batch products of an
// M x K with a K x N matrix.
type Product struct {
	M, K, N int
	Lead    []int // broadcast leading axes
	Shape   []int // the result's shape
	a, b    []int // both operands' shapes with two axes at least
}

// Batch is the number of matrix products.
func (p Product) Batch() int { return product(p.Lead) }

// ProductOf computes the sizes of MatMul of operands with shapes a and b.
func ProductOf(a, b []int) (Product, error) {
	if len(a) == 0 || len(b) == 0 {
		return Product{}, fmt.Errorf("matrix product of %v and %v: a scalar is no matrix", a, b)
	}
	p := Product{a: a, b: b}
	if len(a) == 1 {
		p.a = []int{1, a[0]}
	}
	if len(b) == 1 {
		p.b = []int{b[0], 1}
	}
	ra, rb := len(p.a), len(p.b)
	p.M, p.K, p.N = p.a[ra-2], p.a[ra-1], p.b[rb-1]
	if p.b[rb-2] != p.K {
		return Product{}, fmt.Errorf("matrix product of %v and %v: inner lengths differ", a, b)
	}
	lead, err := Broadcast(p.a[:ra-2], p.b[:rb-2])
	if err != nil {
		return Product{}, err
	}
	p.Lead = lead
	p.Shape = slices.Clone(lead)
	if len(a) > 1 {
		p.Shape = append(p.Shape, p.M)
	}
	if len(b) > 1 {
		p.Shape = append(p.Shape, p.N)
	}
	return p, nil
}

// Each calls f for every product with the index of its matrix in the result,
// in a and in b.
func (p Product) Each(f func(c, a, b int)) {
	st := [][]int{strides(p.a[:len(p.a)-2], p.Lead), strides(p.b[:len(p.b)-2], p.Lead)}
	width, sa, sb := 1, 0, 0
	if r := len(p.Lead); r > 0 {
		width, sa, sb = p.Lead[r-1], st[0][r-1], st[1][r-1]
	}
	rows(p.Lead, st, func(o int, at []int) {
		for k := range width {
			f(o+k, at[0]+k*sa, at[1]+k*sb)
		}
	})
}

// Infer computes the result's shape.
func (MatMul) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 2); err != nil {
		return nil, err
	}
	if in[1].Type != in[0].Type {
		return nil, fmt.Errorf("operands are %v and %v", in[0].Type, in[1].Type)
	}
	p, err := ProductOf(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: p.Shape}}, nil
}

// Eval multiplies.
func (MatMul) Eval(env Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return matmulOf[float32](env, in, out[0])
	case tensor.Float64:
		return matmulOf[float64](env, in, out[0])
	case tensor.Int32:
		return matmulOf[int32](env, in, out[0])
	case tensor.Int64:
		return matmulOf[int64](env, in, out[0])
	case tensor.Uint32:
		return matmulOf[uint32](env, in, out[0])
	case tensor.Uint64:
		return matmulOf[uint64](env, in, out[0])
	}
	return errType(in[0].Type())
}

func matmulOf[T tensor.Number](env Env, in []tensor.Tensor, out tensor.Tensor) error {
	p, err := ProductOf(in[0].Shape(), in[1].Shape())
	if err != nil {
		return err
	}
	multiply(env, p, tensor.Data[T](in[0]), tensor.Data[T](in[1]), tensor.Data[T](out))
	return nil
}

// multiply computes every product of p; c is overwritten.
func multiply[T tensor.Number](env Env, p Product, a, b, c []T) {
	clear(c)
	p.Each(func(ci, ai, bi int) {
		env.For(p.M, func(i int) {
			row := c[(ci*p.M+i)*p.N:][:p.N]
			for k, v := range a[(ai*p.M+i)*p.K:][:p.K] {
				for j, w := range b[(bi*p.K+k)*p.N:][:p.N] {
					row[j] += v * w
				}
			}
		})
	})
}

// Gemm is Y = Alpha·A'·B' + Beta·C, where A' is A or its transpose; C, if
// there, is broadcast to the result.
type Gemm struct {
	Alpha, Beta    float32
	TransA, TransB bool
}

// Dims is the sizes of the product: M x K with K x N.
func (g Gemm) Dims(a, b []int) (m, k, n int, err error) {
	if len(a) != 2 || len(b) != 2 {
		return 0, 0, 0, fmt.Errorf("operands have shapes %v and %v, want matrices", a, b)
	}
	m, k = a[0], a[1]
	if g.TransA {
		m, k = k, m
	}
	kb, n := b[0], b[1]
	if g.TransB {
		kb, n = n, kb
	}
	if k != kb {
		return 0, 0, 0, fmt.Errorf("operands %v and %v: inner lengths differ", a, b)
	}
	return m, k, n, nil
}

// Infer computes the result's shape.
func (g Gemm) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	m, _, n, err := g.Dims(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	if in[1].Type != in[0].Type {
		return nil, fmt.Errorf("operands are %v and %v", in[0].Type, in[1].Type)
	}
	shape := []int{m, n}
	if has(in, 2) {
		if s, err := Broadcast(in[2].Shape, shape); err != nil || !slices.Equal(s, shape) {
			return nil, fmt.Errorf("bias has shape %v, which does not broadcast to %v", in[2].Shape, shape)
		}
	}
	return []Arg{{Type: in[0].Type, Shape: shape}}, nil
}

// Eval multiplies and adds.
func (g Gemm) Eval(env Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return gemmOf[float32](env, g, in, out[0])
	case tensor.Float64:
		return gemmOf[float64](env, g, in, out[0])
	case tensor.Int32:
		return gemmOf[int32](env, g, in, out[0])
	case tensor.Int64:
		return gemmOf[int64](env, g, in, out[0])
	}
	return errType(in[0].Type())
}

func gemmOf[T tensor.Number](env Env, g Gemm, in []tensor.Tensor, out tensor.Tensor) error {
	m, k, n, err := g.Dims(in[0].Shape(), in[1].Shape())
	if err != nil {
		return err
	}
	a, b, y := tensor.Data[T](in[0]), tensor.Data[T](in[1]), tensor.Data[T](out)
	if g.TransA {
		a = transposed(a, k, m)
	}
	if g.TransB {
		b = transposed(b, n, k)
	}
	p := Product{M: m, K: k, N: n, a: []int{m, k}, b: []int{k, n}}
	multiply(env, p, a, b, y)
	alpha, beta := T(g.Alpha), T(g.Beta)
	for i := range y {
		y[i] *= alpha
	}
	if c := got(in, 2); c.Present() {
		return zip(out, out, c, func(x, c T) T { return x + beta*c })
	}
	return nil
}

// transposed is the transpose of x, which has r rows of c.
func transposed[T any](x []T, r, c int) []T {
	out := make([]T, len(x))
	for i := range r {
		for j := range c {
			out[j*r+i] = x[i*c+j]
		}
	}
	return out
}
