package kernel

import "fmt"

// TrainWeights are the weights of a convolution that is being trained, packed
// for the forward pass and for the data gradient. Unlike ConvWeights they are
// packed anew after each update, in place. Between Pack and the next Pack they
// are read-only and may be shared.
type TrainWeights struct {
	k       *Kernels
	spec    ConvSpec
	forward *ConvWeights
	back    *ConvWeights // the flipped convolution of the data gradient, where one is; else nil
	phases  phaseWeights // else: the data gradient in phases
}

// TrainConv is a convolution of one shape that is being trained: the forward
// pass and the two gradients, cut into tiles that may run in any order and at
// the same time, each with a Scratch of its own. It is read-only.
type TrainConv struct {
	w       *TrainWeights
	s       ConvShape
	forward *Conv
	back    *Conv // nil: phases
	crop    *crop // nil: back reads dy itself
	phases  *phasePlan
	weight  weightPlan
}

// NewTrainWeights allocates packed weights, and a packed bias if there is one.
// Nothing may run before the first Pack.
func (k *Kernels) NewTrainWeights(spec ConvSpec, bias bool) (*TrainWeights, error) {
	spec, err := spec.normalized()
	if err != nil {
		return nil, err
	}
	if per := spec.In / spec.Groups * spec.KH * spec.KW; spec.Out > (1<<31)/per {
		return nil, fmt.Errorf("kernel: convolution: %w: %d·%d weights", ErrShape, spec.Out, per)
	}
	var b []float32
	if bias {
		b = make([]float32, spec.Out)
	}
	zero := make([]float32, spec.Out*spec.In/spec.Groups*spec.KH*spec.KW)
	w := &TrainWeights{k: k, spec: spec}
	if w.forward, err = k.PackConv(spec, zero, b); err != nil {
		return nil, err
	}
	if spec.flips() {
		w.back, err = k.PackConv(spec.flipped(), zero, nil)
		return w, err
	}
	if !spec.depthwise() {
		w.phases = k.newPhaseWeights(spec)
	}
	return w, nil
}

// flips says that the data gradient is a convolution of dy with the flipped
// kernel: at stride 1, where no padding lies wholly outside the kernel's reach
// (which Plan checks).
func (s ConvSpec) flips() bool { return s.StrideH == 1 && s.StrideW == 1 && !s.depthwise() }

// flipped is the convolution that computes the data gradient from dy.
func (s ConvSpec) flipped() ConvSpec {
	s.In, s.Out, s.Act = s.Out, s.In, Activation{}
	return s
}

// Spec returns the convolution that the weights belong to.
func (w *TrainWeights) Spec() ConvSpec { return w.spec }

// weightView finds the weight of an output and an input channel (within its
// group) and a tap in weights[Out][In/Groups][KH][KW], as seen by the
// convolution that is packed: the forward one, or the flipped one.
type weightView struct {
	w                   []float32
	perGroup            int // output channels of a group
	group, out, in      int // distances between groups, output and input channels
	origin, row, column int // offset of tap (0, 0), distances between taps
}

func (s ConvSpec) view(weights []float32) weightView {
	taps, cin, cout := s.KH*s.KW, s.In/s.Groups, s.Out/s.Groups
	return weightView{w: weights, perGroup: cout, group: cout * cin * taps, out: cin * taps, in: taps, row: s.KW, column: 1}
}

func (s ConvSpec) flippedView(weights []float32) weightView {
	v := s.view(weights)
	v.perGroup, v.out, v.in = s.In/s.Groups, v.in, v.out
	v.origin, v.row, v.column = s.KH*s.KW-1, -s.KW, -1
	return v
}

// at is the offset of output channel o's weight for input channel 0 at the
// view's first tap.
func (v weightView) at(o int) int { return o/v.perGroup*v.group + o%v.perGroup*v.out + v.origin }

// PackTiles is the number of pieces that Pack computes.
func (w *TrainWeights) PackTiles() int {
	n := w.forward.packTiles()
	if w.back != nil {
		n += w.back.packTiles()
	}
	return n + len(w.phases.panels)
}

