package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// weights is a constant operand with what has been joined to its product: for
// each output channel, y·scale + shift of y = product + bias.
type weights struct {
	w, b         *value
	scale, shift []float64 // nil: 1 and 0
}

// affine composes with what is there.
func (w *weights) affine(scale, shift []float64) {
	if w.scale == nil {
		w.scale, w.shift = make([]float64, len(scale)), append(make([]float64, 0, len(scale)), w.shift...)[:len(scale)]
		for i := range w.scale {
			w.scale[i] = 1
		}
	}
	for i := range scale {
		w.scale[i] *= scale[i]
		w.shift[i] = w.shift[i]*scale[i] + shift[i]
	}
}

// bias is the bias of n output channels with everything that has been joined,
// nil for none.
func (w *weights) bias(n int) []float32 {
	base := constant(w.b)
	if base == nil && w.shift == nil {
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		var v float64
		if base != nil {
			v = float64(base[i])
		}
		if w.scale != nil {
			v *= w.scale[i]
		}
		if w.shift != nil {
			v += w.shift[i]
		}
		out[i] = float32(v)
	}
	return out
}

// scaled is the weights, which come in rows of one output channel each, times
// the scales; the constant itself if there are none.
func (w *weights) scaled() []float32 {
	base := constant(w.w)
	if w.scale == nil {
		return base
	}
	out := make([]float32, len(base))
	row := len(base) / len(w.scale)
	for i, v := range base {
		out[i] = float32(float64(v) * w.scale[i/row])
	}
	return out
}

// packKey tells packed weights apart. The digest is of scale and shift.
type packKey struct {
	w, b   *value
	digest [sha256.Size]byte
	conv   kernel.ConvSpec
	alpha  float32
	trans  bool
}

func (w *weights) key() packKey {
	k := packKey{w: w.w, b: w.b}
	if w.scale == nil && w.shift == nil {
		return k
	}
	var bytes []byte
	for _, list := range [][]float64{w.scale, w.shift} {
		for _, v := range list {
			bytes = binary.LittleEndian.AppendUint64(bytes, math.Float64bits(v))
		}
	}
	k.digest = sha256.Sum256(bytes)
	return k
}

// convLow is a two-dimensional convolution of images with channels last, and
// what has been joined to it.
type convLow struct {
	weights
	place op.Placed
	group int
	act   kernel.Activation
	res   bool // operand 1 is added before the activation
}

func (c *convLow) images() bool { return true }

func (c *convLow) channels(int) int { return 1 }

func (c *convLow) affine(scale, shift []float64) bool {
	if c.res || c.act.Kind != kernel.ActNone {
		return false
	}
	c.weights.affine(scale, shift)
	return true
}

func (c *convLow) residual() bool {
	if c.res || c.act.Kind != kernel.ActNone {
		return false
	}
	c.res = true
	return true
}

func (c *convLow) activate(act kernel.Activation) bool {
	if c.act.Kind != kernel.ActNone {
		return false
	}
	c.act = act
	return true
}

func (c *convLow) plan(p *Program, in, out []op.Arg) (tiled, error) {
	w, x := c.w.konst.Shape(), in[0].Shape
	spec := kernel.ConvSpec{In: x[3], Out: w[0], KH: w[2], KW: w[3], Groups: c.group, Act: c.act,
		StrideH: c.place.Strides[0], StrideW: c.place.Strides[1],
		DilationH: c.place.Dilations[0], DilationW: c.place.Dilations[1], Winograd: !p.opts.Direct}
	key := c.key()
	key.conv = spec
	packed, ok := p.packs.convs[key]
	if !ok {
		var err error
		if packed, err = p.kernels.PackConv(spec, c.scaled(), c.bias(w[0])); err != nil {
			return nil, err
		}
		p.packs.convs[key] = packed
	}
	conv, err := packed.Plan(imageShape(x, c.place))
	if err != nil {
		return nil, err
	}
	return convTiles{conv}, nil
}

// imageShape is the kernels' description of images [N, H, W, C].
func imageShape(x []int, p op.Placed) kernel.ConvShape {
	return kernel.ConvShape{N: x[0], H: x[1], W: x[2], PadTop: p.PadStart[0], PadLeft: p.PadStart[1],
		PadBottom: p.PadStop[0], PadRight: p.PadStop[1]}
}

type convTiles struct{ c *kernel.Conv }

func (t convTiles) tiles() int { return t.c.Tiles() }

func (t convTiles) run(tile int, in, out []tensor.Tensor, s *kernel.Scratch) {
	t.c.Run(tile, floats(in, 0), floats(in, 1), floats(out, 0), s)
}

// floats is the elements of tensor i, nil if there is none.
func floats(t []tensor.Tensor, i int) []float32 {
	if i >= len(t) {
		return nil
	}
	return tensor.Data[float32](t[i])
}
