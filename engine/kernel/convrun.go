package kernel

import "unsafe"

// runSpatial computes rows of output pixels of one image for some panels.
func (c *Conv) runSpatial(tile int, x, res, y []float32, s *Scratch) {
	spec, w, t := c.w.spec, c.win, c.tile(tile)
	x = x[t.image*c.s.H*c.s.W*c.s.XPitch:]
	top := 0 // input row at the start of the window
	if w.copied {
		x = c.fill(s, x, t.y0, t.y1)
		top = t.y0 * spec.StrideH
	}
	p := &s.micro
	c.loops(p)
	for _, pan := range t.panels {
		c.w.k.setPanel(p, c.w.data, c.w.bias, pan)
		if c.w.funcs != nil {
			step := p.bk[0] * (spec.In / spec.Groups)
			p.bk = [3]int{step, step * spec.KW, 0}
		}
		c.rowsOf(t, pan, func(row, col, rows int) {
			a := (row*spec.StrideH-top)*w.rowPitch + col*spec.StrideW*w.pixPitch + pan.group*c.w.shared*(spec.In/spec.Groups)
			pix := (t.image*c.oh+row)*c.ow + col
			p.a, p.c, p.res = ptr(x, a), ptr(y, pix*c.s.YPitch+pan.col), nil
			if res != nil {
				p.res = ptr(res, pix*c.s.ResPitch+pan.col)
			}
			if c.w.funcs != nil {
				c.w.funcs[rows-1](p)
			} else {
				c.w.k.invoke(s, pan.vecs, rows)
			}
		}, p)
	}
	c.secondPass(t, y)
}

// loops sets the loops over taps and channels: with fold, k runs over the taps
// of a kernel row and o over the rows, as in the kernels for small groups;
// else k, o and p are channels, columns and rows of the kernel.
func (c *Conv) loops(p *microArgs) {
	spec, w := c.w.spec, c.win
	cin := spec.In / spec.Groups
	row := 4 * spec.DilationH * w.rowPitch
	p.am, p.acc = 4*spec.StrideW*w.pixPitch, 0
	p.cm, p.rm = 4*c.s.YPitch, 4*c.s.ResPitch
	switch {
	case c.w.funcs != nil:
		p.n, p.ak = [3]int{spec.KW, spec.KH, 1}, [3]int{4 * spec.DilationW * w.pixPitch, row, 0}
	case w.fold:
		p.n, p.ak = [3]int{spec.KW * cin, spec.KH, 1}, [3]int{4, row, 0}
	default:
		p.n, p.ak = [3]int{cin, spec.KW, spec.KH}, [3]int{4, 4 * spec.DilationW * w.pixPitch, row}
	}
	p.setActivation(spec.Act)
}

// setPanel points the micro-kernel at a panel; the packed rows follow each
// other without gaps.
func (k *Kernels) setPanel(p *microArgs, data, bias []float32, pan panel) {
	p.b, p.bias = ptr(data, pan.data), nil
	if bias != nil {
		p.bias = ptr(bias, pan.bias)
	}
	width := 4 * pan.width(k.lanes)
	p.bk = [3]int{width, width * p.n[0], width * p.n[0] * p.n[1]}
	p.setTail(pan.tail, k.lanes)
}

// rowsOf visits the micro-tiles of a tile. Where two output rows fit in one
// micro-kernel they are its two groups of rows.
func (c *Conv) rowsOf(t tileRange, pan panel, visit func(row, col, rows int), p *microArgs) {
	most := c.w.k.maxRows(pan.vecs)
	if c.w.funcs != nil {
		most = len(c.w.funcs)
	}
	row := t.y0
	if 2*c.ow <= most {
		p.am2 = 4 * c.w.spec.StrideH * c.win.rowPitch
		p.cm2, p.rm2 = c.ow*p.cm, c.ow*p.rm
		for ; row+2 <= t.y1; row += 2 {
			visit(row, 0, 2*c.ow)
		}
	}
	for ; row < t.y1; row++ {
		segments(c.ow, most, func(col, rows int) {
			p.group(rows)
			visit(row, col, rows)
		})
	}
}

// group sets the start of the second group of rows where all rows are equally
// spaced.
func (p *microArgs) group(rows int) {
	first := (rows + 1) / 2
	p.am2, p.cm2, p.rm2 = first*p.am, first*p.cm, first*p.rm
}

