package kernel

import (
	"fmt"
	"unsafe"
)

// QuantConv is an integer convolution of one shape, cut into tiles. It is
// read-only.
type QuantConv struct {
	w      *QuantWeights
	s      ConvShape
	oh, ow int
	width  int  // pixels in a row of the window
	pitch  int  // bytes from one pixel of the window to the next
	rows   bool // pixels are rows of a matrix product
	direct bool // the input itself is the window
	cut    cut
}

// QuantOut says where the results of an integer convolution go and what is
// made of the sums; exactly one of Int32, Bytes and Floats is not nil. Pixels
// follow each other as the shape's YPitch says.
type QuantOut struct {
	Int32  []int32   // sum + bias
	Bytes  []byte    // limit(round((sum + bias)·scale) + zero), half to even
	Floats []float32 // (sum + bias)·scale + shift
	Bias   []int32   // for each output channel; nil: none
	Scale  []float32 // for each output channel
	Shift  []float32 // for each output channel; nil: none
	Zero   int32     // zero point of Bytes
	Lo, Hi int32     // limits of Bytes, which are int8 or uint8 as the limits say
}

// Plan prepares the convolution for inputs of one shape; pitches are in
// elements.
func (w *QuantWeights) Plan(s ConvShape) (*QuantConv, error) {
	oh, ow, err := w.spec.OutSize(s)
	if err != nil {
		return nil, err
	}
	if s.XPitch == 0 {
		s.XPitch = w.spec.In
	}
	if s.YPitch == 0 {
		s.YPitch = w.spec.Out
	}
	if s.XPitch < w.spec.In || s.YPitch < w.spec.Out {
		return nil, fmt.Errorf("kernel: integer convolution: %w: pitches %d and %d", ErrShape, s.XPitch, s.YPitch)
	}
	c := &QuantConv{w: w, s: s, oh: oh, ow: ow}
	spec := w.spec
	padded := s.PadTop+s.PadBottom+s.PadLeft+s.PadRight > 0
	if spec.KH*spec.KW*spec.StrideH*spec.StrideW == 1 && !padded { // rows of a product
		c.rows, c.s.H, c.s.W, c.s.N = true, s.N*s.H*s.W, 1, 1
		c.oh, c.ow = c.s.H, 1
		c.direct = w.form == quantBytes && !w.signed && spec.Groups == 1 && spec.In%4 == 0
	}
	c.width = (c.ow-1)*spec.StrideW + (spec.KW-1)*spec.DilationW + 1
	c.pitch = 4 * spec.Groups * w.units
	if w.form == quantDepthwise {
		c.pitch = 2 * roundUp(spec.Out, w.lanes)
	}
	if c.direct {
		c.pitch = s.XPitch
	} else if c.pitch%2048 == 0 {
		c.pitch += 64 // rows that compete for the same sets of the first-level cache
	}
	c.cut = c.work().cut()
	return c, nil
}

func (c *QuantConv) work() work {
	spec := c.w.spec
	macs := c.s.N * c.oh * c.ow * spec.Out * (spec.In / spec.Groups) * spec.KH * spec.KW
	w := work{images: c.s.N, rows: c.oh, cols: len(c.w.panels), macs: macs / 3, least: 2}
	w.most = 4 * windowFloats / (c.width * c.pitch * spec.StrideH)
	w.byCols = 4*len(c.w.data) > c.s.H*c.s.W*spec.In
	switch {
	case c.w.form == quantDepthwise:
		w.macs, w.least, w.cols = macs*depthwiseCost, 1, 0
	case c.rows:
		w.least = 4 * len(c.rowFuncs(1))
	}
	return w
}

func (c *QuantConv) rowFuncs(vecs int) []microFunc { return c.w.micro()[vecs-1] }

// OutSize is the height and width of the output.
func (c *QuantConv) OutSize() (h, w int) { return c.oh, c.ow }

// Tiles is the number of pieces that Run computes; it depends on the shape
// only.
func (c *QuantConv) Tiles() int { return c.s.N * c.cut.tilesY * c.cut.tilesCol }

