package kernel

import (
	"errors"
	"fmt"
)

// ConvSpec is what is known of a two-dimensional convolution before its
// input's size.
type ConvSpec struct {
	In, Out              int // channels
	KH, KW               int // kernel height and width
	StrideH, StrideW     int // 0 means 1
	DilationH, DilationW int // 0 means 1
	Groups               int // divides In and Out; 0 means 1; In for a depthwise convolution
	Act                  Activation
	// Winograd lets a 3×3 convolution with stride 1 and enough channels use
	// Winograd's F(2×2, 3×3): fewer multiplications, with a few times the rounding
	// error of the direct sum.
	Winograd bool
}

// ConvShape is an input's size, with padding and the distances between pixels.
type ConvShape struct {
	N, H, W                              int // images, height and width of the input
	PadTop, PadLeft, PadBottom, PadRight int // zeros around the input, at least 0
	XPitch, YPitch, ResPitch             int // floats from one pixel to the next in input, output, residual; 0 means the number of channels
}

// ErrShape is wrapped by errors about sizes that do not fit.
var ErrShape = errors.New("shapes do not fit")

func orOne(v int) int {
	if v == 0 {
		return 1
	}
	return v
}

func (s ConvSpec) normalized() (ConvSpec, error) {
	s.StrideH, s.StrideW, s.Groups = orOne(s.StrideH), orOne(s.StrideW), orOne(s.Groups)
	s.DilationH, s.DilationW = orOne(s.DilationH), orOne(s.DilationW)
	for _, v := range []int{s.In, s.Out, s.KH, s.KW, s.StrideH, s.StrideW, s.DilationH, s.DilationW, s.Groups} {
		if v < 1 || v > 1<<30 {
			return s, fmt.Errorf("kernel: convolution %+v: %w: every size must be at least 1", s, ErrShape)
		}
	}
	if s.In%s.Groups != 0 || s.Out%s.Groups != 0 {
		return s, fmt.Errorf("kernel: convolution: %w: %d groups do not divide %d and %d channels", ErrShape, s.Groups, s.In, s.Out)
	}
	if err := s.Act.valid(); err != nil {
		return s, fmt.Errorf("kernel: convolution: %w", err)
	}
	return s, nil
}

// OutSize is the height and width of the output for an input of shape s.
func (spec ConvSpec) OutSize(s ConvShape) (h, w int, err error) {
	spec, err = spec.normalized()
	if err != nil {
		return 0, 0, err
	}
	for _, v := range []int{s.PadTop, s.PadBottom, s.PadLeft, s.PadRight} {
		if v < 0 {
			return 0, 0, fmt.Errorf("kernel: convolution: %w: negative padding", ErrShape)
		}
	}
	if s.N < 1 || s.H < 1 || s.W < 1 {
		return 0, 0, fmt.Errorf("kernel: convolution: %w: input %d×%d×%d", ErrShape, s.N, s.H, s.W)
	}
	h = s.H + s.PadTop + s.PadBottom - (spec.KH-1)*spec.DilationH - 1
	w = s.W + s.PadLeft + s.PadRight - (spec.KW-1)*spec.DilationW - 1
	if h < 0 || w < 0 {
		return 0, 0, fmt.Errorf("kernel: convolution: %w: a kernel of %d×%d is larger than the padded input", ErrShape, spec.KH, spec.KW)
	}
	return h/spec.StrideH + 1, w/spec.StrideW + 1, nil
}

// depthwise says that each output channel sees one input channel, its own.
func (s ConvSpec) depthwise() bool { return s.Groups == s.In && s.Out == s.In && s.In > 1 }

// ConvWeights are the weights and bias of a convolution, packed for one level.
// They are read-only and may be shared.
type ConvWeights struct {
	k      *Kernels
	spec   ConvSpec
	panels []panel
	data   []float32 // per panel: KH, KW, In/Groups, columns; depthwise: KH, KW, In
	bias   []float32 // nil: none

	winograd bool // data is for each panel 16 places, In, columns

	shared int         // groups that share a panel
	funcs  []microFunc // the kernels where they are more than one; else nil
}

// groupedFor returns the kernels for groups of fewer channels than a vector has
// lanes, where there are such.
func (k *Kernels) groupedFor(s ConvSpec) []microFunc {
	if s.In != s.Out || s.In%k.lanes != 0 {
		return nil
	}
	return k.grouped[s.In/s.Groups]
}

