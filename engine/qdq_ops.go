package engine

import (
	"math"
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// integer is the integer form of step s, whose result is quantized as y says.
// The last step's output is set by the caller.
func (q *integrator) integer(s *step, y quant) []*step {
	one := func(o op.Operator, in ...*value) []*step {
		return []*step{{op: o, in: in, node: s.node, kind: s.kind}}
	}
	switch o := plainOp(s.op).(type) {
	case op.Conv:
		return q.conv(s, o, y)
	case op.Gemm, op.MatMul:
		if in, p, ok := q.operands(s); ok {
			return one(p, append(in, y.scale, y.zero)...)
		}
		return nil
	case op.Arith:
		return q.sum(s, o, y)
	case op.Concat:
		return q.concat(s, o, y)
	}
	x, ok := activationOf(s.in0())
	if !ok {
		return nil
	}
	switch o := plainOp(s.op).(type) {
	case op.GlobalPool:
		if !o.Max {
			return one(op.QMean{}, x.x, x.scale, x.zero, y.scale, y.zero)
		}
	case op.AveragePool:
		return one(op.QAveragePool{AveragePool: o}, x.x, x.scale, x.zero, y.scale, y.zero)
	case op.MaxPool:
		if !o.Indices && x.same(y) {
			return one(o, x.x)
		}
	case op.Reshape, op.Flatten, op.Squeeze, op.Unsqueeze, op.Transpose, op.Slice, op.Gather:
		if x.same(y) {
			return one(o, append([]*value{x.x}, s.in[1:]...)...)
		}
	case op.Unary, op.Clip:
		if m, ok := byteMap(s, x, y); ok {
			return one(m, x.x)
		}
	}
	return nil
}

// conv is a quantized convolution, if the operands are quantized.
func (q *integrator) conv(s *step, o op.Conv, y quant) []*step {
	x, okX := activationOf(s.in[0])
	w, okW := weightsOf(s.in[1], 0)
	if !okX || !okW {
		return nil
	}
	in := []*value{x.x, x.scale, x.zero, w.x, w.scale, w.zero, y.scale, y.zero}
	if len(s.in) > 2 && s.in[2] != nil {
		b, ok := integerBias(s.in[2], x, w, w.x.konst.Shape()[0])
		if !ok {
			return nil
		}
		in = append(in, b)
	}
	return []*step{{op: op.QLinearConv{Conv: o}, in: in, node: s.node, kind: s.kind}}
}

// integerBias is a bias of n channels in units of x scale · w scale: a
// constant that is dequantized with just these scales, or a float one, rounded.
func integerBias(v *value, x, w quant, n int) (*value, bool) {
	unit, err := op.Factors(x.scale.konst, w.scale.konst, tensor.Scalar[float32](1))
	if err != nil {
		return nil, false
	}
	at := func(i int) float64 { return float64(unit[i%len(unit)]) }
	if v.from != nil {
		d, ok := v.from.op.(op.Dequantize)
		if !ok || d.Block != 0 || !v.from.in[0].isConst() {
			return nil, false
		}
		ints, scale := v.from.in[0].konst, constant(v.from.in[1])
		if ints.Type() != tensor.Int32 || ints.Len() != n || len(scale) != 1 && len(scale) != n || !allZero(v.from.in[2:]) {
			return nil, false
		}
		for i := range n {
			if s := float64(scale[i%len(scale)]); math.Abs(s-at(i)) > 1e-5*at(i) {
				return nil, false
			}
		}
		return v.from.in[0], true
	}
	real := constant(v)
	if len(real) != n {
		return nil, false
	}
	out := make([]int32, n)
	for i, r := range real {
		b := math.RoundToEven(float64(r) / at(i))
		if math.IsNaN(b) || math.Abs(b) > 1<<30 {
			return nil, false
		}
		out[i] = int32(b)
	}
	return &value{konst: tensor.Vector(out...)}, true
}

// allZero reports whether zero points that may be left out are 0.
func allZero(in []*value) bool {
	for _, v := range in {
		if v == nil {
			continue
		}
		z, ok := v.konst.Ints()
		if !ok || slices.ContainsFunc(z, func(z int) bool { return z != 0 }) {
			return false
		}
	}
	return true
}

// operands is the operands of an integer product that stands for a Gemm or a
// MatMul of quantized operands, the second a constant matrix.
func (q *integrator) operands(s *step) (in []*value, p op.QProduct, ok bool) {
	axis := 1
	if g, isGemm := plainOp(s.op).(op.Gemm); isGemm {
		if g.TransA || g.Alpha != 1 || g.Beta != 1 {
			return nil, p, false
		}
		if g.TransB {
			p.TransB, axis = true, 0
		}
	}
	a, okA := activationOf(s.in[0])
	b, okB := weightsOf(s.in[1], axis)
	if !okA || !okB || b.x.konst.Rank() != 2 {
		return nil, p, false
	}
	in = []*value{a.x, a.scale, a.zero, b.x, b.scale, b.zero, nil}
	if len(s.in) > 2 && s.in[2] != nil {
		if in[6], ok = integerBias(s.in[2], a, b, b.x.konst.Shape()[axis]); !ok {
			return nil, p, false
		}
	}
	return in, p, true
}

// product is the integer form of a convolution or a matrix product whose
// result stays float.
func (q *integrator) product(s *step) []*step {
	switch o := plainOp(s.op).(type) {
	case op.Conv:
		return q.floatConv(s, o)
	case op.Gemm, op.MatMul:
	default:
		return nil
	}
	in, p, ok := q.operands(s)
	if !ok {
		return nil
	}
	n := &step{op: p, in: in, out: s.out, node: s.node, kind: s.kind}
	s.out[0].from = n
	return []*step{n}
}

// floatConv is an integer convolution, its sums made real, and a bias.
func (q *integrator) floatConv(s *step, o op.Conv) []*step {
	x, okX := activationOf(s.in[0])
	w, okW := weightsOf(s.in[1], 0)
	if !okX || !okW || w.x.konst.Rank() < 3 {
		return nil
	}
	unit, err := op.Factors(x.scale.konst, w.scale.konst, tensor.Scalar[float32](1))
	if err != nil {
		return nil
	}
	along := slices.Repeat([]int{1}, w.x.konst.Rank()-1) // channels, then 1 for each spatial axis
	along[0] = len(unit)
	factor := &value{konst: tensor.Must(tensor.New(along, unit))}
	var steps []*step
	then := func(o op.Operator, in ...*value) *value {
		v := &value{}
		v.from = &step{op: o, in: in, out: []*value{v}, node: s.node, kind: s.kind}
		steps = append(steps, v.from)
		return v
	}
	y := then(op.ConvInteger{Conv: o}, x.x, w.x, x.zero, w.zero)
	y = then(op.Arith{Kind: op.Mul}, then(op.Cast{To: tensor.Float32}, y), factor)
	if len(s.in) > 2 && s.in[2] != nil {
		b, ok := realBias(s.in[2])
		if !ok {
			return nil
		}
		along[0] = b.Len()
		y = then(op.Arith{Kind: op.Add}, y, &value{konst: tensor.Must(b.Reshape(along))})
	}
	y.from.out = s.out
	s.out[0].from = y.from
	return steps
}

// realBias is a constant bias as float32, dequantized if need be.
func realBias(v *value) (b tensor.Tensor, ok bool) {
	if v.from != nil && foldable(v.from) {
		in := make([]tensor.Tensor, len(v.from.in))
		for i, w := range v.from.in {
			if w != nil {
				in[i] = w.konst
			}
		}
		out, err := evaluate(v.from.op, in, v.from.out)
		if err != nil {
			return b, false
		}
		return out[0], out[0].Type() == tensor.Float32
	}
	return v.konst, constant(v) != nil
}

// sum is a quantized sum.
func (q *integrator) sum(s *step, o op.Arith, y quant) []*step {
	if o.Kind != op.Add || len(s.in) != 2 {
		return nil
	}
	a, okA := activationOf(s.in[0])
	b, okB := activationOf(s.in[1])
	if !okA || !okB {
		return nil
	}
	in := []*value{a.x, a.scale, a.zero, b.x, b.scale, b.zero, y.scale, y.zero}
	return []*step{{op: op.QAdd{}, in: in, node: s.node, kind: s.kind}}
}

// concat joins quantized operands, those with other scales than the result's
// after looking up each byte.
func (q *integrator) concat(s *step, o op.Concat, y quant) []*step {
	var steps []*step
	join := &step{op: o, node: s.node, kind: s.kind}
	for _, v := range s.in {
		x, ok := activationOf(v)
		if !ok {
			return nil
		}
		if x.same(y) {
			join.in = append(join.in, x.x)
			continue
		}
		m, ok := byteMap(&step{op: op.Identity{}}, x, y)
		if !ok {
			return nil
		}
		look := &step{op: m, in: []*value{x.x}, node: s.node, kind: s.kind}
		w := &value{from: look}
		look.out = []*value{w}
		steps, join.in = append(steps, look), append(join.in, w)
	}
	return append(steps, join)
}

// byteMap is the table of an elementwise step between x, dequantized, and y:
// its definition applied to every byte.
func byteMap(s *step, x, y quant) (m op.ByteMap, ok bool) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	in, err := tensor.Over(x.typ(), []int{256}, all)
	if err != nil {
		return m, false
	}
	m.To = y.typ()
	chain := []*step{
		{op: op.Dequantize{}, in: []*value{nil, x.scale, x.zero}},
		{op: plainOp(s.op), in: slices.Concat([]*value{nil}, s.in[min(1, len(s.in)):])},
		{op: op.Quantize{}, in: []*value{nil, y.scale, y.zero}},
	}
	for _, c := range chain {
		args := []tensor.Tensor{in}
		for _, v := range c.in[1:] {
			switch {
			case v == nil:
				args = append(args, tensor.Tensor{})
			case v.isConst():
				args = append(args, v.konst)
			default:
				return m, false
			}
		}
		out, err := evaluate(c.op, args, []*value{{}})
		if err != nil {
			return m, false
		}
		in = out[0]
	}
	copy(m.Table[:], in.Bytes8())
	return m, true
}