// Run computes one tile, 0 ≤ tile < Tiles(); tiles may run at the same time,
// each with a Scratch of its own. X is NHWC with XPitch; its zero point is
// also what padding consists of.
func (c *QuantConv) Run(tile int, x []byte, zero int32, y *QuantOut, s *Scratch) {
	c.check(x, y)
	t := c.cut.of(tile, c.oh, c.w.panels)
	x = x[t.image*c.s.H*c.s.W*c.s.XPitch:]
	window, top := unsafe.Pointer(&x[0]), 0
	if !c.direct {
		window = c.fill(s, x, zero, t.y0, t.y1)
		top = t.y0 * c.w.spec.StrideH
	}
	if c.w.form == quantDepthwise {
		c.depthwise(t, window, y, s)
		return
	}
	if c.w.form == quantBytes && c.w.signed {
		zero += 128
	}
	p := &s.micro
	c.loops(p)
	for _, pan := range t.panels {
		c.panel(t, pan, window, top, zero, y, s)
	}
}

func (c *QuantConv) check(x []byte, y *QuantOut) {
	last := c.s.N*c.oh*c.ow - 1
	n := max(len(y.Int32), len(y.Bytes), len(y.Floats))
	if len(x) < (c.s.N*c.s.H*c.s.W-1)*c.s.XPitch+c.w.spec.In || n < last*c.s.YPitch+c.w.spec.Out ||
		y.Bias != nil && len(y.Bias) < c.w.spec.Out || y.Int32 == nil && len(y.Scale) < c.w.spec.Out || y.Shift != nil && len(y.Shift) < c.w.spec.Out {
		panic(fmt.Sprintf("kernel: integer convolution %+v of %+v: slices are too short", c.w.spec, c.s))
	}
}

// loops sets the loops over taps and channels. Without groups and dilation the
// taps of a row are one run of channels.
func (c *QuantConv) loops(p *microArgs) {
	spec, units := c.w.spec, c.w.units
	row := spec.DilationH * c.width * c.pitch
	p.am = spec.StrideW * c.pitch
	if c.rows {
		p.am = c.pitch
	}
	if spec.Groups == 1 && spec.DilationW == 1 && (c.pitch == 4*units || spec.KW == 1) {
		p.n, p.ak = [3]int{spec.KW * units, spec.KH, 1}, [3]int{4, row, 0}
		return
	}
	p.n, p.ak = [3]int{units, spec.KW, spec.KH}, [3]int{4, spec.DilationW * c.pitch, row}
}

// panel computes the columns of a panel, a micro-tile at a time.
func (c *QuantConv) panel(t tileRange, pan panel, window unsafe.Pointer, top int, zero int32, y *QuantOut, s *Scratch) {
	spec, p := c.w.spec, &s.micro
	width := pan.width(c.w.lanes)
	funcs := c.rowFuncs(pan.vecs)
	sums := s.ints(len(funcs)*width + 3*width)
	out := newQuantStore(c, pan, zero, y, sums[len(funcs)*width:])
	p.b = unsafe.Pointer(&c.w.data[pan.data])
	p.bk = [3]int{4 * width, 4 * width * p.n[0], 4 * width * p.n[0] * p.n[1]}
	p.c, p.cm = unsafe.Pointer(&sums[0]), 4*width
	group := unsafe.Add(window, pan.group*4*c.w.units)
	visit := func(a, pix, rows int) {
		first := (rows + 1) / 2
		p.am2, p.cm2 = first*p.am, first*p.cm
		p.a = unsafe.Add(group, a)
		funcs[rows-1](p)
		out.store(sums[:rows*width], pix, rows)
	}
	if c.rows {
		segments(t.y1-t.y0, len(funcs), func(first, rows int) {
			a := (t.y0 - top + first) * c.pitch
			visit(a, t.y0+first, rows)
		})
		return
	}
	for row := t.y0; row < t.y1; row++ {
		segments(c.ow, len(funcs), func(col, rows int) {
			a := ((row*spec.StrideH-top)*c.width + col*spec.StrideW) * c.pitch
			visit(a, (t.image*c.oh+row)*c.ow+col, rows)
		})
	}
}

// quantStore turns sums into results for the columns of one panel.
type quantStore struct {
	c           *QuantConv
	y           *QuantOut
	col, cols   int
	width, vecs int
	bias        []int32
	scale       []float32
	args        requantArgs
}

