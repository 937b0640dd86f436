package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// fuser joins steps of a graph whose shapes are known: what follows a
// convolution or a matrix product (normalization, residual, activation) is
// computed while its result is in registers.
type fuser struct {
	g     *graph
	f     facts
	reads map[*value]int
}

// fuse gives float32 steps kernels to run on and joins them.
func fuse(g *graph, f facts) {
	z := &fuser{g: g, f: f, reads: g.readers()}
	z.each(z.rewrite)
	z.reads = g.readers()
	z.each(z.start)
	z.each(z.absorb)
}

// each calls visit for every step. Visit may change the step, and drop it or
// one before it by emptying it.
func (z *fuser) each(visit func(s *step)) {
	for _, s := range z.g.steps {
		if !s.gone() {
			visit(s)
		}
	}
	z.g.steps = slices.DeleteFunc(z.g.steps, (*step).gone)
}

func (s *step) gone() bool { return s.op == nil && s.low == nil }

// What can be joined to a step that runs on kernels. Each method reports
// whether the step takes it.
type (
	activated interface {
		// activate applies act to the result, once.
		activate(act kernel.Activation) bool
	}
	scaled interface {
		// affine makes y·scale + shift of the result, for each channel.
		affine(scale, shift []float64) bool
		// channels is the axis of the ONNX result that scale and shift lie along.
		channels(rank int) int
	}
	summed interface {
		// residual adds a last operand of the result's shape.
		residual() bool
	}
)

// absorb joins a step to the one that makes its operand.
func (z *fuser) absorb(s *step) {
	if z.absorbQuant(s) {
		return
	}
	switch o := s.low.(type) {
	case *actLow:
		if p := z.maker(s.in[0]); p != nil {
			if h, ok := p.low.(activated); ok && h.activate(o.act) {
				join(p, s)
			}
		}
		return
	case *affineLow:
		if p := z.maker(s.in[0]); p != nil && o.act.Kind == kernel.ActNone {
			if h, ok := p.low.(scaled); ok && h.channels(4) == 1 && h.affine(o.scale, o.shift) {
				join(p, s)
			}
		}
		return
	}
	if a, ok := s.op.(op.Arith); ok && len(s.in) == 2 && (a.Kind == op.Add || a.Kind == op.Mul || a.Kind == op.Sub) {
		z.absorbArith(s, a.Kind)
	}
}

// absorbArith joins a sum or product with a constant for each channel, and a
// sum with a tensor of the same shape.
func (z *fuser) absorbArith(s *step, kind op.ArithKind) {
	want, ok := z.float32(s.out[0])
	if !ok || s.in[0] == s.in[1] {
		return
	}
	// Of two convolutions, the later one takes the other as its residual.
	order := []int{0, 1}
	if z.position(s.in[1]) > z.position(s.in[0]) {
		order = []int{1, 0}
	}
	if kind == op.Sub {
		order = []int{0}
	}
	for _, i := range order {
		p := z.maker(s.in[i])
		shape, ok := z.float32(s.in[i])
		if p == nil || !ok || !slices.Equal(shape, want) {
			continue
		}
		other := s.in[1-i]
		if other.isConst() {
			if joinConstant(p, s, kind, other, want) {
				return
			}
			continue
		}
		h, ok := p.low.(summed)
		if shape, same := z.float32(other); ok && same && kind == op.Add && slices.Equal(shape, want) && h.residual() {
			join(p, s, other)
			return
		}
	}
}

// joinConstant joins y·k, y + k or y - k to the step that makes y.
func joinConstant(p, s *step, kind op.ArithKind, k *value, shape []int) bool {
	h, ok := p.low.(scaled)
	if !ok {
		return false
	}
	c, ok := perChannel(k, shape, h.channels(len(shape)))
	if !ok {
		return false
	}
	scale, shift := make([]float64, len(c)), make([]float64, len(c))
	for i, v := range c {
		switch kind {
		case op.Mul:
			scale[i] = float64(v)
		case op.Sub:
			scale[i], shift[i] = 1, -float64(v)
		default:
			scale[i], shift[i] = 1, float64(v)
		}
	}
	if !h.affine(scale, shift) {
		return false
	}
	join(p, s)
	return true
}

// join lets p make what s makes of p's result and the operands more, and drops
// s. P takes the place of s, where all operands have been made.
func join(p, s *step, more ...*value) {
	*s = step{low: p.low, in: append(slices.Clone(p.in), more...), out: s.out,
		node: p.node, kind: p.kind, joined: append(slices.Clone(p.joined), s.node)}
	s.out[0].from = s
	*p = step{}
}

// maker is the step that makes v and nothing else, if v is read only once.
func (z *fuser) maker(v *value) *step {
	if v == nil || v.from == nil || z.reads[v] != 1 || len(v.from.out) != 1 {
		return nil
	}
	return v.from
}

// position is the number of the step that makes v; -1 for inputs and constants.
func (z *fuser) position(v *value) int {
	if v.from == nil {
		return -1
	}
	return slices.Index(z.g.steps, v.from)
}

// float32 is the shape of v; ok is false unless v is known to be of float32
// and not empty.
func (z *fuser) float32(v *value) (shape []int, ok bool) {
	if v == nil {
		return nil, false
	}
	a, known := z.f.of(v)
	return a.Shape, known && a.Type == tensor.Float32 && product(a.Shape) > 0
}

// known is the facts about a step's operands.
func (z *fuser) known(s *step) []op.Arg {
	args, _ := z.f.args(s)
	return args
}

// constant is the elements of a float32 constant, nil for anything else.
func constant(v *value) []float32 {
	if !v.isConst() {
		return nil
	}
	return tensor.Data[float32](v.konst)
}

// perChannel is the elements of a constant that broadcasts to shape along one
// axis only, one for each index of that axis.
func perChannel(v *value, shape []int, axis int) ([]float32, bool) {
	c := constant(v)
	if c == nil || v.konst.Rank() > len(shape) {
		return nil, false
	}
	n := shape[axis]
	if len(c) == 1 {
		return slices.Repeat(c, n), true
	}
	i := axis - (len(shape) - v.konst.Rank())
	return c, len(c) == n && i >= 0 && v.konst.Shape()[i] == n
}

func product(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}