// Pack packs one piece, 0 ≤ tile < PackTiles(), of weights[Out][In/Groups][KH][KW]
// (ONNX's order) and, where there is one, of bias[Out]. Pieces may be packed in
// any order and at the same time.
func (w *TrainWeights) Pack(tile int, weights, bias []float32) {
	spec := w.spec
	if want := spec.Out * (spec.In / spec.Groups) * spec.KH * spec.KW; len(weights) != want || (w.forward.bias != nil) != (bias != nil) || bias != nil && len(bias) != spec.Out {
		panic(fmt.Sprintf("kernel: convolution %+v: %d weights and a bias of %d to pack", spec, len(weights), len(bias)))
	}
	n := w.forward.packTiles()
	if tile < n {
		w.forward.repack(tile, spec.view(weights), bias)
		return
	}
	if tile -= n; w.back != nil {
		w.back.repack(tile, spec.flippedView(weights), nil)
		return
	}
	w.phases.pack(w.k, tile, spec.flippedView(weights), spec)
}

func (w *ConvWeights) packTiles() int { return max(1, len(w.panels)) }

// repack packs one panel (all of a depthwise convolution) in place. Columns
// that do not exist are zero from the start.
func (w *ConvWeights) repack(tile int, v weightView, bias []float32) {
	if len(w.panels) == 0 {
		w.repackDepthwise(v, bias)
		return
	}
	p, lanes := w.panels[tile], w.k.lanes
	if bias != nil {
		copy(w.bias[p.bias:], bias[p.col:p.col+p.cols(lanes)])
	}
	if w.winograd {
		w.repackWinograd(p, v)
		return
	}
	width, cin := p.width(lanes), w.spec.In/w.spec.Groups
	for ky := range w.spec.KH {
		for kx := range w.spec.KW {
			v.packRows(w.data[p.data+(ky*w.spec.KW+kx)*cin*width:], ky*v.row+kx*v.column, cin, width, p.col, p.cols(lanes))
		}
	}
}

// packRows writes one row of columns for each input channel.
func (v weightView) packRows(dst []float32, tap, cin, width, col, cols int) {
	for c := range cols {
		src := v.w[v.at(col+c)+tap:]
		for i, at := 0, c; i < cin; i, at = i+1, at+width {
			dst[at] = src[i*v.in]
		}
	}
}

func (w *ConvWeights) repackDepthwise(v weightView, bias []float32) {
	for c := range w.spec.Out {
		for t := range w.spec.KH * w.spec.KW {
			w.data[t*w.spec.Out+c] = v.w[v.at(c)+t]
		}
	}
	copy(w.bias, bias)
}

// repackWinograd packs G·g·Gᵀ with the bits of winogradWeights. The places lie a
// power of two apart, so a row of each is gathered before it is written.
func (w *ConvWeights) repackWinograd(p panel, v weightView) {
	cin, width, cols := w.spec.In, p.width(w.k.lanes), p.cols(w.k.lanes)
	var rows [16][winogradRow]float32
	for i := range cin {
		for c := range cols {
			src := v.at(p.col+c) + i*v.in
			var t [12]float64
			for r := range 3 {
				at := src + r*v.row
				x, y, z := float64(v.w[at]), float64(v.w[at+v.column]), float64(v.w[at+2*v.column])
				t[r], t[3+r], t[6+r], t[9+r] = x, (x+y+z)/2, (x-y+z)/2, z
			}
			for q := range 4 {
				x, y, z := t[3*q], t[3*q+1], t[3*q+2]
				rows[q][c], rows[4+q][c] = float32(x), float32((x+y+z)/2)
				rows[8+q][c], rows[12+q][c] = float32((x-y+z)/2), float32(z)
			}
		}
		for pos := range rows {
			copy(w.data[p.data+(pos*cin+i)*width:][:cols], rows[pos][:])
		}
	}
}

// Plan prepares the convolution for inputs of one shape. XPitch is the distance
// between pixels of x and dx, YPitch of y and dy.
func (w *TrainWeights) Plan(s ConvShape) (*TrainConv, error) {
	forward, err := w.forward.Plan(s)
	if err != nil {
		return nil, err
	}
	t := &TrainConv{w: w, s: forward.s, forward: forward}
	if w.back != nil {
		var back ConvShape
		back, t.crop = forward.flippedShape()
		if t.back, err = w.back.Plan(back); err != nil {
			return nil, err
		}
	} else {
		t.phases = newPhasePlan(t)
	}
	t.weight = newWeightPlan(t)
	return t, nil
}

