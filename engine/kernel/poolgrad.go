package kernel

import (
	"fmt"
	"unsafe"
)

// GradTiles is the number of pieces that Grad computes: one for each image.
func (p *Pool) GradTiles() int { return p.s.N }

// Grad computes one tile of the gradient of the pooling: dx, or with add dx plus
// the gradient, from dy. A maximum reads x and y and passes the gradient to the
// first of equal values in row-major order, as PyTorch does; an average ignores
// both. x and dx have XPitch, y and dy YPitch.
func (p *Pool) Grad(tile int, x, y, dy, dx []float32, add bool, s *Scratch) {
	in, out := (p.s.N*p.s.H*p.s.W-1)*p.s.XPitch+p.channels, (p.s.N*p.oh*p.ow-1)*p.s.YPitch+p.channels
	if len(dx) < in || len(dy) < out || !p.spec.Average && (len(x) < in || len(y) < out) {
		panic(fmt.Sprintf("kernel: gradient of pooling of %+v: slices of %d, %d, %d, %d floats are too short", p.s, len(x), len(y), len(dy), len(dx)))
	}
	if !add {
		clearPixels(dx[tile*p.s.H*p.s.W*p.s.XPitch:], p.s.H*p.s.W, p.channels, p.s.XPitch)
	}
	a := &s.poolGrad
	*a = poolGradArgs{row: 4 * p.down.dilation * p.s.W * p.s.XPitch, tap: 4 * p.across.dilation * p.s.XPitch,
		pix: 4 * p.across.stride * p.s.XPitch, ypix: 4 * p.s.YPitch, channels: p.channels, scale: 1}
	a.mask16, a.mask8 = laneMasks(p.channels % p.k.lanes)
	for row := range p.oh {
		p.gradRow(a, tile, row, x, y, dy, dx)
	}
}

// gradRow adds the gradient of one row of outputs.
func (p *Pool) gradRow(a *poolGradArgs, image, row int, x, y, dy, dx []float32) {
	y0, y1, iy := p.down.taps(row)
	a.kh = y1 - y0
	do := func(col, pixels int) {
		x0, x1, ix := p.across.taps(col)
		a.kw, a.n = x1-x0, pixels
		if a.kh*a.kw == 0 || pixels == 0 {
			return
		}
		in, out := ((image*p.s.H+iy)*p.s.W+ix)*p.s.XPitch, ((image*p.oh+row)*p.ow+col)*p.s.YPitch
		a.dx, a.dy = ptr(dx, in), ptr(dy, out)
		if !p.spec.Average {
			a.x, a.y = ptr(x, in), ptr(y, out)
			p.k.train.maxPoolGrad(a)
			return
		}
		n := a.kh * a.kw
		if p.spec.CountIncludePad {
			n = p.down.counted(row, p.s.PadBottom) * p.across.counted(col, p.s.PadRight)
		}
		a.scale = 1 / float32(n)
		p.k.train.meanPoolGrad(a)
	}
	from, to := p.across.interior(p.ow)
	for col := range from {
		do(col, 1)
	}
	do(from, to-from)
	for col := to; col < p.ow; col++ {
		do(col, 1)
	}
}

func clearPixels(dst []float32, pixels, channels, pitch int) {
	if channels == pitch {
		clear(dst[:pixels*pitch])
		return
	}
	for i := range pixels {
		clear(dst[i*pitch : i*pitch+channels])
	}
}

// maxPoolGradScalar is the scalar twin.
func maxPoolGradScalar(p *poolGradArgs) {
	for i := range p.n {
		for c := range p.channels {
			y, dy := *at(p.y, i*p.ypix+4*c), *at(p.dy, i*p.ypix+4*c)
			p.first(i, c, y, dy)
		}
	}
}

// first adds dy to the first tap that is y.
func (p *poolGradArgs) first(i, c int, y, dy float32) {
	for ky := range p.kh {
		for kx := range p.kw {
			off := i*p.pix + ky*p.row + kx*p.tap + 4*c
			if *at(p.x, off) == y {
				*at(p.dx, off) += dy
				return
			}
		}
	}
}

// meanPoolGradScalar is the scalar twin.
func meanPoolGradScalar(p *poolGradArgs) {
	for i := range p.n {
		for ky := range p.kh {
			for kx := range p.kw {
				dy := floatsAt(p.dy, i*p.ypix, p.channels)
				dx := floatsAt(p.dx, i*p.pix+ky*p.row+kx*p.tap, p.channels)
				for c, v := range dy {
					dx[c] += v * p.scale
				}
			}
		}
	}
}

// MeanPixelsGrad is the gradient of MeanPixels: each of pixels of dx, pitch
// floats apart, is set to dy/pixels, or with add has it added.
func (k *Kernels) MeanPixelsGrad(dx, dy []float32, pixels, pitch int, add bool, s *Scratch) {
	channels := len(dy)
	if pixels < 1 || pitch < channels || len(dx) < (pixels-1)*pitch+channels {
		panic(fmt.Sprintf("kernel: gradient of a mean over %d pixels of %d channels, %d apart: %d values", pixels, channels, pitch, len(dx)))
	}
	if channels == 0 {
		return
	}
	row := s.floats(channels)
	k.Unary(OpAffine, row, dy, 1/float32(pixels), 0)
	for i := range pixels {
		to := dx[i*pitch : i*pitch+channels]
		if add {
			k.Binary(Add, to, to, row)
		} else {
			copy(to, row)
		}
	}
}

// AddRows sets rows of cols floats of dst, dstPitch apart, to those of src,
// srcPitch apart, or with add adds them: the gradient of a concatenation along
// channels, or of a tensor that is used twice.
func (k *Kernels) AddRows(dst, src []float32, rows, cols, dstPitch, srcPitch int, add bool) {
	if rows < 1 || cols < 1 {
		return
	}
	if len(dst) < (rows-1)*dstPitch+cols || len(src) < (rows-1)*srcPitch+cols {
		panic(fmt.Sprintf("kernel: %d rows of %d floats, %d and %d apart: slices of %d and %d", rows, cols, dstPitch, srcPitch, len(dst), len(src)))
	}
	if !add {
		copyPixels(dst, src, rows, cols, dstPitch, srcPitch)
		return
	}
	if dstPitch == cols && srcPitch == cols {
		rows, cols = 1, rows*cols
	}
	k.binary[Add][vectorVector](&dst[0], &dst[0], (*float32)(unsafe.Pointer(&src[0])), rows, cols, dstPitch, dstPitch, srcPitch)
}