// invoke runs a micro-kernel on the operands in the scratch.
func (k *Kernels) invoke(s *Scratch, vecs, rows int) {
	if k.wholeVectors && s.micro.partial != 0 {
		k.invokeWhole(s, vecs, rows)
		return
	}
	k.micro[vecs-1][rows-1](&s.micro)
}

// invokeWhole runs a micro-kernel that knows no partial vectors on a copy of
// the tile whose rows are whole vectors.
func (k *Kernels) invokeWhole(s *Scratch, vecs, rows int) {
	p := &s.micro
	width, cols, first := vecs*k.lanes, (vecs-1)*k.lanes+p.tail, (rows+1)/2
	if need := 2 * rows * width; len(s.tile) < need {
		s.tile = Aligned(need)
	}
	c, res := s.tile[:rows*width], s.tile[rows*width:]
	row := func(base unsafe.Pointer, stride, group, i int) []float32 {
		off := i * stride
		if i >= first {
			off = group + (i-first)*stride
		}
		return unsafe.Slice((*float32)(unsafe.Add(base, off)), cols)
	}
	q := *p
	for i := range rows {
		if q.acc != 0 {
			copy(c[i*width:], row(q.c, q.cm, q.cm2, i))
		}
		if q.res != nil {
			copy(res[i*width:], row(q.res, q.rm, q.rm2, i))
		}
	}
	p.c, p.cm, p.cm2 = ptr(c, 0), 4*width, 4*width*first
	if q.res != nil {
		p.res, p.rm, p.rm2 = ptr(res, 0), p.cm, p.cm2
	}
	k.micro[vecs-1][rows-1](p)
	*p = q
	for i := range rows {
		copy(row(q.c, q.cm, q.cm2, i), c[i*width:])
	}
}

// runPointwise computes a run of pixels, which are rows of a matrix product.
func (c *Conv) runPointwise(tile int, x, res, y []float32, s *Scratch) {
	t := c.tile(tile)
	pitch, count := c.s.XPitch, t.y1-t.y0
	x = x[t.y0*pitch:]
	if c.win.copied {
		buf := s.floats(count * c.win.pixPitch)
		copyPixels(buf, x, count, c.w.spec.In, c.win.pixPitch, pitch)
		x, pitch = buf, c.win.pixPitch
	}
	p := &s.micro
	cin := c.w.spec.In / c.w.spec.Groups
	p.n, p.ak = [3]int{cin, 1, 1}, [3]int{4, 0, 0}
	p.am, p.cm, p.rm, p.acc = 4*pitch, 4*c.s.YPitch, 4*c.s.ResPitch, 0
	p.setActivation(c.w.spec.Act)
	for _, pan := range t.panels {
		c.w.k.setPanel(p, c.w.data, c.w.bias, pan)
		var r unsafe.Pointer
		if res != nil {
			r = ptr(res, t.y0*c.s.ResPitch+pan.col)
		}
		c.w.k.strip(s, pan, count, ptr(x, pan.group*cin), ptr(y, t.y0*c.s.YPitch+pan.col), r)
	}
	c.secondPass(t, y)
}

// strip multiplies n equally spaced rows with one panel.
func (k *Kernels) strip(s *Scratch, pan panel, n int, a, c, res unsafe.Pointer) {
	p := &s.micro
	segments(n, k.maxRows(pan.vecs), func(first, rows int) {
		p.group(rows)
		p.a, p.c, p.res = unsafe.Add(a, first*p.am), unsafe.Add(c, first*p.cm), nil
		if res != nil {
			p.res = unsafe.Add(res, first*p.rm)
		}
		k.invoke(s, pan.vecs, rows)
	})
}

// secondPass applies the activations that the micro-kernels do not, pixel by
// pixel while the tile is in cache.
func (c *Conv) secondPass(t tileRange, y []float32) {
	act := c.w.spec.Act
	if act.fused() {
		return
	}
	first, end := 0, c.w.spec.Out
	if len(t.panels) > 0 {
		last := t.panels[len(t.panels)-1]
		first, end = t.panels[0].col, last.col+last.cols(c.w.k.lanes)
	}
	from, to := t.y0, t.y1
	if c.method != convPointwise {
		from, to = (t.image*c.oh+t.y0)*c.ow, (t.image*c.oh+t.y1)*c.ow
	}
	if end-first == c.s.YPitch {
		c.w.k.activate(act, y[from*c.s.YPitch:to*c.s.YPitch])
		return
	}
	for pix := from; pix < to; pix++ {
		c.w.k.activate(act, y[pix*c.s.YPitch+first:pix*c.s.YPitch+end])
	}
}
