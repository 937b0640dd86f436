package kernel

import (
	"math"
	"unsafe"
)

// windowFunc slides a window over the channels of some pixels of a row.
type windowFunc func(p *windowArgs)

// windowArgs are the operands of the window kernels: depthwise convolution,
// maximum and sum. Strides are in bytes. For pixel i and channel c
//
//	y[i·ypix + c] = ⊕ over ky < kh, kx < kw of x[i·xpix + ky·xrow + kx·xtap + c]
//
// where ⊕ is a maximum; a sum times scale; or the sum of products with
// w[ky·wrow + kx·wtap + c], to which bias[c], res[i·rpix + c] and the
// activation are applied.
type windowArgs struct {
	x, w, y, bias, res unsafe.Pointer // bias, res: nil for none
	channels           int
	kh, kw             int
	xrow, xtap, xpix   int
	wrow, wtap         int
	ypix, rpix         int
	act                int
	lo, hi             float32
	alpha, beta        float32
	scale              float32
	mask16             uint64    // channels of the last, partial vector (AVX-512)
	mask8              [8]uint32 // the same for AVX2
}

// setChannels sets the number of channels and the masks.
func (p *windowArgs) setChannels(n, lanes int) {
	p.channels = n
	p.mask16 = 1<<(n%lanes) - 1
	for i := range p.mask8 {
		p.mask8[i] = 0
		if i < n%lanes {
			p.mask8[i] = ^uint32(0)
		}
	}
}

// scalarWindows are the scalar kernels of one pixel.
func scalarWindows(k *Kernels) {
	k.depthwise = []windowFunc{depthwiseScalar}
	k.maxPool = []windowFunc{func(p *windowArgs) {
		p.reduce(float32(math.Inf(-1)), func(acc, x float32, _ unsafe.Pointer) float32 {
			if !(acc > x) {
				return x
			}
			return acc
		}, func(v float32, _ int) float32 { return v })
	}}
	k.sumPool = []windowFunc{func(p *windowArgs) {
		p.reduce(0, func(acc, x float32, _ unsafe.Pointer) float32 { return acc + x },
			func(v float32, _ int) float32 { return v * p.scale })
	}}
}

func depthwiseScalar(p *windowArgs) {
	act := Activation{Kind: ActKind(p.act), Lo: p.lo, Hi: p.hi, Alpha: p.alpha, Beta: p.beta}
	p.reduce(0, func(acc, x float32, w unsafe.Pointer) float32 { return acc + x**(*float32)(w) },
		func(v float32, c int) float32 {
			if p.bias != nil {
				v += *at(p.bias, c)
			}
			if p.res != nil {
				v += *at(p.res, c)
			}
			return act.scalar(v)
		})
}

// reduce is the scalar twin for one pixel.
func (p *windowArgs) reduce(start float32, step func(acc, x float32, w unsafe.Pointer) float32, finish func(v float32, c int) float32) {
	for c := 0; c < 4*p.channels; c += 4 {
		acc := start
		for ky := range p.kh {
			for kx := range p.kw {
				acc = step(acc, *at(p.x, ky*p.xrow+kx*p.xtap+c), unsafe.Add(p.w, ky*p.wrow+kx*p.wtap+c))
			}
		}
		*at(p.y, c) = finish(acc, c)
	}
}
