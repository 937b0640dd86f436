package kernel

import "unsafe"

// Winograd's F(2×2, 3×3) computes 2×2 results of a 3×3 convolution from a tile
// of 4×4 pixels with 16 multiplications instead of 36: Y = Aᵀ[(G·g·Gᵀ)·(Bᵀ·d·B)]A,
// the product being elementwise, and so for many tiles and channels a matrix
// product for each of the 16 places. Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2016. Its rounding errors are a few times
// those of the direct sum.

// winogradArgs are the operands of the transforms, for n tiles of one row; the
// assembly reads them by the offsets in go_asm.h. Distances are in bytes.
type winogradArgs struct {
	src, dst       unsafe.Pointer
	n, vecs        int // tiles; vectors of channels
	row, pix       int // between rows and pixels of the window, or of the result
	pos, tile      int // between places and tiles of the operands or products
	bias, res      unsafe.Pointer
	resRow, resPix int
	act            int
	lo, hi         float32
	alpha, beta    float32
}

// winogradFits reports whether a convolution can and should use Winograd's
// algorithm: with few channels the transforms cost more than they save.
func (s ConvSpec) winogradFits() bool {
	return s.Winograd && s.KH == 3 && s.KW == 3 && s.StrideH == 1 && s.StrideW == 1 && s.DilationH == 1 && s.DilationW == 1 &&
		s.Groups == 1 && s.In >= 16 && s.Out >= 16
}

// packWinograd packs G·g·Gᵀ: for each panel 16 places, In, columns.
func (w *ConvWeights) packWinograd(weights, bias []float32) {
	k, cin := w.k, w.spec.In
	panels, data, nbias := k.panels(1, w.spec.Out, 16*cin)
	w.panels, w.data, w.bias = panels, Aligned(data), k.packBias(bias, panels, nbias)
	w.winograd = true
	for _, p := range panels {
		width := p.width(k.lanes)
		for c := range p.cols(k.lanes) {
			for i := range cin {
				u := winogradWeights(weights[((p.col+c)*cin+i)*9:][:9])
				for pos, v := range u {
					w.data[p.data+(pos*cin+i)*width+c] = v
				}
			}
		}
	}
}

// winogradWeights is G·g·Gᵀ, rounded once.
func winogradWeights(g []float32) (u [16]float32) {
	row := func(a, b, c float64) [4]float64 { return [4]float64{a, (a + b + c) / 2, (a - b + c) / 2, c} }
	var t [3][4]float64
	for r := range t {
		t[r] = row(float64(g[3*r]), float64(g[3*r+1]), float64(g[3*r+2]))
	}
	for c := range 4 {
		for r, v := range row(t[0][c], t[1][c], t[2][c]) {
			u[4*r+c] = float32(v)
		}
	}
	return u
}

// winogradTiles is the number of tiles along the height and the width.
func (c *Conv) winogradTiles() (y, x int) { return ceilDiv(c.oh, 2), ceilDiv(c.ow, 2) }

// winogradWindow is the copy of the input that tiles are read from: whole
// vectors of channels, and two pixels beyond the last tile's first two.
func (c *Conv) winogradWindow() convWindow {
	_, tx := c.winogradTiles()
	w := convWindow{copied: true, width: 2*tx + 2, pixPitch: roundUp(c.w.spec.In, c.w.k.lanes)}
	if aliasing(w.pixPitch) {
		w.pixPitch += 16
	}
	w.rowPitch = w.width * w.pixPitch
	return w
}

// winogradPitch is the floats between two tiles of the operands.
func (c *Conv) winogradPitch() int { return c.win.pixPitch }

// How tiles of 4×4 pixels are cut into pieces of work.
const (
	winogradFloats = 1 << 17 // of operands that a piece keeps in the second-level cache
	winogradRows   = 28      // rows of a product that make good use of the weights, where there are so many
	winogradPieces = 4       // columns are cut for so many pieces only, since each transforms the input again
)

