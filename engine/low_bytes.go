package engine

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// pointwise is a planner that works element by element, so that it does not
// mind where the channels are.
type pointwise interface{ pointwise() }

func (*actLow) pointwise()      {}
func (*narrowLow) pointwise()   {}
func (*widenLow) pointwise()    {}
func (*quantizeLow) pointwise() {}
func (*dequantLow) pointwise()  {}
func (*dynamicLow) pointwise()  {}
func (*byteMapLow) pointwise()  {}
func (*byteAddLow) pointwise()  {}

// rangeOf is a constant scale and zero point for the kernels; ok is false
// unless there is one of each. Without a zero point the type is uint8.
func rangeOf(in []*value, typ tensor.Type) (r kernel.ByteRange, ok bool) {
	scale := constant(in[1])
	r.Signed = typ == tensor.Int8
	if len(scale) != 1 {
		return r, false
	}
	r.Scale = scale[0]
	if len(in) < 3 || in[2] == nil {
		return r, true
	}
	if z := bytesOf(in[2]); len(z) != 1 {
		return r, false
	}
	r.Zero = zeroOf(quant{zero: in[2]})
	return r, true
}

// startBytes gives elementwise steps of bytes, and poolings, their kernels.
func (z *fuser) startBytes(s *step) {
	out, known := z.f.of(s.out[0])
	if !known || len(s.in) == 0 || product(out.Shape) == 0 {
		return
	}
	x, isByte := z.byteShape(s.in[0])
	_, isFloat := z.float32(s.in[0])
	_, toByte := z.byteShape(s.out[0])
	switch o := s.op.(type) {
	case op.Quantize:
		if r, ok := rangeOf(s.in, out.Type); ok && isFloat && toByte {
			s.runs(&quantizeLow{r}, s.in[0])
		}
	case op.Dequantize:
		in, _ := z.f.of(s.in[0])
		if r, ok := rangeOf(s.in, in.Type); ok && isByte && out.Type == tensor.Float32 {
			s.runs(&dequantLow{r}, s.in[0])
		}
	case op.DynamicQuantize:
		if isFloat {
			s.runs(&dynamicLow{}, s.in[0])
		}
	case op.Cast:
		in, _ := z.f.of(s.in[0])
		switch {
		case isFloat && out.Type == tensor.F16:
			s.runs(&narrowLow{}, s.in[0])
		case in.Type == tensor.F16 && out.Type == tensor.Float32:
			s.runs(&widenLow{}, s.in[0])
		}
	case op.ByteMap:
		s.runs(&byteMapLow{o}, s.in[0])
	case op.QAdd:
		z.startByteAdd(s, out)
	case op.QMean:
		z.startByteMean(s, out)
	case op.QAveragePool:
		z.startByteAverage(s, o, out)
	case op.MaxPool:
		if isByte && len(x) == 4 && len(s.out) == 1 {
			if place, err := o.Place(x[2:], nil); err == nil {
				s.runs(&bytePoolLow{place}, s.in[0])
			}
		}
	}
}

func (z *fuser) startByteAdd(s *step, out op.Arg) {
	a, _ := z.f.of(s.in[0])
	b, _ := z.f.of(s.in[3])
	low := &byteAddLow{}
	var okA, okB, okY bool
	low.a, okA = rangeOf(s.in[0:3], a.Type)
	low.b, okB = rangeOf(s.in[3:6], b.Type)
	low.y, okY = rangeOf(s.in[5:8], out.Type)
	if okA && okB && okY && product(a.Shape) == product(out.Shape) && product(b.Shape) == product(out.Shape) {
		low.lo, low.hi = op.Limits(out.Type)
		s.runs(low, s.in[0], s.in[3])
	}
}

// quantizeLow makes bytes of floats.
type quantizeLow struct{ r kernel.ByteRange }

func (q *quantizeLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return elementTiles{newRowTiles(product(in[0].Shape), 1), func(from, to int, in, out []tensor.Tensor) {
		p.kernels.Quantize(out[0].Bytes8()[from:to], floats(in, 0)[from:to], q.r)
	}}, nil
}

// elementTiles runs a function of a range of elements.
type elementTiles struct {
	rowTiles
	f func(from, to int, in, out []tensor.Tensor)
}

func (t elementTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	t.f(from, to, in, out)
}

// dequantLow makes floats of bytes.
type dequantLow struct{ r kernel.ByteRange }

func (d *dequantLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return elementTiles{newRowTiles(product(in[0].Shape), 1), func(from, to int, in, out []tensor.Tensor) {
		p.kernels.Dequantize(floats(out, 0)[from:to], in[0].Bytes8()[from:to], d.r)
	}}, nil
}

// byteMapLow looks bytes up.
type byteMapLow struct{ m op.ByteMap }

func (m *byteMapLow) plan(_ *Program, in, _ []op.Arg) (tiled, error) {
	return elementTiles{newRowTiles(product(in[0].Shape), 1), func(from, to int, in, out []tensor.Tensor) {
		dst := out[0].Bytes8()[from:to]
		for i, b := range in[0].Bytes8()[from:to] {
			dst[i] = m.m.Table[b]
		}
	}}, nil
}

// byteAddLow adds quantized tensors of the same shape.
type byteAddLow struct {
	a, b, y kernel.ByteRange
	lo, hi  int32
}

func (a *byteAddLow) limit(lo, hi int32) bool {
	a.lo, a.hi = min(max(a.lo, lo), hi), max(min(a.hi, hi), lo)
	return true
}

func (a *byteAddLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return elementTiles{newRowTiles(product(in[0].Shape), 1), func(from, to int, in, out []tensor.Tensor) {
		p.kernels.AddBytes(out[0].Bytes8()[from:to], in[0].Bytes8()[from:to], in[1].Bytes8()[from:to], a.a, a.b, a.y, a.lo, a.hi)
	}}, nil
}

// dynamicLow quantizes by the range of its operand: bytes, scale, zero point.
type dynamicLow struct{}

func (d *dynamicLow) plan(p *Program, _, _ []op.Arg) (tiled, error) {
	return dynamicTile{p.kernels}, nil
}

// dynamicTile is one piece: the range of all elements comes first.
type dynamicTile struct{ k *kernel.Kernels }

func (dynamicTile) tiles() int { return 1 }

func (t dynamicTile) run(_ int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	x := floats(in, 0)
	scale, zero := op.DynamicRange(x)
	if s := floats(out, 1); s != nil {
		s[0] = scale
	}
	if len(out) > 2 && out[2].Present() {
		out[2].Bytes8()[0] = zero
	}
	if out[0].Present() {
		t.k.Quantize(out[0].Bytes8(), x, kernel.ByteRange{Scale: scale, Zero: int32(zero)})
	}
}

// narrowLow makes float16 of float32.
type narrowLow struct{}

func (*narrowLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return elementTiles{newRowTiles(product(in[0].Shape), 1), func(from, to int, in, out []tensor.Tensor) {
		p.kernels.FloatToHalf(out[0].Bits16()[from:to], floats(in, 0)[from:to])
	}}, nil
}

// widenLow makes float32 of float16.
type widenLow struct{}

func (*widenLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return elementTiles{newRowTiles(product(in[0].Shape), 1), func(from, to int, in, out []tensor.Tensor) {
		p.kernels.HalfToFloat(floats(out, 0)[from:to], in[0].Bits16()[from:to])
	}}, nil
}
