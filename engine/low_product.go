package engine

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// productLow is one or more matrix products, and what has been joined to them.
// Operands are a, then b unless it is constant, then a residual.
type productLow struct {
	weights        // of a constant b; scale and shift are for its columns
	m, k, n        int
	batch          int
	alpha          float32
	transA, transB bool
	act            kernel.Activation
	res            bool
}

// channels is the columns.
func (p *productLow) channels(rank int) int { return rank - 1 }

func (p *productLow) affine(scale, shift []float64) bool {
	if p.w == nil || p.res || p.act.Kind != kernel.ActNone {
		return false
	}
	p.weights.affine(scale, shift)
	return true
}

func (p *productLow) residual() bool {
	if p.res || p.act.Kind != kernel.ActNone {
		return false
	}
	p.res = true
	return true
}

func (p *productLow) activate(act kernel.Activation) bool {
	if p.act.Kind != kernel.ActNone {
		return false
	}
	p.act = act
	return true
}

func (p *productLow) plan(pr *Program, in, out []op.Arg) (tiled, error) {
	spec := kernel.MatMulSpec{M: p.m, N: p.n, K: p.k, TransA: p.transA, Alpha: 1, Batch: p.batch, Act: p.act,
		StrideA: p.m * p.k, StrideC: p.m * p.n}
	t := productTiles{res: -1}
	if p.res {
		t.res = len(in) - 1
	}
	if p.w == nil {
		spec.TransB, spec.Alpha, spec.StrideB = p.transB, p.alpha, p.k*p.n
		t.b = true
		var err error
		t.m, err = pr.kernels.PlanMatMul(spec, nil)
		return t, err
	}
	key := p.key()
	key.alpha, key.trans = p.alpha, p.transB
	packed, ok := pr.packs.matrices[key]
	if !ok {
		var err error
		packed, err = pr.kernels.PackMatrix(p.columns(), p.k, p.n, p.transB, p.alpha, p.bias(p.n))
		if err != nil {
			return nil, err
		}
		pr.packs.matrices[key] = packed
	}
	var err error
	t.m, err = pr.kernels.PlanMatMul(spec, packed)
	return t, err
}

// columns is the constant b with its columns scaled.
func (p *productLow) columns() []float32 {
	base := constant(p.w)
	if p.scale == nil {
		return base
	}
	if p.transB { // a column of b is a row in memory
		return p.scaled()
	}
	out := make([]float32, len(base))
	for i, v := range base {
		out[i] = float32(float64(v) * p.scale[i%p.n])
	}
	return out
}

type productTiles struct {
	m   *kernel.MatMul
	b   bool // operand 1 is b
	res int  // the residual's operand, -1 for none
}

func (t productTiles) tiles() int { return t.m.Tiles() }

func (t productTiles) run(tile int, in, out []tensor.Tensor, s *kernel.Scratch) {
	var b, res []float32
	if t.b {
		b = floats(in, 1)
	}
	if t.res >= 0 {
		res = floats(in, t.res)
	}
	t.m.Run(tile, floats(in, 0), b, res, floats(out, 0), s)
}
