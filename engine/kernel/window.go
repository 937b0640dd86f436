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

// windowOp is what a window kernel does with its taps.
type windowOp int

const (
	windowDepthwise windowOp = iota
	windowMax
	windowSum
)

// scalarWindows are the scalar kernels of one pixel.
func scalarWindows(k *Kernels) {
	k.depthwise = []windowFunc{depthwiseScalar}
	k.maxPool = []windowFunc{func(p *windowArgs) { p.scalar(windowMax) }}
	k.sumPool = []windowFunc{func(p *windowArgs) { p.scalar(windowSum) }}
}

func depthwiseScalar(p *windowArgs) { p.scalar(windowDepthwise) }

// windowBlock is the number of channels that the scalar twin takes at a time.
const windowBlock = 16

// scalar is the scalar twin for one pixel.
func (p *windowArgs) scalar(op windowOp) {
	var acc [windowBlock]float32
	for c := 0; c < p.channels; c += windowBlock {
		a := acc[:min(windowBlock, p.channels-c)]
		for i := range a {
			a[i] = 0
			if op == windowMax {
				a[i] = float32(math.Inf(-1))
			}
		}
		for ky := range p.kh {
			for kx := range p.kw {
				x := floatsAt(p.x, ky*p.xrow+kx*p.xtap+4*c, len(a))
				if op == windowDepthwise {
					w := floatsAt(p.w, ky*p.wrow+kx*p.wtap+4*c, len(a))
					for i := range a {
						a[i] += x[i] * w[i]
					}
				} else {
					op.fold(a, x)
				}
			}
		}
		p.finish(op, a, c)
	}
}

func floatsAt(p unsafe.Pointer, off, n int) []float32 { return unsafe.Slice(at(p, off), n) }

// fold takes one tap of a pooling.
func (op windowOp) fold(acc, x []float32) {
	for i, v := range x {
		switch {
		case op == windowSum:
			acc[i] += v
		case !(acc[i] > v):
			acc[i] = v
		}
	}
}

// finish stores the channels from c on.
func (p *windowArgs) finish(op windowOp, acc []float32, c int) {
	act := Activation{Kind: ActKind(p.act), Lo: p.lo, Hi: p.hi, Alpha: p.alpha, Beta: p.beta}
	for i, v := range acc {
		switch op {
		case windowSum:
			v *= p.scale
		case windowDepthwise:
			if p.bias != nil {
				v += *at(p.bias, 4*(c+i))
			}
			if p.res != nil {
				v += *at(p.res, 4*(c+i))
			}
			v = act.scalar(v)
		}
		*at(p.y, 4*(c+i)) = v
	}
}
