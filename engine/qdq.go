package engine

import (
	"math"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// integrator replaces float operators between DequantizeLinear and
// QuantizeLinear by operators on the integers themselves.
type integrator struct {
	g     *graph
	reads map[*value]int
}

// integrate does so for the whole graph.
func (g *graph) integrate() {
	q := &integrator{g: g, reads: g.readers()}
	for _, match := range []func(*step) []*step{q.quantized, q.product} {
		var out []*step
		for _, s := range g.steps {
			steps := match(s)
			if steps == nil {
				steps = []*step{s}
			}
			out = append(out, steps...)
		}
		g.steps = out
		g.prune()
	}
}

// quant is a value that stands for real numbers: (x - zero)·scale.
type quant struct {
	x, scale, zero *value
	axis           int
}

// single reports whether there is one scale for all elements.
func (q quant) single() bool { return q.scale.konst.Len() == 1 }

// typ is int8 or uint8.
func (q quant) typ() tensor.Type { return q.zero.konst.Type() }

// same reports whether two values with one scale each have the same.
func (q quant) same(o quant) bool {
	return q.typ() == o.typ() && tensor.Data[float32](q.scale.konst)[0] == tensor.Data[float32](o.scale.konst)[0] &&
		q.zero.konst.Bytes8()[0] == o.zero.konst.Bytes8()[0]
}

// parameters are the constant scale and zero point of a step that quantizes or
// dequantizes to 8 bits.
func parameters(s *step, g op.Grid) (q quant, ok bool) {
	if g.Block != 0 || len(s.in) < 3 || s.in[2] == nil || !s.in[2].isConst() || constant(s.in[1]) == nil {
		return q, false
	}
	q = quant{x: s.in[0], scale: s.in[1], zero: s.in[2], axis: g.Axis}
	return q, q.zero.konst.Bytes8() != nil && q.zero.konst.Len() == q.scale.konst.Len() && q.scale.konst.Len() > 0
}

// dequantized is what v was dequantized from.
func dequantized(v *value) (q quant, ok bool) {
	if v == nil || v.from == nil {
		return q, false
	}
	d, isDequant := v.from.op.(op.Dequantize)
	if !isDequant || d.To != tensor.Undefined {
		return q, false
	}
	return parameters(v.from, d.Grid)
}

// activationOf is dequantized for one scale.
func activationOf(v *value) (q quant, ok bool) {
	q, ok = dequantized(v)
	return q, ok && q.single()
}

// weightsOf is dequantized for a constant with one scale, or one for each index
// of an axis.
func weightsOf(v *value, axis int) (q quant, ok bool) {
	if q, ok = dequantized(v); !ok || !q.x.isConst() || q.x.konst.Type() != q.typ() {
		return q, false
	}
	a := q.axis
	if a < 0 {
		a += q.x.konst.Rank()
	}
	return q, q.single() || a == axis
}

// only is the step that makes v, if nobody else reads it.
func (q *integrator) only(v *value) *step {
	if v == nil || v.from == nil || q.reads[v] != 1 {
		return nil
	}
	return v.from
}

// quantized is the integer form of what step s quantizes; nil if there is none.
func (q *integrator) quantized(s *step) []*step {
	o, ok := s.op.(op.Quantize)
	if !ok {
		return nil
	}
	y, ok := parameters(s, o.Grid)
	if !ok || !y.single() {
		return nil
	}
	core := q.only(s.in[0])
	if core == nil {
		return nil
	}
	lo, hi := math.Inf(-1), math.Inf(1)
	if l, h, ok := bounds(core); ok {
		if before := q.only(core.in[0]); before != nil && q.clampable(before) {
			lo, hi, core = l, h, before
		}
	}
	steps := q.integer(core, y)
	if steps == nil {
		return nil
	}
	return clamped(steps, s, y, lo, hi)
}

// bounds is what a step limits its operand to.
func bounds(s *step) (lo, hi float64, ok bool) {
	switch o := plainOp(s.op).(type) {
	case op.Unary:
		return 0, math.Inf(1), o.Kind == op.Relu
	case op.Clip:
		args := make([]op.Arg, len(s.in))
		for i, v := range s.in {
			if v.isConst() {
				args[i] = op.ArgOf(v.konst)
			} else if v != nil {
				args[i].Type = tensor.Float32
			}
		}
		l, h, known := o.Bounds(args)
		return float64(l), float64(h), known && l <= h
	}
	return 0, 0, false
}

// plainOp is the operator without its form for half floats.
func plainOp(o op.Operator) op.Operator {
	if h, ok := o.(op.Half); ok {
		return h.Operator
	}
	return o
}

// clampable reports whether limits can be applied to the integers that stand
// for the result of s.
func (q *integrator) clampable(s *step) bool {
	switch o := plainOp(s.op).(type) {
	case op.Conv, op.Gemm, op.MatMul:
		return true
	case op.Arith:
		return o.Kind == op.Add
	}
	return false
}

// clamped lets steps make what step s quantizes, limited to [lo, hi].
func clamped(steps []*step, s *step, y quant, lo, hi float64) []*step {
	last := steps[len(steps)-1]
	last.out = s.out
	scale, zero := tensor.Data[float32](y.scale.konst)[0], zeroOf(y)
	least, most := op.Limits(y.typ())
	qlo := op.Saturate(float32(lo)/scale, zero, least, most)
	qhi := op.Saturate(float32(hi)/scale, zero, least, most)
	if qlo > least || qhi < most {
		v := &value{from: last}
		last.out = []*value{v}
		limit := &step{op: op.Clip{}, in: []*value{v, byteConst(y.typ(), qlo), byteConst(y.typ(), qhi)},
			out: s.out, node: last.node, kind: "Clip"}
		steps, last = append(steps, limit), limit
	}
	s.out[0].from = last
	return steps
}

func zeroOf(q quant) int32 {
	v, _ := q.zero.konst.Ints()
	return int32(v[0])
}

func byteConst(t tensor.Type, v int32) *value {
	if t == tensor.Int8 {
		return &value{konst: tensor.Scalar(int8(v))}
	}
	return &value{konst: tensor.Scalar(uint8(v))}
}
