package grad

import (
	"fmt"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// unplanned is part of layers that need no plan.
type unplanned struct{}

func (unplanned) prepare(*kernel.Kernels) error { return nil }

// activation applies a function to every element.
type activation struct {
	ends
	unplanned
	act kernel.Activation
}

// unary is the kernels' name of a function; ok is false for one that is not
// trained.
func unary(o op.Unary) (act kernel.Activation, ok bool) {
	switch o.Kind {
	case op.Relu:
		return kernel.Relu(), true
	case op.LeakyRelu:
		return kernel.Activation{Kind: kernel.ActLeaky, Alpha: o.Alpha}, true
	case op.HardSigmoid:
		return kernel.Activation{Kind: kernel.ActHardSigmoid, Alpha: o.Alpha, Beta: o.Beta}, true
	case op.HardSwish:
		return kernel.HardSwish(), true
	case op.Sigmoid:
		return kernel.Activation{Kind: kernel.ActSigmoid}, true
	case op.Tanh:
		return kernel.Activation{Kind: kernel.ActTanh}, true
	case op.Gelu:
		return kernel.Activation{Kind: kernel.ActGelu}, true
	case op.GeluTanh:
		return kernel.Activation{Kind: kernel.ActGeluTanh}, true
	}
	return act, false
}

func (r *recorder) unary(o op.Unary) error {
	act, ok := unary(o)
	if !ok {
		return fmt.Errorf("%w for training", op.ErrUnsupported)
	}
	return r.activate(act)
}

func (r *recorder) clip(o op.Clip) error {
	args := make([]op.Arg, len(r.in))
	for i, e := range r.in {
		args[i] = e.arg()
		if i > 0 && e != nil && e.v != nil {
			return fmt.Errorf("%w: bounds that are computed", op.ErrUnsupported)
		}
	}
	lo, hi, ok := o.Bounds(args)
	if !ok || !(lo <= hi) {
		return fmt.Errorf("%w: bounds %g and %g", op.ErrUnsupported, lo, hi)
	}
	return r.activate(kernel.Clip(lo, hi))
}

// activate adds an activation, to the normalization before it where nothing
// else reads that one.
func (r *recorder) activate(act kernel.Activation) error {
	x := r.in[0]
	if n := r.joinable(r.node.Inputs[0]); n != nil && act.Kind == kernel.ActClip {
		n.act = act
		r.names[r.node.Outputs[0]] = x
		return nil
	}
	r.put(&activation{ends: *r.ends(x.v.n, x.v), act: act}, x.last)
	return nil
}

// joinable is the batch normalization that makes a name that only one node
// reads, if no activation has been joined to it.
func (r *recorder) joinable(name string) *batchNorm {
	e := r.names[name]
	if e == nil || e.v == nil || r.uses[name] != 1 || !e.last && len(e.shape) != 2 {
		return nil
	}
	for _, l := range r.tape.layers {
		if n, ok := l.(*batchNorm); ok && n.out == e.v && n.act.Kind == kernel.ActNone {
			return n
		}
	}
	return nil
}

func (a *activation) keeps() []*value {
	if a.act.GradReadsResult() {
		return []*value{a.out}
	}
	return a.in
}

func (a *activation) passes() []int { return []int{0} }

func (a *activation) forward(c *crew) {
	x, y := a.in[0].data(), a.out.data()
	c.chunks(len(x), func(from, to int) { c.kernels.Activate(a.act, y[from:to], x[from:to]) })
}

func (a *activation) backward(c *crew) {
	dx, dy, v := a.gradient(0), a.out.grad(), a.in[0].data()
	if dx == nil {
		return
	}
	if a.act.GradReadsResult() {
		v = a.out.data()
	}
	if !a.add[0] {
		c.chunks(len(dx), func(from, to int) { c.kernels.ActivateGrad(a.act, dx[from:to], dy[from:to], v[from:to]) })
		return
	}
	c.chunks(len(dx), func(from, to int) {
		var tmp [chunk]float32
		c.kernels.ActivateGrad(a.act, tmp[:to-from], dy[from:to], v[from:to])
		c.kernels.Binary(kernel.Add, dx[from:to], dx[from:to], tmp[:to-from])
	})
}

// move sets dst to src, or adds src to it.
func (c *crew) move(dst, src []float32, add bool) {
	c.chunks(len(dst), func(from, to int) {
		if !add {
			copy(dst[from:to], src[from:to])
			return
		}
		c.kernels.Binary(kernel.Add, dst[from:to], dst[from:to], src[from:to])
	})
}

// dropout sets a share of the elements to 0 and scales the others so that the
// mean stays. Which ones is drawn from seed, step, layer and element.
type dropout struct {
	ends
	unplanned
	ratio float64
	store *store
	seed  uint64
}

func (r *recorder) dropout() error {
	ratio := float32(0.5)
	if r.opset < 12 {
		ratio = r.node.Float("ratio", 0.5)
	} else if r.has(1) {
		var ok bool
		if ratio, ok = r.in[1].float(); !ok {
			return fmt.Errorf("%w: a ratio that is computed", op.ErrUnsupported)
		}
	}
	if !(ratio >= 0 && ratio < 1) {
		return fmt.Errorf("ratio is %g, want at least 0 and less than 1", ratio)
	}
	x := r.in[0]
	if ratio == 0 {
		r.names[r.node.Outputs[0]] = x
		return nil
	}
	seed := mix(r.opts.Seed ^ mix(uint64(len(r.tape.layers))+1))
	r.put(&dropout{ends: *r.ends(x.v.n, x.v), ratio: float64(ratio), store: r.store, seed: seed}, x.last)
	return nil
}

func (d *dropout) keeps() []*value { return nil }

func (d *dropout) passes() []int { return []int{0} }

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// apply sets, or adds to, dst src with elements left out.
func (d *dropout) apply(c *crew, dst, src []float32, add bool) {
	keep, scale := uint64((1-d.ratio)*(1<<53)), float32(1/(1-d.ratio))
	base := mix(d.seed ^ d.store.step)
	c.chunks(len(src), func(from, to int) {
		for i := from; i < to; i++ {
			v := float32(0)
			if mix(base+uint64(i))>>11 < keep {
				v = scale * src[i]
			}
			if add {
				v += dst[i]
			}
			dst[i] = v
		}
	})
}

func (d *dropout) forward(c *crew) { d.apply(c, d.out.data(), d.in[0].data(), false) }

func (d *dropout) backward(c *crew) {
	if dx := d.gradient(0); dx != nil {
		d.apply(c, dx, d.out.grad(), d.add[0])
	}
}