// winogradCut cuts rows of tiles first, then panels.
func (c *Conv) winogradCut() cut {
	ty, tx := c.winogradTiles()
	most := max(winogradFloats/(16*tx*c.winogradPitch()), ceilDiv(winogradRows, tx), 1)
	least := max(1, ceilDiv(winogradRows/2, tx))
	t := cut{rows: min(ty, most), cols: len(c.w.panels)}
	macs := c.MACs() / c.s.N * 4 / 9
	pieces := func() int { return c.s.N * ceilDiv(ty, t.rows) * ceilDiv(len(c.w.panels), t.cols) }
	large := func() bool { return macs*c.s.N/pieces() >= 2*minTileMACs }
	for pieces() < wantTiles && t.rows > least && large() {
		t.rows = max(ceilDiv(t.rows, 2), least)
	}
	for pieces() < winogradPieces && t.cols > 1 && large() {
		t.cols = ceilDiv(t.cols, 2)
	}
	t.tilesY, t.tilesCol = ceilDiv(ty, t.rows), ceilDiv(len(c.w.panels), t.cols)
	return t
}

// placePitch is the floats between the places of n tiles: not a multiple of 4 KiB
// where sizes are powers of two, so that the 16 values of a tile do not compete for
// the same sets of the first-level cache.
func placePitch(n, pitch int) int { return n*pitch + 16 }

// runWinograd computes rows of tiles of one image for some panels.
func (c *Conv) runWinograd(tile int, x, res, y []float32, s *Scratch) {
	ty, tx := c.winogradTiles()
	t := c.cut.of(tile, ty, c.w.panels)
	n, pitch := (t.y1-t.y0)*tx, c.winogradPitch()
	window := c.fill(s, x[t.image*c.s.H*c.s.W*c.s.XPitch:], 2*t.y0, 2*t.y1)
	panels := 16 * placePitch(n, c.w.k.panel())
	buf := s.second(16*placePitch(n, pitch) + panels + 8*c.w.k.panel())
	operands, products := buf[:16*placePitch(n, pitch)], buf[16*placePitch(n, pitch):]

	a := &s.winograd
	a.n, a.vecs = tx, ceilDiv(c.w.spec.In, c.w.k.lanes)
	a.row, a.pix, a.pos, a.tile = 4*c.win.rowPitch, 4*c.win.pixPitch, 4*placePitch(n, pitch), 4*pitch
	for row := range t.y1 - t.y0 {
		a.src, a.dst = ptr(window, 2*row*c.win.rowPitch), ptr(operands, row*tx*pitch)
		c.w.k.winogradInput(a)
	}
	for _, pan := range t.panels {
		c.winogradProducts(pan, operands, products, n, s)
		for row := t.y0; row < t.y1; row++ {
			c.winogradStore(pan, t.image, row, n, products[(row-t.y0)*tx*pan.width(c.w.k.lanes):], products[panels:], res, y, s)
		}
	}
	c.activateRows(t.image, 2*t.y0, min(2*t.y1, c.oh), t.panels, y)
}

// winogradProducts multiplies the operands of n tiles with a panel, place by
// place.
func (c *Conv) winogradProducts(pan panel, operands, products []float32, n int, s *Scratch) {
	k, cin, pitch := c.w.k, c.w.spec.In, c.winogradPitch()
	width := pan.width(k.lanes)
	p := &s.micro
	p.n, p.ak, p.am = [3]int{cin, 1, 1}, [3]int{4, 0, 0}, 4*pitch
	p.cm, p.rm, p.acc, p.act = 4*width, 0, 0, int(ActNone)
	for pos := range 16 {
		k.setPanel(p, c.w.data[pos*cin*width:], nil, panel{data: pan.data, vecs: pan.vecs, tail: k.lanes})
		k.strip(s, panel{vecs: pan.vecs}, n, ptr(operands, pos*placePitch(n, pitch)), ptr(products, pos*placePitch(n, width)), nil)
	}
}

