package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// kernelize gives the remaining float32 steps kernels where there are some.
func kernelize(g *graph, f facts) {
	z := &fuser{g: g, f: f}
	for _, s := range g.steps {
		if s.op == nil || len(s.out) != 1 {
			continue
		}
		z.kernelizeStep(s)
	}
}

// kernelizeStep gives a step whose first operand is of float32 its kernels.
func (z *fuser) kernelizeStep(s *step) {
	shape, ok := z.float32(s.in0())
	if _, okOut := z.float32(s.out[0]); !ok || !okOut {
		return
	}
	switch o := s.op.(type) {
	case op.Arith:
		if _, ok := z.float32(s.in[len(s.in)-1]); ok && len(s.in) == 2 {
			s.runs(&binaryLow{o.Kind}, s.in...)
		}
	case op.Pow:
		if e, ok := scalar(s.in[1]); ok && s.in[1].konst.Rank() <= len(shape) {
			s.runs(&powLow{e}, s.in[0])
		}
	case op.Unary:
		if f, alpha, ok := unaryKernel(o.Kind); ok {
			s.runs(&unaryLow{f, alpha}, s.in[0])
		}
	case op.Softmax:
		if _, n, inner, err := o.Split(shape); err == nil && inner == 1 && n > 0 {
			s.runs(&softmaxLow{n, o.Log}, s.in[0])
		}
	case op.Reduce:
		if set, err := o.AxisSet(z.known(s)); err == nil && o.Kind == op.Mean && slices.Contains(set, true) {
			s.runs(&meanLow{set}, s.in[0])
		}
	case op.Transpose:
		if perm, err := o.Order(len(shape)); err == nil {
			s.runs(&transposeLow{perm}, s.in[0])
		}
	}
}

// scalar is the one element of a float32 constant.
func scalar(v *value) (x float32, ok bool) {
	c := constant(v)
	if len(c) != 1 {
		return 0, false
	}
	return c[0], true
}

func unaryKernel(k op.UnaryKind) (f kernel.UnaryOp, alpha float32, ok bool) {
	switch k {
	case op.Sqrt:
		return kernel.OpSqrt, 0, true
	case op.Exp:
		return kernel.OpExp, 0, true
	case op.Erf:
		return kernel.OpErf, 0, true
	case op.Abs:
		return kernel.OpAbs, 0, true
	case op.Reciprocal:
		return kernel.OpReciprocal, 0, true
	case op.Neg:
		return kernel.OpAffine, -1, true
	}
	return 0, 0, false
}

// binaryLow is an elementwise function of two tensors that broadcast.
type binaryLow struct{ kind op.ArithKind }

func (b *binaryLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	ops := map[op.ArithKind]kernel.BinaryOp{op.Add: kernel.Add, op.Sub: kernel.Sub, op.Mul: kernel.Mul,
		op.Div: kernel.Div, op.Min: kernel.Min, op.Max: kernel.Max}
	t, err := p.kernels.PlanBinary(ops[b.kind], in[0].Shape, in[1].Shape)
	return binaryTiles{t}, err
}

type binaryTiles struct{ p *kernel.BinaryPlan }

func (t binaryTiles) tiles() int { return t.p.Tiles() }

func (t binaryTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	t.p.Run(tile, floats(out, 0), floats(in, 0), floats(in, 1))
}

// unaryLow is an elementwise function that is no activation.
type unaryLow struct {
	f     kernel.UnaryOp
	alpha float32
}

func (u *unaryLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return unaryTiles{newRowTiles(product(in[0].Shape), 1), p.kernels, *u}, nil
}

type unaryTiles struct {
	rowTiles
	k *kernel.Kernels
	u unaryLow
}

func (t unaryTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	t.k.Unary(t.u.f, floats(out, 0)[from:to], floats(in, 0)[from:to], t.u.alpha, 0)
}

// powLow raises to a constant power.
type powLow struct{ exponent float32 }

func (e *powLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return powTiles{newRowTiles(product(in[0].Shape), 1), p.kernels, e.exponent}, nil
}

type powTiles struct {
	rowTiles
	k        *kernel.Kernels
	exponent float32
}

func (t powTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	t.k.Pow(floats(out, 0)[from:to], floats(in, 0)[from:to], t.exponent)
}

// softmaxLow is the softmax of rows of n elements, or its logarithm.
type softmaxLow struct {
	n   int
	log bool
}

func (m *softmaxLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	f := p.kernels.Softmax
	if m.log {
		f = p.kernels.LogSoftmax
	}
	return softmaxTiles{newRowTiles(product(in[0].Shape)/m.n, m.n), f}, nil
}

type softmaxTiles struct {
	rowTiles
	f func(dst, x []float32, n int)
}

func (t softmaxTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	from, to := t.span(tile)
	t.f(floats(out, 0)[from:to], floats(in, 0)[from:to], t.width)
}

// meanLow is the mean over the axes that set picks.
type meanLow struct{ set []bool }

func (m *meanLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	t := meanTiles{k: p.kernels, shape: in[0].Shape}
	for i, reduced := range m.set {
		if reduced {
			t.axes = append(t.axes, i)
		}
	}
	return t, nil
}

type meanTiles struct {
	k           *kernel.Kernels
	shape, axes []int
}

func (t meanTiles) tiles() int {
	if t.axes[0] == 0 {
		return 1
	}
	return t.shape[0]
}

func (t meanTiles) run(tile int, in, out []tensor.Tensor, s *kernel.Scratch) {
	x, y, shape, axes := floats(in, 0), floats(out, 0), t.shape, t.axes
	if n := t.tiles(); n > 1 { // one index of the first axis
		x, y = x[tile*len(x)/n:(tile+1)*len(x)/n], y[tile*len(y)/n:(tile+1)*len(y)/n]
		shape = append([]int{1}, t.shape[1:]...)
	}
	if err := t.k.ReduceMean(y, x, shape, axes, s); err != nil {
		panic(err) // shapes were checked when the plan was made
	}
}

// transposeLow permutes axes.
type transposeLow struct{ perm []int }

func (t *transposeLow) plan(p *Program, in, _ []op.Arg) (tiled, error) {
	return transposeTiles{p.kernels, in[0].Shape, t.perm}, nil
}

type transposeTiles struct {
	k           *kernel.Kernels
	shape, perm []int
}

// tiles is one for each index of the first axis if that stays first.
func (t transposeTiles) tiles() int {
	if len(t.perm) < 2 || t.perm[0] != 0 {
		return 1
	}
	return t.shape[0]
}

func (t transposeTiles) run(tile int, in, out []tensor.Tensor, _ *kernel.Scratch) {
	x, y, shape := floats(in, 0), floats(out, 0), t.shape
	if n := t.tiles(); n > 1 {
		size := len(x) / n
		x, y = x[tile*size:(tile+1)*size], y[tile*size:(tile+1)*size]
		shape = append([]int{1}, t.shape[1:]...)
	}
	if err := t.k.Transpose(y, x, shape, t.perm); err != nil {
		panic(err) // shapes were checked when the plan was made
	}
}
