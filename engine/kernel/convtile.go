package kernel

// How a convolution is cut. None of these numbers changes a bit of the result.
const (
	wantTiles     = 16      // at least, so that a batch of one keeps several cores busy
	minTileMACs   = 1 << 19 // below this (10 µs) a tile costs more to hand out than it saves
	depthwiseCost = 4       // a multiply-add of a depthwise convolution takes so many times as long
	windowFloats  = 1 << 16 // rows of input that a tile keeps in the second-level cache
)

// cut is how the rows and panels of a result are cut into tiles.
type cut struct {
	rows, cols       int // of a tile
	tilesY, tilesCol int // number of tiles along each
}

// work is what there is to cut: images times rows times panels, macs
// multiply-adds in all. A tile has least to most rows, except that it never
// has more than there are.
type work struct {
	images, rows, cols, macs int
	least, most              int
	byCols                   bool // tiles should share the rows rather than the panels
}

func (w work) cut() cut {
	c := cut{rows: min(w.rows, max(w.most, w.least)), cols: max(1, w.cols)}
	perImage := w.macs / w.images
	for {
		c.tilesY, c.tilesCol = ceilDiv(w.rows, c.rows), ceilDiv(max(1, w.cols), c.cols)
		if w.images*c.tilesY*c.tilesCol >= wantTiles || perImage/(c.tilesY*c.tilesCol) < 2*minTileMACs {
			return c
		}
		canCol, canRow := c.cols > 1, c.rows > w.least
		switch {
		case canCol && (w.byCols || !canRow):
			c.cols = ceilDiv(c.cols, 2)
		case canRow:
			c.rows = max(ceilDiv(c.rows, 2), w.least)
		default:
			return c
		}
	}
}

// of returns the image, rows and panels of tile i. Numbers run over panels
// last, so that neighbours share the panels.
func (c cut) of(i, rows int, panels []panel) tileRange {
	per := c.tilesY * c.tilesCol
	t := tileRange{image: i / per}
	i %= per
	y, p := i%c.tilesY, i/c.tilesY
	t.y0 = y * c.rows
	t.y1 = min(t.y0+c.rows, rows)
	if len(panels) > 0 {
		t.panels = panels[p*c.cols : min((p+1)*c.cols, len(panels))]
	}
	return t
}

// work describes the convolution. Where the weights are larger than the input,
// tiles share the input rather than the weights.
func (c *Conv) work() work {
	w := work{images: c.s.N, rows: c.oh, cols: len(c.w.panels), macs: c.MACs(), least: 2}
	w.most = windowFloats / (c.win.rowPitch * c.w.spec.StrideH)
	w.byCols = len(c.w.data) > c.s.H*c.s.W*c.w.spec.In
	switch c.method {
	case convPointwise:
		w.images, w.rows = 1, c.s.N*c.oh*c.ow
		w.least, w.most = 4*c.w.k.maxRows(c.w.k.maxVec), windowFloats/c.s.XPitch
	case convDepthwise:
		w.macs *= depthwiseCost
		w.least, w.byCols = 1, false
	}
	return w
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// tileRange is what a tile computes.
type tileRange struct {
	image  int
	y0, y1 int
	panels []panel
}

// tile is the range of tile i.
func (c *Conv) tile(i int) tileRange { return c.cut.of(i, c.work().rows, c.w.panels) }

// convWindow is how the micro-kernel walks over input pixels: over the input
// itself, or over a copy of some rows with the padding written out.
type convWindow struct {
	copied             bool
	width              int  // pixels in a row
	pixPitch, rowPitch int  // floats
	fold               bool // the taps of a row are one run of channels
}

// aliasing says that rows so many floats apart compete for the same sets of
// the first-level cache (32 KiB in 8 ways repeat every 4 KiB).
func aliasing(pitch int) bool { return pitch%512 == 0 }

// narrow rows of a depthwise convolution are copied with their padding, so that
// a row is computed at once rather than the pixels at its ends by themselves.
const narrow = 16

func newConvWindow(c *Conv, padded bool) convWindow {
	spec := c.w.spec
	w := convWindow{width: c.s.W, pixPitch: c.s.XPitch}
	aliased := aliasing(c.s.XPitch * spec.StrideW)
	if c.method == convSpatial && (padded || aliased) || c.method == convDepthwise && c.ow <= narrow && (padded || aliased) {
		w.copied, w.pixPitch = true, spec.In
		w.width = (c.ow-1)*spec.StrideW + (spec.KW-1)*spec.DilationW + 1
		if aliasing(w.pixPitch * spec.StrideW) {
			w.pixPitch += 16
		}
	}
	if c.method == convPointwise && aliasing(c.s.XPitch) && len(c.w.panels) > 1 {
		w.copied, w.pixPitch = true, c.s.XPitch+16
	}
	w.rowPitch = w.width * w.pixPitch
	w.fold = spec.Groups == 1 && spec.DilationW == 1 && w.pixPitch == spec.In
	return w
}

// fill copies the input rows of output rows y0 to y1 and returns them.
func (c *Conv) fill(s *Scratch, x []float32, y0, y1 int) []float32 {
	spec, w := c.w.spec, c.win
	first := y0*spec.StrideH - c.s.PadTop
	count := (y1-y0-1)*spec.StrideH + (spec.KH-1)*spec.DilationH + 1
	buf := s.floats(count * w.rowPitch)
	left := min(c.s.PadLeft, w.width)
	mid := min(c.s.W, w.width-left)
	for r := range count {
		dst := buf[r*w.rowPitch : (r+1)*w.rowPitch]
		if iy := first + r; iy < 0 || iy >= c.s.H {
			clear(dst)
		} else {
			clear(dst[:left*w.pixPitch])
			copyPixels(dst[left*w.pixPitch:], x[iy*c.s.W*c.s.XPitch:], mid, spec.In, w.pixPitch, c.s.XPitch)
			clear(dst[(left+mid)*w.pixPitch:])
		}
	}
	return buf
}

// copyPixels copies n pixels of some channels.
func copyPixels(dst, src []float32, n, channels, dstPitch, srcPitch int) {
	if dstPitch == channels && srcPitch == channels {
		copy(dst[:n*channels], src)
		return
	}
	for i := range n {
		copy(dst[i*dstPitch:i*dstPitch+channels], src[i*srcPitch:])
	}
}
