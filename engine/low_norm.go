package engine

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// layerNormLow normalizes rows as long as gamma.
type layerNormLow struct {
	gamma, beta []float32
	eps         float32
	lastAxis    bool // rows lie along the last axis alone
}

// newLayerNorm is a normalization of rows of n elements with gamma 1 and beta 0.
func newLayerNorm(n int, eps float32, lastAxis bool) *layerNormLow {
	l := &layerNormLow{gamma: make([]float32, n), beta: make([]float32, n), eps: eps, lastAxis: lastAxis}
	for i := range l.gamma {
		l.gamma[i] = 1
	}
	return l
}

func (l *layerNormLow) channels(rank int) int { return rank - 1 }

func (l *layerNormLow) affine(scale, shift []float64) bool {
	if !l.lastAxis {
		return false
	}
	for i := range scale {
		l.gamma[i] = float32(float64(l.gamma[i]) * scale[i])
		l.beta[i] = float32(float64(l.beta[i])*scale[i] + shift[i])
	}
	return true
}

func (l *layerNormLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	n := len(l.gamma)
	return layerNormTiles{newRowTiles(product(in[0].Shape)/n, n), p.kernels, l}, nil
}

type layerNormTiles struct {
	rowTiles
	k *kernel.Kernels
	l *layerNormLow
}

func (t layerNormTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	t.k.LayerNorm(floats(out, 0)[from:to], floats(in, 0)[from:to], t.l.gamma, t.l.beta, t.l.eps)
}
