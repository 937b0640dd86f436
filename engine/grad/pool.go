package grad

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// pool is a maximum or average over windows of images.
type pool struct {
	ends
	spec     kernel.PoolSpec
	channels int
	shape    kernel.ConvShape
	plan     *kernel.Pool
}

func (r *recorder) pool(w op.Window, average, countPad bool) error {
	x, err := r.image(0)
	if err != nil {
		return err
	}
	at, err := w.Place(x.shape[2:], nil)
	if err != nil {
		return err
	}
	p := &pool{ends: *r.ends(product(r.shape), x.v), channels: x.shape[1]}
	p.spec = kernel.PoolSpec{Average: average, KH: at.Kernel[0], KW: at.Kernel[1], StrideH: at.Strides[0], StrideW: at.Strides[1],
		DilationH: at.Dilations[0], DilationW: at.Dilations[1], CountIncludePad: countPad, CeilMode: w.Ceil}
	p.shape = kernel.ConvShape{N: x.shape[0], H: x.shape[2], W: x.shape[3],
		PadTop: at.PadStart[0], PadLeft: at.PadStart[1], PadBottom: at.PadStop[0], PadRight: at.PadStop[1]}
	r.put(p, true)
	return nil
}

func (p *pool) prepare(k *kernel.Kernels) (err error) {
	if p.plan, err = k.PlanPool(p.spec, p.channels, p.shape); err != nil {
		return err
	}
	if h, w := p.plan.OutSize(); p.shape.N*h*w*p.channels != p.out.n {
		return fmt.Errorf("%w: a pooling whose windows are placed otherwise", op.ErrUnsupported)
	}
	return nil
}

func (p *pool) keeps() []*value {
	if p.spec.Average {
		return nil
	}
	return []*value{p.in[0], p.out}
}

func (p *pool) forward(c *crew) {
	x, y := p.in[0].data(), p.out.data()
	c.each(p.plan.Tiles(), func(i int, s *kernel.Scratch) { p.plan.Run(i, x, y, s) })
}

func (p *pool) backward(c *crew) {
	if dx := p.gradient(0); dx != nil {
		x, y, dy := p.in[0].data(), p.out.data(), p.out.grad()
		c.each(p.plan.GradTiles(), func(i int, s *kernel.Scratch) { p.plan.Grad(i, x, y, dy, dx, p.add[0], s) })
	}
}

// globalMean is the mean over groups of rows: all pixels of each image.
type globalMean struct {
	ends
	unplanned
	groups, pixels, channels int
}

func (r *recorder) globalPool(o op.GlobalPool) error {
	if !o.Max {
		return r.globalMean()
	}
	w := op.Window{Kernel: r.in[0].shape[2:]}
	return r.pool(w, false, false)
}

func (r *recorder) globalMean() error {
	x, err := r.image(0)
	if err != nil {
		return err
	}
	g := &globalMean{ends: *r.ends(x.shape[0]*x.shape[1], x.v), groups: x.shape[0], pixels: x.shape[2] * x.shape[3], channels: x.shape[1]}
	r.put(g, len(r.shape) == 4)
	return nil
}

func (g *globalMean) keeps() []*value { return nil }

func (g *globalMean) forward(c *crew) {
	x, y, n := g.in[0].data(), g.out.data(), g.pixels*g.channels
	c.each(g.groups, func(i int, s *kernel.Scratch) {
		c.kernels.MeanPixels(y[i*g.channels:][:g.channels], x[i*n:][:n], g.pixels, g.channels, s)
	})
}

func (g *globalMean) backward(c *crew) {
	dx, dy, n := g.gradient(0), g.out.grad(), g.pixels*g.channels
	if dx == nil {
		return
	}
	c.each(g.groups, func(i int, s *kernel.Scratch) {
		c.kernels.MeanPixelsGrad(dx[i*n:][:n], dy[i*g.channels:][:g.channels], g.pixels, g.channels, g.add[0], s)
	})
}
