package engine

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// meanRanges are how x and the result of a quantized mean are kept.
func (z *fuser) meanRanges(s *step, out op.Arg) (in op.Arg, x, y kernel.ByteRange, ok bool) {
	in, _ = z.f.of(s.in[0])
	x, okX := rangeOf(s.in[0:3], in.Type)
	y, okY := rangeOf(s.in[2:5], out.Type)
	return in, x, y, okX && okY && len(in.Shape) == 4
}

func (z *fuser) startByteMean(s *step, out op.Arg) {
	in, x, y, ok := z.meanRanges(s, out)
	if !ok {
		return
	}
	factor, err := op.MeanFactor(s.in[1].konst, s.in[3].konst, product(in.Shape[2:]))
	if err == nil {
		s.runs(&byteMeanLow{x, y, factor}, s.in[0])
	}
}

func (z *fuser) startByteAverage(s *step, o op.QAveragePool, out op.Arg) {
	in, x, y, ok := z.meanRanges(s, out)
	if !ok {
		return
	}
	place, err := o.Place(in.Shape[2:], nil)
	if err != nil {
		return
	}
	if place.Whole() {
		z.startByteMean(s, out)
		return
	}
	s.runs(&byteAverageLow{place, x, y, o.Divisors(&place)}, s.in[0])
}

// byteMeanLow is the quantized mean over the pixels of an image.
type byteMeanLow struct {
	x, y   kernel.ByteRange
	factor float32
}

func (m *byteMeanLow) images() bool { return true }

func (m *byteMeanLow) plan(p *Program, in, out []op.Arg) (tiled, error) {
	s := in[0].Shape
	lo, hi := op.Limits(out[0].Type)
	pixels, channels := s[1]*s[2], s[3]
	return elementTiles{rowTiles{s[0], 1, 1}, func(image, _ int, in, out []tensor.Tensor) {
		x := in[0].Bytes8()[image*pixels*channels:]
		acc := make([]int32, channels)
		for i := range acc {
			acc[i] = -int32(pixels) * m.x.Zero
		}
		for i := range pixels {
			p.kernels.SumBytes(acc, x[i*channels:(i+1)*channels], m.x.Signed)
		}
		p.kernels.RequantizeRow(out[0].Bytes8()[image*channels:], acc, m.factor, m.y.Zero, lo, hi)
	}}, nil
}

// byteWindows are the windows over images of bytes, one tile some rows of
// results.
type byteWindows struct {
	rowTiles
	p op.Placed
	c int
}

func newByteWindows(p op.Placed, x []int) byteWindows {
	return byteWindows{newRowTiles(x[0]*p.Out[0], p.Out[1]*x[3]*len(p.Kernel)), p, x[3]}
}

// each calls f for every result of a tile: its place among all results, its
// place in its image, and the offset of the image.
func (w byteWindows) each(tile int, f func(at, oy, ox, image int)) {
	lo := min(tile*w.per, w.rows)
	for row := lo; row < min(lo+w.per, w.rows); row++ {
		for ox := range w.p.Out[1] {
			f(row*w.p.Out[1]+ox, row%w.p.Out[0], ox, row/w.p.Out[0]*w.p.In[0]*w.p.In[1]*w.c)
		}
	}
}

// taps calls f with the offset in its image of every pixel of a window.
func (w byteWindows) taps(oy, ox int, f func(offset int)) {
	for ky := range w.p.Kernel[0] {
		iy := oy*w.p.Strides[0] - w.p.PadStart[0] + ky*w.p.Dilations[0]
		if iy < 0 || iy >= w.p.In[0] {
			continue
		}
		for kx := range w.p.Kernel[1] {
			ix := ox*w.p.Strides[1] - w.p.PadStart[1] + kx*w.p.Dilations[1]
			if ix >= 0 && ix < w.p.In[1] {
				f((iy*w.p.In[1] + ix) * w.c)
			}
		}
	}
}

// bytePoolLow is the maximum of windows on images of bytes.
type bytePoolLow struct{ place op.Placed }

func (b *bytePoolLow) images() bool { return true }

func (b *bytePoolLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return bytePoolTiles{newByteWindows(b.place, in[0].Shape), p.kernels, in[0].Type == tensor.Int8}, nil
}

type bytePoolTiles struct {
	byteWindows
	k      *kernel.Kernels
	signed bool
}

func (t bytePoolTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	x, y := in[0].Bytes8(), out[0].Bytes8()
	lowest := byte(0)
	if t.signed {
		lowest = 0x80
	}
	t.each(tile, func(at, oy, ox, image int) {
		dst := y[at*t.c:][:t.c]
		for i := range dst {
			dst[i] = lowest
		}
		t.taps(oy, ox, func(offset int) { t.k.MaxBytes(dst, x[image+offset:][:t.c], t.signed) })
	})
}

// byteAverageLow is the mean of windows on images of bytes, in float32.
type byteAverageLow struct {
	place op.Placed
	x, y  kernel.ByteRange
	count []int // elements of each window
}

func (b *byteAverageLow) images() bool { return true }

func (b *byteAverageLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return byteAverageTiles{newByteWindows(b.place, in[0].Shape), p.kernels, b}, nil
}

type byteAverageTiles struct {
	byteWindows
	k   *kernel.Kernels
	low *byteAverageLow
}

func (t byteAverageTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	x, y := in[0].Bytes8(), out[0].Bytes8()
	sum, pixel := make([]float32, t.c), make([]float32, t.c)
	t.each(tile, func(at, oy, ox, image int) {
		clear(sum)
		t.taps(oy, ox, func(offset int) {
			t.k.Dequantize(pixel, x[image+offset:][:t.c], t.low.x)
			t.k.Binary(kernel.Add, sum, sum, pixel)
		})
		n := float32(t.low.count[oy*t.p.Out[1]+ox])
		for i := range sum {
			sum[i] /= n
		}
		t.k.Quantize(y[at*t.c:][:t.c], sum, t.low.y)
	})
}
