package kernel

// The weight gradient of a convolution is a sum over images and pixels. Its
// order must not depend on the number of threads: images are cut into a number
// of groups that depends on the shape only, each group is summed in order by one
// tile, and WeightSum adds the groups in order.
const (
	weightTiles  = 16  // tiles that are wanted at least
	weightPixels = 128 // pixels that a tile multiplies at a time, so that they stay in the first-level cache
	weightCols   = 32  // columns that count as a tile, whatever the level's panel
	weightFold   = 32  // below so many input channels the taps of a row are one run of rows of the product
)

// weightPlan is how the weight gradient of one shape is computed. Partials are
// groups times size floats, each group laid out as the packed weights are.
type weightPlan struct {
	method convMethod // convSpatial, convDepthwise or convWinograd
	groups int        // of images
	panels []panel
	size   int

	// convSpatial, convDepthwise
	copied                bool // the input is copied with its padding
	fold                  bool
	rows, images          int // of a chunk
	width                 int // pixels in a row of the window
	pixPitch, rowPitch    int
	imagePitch, chunkRows int

	wino winogradWeightPlan
}

func newWeightPlan(t *TrainConv) weightPlan {
	spec, s, c := t.w.spec, t.s, t.forward
	p := weightPlan{}
	switch {
	case spec.depthwise():
		p.method, p.size = convDepthwise, spec.KH*spec.KW*spec.In
		p.groups = min(s.N, weightTiles)
	case spec.winogradWeights():
		p.method = convWinograd
		p.wino = newWinogradWeightPlan(t)
		p.size = p.wino.size()
		p.groups = min(s.N, ceilDiv(weightTiles, p.wino.blocks()))
		return p
	default:
		cout := spec.Out / spec.Groups
		p.panels, p.size, _ = t.w.k.panels(spec.Groups, cout, spec.KH*spec.KW*(spec.In/spec.Groups))
		p.groups = min(s.N, ceilDiv(weightTiles, spec.Groups*ceilDiv(cout, weightCols)))
	}
	p.rows = min(c.oh, ceilDiv(weightPixels, c.ow))
	p.images = 1
	if p.rows == c.oh {
		p.images = min(ceilDiv(s.N, p.groups), ceilDiv(weightPixels, c.oh*c.ow))
	}
	p.setWindow(t)
	return p
}

// setWindow decides how the input is read.
func (p *weightPlan) setWindow(t *TrainConv) {
	spec, s, c := t.w.spec, t.s, t.forward
	cin := spec.In / spec.Groups
	padded := s.PadTop+s.PadBottom+s.PadLeft+s.PadRight > 0
	p.copied = padded || aliasing(s.XPitch*spec.StrideW)
	p.chunkRows = (p.rows-1)*spec.StrideH + (spec.KH-1)*spec.DilationH + 1
	p.width, p.pixPitch, p.rowPitch, p.imagePitch = s.W, s.XPitch, s.W*s.XPitch, s.H*s.W*s.XPitch
	if p.copied {
		p.width = (c.ow-1)*spec.StrideW + (spec.KW-1)*spec.DilationW + 1
		p.pixPitch = cin
		if p.method == convDepthwise {
			p.pixPitch = spec.In
		}
		if aliasing(p.pixPitch * spec.StrideW) {
			p.pixPitch += 16
		}
		p.rowPitch = p.width * p.pixPitch
		p.imagePitch = p.chunkRows * p.rowPitch
	}
	p.fold = spec.DilationW == 1 && p.pixPitch == cin && cin < weightFold
}

// WeightTiles is the number of pieces that Weight computes.
func (t *TrainConv) WeightTiles() int {
	w := &t.weight
	switch w.method {
	case convDepthwise:
		return w.groups
	case convWinograd:
		return w.groups * w.wino.blocks()
	}
	return w.groups * len(w.panels)
}

// WeightPartials is the number of floats that Weight's partials must hold. They
// are working memory between Weight and WeightSum and need not be cleared.
func (t *TrainConv) WeightPartials() int { return t.weight.groups * t.weight.size }

