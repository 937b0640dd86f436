package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// absorbQuant joins a step to the integer product before it: limits of bytes,
// and the steps by which a dynamically quantized product becomes float again
// (Cast, Mul by the scales, Add of a bias).
func (z *fuser) absorbQuant(s *step) bool {
	if len(s.out) != 1 || len(s.in) == 0 {
		return false
	}
	switch o := s.op.(type) {
	case op.Clip:
		lo, hi, ok := byteBounds(s)
		p := z.maker(s.in[0])
		if !ok || p == nil {
			return false
		}
		if h, isLimited := p.low.(interface{ limit(lo, hi int32) bool }); isLimited && h.limit(lo, hi) {
			join(p, s)
			return true
		}
	case op.Cast:
		if p, q := z.quantMaker(s.in[0]); q != nil && q.out == outInts && o.To == tensor.Float32 {
			q.out, q.scale = outFloats, []float32{1}
			join(p, s)
			return true
		}
	case op.Arith:
		return len(s.in) == 2 && (z.absorbFactor(s, o.Kind, 0) || z.absorbFactor(s, o.Kind, 1))
	}
	return false
}

// quantMaker is the step that makes v, and its form, if that is an integer
// product and v is read only once.
func (z *fuser) quantMaker(v *value) (*step, *quantLow) {
	p := z.maker(v)
	if p == nil {
		return nil, nil
	}
	q, _ := p.low.(*quantLow)
	return p, q
}

// absorbFactor joins a product with scales, or a sum with a constant, whose
// operand i is a float product of integers.
func (z *fuser) absorbFactor(s *step, kind op.ArithKind, i int) bool {
	p, q := z.quantMaker(s.in[i])
	want, ok := z.float32(s.out[0])
	if q == nil || q.out != outFloats || !ok {
		return false
	}
	if shape, ok := z.float32(s.in[i]); !ok || !slices.Equal(shape, want) {
		return false
	}
	axis, other := 1, s.in[1-i]
	if q.matrix {
		axis = len(want) - 1
	}
	switch {
	case kind == op.Add && q.shift == nil:
		k, ok := perChannel(other, want, axis)
		if !ok {
			return false
		}
		q.shift = make([]float64, len(k))
		for j, v := range k {
			q.shift[j] = float64(v)
		}
		join(p, s)
	case kind == op.Mul && q.shift == nil && q.factor == nil && len(q.scale) == 1 && q.scale[0] == 1:
		if k, ok := perChannel(other, want, axis); ok {
			q.scale = k
			join(p, s)
			return true
		}
		a, known := z.f.of(other)
		if !known || other.isConst() || a.Type != tensor.Float32 || !alongAxis(a.Shape, want, axis) {
			return false
		}
		q.factor = other
		join(p, s, other)
	default:
		return false
	}
	return true
}

// alongAxis reports whether a shape has one element, or one for each index of
// an axis of want.
func alongAxis(shape, want []int, axis int) bool {
	if n := product(shape); n == 1 {
		return len(shape) <= len(want)
	} else if n != want[axis] {
		return false
	}
	i := axis - (len(want) - len(shape))
	return i >= 0 && shape[i] == want[axis]
}

// byteBounds is the constant limits of a Clip of int8 or uint8.
func byteBounds(s *step) (lo, hi int32, ok bool) {
	if len(s.in) != 3 || len(bytesOf(s.in[1])) != 1 || len(bytesOf(s.in[2])) != 1 {
		return 0, 0, false
	}
	l, _ := s.in[1].konst.Ints()
	h, _ := s.in[2].konst.Ints()
	return int32(l[0]), int32(h[0]), l[0] <= h[0]
}
