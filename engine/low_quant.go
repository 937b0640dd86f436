package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// quantOut is what an integer product makes of its sums.
type quantOut int

const (
	outInts   quantOut = iota // int32
	outBytes                  // limit(round(sum·scale) + zero)
	outFloats                 // sum·scale + shift
)

// quantLow is a convolution or matrix product of 8-bit integers with constant
// weights, and what has been joined to it. Operand 0 is x; then come its zero
// point and a factor of the scales, where they are not constant.
type quantLow struct {
	w, wz  *value // weights, and their zero points, which may be nil
	bias   *value // int32, may be nil
	xz     *value // zero point of x; nil: 0
	out    quantOut
	scale  []float32 // one, or one for each output channel
	factor *value    // not constant: one, or one for each output channel
	shift  []float64 // of outFloats
	zero   int32     // of outBytes
	lo, hi int32     // of outBytes

	place  op.Placed // of a convolution
	group  int
	matrix bool // a product of rows with w, which is [K, N] or, trans, [N, K]
	trans  bool
}

func (q *quantLow) images() bool { return !q.matrix }

// columns is the number of output channels.
func (q *quantLow) columns() int {
	if q.matrix && !q.trans {
		return q.w.konst.Shape()[1]
	}
	return q.w.konst.Shape()[0]
}

// limit keeps the bytes between lo and hi.
func (q *quantLow) limit(lo, hi int32) bool {
	if q.out != outBytes {
		return false
	}
	q.lo, q.hi = min(max(q.lo, lo), hi), max(min(q.hi, hi), lo)
	return true
}

// startQuant gives integer steps kernels to run on.
func (z *fuser) startQuant(s *step) {
	if len(s.out) == 0 || s.out[0] == nil {
		return
	}
	switch o := s.op.(type) {
	case op.QLinearConv:
		z.startQLinearConv(s, o)
	case op.ConvInteger:
		z.startConvInteger(s, o)
	case op.QLinearMatMul:
		z.startQuantProduct(s, s.in, nil, false)
	case op.QProduct:
		z.startQuantProduct(s, s.in[:6], s.in[6:], o.TransB)
	case op.MatMulInteger:
		z.startMatMulInteger(s)
	default:
		z.startBytes(s)
	}
}

// bytesOf is the elements of a constant of int8 or uint8, nil for anything else.
func bytesOf(v *value) []byte {
	if !v.isConst() {
		return nil
	}
	return v.konst.Bytes8()
}

// byteShape is the shape of v; ok is false unless v is known to be of int8 or
// uint8 and not empty.
func (z *fuser) byteShape(v *value) (shape []int, ok bool) {
	if v == nil {
		return nil, false
	}
	a, known := z.f.of(v)
	return a.Shape, known && (a.Type == tensor.Int8 || a.Type == tensor.Uint8) && product(a.Shape) > 0
}

// requantized sets how sums become bytes of scale ys and zero point yz.
func (q *quantLow) requantized(xs, ws, ys, yz *value) bool {
	if !xs.isConst() || !ws.isConst() || !ys.isConst() || bytesOf(yz) == nil {
		return false
	}
	scale, err := op.Factors(xs.konst, ws.konst, ys.konst)
	if err != nil {
		return false
	}
	q.out, q.scale, q.zero = outBytes, scale, zeroOf(quant{zero: yz})
	q.lo, q.hi = op.Limits(yz.konst.Type())
	return true
}

// window places a convolution of images; ok is false for other ranks.
func (q *quantLow) window(o op.Conv, x []int) bool {
	if len(x) != 4 || bytesOf(q.w) == nil {
		return false
	}
	place, err := o.Place(x[2:], q.w.konst.Shape()[2:])
	q.place, q.group = place, o.Group
	return err == nil && product(place.Out) > 0
}

func (z *fuser) startQLinearConv(s *step, o op.QLinearConv) {
	x, ok := z.byteShape(s.in[0])
	q := &quantLow{w: s.in[3], wz: s.in[5], xz: s.in[2]}
	if len(s.in) > 8 && s.in[8] != nil {
		q.bias = s.in[8]
	}
	if ok && q.window(o.Conv, x) && q.constZeros() && q.requantized(s.in[1], s.in[4], s.in[6], s.in[7]) {
		s.runs(q, q.operands(s.in[0])...)
	}
}

// constZeros reports whether the zero points of the weights and the bias are
// constant or left out.
func (q *quantLow) constZeros() bool {
	return (q.wz == nil || bytesOf(q.wz) != nil) && (q.bias == nil || q.bias.isConst())
}

// operands is x, and its zero point if that is not constant.
func (q *quantLow) operands(x *value) []*value {
	if q.xz != nil && !q.xz.isConst() {
		return []*value{x, q.xz}
	}
	return []*value{x}
}

// zeros is operands 2 and 3 of ConvInteger and MatMulInteger.
func zeros(s *step) (xz, wz *value) {
	in := slices.Concat(s.in, []*value{nil, nil})
	return in[2], in[3]
}

func (z *fuser) startConvInteger(s *step, o op.ConvInteger) {
	x, ok := z.byteShape(s.in[0])
	q := &quantLow{w: s.in[1]}
	q.xz, q.wz = zeros(s)
	if ok && q.window(o.Conv, x) && q.constZeros() {
		s.runs(q, q.operands(s.in[0])...)
	}
}

func (z *fuser) startMatMulInteger(s *step) {
	q := &quantLow{w: s.in[1], matrix: true}
	q.xz, q.wz = zeros(s)
	// A zero point for each row of x is left to the definition.
	if a, ok := z.f.of(q.xz); !ok || q.xz != nil && product(a.Shape) != 1 {
		return
	}
	if _, ok := z.byteShape(s.in[0]); ok && bytesOf(q.w) != nil && q.w.konst.Rank() == 2 && q.constZeros() {
		s.runs(q, q.operands(s.in[0])...)
	}
}

