package kernel

import (
	"fmt"
	"unsafe"
)

// PoolSpec is a maximum or average over a window that slides over an image.
type PoolSpec struct {
	Average              bool // else maximum
	KH, KW               int
	StrideH, StrideW     int  // 0 means 1
	DilationH, DilationW int  // 0 means 1
	CountIncludePad      bool // the average divides by the taps inside the padded input, not only those inside the input
	CeilMode             bool // the output size is rounded up; a window that would start in the right or bottom padding is left out
}

// Pool is a pooling of one shape, cut into tiles of output rows. It is
// read-only.
type Pool struct {
	k            *Kernels
	spec         PoolSpec
	s            ConvShape
	channels     int
	oh, ow       int
	down, across span
	cut          cut
}

// PlanPool prepares a pooling of NHWC images; the shape's YPitch and XPitch 0
// mean the number of channels, ResPitch is ignored.
func (k *Kernels) PlanPool(spec PoolSpec, channels int, s ConvShape) (*Pool, error) {
	conv := ConvSpec{In: channels, Out: channels, KH: spec.KH, KW: spec.KW, StrideH: spec.StrideH, StrideW: spec.StrideW,
		DilationH: spec.DilationH, DilationW: spec.DilationW}
	oh, ow, err := conv.OutSize(s)
	if err != nil {
		return nil, fmt.Errorf("kernel: pooling: %w", err)
	}
	p := &Pool{k: k, spec: spec, s: s, channels: channels, oh: oh, ow: ow}
	for _, pitch := range []*int{&p.s.XPitch, &p.s.YPitch} {
		if *pitch == 0 {
			*pitch = channels
		}
		if *pitch < channels {
			return nil, fmt.Errorf("kernel: pooling: %w: a pitch of %d for %d channels", ErrShape, *pitch, channels)
		}
	}
	p.down = span{in: s.H, k: spec.KH, stride: orOne(spec.StrideH), dilation: orOne(spec.DilationH), pad: s.PadTop}
	p.across = span{in: s.W, k: spec.KW, stride: orOne(spec.StrideW), dilation: orOne(spec.DilationW), pad: s.PadLeft}
	if spec.CeilMode {
		p.oh, p.ow = p.down.ceil(oh, s.PadBottom), p.across.ceil(ow, s.PadRight)
	}
	p.cut = work{images: s.N, rows: p.oh, macs: 2 * s.N * p.oh * p.ow * channels * spec.KH * spec.KW, least: 1, most: p.oh}.cut()
	return p, nil
}

// ceil is the number of outputs where the size is rounded up, n being the one
// rounded down.
func (a span) ceil(n, padAfter int) int {
	over := (a.in + a.pad + padAfter - (a.k-1)*a.dilation - 1) % a.stride
	if over != 0 && n*a.stride < a.in+a.pad {
		return n + 1
	}
	return n
}

// counted is the number of taps of output o inside the padded input.
func (a span) counted(o, padAfter int) int {
	start := o*a.stride - a.pad
	return min(a.k, ceilDiv(a.in+padAfter-start, a.dilation))
}

// OutSize is the height and width of the output.
func (p *Pool) OutSize() (h, w int) { return p.oh, p.ow }

// Tiles is the number of pieces that Run computes; it depends on the shape
// only.
func (p *Pool) Tiles() int { return p.s.N * p.cut.tilesY }

// Run computes one tile, 0 ≤ tile < Tiles(); tiles may run at the same time,
// each with a Scratch of its own. A window wholly in the padding gives -∞, or
// for an average 0.
func (p *Pool) Run(tile int, x, y []float32, s *Scratch) {
	in, out := p.s.N*p.s.H*p.s.W-1, p.s.N*p.oh*p.ow-1
	if len(x) < in*p.s.XPitch+p.channels || len(y) < out*p.s.YPitch+p.channels {
		panic(fmt.Sprintf("kernel: pooling %+v of %+v: slices of %d and %d floats are too short", p.spec, p.s, len(x), len(y)))
	}
	a := &s.window
	*a = windowArgs{
		xrow: 4 * p.down.dilation * p.s.W * p.s.XPitch,
		xtap: 4 * p.across.dilation * p.s.XPitch,
		xpix: 4 * p.across.stride * p.s.XPitch,
		ypix: 4 * p.s.YPitch,
	}
	a.setChannels(p.channels, p.k.lanes)
	t := p.cut.of(tile, p.oh, nil)
	for row := t.y0; row < t.y1; row++ {
		p.row(a, t.image, row, x, y)
	}
}