// PackConv packs weights[Out][In/Groups][KH][KW] (ONNX's order) and bias[Out]
// (nil for none). The slices are not kept.
func (k *Kernels) PackConv(spec ConvSpec, weights, bias []float32) (*ConvWeights, error) {
	spec, err := spec.normalized()
	if err != nil {
		return nil, err
	}
	cin := spec.In / spec.Groups
	if want := spec.Out * cin * spec.KH * spec.KW; len(weights) != want {
		return nil, fmt.Errorf("kernel: convolution: %w: %d weights, want %d·%d·%d·%d", ErrShape, len(weights), spec.Out, cin, spec.KH, spec.KW)
	}
	if bias != nil && len(bias) != spec.Out {
		return nil, fmt.Errorf("kernel: convolution: %w: bias of %d, want %d", ErrShape, len(bias), spec.Out)
	}
	w := &ConvWeights{k: k, spec: spec}
	taps := spec.KH * spec.KW
	if spec.depthwise() {
		w.data = Aligned(len(weights))
		for c := range spec.Out {
			for t := range taps {
				w.data[t*spec.Out+c] = weights[c*taps+t]
			}
		}
		if bias != nil {
			w.bias = append(Aligned(spec.Out)[:0], bias...)
		}
		return w, nil
	}
	if spec.winogradFits() {
		w.packWinograd(weights, bias)
		return w, nil
	}
	w.shared, w.funcs = 1, k.groupedFor(spec)
	if w.funcs != nil {
		w.shared = k.lanes / cin
	}
	panels, data, nbias := k.panels(spec.Groups/w.shared, spec.Out/spec.Groups*w.shared, taps*cin)
	w.panels, w.data, w.bias = panels, Aligned(data), k.packBias(bias, panels, nbias)
	for _, p := range panels {
		width := p.width(k.lanes)
		for c := range p.cols(k.lanes) {
			src := weights[(p.col+c)*cin*taps:]
			for t := range taps {
				dst := w.data[p.data+t*cin*width+c:]
				for i := range cin {
					dst[i*width] = src[i*taps+t]
				}
			}
		}
	}
	return w, nil
}

// Spec returns the convolution that the weights belong to.
func (w *ConvWeights) Spec() ConvSpec { return w.spec }

// Conv is a convolution of one shape, cut into tiles. It is read-only.
type Conv struct {
	w      *ConvWeights
	s      ConvShape
	oh, ow int
	method convMethod
	win    convWindow
	cut    cut // rows are pixels of the batch for a pointwise convolution
}

type convMethod int

const (
	convSpatial   convMethod = iota // rows of output pixels by panels
	convPointwise                   // one row of A for each pixel of the batch
	convDepthwise
	convWinograd // rows of tiles of 4×4 pixels by panels
)

// Plan prepares the convolution for inputs of one shape.
func (w *ConvWeights) Plan(s ConvShape) (*Conv, error) {
	oh, ow, err := w.spec.OutSize(s)
	if err != nil {
		return nil, err
	}
	for _, p := range []struct {
		pitch    *int
		channels int
	}{{&s.XPitch, w.spec.In}, {&s.YPitch, w.spec.Out}, {&s.ResPitch, w.spec.Out}} {
		if *p.pitch == 0 {
			*p.pitch = p.channels
		}
		if *p.pitch < p.channels {
			return nil, fmt.Errorf("kernel: convolution: %w: a pitch of %d for %d channels", ErrShape, *p.pitch, p.channels)
		}
	}
	c := &Conv{w: w, s: s, oh: oh, ow: ow}
	spec := w.spec
	padded := s.PadTop+s.PadBottom+s.PadLeft+s.PadRight > 0
	switch {
	case w.winograd:
		c.method, c.win = convWinograd, c.winogradWindow()
		c.cut = c.winogradCut()
		return c, nil
	case spec.depthwise():
		c.method = convDepthwise
	case spec.KH*spec.KW*spec.StrideH*spec.StrideW == 1 && !padded && w.funcs == nil:
		c.method = convPointwise
	}
	c.win = newConvWindow(c, padded)
	c.cut = c.work().cut()
	return c, nil
}

// OutSize is the height and width of the output.
func (c *Conv) OutSize() (h, w int) { return c.oh, c.ow }

// MACs is the number of multiply-adds of the whole convolution, padding
// included.
func (c *Conv) MACs() int {
	spec := c.w.spec
	return c.s.N * c.oh * c.ow * spec.Out * (spec.In / spec.Groups) * spec.KH * spec.KW
}

// Tiles is the number of pieces that Run computes; it depends on the shape
// only.
func (c *Conv) Tiles() int {
	if c.method == convWinograd {
		return c.s.N * c.cut.tilesY * c.cut.tilesCol
	}
	return c.work().images * c.cut.tilesY * c.cut.tilesCol
}

// Run computes one tile, 0 ≤ tile < Tiles(): y = act(conv(x) + bias + res).
// Tiles may run at the same time, each with a Scratch of its own. x is NHWC
// with XPitch, y with YPitch, res (nil for none) with ResPitch; y must not
// overlap x, and may be res where their pitches are the same.
func (c *Conv) Run(tile int, x, res, y []float32, s *Scratch) {
	c.checkLengths(x, res, y)
	switch c.method {
	case convPointwise:
		c.runPointwise(tile, x, res, y, s)
	case convDepthwise:
		c.runDepthwise(tile, x, res, y, s)
	case convWinograd:
		c.runWinograd(tile, x, res, y, s)
	default:
		c.runSpatial(tile, x, res, y, s)
	}
}

func (c *Conv) checkLengths(x, res, y []float32) {
	spec, in, out := c.w.spec, c.s.N*c.s.H*c.s.W-1, c.s.N*c.oh*c.ow-1
	if len(x) < in*c.s.XPitch+spec.In || len(y) < out*c.s.YPitch+spec.Out ||
		res != nil && len(res) < out*c.s.ResPitch+spec.Out {
		panic(fmt.Sprintf("kernel: convolution %+v of %+v: slices of %d, %d, %d floats are too short", spec, c.s, len(x), len(res), len(y)))
	}
}