// Weight computes one tile, 0 ≤ tile < WeightTiles(), of the sums over groups of
// images that make the weight gradient, from the layer's input x and the
// gradient dy of the sum before the activation.
func (t *TrainConv) Weight(tile int, x, dy, partials []float32, s *Scratch) {
	t.checkGrad(x, dy)
	w := &t.weight
	group := tile % w.groups
	from, to := group*t.s.N/w.groups, (group+1)*t.s.N/w.groups
	part := partials[group*w.size : (group+1)*w.size]
	switch w.method {
	case convDepthwise:
		t.weightDepthwise(from, to, x, dy, part, s)
	case convWinograd:
		t.weightWinograd(tile/w.groups, from, to, x, dy, part, s)
	default:
		t.weightDense(w.panels[tile/w.groups], from, to, x, dy, part, s)
	}
}

// weightDense sums a panel over images from..to.
func (t *TrainConv) weightDense(pan panel, from, to int, x, dy, part []float32, s *Scratch) {
	w, k, spec, c := &t.weight, t.w.k, t.w.spec, t.forward
	cin, width := spec.In/spec.Groups, pan.width(k.lanes)
	packed := s.second(w.images * w.rows * c.ow * width)
	p := &s.micro
	p.cm, p.rm, p.act, p.bias, p.res, p.acc = 4*width, 0, int(ActNone), nil, nil, 0
	p.am, p.ak[0] = 4, 4*spec.StrideW*w.pixPitch
	p.ak[1], p.ak[2] = 4*spec.StrideH*w.rowPitch, 4*w.imagePitch
	p.setTail(k.lanes, k.lanes)
	win := x
	if w.copied {
		win = s.floats(w.images * w.imagePitch)
	}
	for image := from; image < to; image += w.images {
		n := min(w.images, to-image)
		for y := 0; y < c.oh; y += w.rows {
			rows := min(w.rows, c.oh-y)
			t.packGradient(packed, dy, pan, image, n, y, rows)
			p.n = [3]int{c.ow, rows, n}
			p.bk = [3]int{4 * width, 4 * width * c.ow, 4 * width * c.ow * rows}
			p.b = ptr(packed, 0)
			at := (image*t.s.H+y*spec.StrideH)*w.rowPitch + pan.group*cin
			if w.copied {
				t.weightWindow(win, x, image, n, y, pan.group*cin, cin)
				at = 0
			}
			t.weightChunk(pan, win, at, part, s)
			p.acc = 1
		}
	}
}

// weightChunk multiplies the pixels of a chunk for all taps and input channels.
func (t *TrainConv) weightChunk(pan panel, win []float32, at int, part []float32, s *Scratch) {
	w, k, spec := &t.weight, t.w.k, t.w.spec
	cin, width := spec.In/spec.Groups, pan.width(k.lanes)
	p := &s.micro
	run, columns := cin, spec.KW
	if w.fold {
		run, columns = cin*spec.KW, 1
	}
	segments(run, k.maxRows(pan.vecs), func(first, rows int) {
		p.group(rows)
		for ky := range spec.KH {
			for kx := range columns {
				p.a = ptr(win, at+ky*spec.DilationH*w.rowPitch+kx*spec.DilationW*w.pixPitch+first)
				p.c = ptr(part, pan.data+((ky*spec.KW+kx)*cin+first)*width)
				k.invoke(s, pan.vecs, rows)
			}
		}
	})
}

// packGradient copies a panel's columns of dy, pixel by pixel without gaps,
// zero where there is no column.
func (t *TrainConv) packGradient(dst, dy []float32, pan panel, image, images, y, rows int) {
	c := t.forward
	width, cols, pitch := pan.width(t.w.k.lanes), pan.cols(t.w.k.lanes), t.s.YPitch
	if cols < width {
		clear(dst)
	}
	n := rows * c.ow
	for i := range images {
		copyPixels(dst[i*n*width:], dy[((image+i)*c.oh+y)*c.ow*pitch+pan.col:], n, cols, width, pitch)
	}
}