// newQuantStore prepares bias, scale and shift, for which buf has 3·width places:
// the zero point of the inputs times the sum of the weights is taken off.
func newQuantStore(c *QuantConv, pan panel, zero int32, y *QuantOut, buf []int32) *quantStore {
	width := pan.width(c.w.lanes)
	o := &quantStore{c: c, y: y, col: pan.col, cols: pan.cols(c.w.lanes), width: width, vecs: pan.vecs, bias: buf[:width]}
	clear(buf[:3*width])
	if y.Bias != nil {
		copy(o.bias, y.Bias[pan.col:pan.col+o.cols])
	}
	if c.w.form == quantBytes {
		for i := range o.bias {
			o.bias[i] -= zero * c.w.sums[pan.bias+i]
		}
	}
	o.scale = unsafe.Slice((*float32)(unsafe.Pointer(&buf[width])), width)
	if y.Scale != nil {
		copy(o.scale, y.Scale[pan.col:pan.col+o.cols])
	}
	shift := unsafe.Slice((*float32)(unsafe.Pointer(&buf[2*width])), width)
	if y.Shift != nil {
		copy(shift, y.Shift[pan.col:pan.col+o.cols])
	}
	o.args = requantArgs{shift: unsafe.Pointer(&shift[0]),
		bias: unsafe.Pointer(&o.bias[0]), scale: unsafe.Pointer(&o.scale[0]), vecs: o.vecs,
		accStride: 4 * width, lo: float32(y.Lo - y.Zero), hi: float32(y.Hi - y.Zero), zero: y.Zero}
	return o
}

// store turns rows of sums into results; row i is that of pixel pix+i.
func (o *quantStore) store(sums []int32, pix, rows int) {
	at, pitch := pix*o.c.s.YPitch+o.col, o.c.s.YPitch
	f := &o.c.w.k.int8
	a := &o.args
	a.rows, a.acc = rows, unsafe.Pointer(&sums[0])
	switch {
	case o.y.Int32 != nil:
		for r := range rows {
			dst := o.y.Int32[at+r*pitch:][:o.cols]
			for i, v := range sums[r*o.width:][:o.cols] {
				dst[i] = v + o.bias[i]
			}
		}
	case o.y.Bytes != nil && o.cols == o.width:
		_ = o.y.Bytes[at+(rows-1)*pitch+o.width-1]
		a.dst, a.dstStride = unsafe.Pointer(&o.y.Bytes[at]), pitch
		f.requantBytes(a)
	case o.y.Bytes != nil: // in place, where a row of bytes is shorter than its sums
		a.dst, a.dstStride = a.acc, 4*o.width
		f.requantBytes(a)
		raw := unsafe.Slice((*byte)(a.acc), 4*len(sums))
		for r := range rows {
			copy(o.y.Bytes[at+r*pitch:][:o.cols], raw[r*4*o.width:])
		}
	default:
		a.dst, a.dstStride = a.acc, 4*o.width
		f.requantFloats(a)
		vals := unsafe.Slice((*float32)(a.acc), len(sums))
		for r := range rows {
			copy(o.y.Floats[at+r*pitch:][:o.cols], vals[r*o.width:])
		}
	}
}

// depthwise computes pixels of all channels one after the other.
func (c *QuantConv) depthwise(t tileRange, window unsafe.Pointer, y *QuantOut, s *Scratch) {
	spec, p := c.w.spec, &s.micro
	channels := roundUp(spec.Out, c.w.lanes)
	sums := s.ints(4 * channels)
	pan := panel{vecs: channels / c.w.lanes, tail: spec.Out - (channels/c.w.lanes-1)*c.w.lanes}
	out := newQuantStore(c, pan, 0, y, sums[channels:])
	p.n = [3]int{spec.KW, spec.KH, channels / c.w.lanes}
	p.ak = [3]int{spec.DilationW * c.pitch, spec.DilationH * c.width * c.pitch, 0}
	p.bk = [3]int{4 * channels, 4 * channels * spec.KW, 0}
	p.b, p.c = unsafe.Pointer(&c.w.data[0]), unsafe.Pointer(&sums[0])
	for row := t.y0; row < t.y1; row++ {
		for col := range c.ow {
			p.a = unsafe.Add(window, ((row-t.y0)*spec.StrideH*c.width+col*spec.StrideW)*c.pitch)
			c.w.k.int8.depthwise(p)
			out.store(sums[:channels], (t.image*c.oh+row)*c.ow+col, 1)
		}
	}
}
