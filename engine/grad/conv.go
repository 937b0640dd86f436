package grad

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// conv is a convolution: in[0] images, in[1] weights, in[2] bias if there is
// one.
type conv struct {
	ends
	weights *kernel.TrainWeights
	shape   kernel.ConvShape
	plan    *kernel.TrainConv
	sums    *kernel.ColumnSums
	shifted bool // a batch normalization takes the bias off again: its gradient is 0
}

func (r *recorder) conv(o op.Conv) error {
	x, err := r.image(0)
	if err != nil {
		return err
	}
	w, err := r.weight(1, ConvWeight)
	if err != nil {
		return err
	}
	in, bias := []*value{x.v, w}, (*value)(nil)
	if r.has(2) {
		if bias, err = r.weight(2, Bias); err != nil {
			return err
		}
		in = append(in, bias)
	}
	dims := r.in[1].konst.Shape()
	p, err := o.Place(x.shape[2:], dims[2:])
	if err != nil {
		return err
	}
	spec := kernel.ConvSpec{In: x.shape[1], Out: dims[0], KH: dims[2], KW: dims[3], StrideH: p.Strides[0], StrideW: p.Strides[1],
		DilationH: p.Dilations[0], DilationW: p.Dilations[1], Groups: o.Group, Winograd: true}
	c := &conv{ends: *r.ends(product(r.shape), in...)}
	c.shape = kernel.ConvShape{N: x.shape[0], H: x.shape[2], W: x.shape[3],
		PadTop: p.PadStart[0], PadLeft: p.PadStart[1], PadBottom: p.PadStop[0], PadRight: p.PadStop[1]}
	if c.weights, err = r.store.conv(r.kernels, r.crew, r.node.Outputs[0], spec, w, bias); err != nil {
		return err
	}
	r.put(c, true)
	return nil
}

func (c *conv) prepare(k *kernel.Kernels) (err error) {
	if c.plan, err = c.weights.Plan(c.shape); err != nil {
		return err
	}
	out := c.weights.Spec().Out
	c.sums, err = k.PlanColumnSums(c.out.n/out, out)
	return err
}

func (c *conv) keeps() []*value {
	if c.in[1].wants {
		return c.in[:1]
	}
	return nil
}

func (c *conv) forward(w *crew) {
	f, x, y := c.plan.Forward(), c.in[0].data(), c.out.data()
	w.each(f.Tiles(), func(i int, s *kernel.Scratch) { f.Run(i, x, nil, y, s) })
}

func (c *conv) backward(w *crew) {
	x, dy := c.in[0].data(), c.out.grad()
	dx, dw, db := c.gradient(0), c.gradient(1), c.gradient(2)
	var nx, nw, nb int
	var parts []float32
	var sums []float64
	if dx != nil {
		nx = c.plan.DataTiles()
	}
	if dw != nil {
		nw, parts = c.plan.WeightTiles(), w.float32s(c.plan.WeightPartials())
	}
	if db != nil && !c.shifted {
		nb, sums = c.sums.Tiles(), w.float64s(c.sums.Partials())
	}
	w.each(nw+nx+nb, func(i int, s *kernel.Scratch) {
		switch {
		case i < nw:
			c.plan.Weight(i, x, dy, parts, s)
		case i < nw+nx:
			c.plan.Data(i-nw, dy, dx, c.add[0], s)
		default:
			c.sums.Run(i-nw-nx, dy, sums, s)
		}
	})
	if dw != nil {
		w.into(dw, c.add[1], func(dst []float32) {
			w.each(c.plan.WeightSumTiles(), func(i int, _ *kernel.Scratch) { c.plan.WeightSum(i, parts, dst) })
		})
	}
	switch {
	case nb > 0:
		w.into(db, c.add[2], func(dst []float32) { c.sums.Finish(sums, dst) })
	case db != nil && !c.add[2]:
		clear(db)
	}
}