// weightWindow copies the rows of input that output rows from y on of some images
// meet.
func (t *TrainConv) weightWindow(dst, x []float32, image, images, y, channel, channels int) {
	w, s := &t.weight, t.s
	for i := range images {
		win := window{src: x[(image+i)*s.H*s.W*s.XPitch+channel:], h: s.H, w: s.W, pitch: s.XPitch, channels: channels}
		win.copy(dst[i*w.imagePitch:], y*t.w.spec.StrideH-s.PadTop, -s.PadLeft, w.chunkRows, w.width, w.pixPitch)
	}
}

// weightDepthwise sums all channels over images from..to.
func (t *TrainConv) weightDepthwise(from, to int, x, dy, part []float32, s *Scratch) {
	w, k, spec, c := &t.weight, t.w.k, t.w.spec, t.forward
	clear(part)
	win := x
	if w.copied {
		win = s.floats(w.images * w.imagePitch)
	}
	a := &s.depthwise
	a.xpix, a.xtap, a.gpix = 4*spec.StrideW*w.pixPitch, 4*spec.DilationW*w.pixPitch, 4*t.s.YPitch
	a.setChannels(spec.In, k.lanes)
	for image := from; image < to; image += w.images {
		n := min(w.images, to-image)
		for y := 0; y < c.oh; y += w.rows {
			at := image*w.imagePitch + y*spec.StrideH*w.rowPitch
			if w.copied {
				t.weightWindow(win, x, image, n, y, 0, spec.In)
				at = 0
			}
			for i := range n {
				for r := range min(w.rows, c.oh-y) {
					a.g, a.n = ptr(dy, ((image+i)*c.oh+y+r)*c.ow*t.s.YPitch), c.ow
					t.depthwiseRow(a, win, at+i*w.imagePitch+r*spec.StrideH*w.rowPitch, part)
				}
			}
		}
	}
}

// depthwiseRow adds what a row of output pixels contributes to all taps.
func (t *TrainConv) depthwiseRow(a *depthwiseArgs, win []float32, at int, part []float32) {
	spec, w, k := t.w.spec, &t.weight, t.w.k
	for ky := range spec.KH {
		segments(spec.KW, len(k.train.depthwise), func(kx, taps int) {
			a.x = ptr(win, at+ky*spec.DilationH*w.rowPitch+kx*spec.DilationW*w.pixPitch)
			a.dst, a.dtap = ptr(part, (ky*spec.KW+kx)*spec.In), 4*spec.In
			k.train.depthwise[taps-1](a)
		})
	}
}

// WeightSumTiles is the number of pieces that WeightSum computes.
func (t *TrainConv) WeightSumTiles() int {
	w := &t.weight
	switch w.method {
	case convDepthwise:
		return 1
	case convWinograd:
		return w.wino.blocks()
	}
	return len(w.panels)
}

// WeightSum computes one piece, 0 ≤ tile < WeightSumTiles(), of the weight
// gradient dw[Out][In/Groups][KH][KW] (ONNX's order) from the partials, all of
// which must have been computed and which it overwrites.
func (t *TrainConv) WeightSum(tile int, partials, dw []float32) {
	w, spec := &t.weight, t.w.spec
	dw = dw[:spec.Out*(spec.In/spec.Groups)*spec.KH*spec.KW]
	taps, cin := spec.KH*spec.KW, spec.In/spec.Groups
	switch w.method {
	case convDepthwise:
		t.addGroups(partials, 0, w.size)
		for c := range spec.In {
			for j := range taps {
				dw[c*taps+j] = partials[j*spec.In+c]
			}
		}
	case convWinograd:
		t.winogradWeightSum(tile, partials, dw)
	default:
		pan := w.panels[tile]
		width := pan.width(t.w.k.lanes)
		t.addGroups(partials, pan.data, taps*cin*width)
		for c := range pan.cols(t.w.k.lanes) {
			src, dst := partials[pan.data+c:], dw[(pan.col+c)*cin*taps:]
			for i := range cin {
				for j := range taps {
					dst[i*taps+j] = src[(j*cin+i)*width]
				}
			}
		}
	}
}

// addGroups adds the other groups' n floats from at on to the first's, in order.
func (t *TrainConv) addGroups(partials []float32, at, n int) {
	sum := partials[at : at+n]
	for g := 1; g < t.weight.groups; g++ {
		t.w.k.Binary(Add, sum, sum, partials[g*t.weight.size+at:])
	}
}
