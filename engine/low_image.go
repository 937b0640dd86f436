package engine

import (
	"math"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// elemTile is how many elements make a tile of an elementwise step: 64 KiB,
// which stay in the second-level cache between two passes.
const elemTile = 1 << 14

// rowTiles cuts rows of width elements into tiles of about elemTile elements.
type rowTiles struct{ rows, width, per int }

func newRowTiles(rows, width int) rowTiles {
	return rowTiles{rows, width, max(1, elemTile/max(1, width))}
}

func (t rowTiles) tiles() int { return max(1, (t.rows+t.per-1)/t.per) }

// span is the elements of a tile.
func (t rowTiles) span(tile int) (from, to int) {
	lo := min(tile*t.per, t.rows)
	return lo * t.width, min(lo+t.per, t.rows) * t.width
}

// actLow applies a function to every element.
type actLow struct{ act kernel.Activation }

func (a *actLow) plan(p *Program, in, out []op.Arg) (tiled, error) {
	return actTiles{newRowTiles(product(in[0].Shape), 1), p.kernels, a.act}, nil
}

type actTiles struct {
	rowTiles
	k   *kernel.Kernels
	act kernel.Activation
}

func (t actTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	t.k.Activate(t.act, floats(out, 0)[from:to], floats(in, 0)[from:to])
}

// affineLow is y = x·scale + shift for each channel, the last axis of an image
// or the columns of a matrix, and an activation.
type affineLow struct {
	scale, shift []float64
	act          kernel.Activation
}

func (a *affineLow) images() bool { return true }

func (a *affineLow) activate(act kernel.Activation) bool {
	if a.act.Kind != kernel.ActNone {
		return false
	}
	a.act = act
	return true
}

func (a *affineLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	n := len(a.scale)
	t := affineTiles{rowTiles: newRowTiles(product(in[0].Shape)/n, n), k: p.kernels, act: a.act,
		scale: make([]float32, n), shift: make([]float32, n)}
	for i := range n {
		t.scale[i], t.shift[i] = float32(a.scale[i]), float32(a.shift[i])
	}
	return t, nil
}

type affineTiles struct {
	rowTiles
	k            *kernel.Kernels
	act          kernel.Activation
	scale, shift []float32
}

func (t affineTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	y := floats(out, 0)[from:to]
	t.k.BatchNorm(y, floats(in, 0)[from:to], t.scale, t.shift)
	if t.act.Kind != kernel.ActNone {
		t.k.Activate(t.act, y, y)
	}
}

// poolLow is the maximum or mean of windows on images with channels last.
type poolLow struct {
	place op.Placed
	spec  kernel.PoolSpec
}

func (p *poolLow) images() bool { return true }

func (p *poolLow) plan(pr *Program, in, _ []op.Arg) (tiled, error) {
	pool, err := pr.kernels.PlanPool(p.spec, in[0].Shape[3], imageShape(in[0].Shape, p.place))
	if err != nil {
		return nil, err
	}
	return poolTiles{pool}, nil
}

type poolTiles struct{ p *kernel.Pool }

func (t poolTiles) tiles() int { return t.p.Tiles() }

func (t poolTiles) run(tile int, in, out []tensor.Tensor, s *kernel.Scratch) {
	t.p.Run(tile, floats(in, 0), floats(out, 0), s)
}

// globalLow is the mean, or the maximum, over the pixels of an image.
type globalLow struct{ max bool }

func (g *globalLow) images() bool { return true }

func (g *globalLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	s := in[0].Shape
	return globalTiles{p.kernels, g.max, s[0], s[1] * s[2], s[3]}, nil
}

type globalTiles struct {
	k                        *kernel.Kernels
	max                      bool
	images, pixels, channels int
}

func (t globalTiles) tiles() int { return t.images }

func (t globalTiles) run(tile int, in, out []tensor.Tensor, s *kernel.Scratch) {
	size := t.pixels * t.channels
	x := floats(in, 0)[tile*size : (tile+1)*size]
	y := floats(out, 0)[tile*t.channels : (tile+1)*t.channels]
	if t.max {
		t.k.MaxPixels(y, x, t.pixels, t.channels, s)
		return
	}
	t.k.MeanPixels(y, x, t.pixels, t.channels, s)
}

// lrnLow is local response normalization of images with channels last.
type lrnLow struct{ op.LRN }

func (l *lrnLow) images() bool { return true }

func (l *lrnLow) plan(_ *Program, in, _ []op.Arg) (tiled, error) {
	c := in[0].Shape[3]
	return lrnTiles{newRowTiles(product(in[0].Shape)/c, c), l.LRN}, nil
}

type lrnTiles struct {
	rowTiles
	l op.LRN
}

func (t lrnTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	for at := from; at < to; at += t.width {
		t.pixel(floats(in, 0)[at:at+t.width], floats(out, 0)[at:at+t.width])
	}
}

// pixel normalizes the channels of one pixel.
func (t lrnTiles) pixel(x, y []float32) {
	below, above := (t.l.Size-1)/2, t.l.Size/2
	alpha := t.l.Alpha / float32(t.l.Size)
	for c, v := range x {
		var sum float32
		for _, w := range x[max(0, c-below):min(len(x), c+above+1)] {
			sum += w * w
		}
		base := float64(t.l.Bias + alpha*sum)
		if t.l.Beta == 0.75 { // the usual one: two square roots instead of a power
			root := math.Sqrt(base)
			y[c] = float32(float64(v) / (root * math.Sqrt(root)))
			continue
		}
		y[c] = float32(float64(v) / math.Pow(base, float64(t.l.Beta)))
	}
}

// toLast and toFirst move the channels of images.
type (
	toLast  struct{}
	toFirst struct{}
)

func (toLast) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	s := in[0].Shape // N, C, H, W
	return moveTiles{p.kernels.ToNHWC, s[0], s[1], s[2] * s[3]}, nil
}

func (toFirst) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	s := in[0].Shape // N, H, W, C
	return moveTiles{p.kernels.ToNCHW, s[0], s[3], s[1] * s[2]}, nil
}

type moveTiles struct {
	move                     func(dst, src []float32, images, channels, pixels int)
	images, channels, pixels int
}

func (t moveTiles) tiles() int { return max(1, t.images) }

func (t moveTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	if t.images == 0 {
		return
	}
	n := t.channels * t.pixels
	t.move(floats(out, 0)[tile*n:(tile+1)*n], floats(in, 0)[tile*n:(tile+1)*n], 1, t.channels, t.pixels)
}