// winogradStore makes the results of a row of tiles from their products.
func (c *Conv) winogradStore(pan panel, image, row, n int, products, tmp, res, y []float32, s *Scratch) {
	k, a := c.w.k, &s.winograd
	_, tx := c.winogradTiles()
	width, cols := pan.width(k.lanes), pan.cols(k.lanes)
	a.vecs, a.pos, a.tile = pan.vecs, 4*placePitch(n, width), 4*width
	a.bias = nil
	if c.w.bias != nil {
		a.bias = ptr(c.w.bias, pan.bias)
	}
	a.setActivation(c.w.spec.Act)
	whole := tx
	if c.ow%2 == 1 {
		whole--
	}
	if cols < width || 2*row+1 >= c.oh {
		whole = 0
	}
	pixel := (image*c.oh+2*row)*c.ow + 0
	if whole > 0 {
		a.n, a.src, a.dst, a.res = whole, ptr(products, 0), ptr(y, pixel*c.s.YPitch+pan.col), nil
		a.pix, a.row = 4*c.s.YPitch, 4*c.ow*c.s.YPitch
		if res != nil {
			a.res = ptr(res, pixel*c.s.ResPitch+pan.col)
			a.resPix, a.resRow = 4*c.s.ResPitch, 4*c.ow*c.s.ResPitch
		}
		k.winogradOutput(a)
	}
	for tile := whole; tile < tx; tile++ {
		c.winogradEdge(pan, pixel+2*tile, min(2, c.oh-2*row), min(2, c.ow-2*tile), products[tile*width:], tmp, res, y, s)
	}
}

// winogradEdge makes the results of a tile that reaches beyond the image or
// whose panel has columns that do not exist, in tmp first: two pixels of two
// rows, and before them as many of the residual.
func (c *Conv) winogradEdge(pan panel, pixel, rows, pixels int, products, tmp, res, y []float32, s *Scratch) {
	k, a := c.w.k, &s.winograd
	width, cols := pan.width(k.lanes), pan.cols(k.lanes)
	each := func(f func(at, pix int)) {
		for r := range rows {
			for p := range pixels {
				f((2*r+p)*width, pixel+r*c.ow+p)
			}
		}
	}
	out := tmp[4*width:]
	a.n, a.src, a.dst, a.res = 1, ptr(products, 0), ptr(out, 0), nil
	a.pix, a.row = 4*width, 8*width
	if res != nil {
		each(func(at, pix int) { copy(tmp[at:at+cols], res[pix*c.s.ResPitch+pan.col:]) })
		a.res, a.resPix, a.resRow = ptr(tmp, 0), a.pix, a.row
	}
	k.winogradOutput(a)
	each(func(at, pix int) { copy(y[pix*c.s.YPitch+pan.col:][:cols], out[at:]) })
}

// setActivation sets a fused activation; others are left to a second pass.
func (a *winogradArgs) setActivation(act Activation) {
	a.act = int(ActNone)
	if act.fused() {
		a.act, a.lo, a.hi, a.alpha, a.beta = int(act.Kind), act.Lo, act.Hi, act.Alpha, act.Beta
	}
}

// activateRows applies the activations that the kernels do not, to rows y0 to
// y1 of an image and the columns of some panels.
func (c *Conv) activateRows(image, y0, y1 int, panels []panel, y []float32) {
	act := c.w.spec.Act
	if act.fused() {
		return
	}
	last := panels[len(panels)-1]
	first, end := panels[0].col, last.col+last.cols(c.w.k.lanes)
	for pix := (image*c.oh + y0) * c.ow; pix < (image*c.oh+y1)*c.ow; pix++ {
		c.w.k.activate(act, y[pix*c.s.YPitch+first:pix*c.s.YPitch+end])
	}
}
