package kernel

import (
	"math"
	"unsafe"
)

// trainFuncs are the functions of one level that only training needs.
type trainFuncs struct {
	winogradGrad func(p *winogradArgs)
	depthwise    []func(p *depthwiseArgs) // by taps-1

	colSum, colSquares func(p *normArgs)
	normForward        [2]func(p *normArgs)         // without and with a residual
	normReduce         [normMasks]func(p *normArgs) // by mask
	normBackward       [2][2]func(p *normArgs)      // by masked, added

	actGrad [actCount]func(dx, dy, v *float32, n int, a, b float32)

	maxPoolGrad, meanPoolGrad func(p *poolGradArgs)
}

// depthwiseArgs are the operands of the weight gradient of a depthwise
// convolution: for taps t < taps of a kernel row and channels c,
//
//	dst[t·dtap + c] += Σ_i x[i·xpix + t·xtap + c] · g[i·gpix + c], i < n pixels.
//
// Distances are in bytes.
type depthwiseArgs struct {
	x, g, dst  unsafe.Pointer
	n          int
	xpix, xtap int
	gpix, dtap int
	channels   int
	mask16     uint64
	mask8      [8]uint32
}

// setChannels sets the number of channels and the masks of a partial vector.
func (p *depthwiseArgs) setChannels(n, lanes int) {
	p.channels = n
	p.mask16, p.mask8 = laneMasks(n % lanes)
}

// laneMasks selects the first n lanes, for AVX-512 and AVX2.
func laneMasks(n int) (mask16 uint64, mask8 [8]uint32) {
	for i := range min(n, 8) {
		mask8[i] = ^uint32(0)
	}
	return 1<<n - 1, mask8
}

// normArgs are the operands of the kernels of batch normalization, for rows
// pixels of cols channels without gaps.
type normArgs struct {
	x, y, dy, dx unsafe.Pointer // pixels by channels; y is also the residual of the forward pass
	s0, s1       unsafe.Pointer // sums by channel, which are added to
	a, b, c      unsafe.Pointer // coefficients by channel
	scale, shift unsafe.Pointer // by channel: the activation's argument is x·scale + shift
	rows, cols   int
	lo, hi       float32
	mask16       uint64 // channels of the last, partial vector (AVX-512)
	mask8        [8]uint32
}

func (p *normArgs) setCols(n, lanes int) {
	p.cols = n
	p.mask16, p.mask8 = laneMasks(n % lanes)
}

// How the gradient of a normalization's result is masked by the activation.
const (
	normPlain  = iota // not
	normInput         // where lo < x·scale + shift < hi
	normOutput        // where lo < y < hi, and the masked gradient is stored in dx
	normMasks
)

// poolGradArgs are the operands of the gradient of pooling for n output pixels of
// a row: what comes to each is added to dx. Distances are in bytes.
type poolGradArgs struct {
	x, y, dy, dx unsafe.Pointer
	n            int
	kh, kw       int // taps
	row, tap     int // between rows and columns of taps, in x and dx
	pix, ypix    int // between the windows of neighbouring pixels; between pixels of y and dy
	channels     int
	scale        float32
	mask16       uint64
	mask8        [8]uint32
}

func scalarTrain(k *Kernels) {
	t := &k.train
	t.winogradGrad = func(p *winogradArgs) { winogradGradScalar(p, k.lanes) }
	t.depthwise = []func(p *depthwiseArgs){depthwiseGradScalar}
	scalarNorms(t)
	scalarActGrads(t)
	t.maxPoolGrad, t.meanPoolGrad = maxPoolGradScalar, meanPoolGradScalar
}

// depthwiseGradScalar is the scalar twin for one tap.
func depthwiseGradScalar(p *depthwiseArgs) {
	dst := floatsAt(p.dst, 0, p.channels)
	for i := range p.n {
		x, g := floatsAt(p.x, i*p.xpix, p.channels), floatsAt(p.g, i*p.gpix, p.channels)
		for c := range dst {
			dst[c] += x[c] * g[c]
		}
	}
}

// row returns row r of an operand of the normalization.
func (p *normArgs) row(base unsafe.Pointer, r int) []float32 {
	return floatsAt(base, 4*r*p.cols, p.cols)
}

func fma32(a, b, c float32) float32 { return float32(math.FMA(float64(a), float64(b), float64(c))) }

// within says that the activation passes the gradient on at v.
func (p *normArgs) within(v float32) bool { return p.lo < v && v < p.hi }

func scalarNorms(t *trainFuncs) {
	t.colSum = func(p *normArgs) {
		s := p.row(p.s0, 0)
		for r := range p.rows {
			for c, v := range p.row(p.x, r) {
				s[c] += v
			}
		}
	}
	t.colSquares = func(p *normArgs) {
		squares, rest, mean := p.row(p.s0, 0), p.row(p.s1, 0), p.row(p.a, 0)
		for r := range p.rows {
			for c, v := range p.row(p.x, r) {
				d := v - mean[c]
				squares[c] += d * d
				rest[c] += d
			}
		}
	}
	for i := range t.normForward {
		t.normForward[i] = func(p *normArgs) { p.forwardScalar(i == 1) }
	}
	for mask := range t.normReduce {
		t.normReduce[mask] = func(p *normArgs) { p.reduceScalar(mask) }
	}
	for masked := range 2 {
		for add := range 2 {
			t.normBackward[masked][add] = func(p *normArgs) { p.backwardScalar(masked == 1, add == 1) }
		}
	}
}

func (p *normArgs) forwardScalar(residual bool) {
	scale, shift := p.row(p.scale, 0), p.row(p.shift, 0)
	for r := range p.rows {
		y := p.row(p.dx, r)
		for c, v := range p.row(p.x, r) {
			v = fma32(v, scale[c], shift[c])
			if residual {
				v += p.row(p.y, r)[c]
			}
			y[c] = clip32(v, p.lo, p.hi)
		}
	}
}

func (p *normArgs) reduceScalar(mask int) {
	s0, s1, mean := p.row(p.s0, 0), p.row(p.s1, 0), p.row(p.a, 0)
	for r := range p.rows {
		x := p.row(p.x, r)
		for c, g := range p.row(p.dy, r) {
			if mask == normInput && !p.within(fma32(x[c], p.row(p.scale, 0)[c], p.row(p.shift, 0)[c])) ||
				mask == normOutput && !p.within(p.row(p.y, r)[c]) {
				g = 0
			}
			if mask == normOutput {
				p.row(p.dx, r)[c] = g
			}
			s0[c] += g
			s1[c] += g * (x[c] - mean[c])
		}
	}
}

func (p *normArgs) backwardScalar(masked, add bool) {
	a, b, k := p.row(p.a, 0), p.row(p.b, 0), p.row(p.c, 0)
	for r := range p.rows {
		x, dx := p.row(p.x, r), p.row(p.dx, r)
		for c, g := range p.row(p.dy, r) {
			if masked && !p.within(fma32(x[c], p.row(p.scale, 0)[c], p.row(p.shift, 0)[c])) {
				g = 0
			}
			v := fma32(g, a[c], fma32(x[c], b[c], k[c]))
			if add {
				v += dx[c]
			}
			dx[c] = v
		}
	}
}
