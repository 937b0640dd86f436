package kernel

// runDepthwise computes rows of output pixels for all channels. Narrow rows
// are copied with their padding; else nothing is copied, and the window of a
// pixel is cut to the taps that meet the input.
func (c *Conv) runDepthwise(tile int, x, res, y []float32, s *Scratch) {
	t := c.tile(tile)
	p := &s.window
	c.depthwiseArgs(p)
	if c.w.bias != nil {
		p.bias = ptr(c.w.bias, 0)
	}
	image, height := t.image, c.s.H
	across := span{in: c.s.W, k: c.w.spec.KW, stride: c.w.spec.StrideW, dilation: c.w.spec.DilationW, pad: c.s.PadLeft}
	down := span{in: c.s.H, k: c.w.spec.KH, stride: c.w.spec.StrideH, dilation: c.w.spec.DilationH, pad: c.s.PadTop}
	if c.win.copied {
		x, image, height = c.fill(s, x[t.image*c.s.H*c.s.W*c.s.XPitch:], t.y0, t.y1), 0, 0
		across.in, across.pad = c.win.width, 0
		down.pad = t.y0 * down.stride
		down.in = (t.y1-1)*down.stride + (down.k-1)*down.dilation + 1 - down.pad
	}
	from, to := across.interior(c.ow)
	for row := t.y0; row < t.y1; row++ {
		y0, y1, iy := down.taps(row)
		p.kh = y1 - y0
		do := func(col, pixels int) {
			x0, x1, ix := across.taps(col)
			p.kw = x1 - x0
			p.w = ptr(c.w.data, (y0*c.w.spec.KW+x0)*c.w.spec.In)
			p.x = ptr(x, (image*height+iy)*c.win.rowPitch+ix*c.win.pixPitch)
			pix := (t.image*c.oh+row)*c.ow + col
			p.y, p.res = ptr(y, pix*c.s.YPitch), nil
			if res != nil {
				p.res = ptr(res, pix*c.s.ResPitch)
			}
			c.w.k.depthwise[pixels-1](p)
		}
		for col := range from {
			do(col, 1)
		}
		segments(to-from, len(c.w.k.depthwise), func(first, pixels int) { do(from+first, pixels) })
		for col := to; col < c.ow; col++ {
			do(col, 1)
		}
	}
	c.secondPass(t, y)
}

func (c *Conv) depthwiseArgs(p *windowArgs) {
	spec := c.w.spec
	*p = windowArgs{
		xrow: 4 * spec.DilationH * c.win.rowPitch,
		xtap: 4 * spec.DilationW * c.win.pixPitch,
		xpix: 4 * spec.StrideW * c.win.pixPitch,
		wrow: 4 * spec.KW * spec.In,
		wtap: 4 * spec.In,
		ypix: 4 * c.s.YPitch,
		rpix: 4 * c.s.ResPitch,
	}
	if spec.Act.fused() {
		p.act, p.lo, p.hi = int(spec.Act.Kind), spec.Act.Lo, spec.Act.Hi
		p.alpha, p.beta = spec.Act.Alpha, spec.Act.Beta
	}
	p.setChannels(spec.In, c.w.k.lanes)
}

// span is a window sliding along one axis of the input.
type span struct{ in, k, stride, dilation, pad int }

// taps returns the taps from..to of output position o that meet the input,
// and the input position of the first. Where none does, from = to and the
// position is 0.
func (a span) taps(o int) (from, to, pos int) {
	start := o*a.stride - a.pad
	if start < 0 {
		from = ceilDiv(-start, a.dilation)
	}
	to = a.k
	if last := start + (a.k-1)*a.dilation; last >= a.in {
		to -= ceilDiv(last-a.in+1, a.dilation)
	}
	if from >= to {
		return 0, 0, 0
	}
	return from, to, start + from*a.dilation
}

// interior returns the output positions whose window lies wholly inside the
// input, among n.
func (a span) interior(n int) (from, to int) {
	from = min(ceilDiv(a.pad, a.stride), n)
	last := a.in - 1 - (a.k-1)*a.dilation + a.pad
	if last < 0 {
		return from, from
	}
	return from, max(from, min(n, last/a.stride+1))
}