// row computes one row of output pixels.
func (p *Pool) row(a *windowArgs, image, row int, x, y []float32) {
	funcs := p.k.maxPool
	if p.spec.Average {
		funcs = p.k.sumPool
	}
	y0, y1, iy := p.down.taps(row)
	a.kh = y1 - y0
	do := func(col, pixels int) {
		x0, x1, ix := p.across.taps(col)
		a.kw = x1 - x0
		a.x = ptr(x, ((image*p.s.H+iy)*p.s.W+ix)*p.s.XPitch)
		a.y = ptr(y, ((image*p.oh+row)*p.ow+col)*p.s.YPitch)
		n := a.kh * a.kw
		if p.spec.CountIncludePad {
			n = p.down.counted(row, p.s.PadBottom) * p.across.counted(col, p.s.PadRight)
		}
		a.scale = 0
		if n > 0 {
			a.scale = 1 / float32(n)
		}
		funcs[pixels-1](a)
	}
	from, to := p.across.interior(p.ow)
	for col := range from {
		do(col, 1)
	}
	segments(to-from, len(funcs), func(first, pixels int) { do(from+first, pixels) })
	for col := to; col < p.ow; col++ {
		do(col, 1)
	}
}

// meanBlock is how many pixels are added up one after the other before the
// sums are: rounding errors grow with meanBlock + pixels/meanBlock, not with
// pixels.
const meanBlock = 64

// MeanPixels sets dst[c] to the mean over pixels of x[p·pitch + c]: a global
// average pooling, or the mean over a leading axis.
func (k *Kernels) MeanPixels(dst, x []float32, pixels, pitch int, s *Scratch) {
	channels := len(dst)
	if channels == 0 {
		return
	}
	if pixels < 1 || pitch < channels || len(x) < (pixels-1)*pitch+channels {
		panic(fmt.Sprintf("kernel: mean over %d pixels of %d channels, %d apart: %d values", pixels, channels, pitch, len(x)))
	}
	part := s.floats(channels)
	a := &s.window
	*a = windowArgs{kh: 1, xtap: 4 * pitch, scale: 1 / float32(pixels)}
	a.setChannels(channels, k.lanes)
	for first := 0; first < pixels; first += meanBlock {
		out := part
		if first == 0 {
			out = dst
		}
		a.x, a.y, a.kw = unsafe.Pointer(&x[first*pitch]), unsafe.Pointer(&out[0]), min(meanBlock, pixels-first)
		k.sumPool[0](a)
		if first > 0 {
			k.Binary(Add, dst, dst, part)
		}
	}
}

// MaxPixels sets dst[c] to the maximum over pixels of x[p·pitch + c].
func (k *Kernels) MaxPixels(dst, x []float32, pixels, pitch int, s *Scratch) {
	channels := len(dst)
	if channels == 0 {
		return
	}
	if pixels < 1 || pitch < channels || len(x) < (pixels-1)*pitch+channels {
		panic(fmt.Sprintf("kernel: maximum over %d pixels of %d channels, %d apart: %d values", pixels, channels, pitch, len(x)))
	}
	a := &s.window
	*a = windowArgs{x: unsafe.Pointer(&x[0]), y: unsafe.Pointer(&dst[0]), kh: 1, kw: pixels, xtap: 4 * pitch}
	a.setChannels(channels, k.lanes)
	k.maxPool[0](a)
}