// crop is the part of dy that reaches dx where padding is wider than the
// kernel's reach.
type crop struct{ top, left, h, w int }

// flippedShape is the shape of the data gradient at stride 1: dy with the
// padding that makes it dx. Where that would be negative for some side, the
// shape is of one image of the cropped dy.
func (c *Conv) flippedShape() (ConvShape, *crop) {
	reachH, reachW := (c.w.spec.KH-1)*c.w.spec.DilationH, (c.w.spec.KW-1)*c.w.spec.DilationW
	s := ConvShape{N: c.s.N, H: c.oh, W: c.ow, XPitch: c.s.YPitch, YPitch: c.s.XPitch, ResPitch: c.s.XPitch,
		PadTop: reachH - c.s.PadTop, PadLeft: reachW - c.s.PadLeft, PadBottom: reachH - c.s.PadBottom, PadRight: reachW - c.s.PadRight}
	// Without a stride every row of the padded input is reached.
	if min(s.PadTop, s.PadLeft, s.PadBottom, s.PadRight) >= 0 {
		return s, nil
	}
	cut := &crop{top: max(0, -s.PadTop), left: max(0, -s.PadLeft)}
	cut.h, cut.w = s.H-cut.top-max(0, -s.PadBottom), s.W-cut.left-max(0, -s.PadRight)
	s.N, s.H, s.W, s.XPitch = 1, cut.h, cut.w, c.w.spec.Out
	s.PadTop, s.PadLeft, s.PadBottom, s.PadRight = max(0, s.PadTop), max(0, s.PadLeft), max(0, s.PadBottom), max(0, s.PadRight)
	return s, cut
}

// Forward is the forward pass: Forward().Tiles() pieces that Forward().Run
// computes with the weights last packed.
func (t *TrainConv) Forward() *Conv { return t.forward }

// OutSize is the height and width of the output.
func (t *TrainConv) OutSize() (h, w int) { return t.forward.OutSize() }

// MACs is the number of multiply-adds of the forward pass and of each of the
// gradients, padding included.
func (t *TrainConv) MACs() int { return t.forward.MACs() }

// DataTiles is the number of pieces that Data computes.
func (t *TrainConv) DataTiles() int {
	switch {
	case t.back == nil:
		return t.phases.tiles()
	case t.crop != nil:
		return t.s.N * t.back.Tiles()
	}
	return t.back.Tiles()
}

// Data computes one tile, 0 ≤ tile < DataTiles(), of the data gradient: dx, or
// with add dx plus the gradient, from dy, the gradient of the sum before the
// activation. Tiles write different elements of dx.
func (t *TrainConv) Data(tile int, dy, dx []float32, add bool, s *Scratch) {
	t.checkGrad(dx, dy)
	if t.back == nil {
		t.phases.run(tile, dy, dx, add, s)
		return
	}
	if t.crop != nil {
		per := t.back.Tiles()
		image := tile / per
		tile %= per
		dy = t.cropped(dy, image, s)
		dx = dx[image*t.s.H*t.s.W*t.s.XPitch:]
	}
	var res []float32
	if add {
		res = dx
	}
	t.back.Run(tile, dy, res, dx, s)
}

// cropped copies the part of an image of dy that reaches dx.
func (t *TrainConv) cropped(dy []float32, image int, s *Scratch) []float32 {
	c, out, width := t.crop, t.w.spec.Out, t.forward.ow
	if need := c.h * c.w * out; cap(s.third) < need {
		s.third = Aligned(need)
	}
	buf := s.third[:c.h*c.w*out]
	for y := range c.h {
		src := dy[((image*t.forward.oh+c.top+y)*width+c.left)*t.s.YPitch:]
		copyPixels(buf[y*c.w*out:], src, c.w, out, out, t.s.YPitch)
	}
	return buf
}

// checkGrad panics where a slice is too short.
func (t *TrainConv) checkGrad(x, dy []float32) {
	c := t.forward
	if len(x) < (t.s.N*t.s.H*t.s.W-1)*t.s.XPitch+t.w.spec.In || len(dy) < (t.s.N*c.oh*c.ow-1)*t.s.YPitch+t.w.spec.Out {
		panic(fmt.Sprintf("kernel: gradient of convolution %+v of %+v: slices of %d and %d floats are too short", t.w.spec, t.s, len(x), len(dy)))
	}
}
