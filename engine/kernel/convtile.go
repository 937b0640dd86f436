package kernel

// How a convolution is cut. None of these numbers changes a bit of the result.
const (
	wantTiles    = 16      // at least, so that a batch of one keeps several cores busy
	minTileMACs  = 1 << 19 // below this (10 µs) a tile costs more to hand out than it saves
	windowFloats = 1 << 16 // rows of input that a tile keeps in the second-level cache
)

// cut chooses the rows and panels of a tile.
func (c *Conv) cut() {
	images, rows, cols := c.s.N, c.oh, max(1, len(c.w.panels))
	if c.method == convPointwise {
		images, rows = 1, c.s.N*c.oh*c.ow
	}
	c.rows, c.cols = c.mostRows(rows), cols
	perImage := c.MACs() / images
	// Where the weights are larger than the input, tiles share the input
	// rather than the weights.
	weights := len(c.w.data) > c.s.H*c.s.W*c.w.spec.In
	for {
		c.tilesY, c.tilesCol = ceilDiv(rows, c.rows), ceilDiv(cols, c.cols)
		if images*c.tilesY*c.tilesCol >= wantTiles || perImage/(c.tilesY*c.tilesCol) < 2*minTileMACs {
			return
		}
		canCol, canRow := c.cols > 1, c.rows > c.leastRows()
		switch {
		case canCol && (weights || !canRow):
			c.cols = ceilDiv(c.cols, 2)
		case canRow:
			c.rows = max(ceilDiv(c.rows, 2), c.leastRows())
		default:
			return
		}
	}
}

// mostRows bounds the input that a tile reads.
func (c *Conv) mostRows(rows int) int {
	if c.method == convPointwise {
		return min(rows, max(windowFloats/c.s.XPitch, c.leastRows()))
	}
	perRow := c.win.rowPitch * c.w.spec.StrideH
	return min(rows, max(windowFloats/perRow, c.leastRows()))
}

// leastRows keeps the micro-kernels full.
func (c *Conv) leastRows() int {
	if c.method == convPointwise {
		return 4 * c.w.k.maxRows(c.w.k.maxVec)
	}
	return 2
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// tileRange is what a tile computes.
type tileRange struct {
	image  int
	y0, y1 int
	panels []panel
}

// tile numbers run over panels last, so that neighbours share the panels.
func (c *Conv) tile(i int) tileRange {
	per := c.tilesY * c.tilesCol
	t := tileRange{image: i / per}
	i %= per
	y, p := i%c.tilesY, i/c.tilesY
	t.y0 = y * c.rows
	t.y1 = min(t.y0+c.rows, c.oh)
	if c.method == convPointwise {
		t.y1 = min(t.y0+c.rows, c.s.N*c.oh*c.ow)
	}
	if len(c.w.panels) > 0 {
		t.panels = c.w.panels[p*c.cols : min((p+1)*c.cols, len(c.w.panels))]
	}
	return t
}

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

func newConvWindow(c *Conv, padded bool) convWindow {
	spec := c.w.spec
	w := convWindow{width: c.s.W, pixPitch: c.s.XPitch}
	if c.method == convSpatial && (padded || aliasing(c.s.XPitch*spec.StrideW)) {
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