// columnSums sets, or adds to, dst the sums over rows of x.
func (c *crew) columnSums(p *kernel.ColumnSums, x, dst []float32, add bool) {
	parts := c.float64s(p.Partials())
	c.each(p.Tiles(), func(i int, s *kernel.Scratch) { p.Run(i, x, parts, s) })
	c.into(dst, add, func(dst []float32) { p.Finish(parts, dst) })
}

// into makes compute write to dst, or where add says so to other memory that is
// then added to dst. That is rare: it takes a parameter that two layers read.
func (c *crew) into(dst []float32, add bool, compute func(dst []float32)) {
	if !add {
		compute(dst)
		return
	}
	tmp := make([]float32, len(dst))
	compute(tmp)
	for i, v := range tmp {
		dst[i] += v
	}
}

// dense is a fully connected layer: in[0] rows, in[1] weights, in[2] bias if
// there is one.
type dense struct {
	ends
	spec kernel.DenseSpec
	plan *kernel.TrainDense
	sums *kernel.ColumnSums
}

func (r *recorder) gemm(o op.Gemm) error {
	if o.Alpha != 1 || o.Beta != 1 || o.TransA {
		return fmt.Errorf("%w: alpha %g, beta %g, transA %v; want 1, 1, false", op.ErrUnsupported, o.Alpha, o.Beta, o.TransA)
	}
	if r.has(2) && (r.in[2].v != nil || r.in[2].konst.Len() != r.shape[1]) {
		return fmt.Errorf("%w: bias of shape %v, want %d weights", op.ErrUnsupported, r.in[2].arg().Shape, r.shape[1])
	}
	return r.dense(o.TransB)
}

// dense makes a fully connected layer of inputs x, weights, bias.
func (r *recorder) dense(transposed bool) error {
	x, err := r.plain(0)
	if err != nil {
		return err
	}
	w, err := r.weight(1, DenseWeight)
	if err != nil {
		return err
	}
	in := []*value{x.v, w}
	if r.has(2) {
		b, err := r.weight(2, Bias)
		if err != nil {
			return err
		}
		in = append(in, b)
	}
	out := r.shape[len(r.shape)-1]
	n := x.shape[len(x.shape)-1]
	d := &dense{ends: *r.ends(product(r.shape), in...)}
	d.spec = kernel.DenseSpec{Rows: x.v.n / n, In: n, Out: out, Transposed: transposed, Bias: len(in) > 2}
	r.put(d, false)
	return nil
}

func (d *dense) prepare(k *kernel.Kernels) (err error) {
	if d.plan, err = k.PlanDense(d.spec); err != nil {
		return err
	}
	d.sums, err = k.PlanColumnSums(d.spec.Rows, d.spec.Out)
	return err
}

func (d *dense) keeps() []*value { return d.in[:1] }

func (d *dense) forward(c *crew) {
	x, y, w, bias := d.in[0].data(), d.out.data(), d.in[1].data(), []float32(nil)
	if d.spec.Bias {
		bias = d.in[2].data()
	}
	c.each(d.plan.PackTiles(), func(i int, _ *kernel.Scratch) { d.plan.Pack(i, w, bias) })
	c.each(d.plan.ForwardTiles(), func(i int, s *kernel.Scratch) { d.plan.Forward(i, x, y, s) })
}

func (d *dense) backward(c *crew) {
	dy := d.out.grad()
	if db := d.gradient(2); db != nil {
		c.columnSums(d.sums, dy, db, d.add[2])
	}
	if dw := d.gradient(1); dw != nil {
		x := d.in[0].data()
		c.into(dw, d.add[1], func(dst []float32) {
			c.each(d.plan.WeightTiles(), func(i int, s *kernel.Scratch) { d.plan.Weight(i, x, dy, dst, s) })
		})
	}
	if dx := d.gradient(0); dx != nil {
		w := d.in[1].data()
		c.each(d.plan.DataTiles(), func(i int, s *kernel.Scratch) { d.plan.Data(i, dy, w, dx, d.add[0], s) })
	}
}
