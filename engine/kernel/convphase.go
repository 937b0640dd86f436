package kernel

import (
	"slices"
	"unsafe"
)

// The data gradient of a convolution with a stride is cut into phases: the
// elements of dx at y = r + s·q for one remainder r in each direction see only
// the taps ky with r + pad - ky·dilation a multiple of s, and these form a
// convolution of dy with stride 1. The largest ky, which meets the lowest row of
// dy, is the first tap.

// axisPhase is one remainder along one axis.
type axisPhase struct {
	first  int // remainder: the first position in dx
	n      int // positions in dx
	origin int // position in dy that the first tap of the first position meets; may be negative
	taps   int // number of taps
	step   int // distance in dy between taps
	tap    int // weight tap of the first
	down   int // distance between weight taps, which run downwards
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// axisPhases lists the phases of an axis with in positions (0 where they are
// not known yet).
func axisPhases(k, stride, dilation, pad, in int) []axisPhase {
	g := gcd(stride, dilation)
	out := make([]axisPhase, stride)
	for r := range out {
		a := axisPhase{first: r, step: dilation / g, down: stride / g}
		if in > r {
			a.n = ceilDiv(in-r, stride)
		}
		for t := range k {
			if (r+pad-t*dilation)%stride == 0 {
				a.tap = t
				a.taps++
			}
		}
		a.origin = (r + pad - a.tap*dilation) / stride
		out[r] = a
	}
	return out
}

// phaseWeights are the weights of the data gradient in phases: for each panel
// of input channels all taps, the last first, as the micro-kernel reads them.
// Which taps a phase uses depends on the padding, so their distance is left to
// the strides.
type phaseWeights struct {
	panels []panel
	data   []float32 // per panel: KH, KW (both flipped), Out/Groups, columns
}

func (k *Kernels) newPhaseWeights(s ConvSpec) phaseWeights {
	panels, data, _ := k.panels(s.Groups, s.In/s.Groups, s.KH*s.KW*(s.Out/s.Groups))
	return phaseWeights{panels: panels, data: Aligned(data)}
}

func (w *phaseWeights) pack(k *Kernels, tile int, v weightView, s ConvSpec) {
	p, cout := w.panels[tile], s.Out/s.Groups
	width := p.width(k.lanes)
	for ky := range s.KH {
		for kx := range s.KW {
			v.packRows(w.data[p.data+(ky*s.KW+kx)*cout*width:], ky*v.row+kx*v.column, cout, width, p.col, p.cols(k.lanes))
		}
	}
}

// phasePlan is the data gradient of one shape in phases. A tile computes all
// phases of some rows q of one image, from one copy of the rows of dy.
type phasePlan struct {
	t                 *TrainConv
	down, across      []axisPhase
	top, left         int // first row (for q = 0) and column of the window in dy
	rows, cols        int // rows of the window for one q; columns
	pixPitch, rowPtch int
	cut               cut
}

// extent is the first position that the phases meet at their first element and
// the number of positions that they meet there, and at their last.
func extent(phases []axisPhase) (first, one, all int) {
	first, end, last := 1<<30, -1<<30, -1<<30
	for _, p := range phases {
		if p.taps == 0 {
			continue
		}
		first = min(first, p.origin)
		end = max(end, p.origin+(p.taps-1)*p.step+1)
		last = max(last, p.origin+(p.taps-1)*p.step+max(p.n, 1))
	}
	return first, end - first, last - first
}

func newPhasePlan(t *TrainConv) *phasePlan {
	spec, s := t.w.spec, t.s
	p := &phasePlan{t: t}
	p.down = axisPhases(spec.KH, spec.StrideH, spec.DilationH, s.PadTop, s.H)
	p.across = axisPhases(spec.KW, spec.StrideW, spec.DilationW, s.PadLeft, s.W)
	p.top, p.rows, _ = extent(p.down)
	p.left, _, p.cols = extent(p.across)
	p.pixPitch = spec.Out
	if aliasing(p.pixPitch) {
		p.pixPitch += 16
	}
	p.rowPtch = p.cols * p.pixPitch
	q := p.down[0].n
	w := work{images: s.N, rows: q, cols: len(t.w.phases.panels), macs: t.MACs(), least: 2}
	w.most = windowFloats / p.rowPtch
	if spec.depthwise() {
		w.macs *= depthwiseCost
	}
	p.cut = w.cut()
	return p
}

func (p *phasePlan) tiles() int { return p.t.s.N * p.cut.tilesY * p.cut.tilesCol }

// run computes one tile.
func (p *phasePlan) run(tile int, dy, dx []float32, add bool, s *Scratch) {
	t := p.cut.of(tile, p.down[0].n, p.t.w.phases.panels)
	c := p.t.forward
	buf := s.floats((t.y1 - t.y0 - 1 + p.rows) * p.rowPtch)
	w := window{src: dy[t.image*c.oh*c.ow*c.s.YPitch:], h: c.oh, w: c.ow, pitch: c.s.YPitch, channels: c.w.spec.Out}
	w.copy(buf, t.y0+p.top, p.left, t.y1-t.y0-1+p.rows, p.cols, p.pixPitch)
	if !add && p.gaps() {
		p.clear(t, dx)
	}
	for _, ay := range p.down {
		rows := t
		if rows.y1 = min(t.y1, ay.n); rows.y0 >= rows.y1 {
			continue
		}
		for _, ax := range p.across {
			switch {
			case ax.n*ay.taps*ax.taps == 0:
			case p.t.w.spec.depthwise():
				p.depthwise(rows, t.y0, ay, ax, buf, dx, add, s)
			default:
				p.dense(rows, t.y0, ay, ax, buf, dx, add, s)
			}
		}
	}
}

// pixel is the index in dx of position (q, col) of a phase.
func (p *phasePlan) pixel(image, q, col int, ay, ax axisPhase) int {
	spec, s := p.t.w.spec, p.t.s
	return (image*s.H+ay.first+q*spec.StrideH)*s.W + ax.first + col*spec.StrideW
}

// at is the offset in the window of what the first tap of (q, col) meets.
func (p *phasePlan) at(q, y0, col int, ay, ax axisPhase) int {
	return (q-y0+ay.origin-p.top)*p.rowPtch + (col+ax.origin-p.left)*p.pixPitch
}

// gaps says that no tap reaches some elements of dx.
func (p *phasePlan) gaps() bool {
	none := func(a axisPhase) bool { return a.taps == 0 }
	return slices.ContainsFunc(p.down, none) || slices.ContainsFunc(p.across, none)
}

// clear writes zeros to all elements of a tile.
func (p *phasePlan) clear(t tileRange, dx []float32) {
	s, stride := p.t.s, p.t.w.spec.StrideH
	first, end := 0, p.t.w.spec.In
	if n := len(t.panels); n > 0 {
		first, end = t.panels[0].col, t.panels[n-1].col+t.panels[n-1].cols(p.t.w.k.lanes)
	}
	y0, y1 := t.y0*stride, min(t.y1*stride, s.H)
	clearPixels(dx[(t.image*s.H+y0)*s.W*s.XPitch+first:], (y1-y0)*s.W, end-first, s.XPitch)
}

// dense computes a phase with the micro-kernel.
func (p *phasePlan) dense(t tileRange, y0 int, ay, ax axisPhase, win, dx []float32, add bool, s *Scratch) {
	k, spec, pitch := p.t.w.k, p.t.w.spec, p.t.s.XPitch
	cout := spec.Out / spec.Groups
	a := &s.micro
	a.n = [3]int{cout, ax.taps, ay.taps}
	a.ak = [3]int{4, 4 * ax.step * p.pixPitch, 4 * ay.step * p.rowPtch}
	a.am, a.cm, a.rm, a.act = 4*p.pixPitch, 4*spec.StrideW*pitch, 0, int(ActNone)
	a.bias, a.res, a.acc = nil, nil, 0
	if add {
		a.acc = 1
	}
	tap := (spec.KH-1-ay.tap)*spec.KW + spec.KW - 1 - ax.tap // in the flipped order
	for _, pan := range t.panels {
		width := pan.width(k.lanes)
		a.b = ptr(p.t.w.phases.data, pan.data+tap*cout*width)
		a.bk = [3]int{4 * width, 4 * ax.down * cout * width, 4 * ay.down * spec.KW * cout * width}
		a.setTail(pan.tail, k.lanes)
		most := k.maxRows(pan.vecs)
		do := func(q, col, rows int) {
			a.a = ptr(win, p.at(q, y0, col, ay, ax)+pan.group*cout)
			a.c = ptr(dx, p.pixel(t.image, q, col, ay, ax)*pitch+pan.col)
			k.invoke(s, pan.vecs, rows)
		}
		q := t.y0
		if 2*ax.n <= most {
			a.am2, a.cm2, a.rm2 = 4*p.rowPtch, 4*spec.StrideH*p.t.s.W*pitch, 0
			for ; q+2 <= t.y1; q += 2 {
				do(q, 0, 2*ax.n)
			}
		}
		for ; q < t.y1; q++ {
			segments(ax.n, most, func(col, rows int) {
				a.group(rows)
				do(q, col, rows)
			})
		}
	}
}

// depthwise computes a phase of a depthwise convolution, whose weights are
// those of the forward pass read downwards.
func (p *phasePlan) depthwise(t tileRange, y0 int, ay, ax axisPhase, win, dx []float32, add bool, s *Scratch) {
	k, spec, pitch := p.t.w.k, p.t.w.spec, p.t.s.XPitch
	a := &s.window
	*a = windowArgs{kh: ay.taps, kw: ax.taps, xrow: 4 * ay.step * p.rowPtch, xtap: 4 * ax.step * p.pixPitch, xpix: 4 * p.pixPitch,
		wrow: -4 * ay.down * spec.KW * spec.In, wtap: -4 * ax.down * spec.In,
		w: ptr(p.t.w.forward.data, (ay.tap*spec.KW+ax.tap)*spec.In), ypix: 4 * spec.StrideW * pitch, rpix: 4 * spec.StrideW * pitch}
	a.setChannels(spec.In, k.lanes)
	for q := t.y0; q < t.y1; q++ {
		segments(ax.n, len(k.depthwise), func(col, pixels int) {
			a.x = ptr(win, p.at(q, y0, col, ay, ax))
			a.y = ptr(dx, p.pixel(t.image, q, col, ay, ax)*pitch)
			a.res = nil
			if add {
				a.res = unsafe.Pointer(a.y)
			}
			k.depthwise[pixels-1](a)
		})
	}
}

// window reads rows and columns of an image that may lie outside of it, where
// all is zero.
type window struct {
	src         []float32 // the image
	h, w, pitch int       // pitch: floats between pixels
	channels    int
}

// copy copies rows rows from y0 and cols columns from x0 to dst, whose pixels
// are pixPitch apart, without gaps between rows.
func (w window) copy(dst []float32, y0, x0, rows, cols, pixPitch int) {
	from := min(cols, max(0, -x0))
	to := max(from, min(cols, w.w-x0))
	for r := range rows {
		row := dst[r*cols*pixPitch : (r+1)*cols*pixPitch]
		y := y0 + r
		if y < 0 || y >= w.h || from == to {
			clear(row)
			continue
		}
		clear(row[:from*pixPitch])
		copyPixels(row[from*pixPitch:], w.src[(y*w.w+x0+from)*w.pitch:], to-from, w.channels, pixPitch, w.pitch)
		clear(row[to*pixPitch:])
	}
}