// startQuantProduct takes x, scale and zero point, w, scale and zero point, then
// in rest or else in further operands scale and zero point of the result; rest
// starts with a bias.
func (z *fuser) startQuantProduct(s *step, in, rest []*value, trans bool) {
	_, ok := z.byteShape(in[0])
	q := &quantLow{w: in[3], wz: in[5], xz: in[2], matrix: true, trans: trans}
	if !ok || bytesOf(q.w) == nil || q.w.konst.Rank() != 2 {
		return
	}
	if rest != nil {
		q.bias = rest[0]
	}
	switch {
	case len(in) == 8:
		ok = q.requantized(in[1], in[4], in[6], in[7])
	case len(rest) == 3:
		ok = q.requantized(in[1], in[4], rest[1], rest[2])
	default:
		var err error
		ok = in[1].isConst() && in[4].isConst()
		if ok {
			q.scale, err = op.Factors(in[1].konst, in[4].konst, tensor.Scalar[float32](1))
		}
		q.out, ok = outFloats, ok && err == nil
	}
	if ok && q.constZeros() {
		s.runs(q, q.operands(in[0])...)
	}
}

// quantKey tells packed integer weights apart.
type quantKey struct {
	w, wz *value
	spec  kernel.QuantSpec
	trans bool
}

func (q *quantLow) plan(p *Program, in, out []op.Arg) (tiled, error) {
	x := in[0].Shape
	w := q.w.konst
	spec := kernel.QuantSpec{In: x[len(x)-1], Out: q.columns(), KH: 1, KW: 1,
		XSigned: in[0].Type == tensor.Int8, WSigned: w.Type() == tensor.Int8}
	shape := kernel.ConvShape{N: 1, H: product(x) / x[len(x)-1], W: 1}
	if !q.matrix {
		spec.KH, spec.KW = w.Shape()[2], w.Shape()[3]
		spec.StrideH, spec.StrideW = q.place.Strides[0], q.place.Strides[1]
		spec.DilationH, spec.DilationW = q.place.Dilations[0], q.place.Dilations[1]
		spec.Groups = q.group
		shape = imageShape(x, q.place)
	}
	packed, err := q.packed(p, spec)
	if err != nil {
		return nil, err
	}
	conv, err := packed.Plan(shape)
	if err != nil {
		return nil, err
	}
	return q.tiles(conv, out[0].Type), nil
}

func (q *quantLow) packed(p *Program, spec kernel.QuantSpec) (*kernel.QuantWeights, error) {
	key := quantKey{q.w, q.wz, spec, q.trans}
	if packed, ok := p.packs.quants[key]; ok {
		return packed, nil
	}
	bytes := q.w.konst.Bytes8()
	if q.matrix && !q.trans {
		k, n := q.w.konst.Shape()[0], q.w.konst.Shape()[1]
		rows := make([]byte, len(bytes))
		for i := range k {
			for j := range n {
				rows[j*k+i] = bytes[i*n+j]
			}
		}
		bytes = rows
	}
	var zero []int32
	if q.wz != nil {
		v, _ := q.wz.konst.Ints()
		for _, z := range v {
			zero = append(zero, int32(z))
		}
	}
	packed, err := p.kernels.PackQuant(spec, bytes, zero)
	if err != nil {
		return nil, err
	}
	p.packs.quants[key] = packed
	return packed, nil
}

// tiles prepares what is the same for every run.
func (q *quantLow) tiles(conv *kernel.QuantConv, typ tensor.Type) quantTiles {
	n := q.columns()
	t := quantTiles{conv: conv, kind: q.out, xz: -1, factor: -1,
		to: kernel.QuantOut{Zero: q.zero, Lo: q.lo, Hi: q.hi}}
	if q.bias != nil {
		t.to.Bias = tensor.Data[int32](q.bias.konst)
	}
	operand := 1
	switch {
	case q.xz == nil:
	case q.xz.isConst():
		t.zero = zeroOf(quant{zero: q.xz})
	default:
		t.xz, operand = operand, operand+1
	}
	if q.factor != nil {
		t.factor = operand
	}
	switch {
	case q.out == outInts:
	case len(q.scale) == 1:
		t.to.Scale = slices.Repeat(q.scale, n)
	default:
		t.to.Scale = q.scale
	}
	if q.shift != nil {
		t.to.Shift = make([]float32, n)
		for i, v := range q.shift {
			t.to.Shift[i] = float32(v)
		}
	}
	return t
}

type quantTiles struct {
	conv       *kernel.QuantConv
	to         kernel.QuantOut
	kind       quantOut
	zero       int32 // of x, if xz < 0
	xz, factor int   // operands; -1: constant, or 1
}

func (t quantTiles) tiles() int { return t.conv.Tiles() }

func (t quantTiles) run(tile int, in, out []tensor.Tensor, s *kernel.Scratch) {
	y, zero := t.to, t.zero
	if t.xz >= 0 {
		v, _ := in[t.xz].Ints()
		zero = int32(v[0])
	}
	if t.factor >= 0 {
		y.Scale = slices.Clone(y.Scale)
		f := floats(in, t.factor)
		for i := range y.Scale {
			y.Scale[i] *= f[i%len(f)]
		}
	}
	switch t.kind {
	case outInts:
		y.Int32 = tensor.Data[int32](out[0])
	case outBytes:
		y.Bytes = out[0].Bytes8()
	case outFloats:
		y.Floats = floats(out, 0)
	}
	t.conv.Run(tile, in[0].Bytes8(), zero, &y, s)
}
