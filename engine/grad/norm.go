package grad

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// batchNorm is a batch normalization with what was joined to it: in[0] is x,
// in[1] gamma, in[2] beta, in[3] a tensor that is added before the activation,
// if there is one.
type batchNorm struct {
	ends
	channels   int
	epsilon    float64
	momentum   float64
	mean, vars *Buffer
	act        kernel.Activation
	plan       *kernel.Norm
	state      *kernel.NormState
	scale      []float32 // gradients of gamma and beta that nobody wants
}

func (r *recorder) batchNorm(o op.BatchNorm) error {
	x := r.in[0]
	var err error
	switch {
	case len(x.shape) == 4:
		x, err = r.image(0)
	case len(x.shape) > 2:
		x = r.permuted(x, channelsLast(len(x.shape)))
	}
	if err != nil {
		return err
	}
	gamma, err := r.weight(1, NormScale)
	if err != nil {
		return err
	}
	beta, err := r.weight(2, NormShift)
	if err != nil {
		return err
	}
	mean, err := r.buffer(3)
	if err != nil {
		return err
	}
	variance, err := r.buffer(4)
	if err != nil {
		return err
	}
	n := &batchNorm{ends: *r.ends(x.v.n, x.v, gamma, beta), channels: gamma.n, epsilon: float64(o.Epsilon), momentum: float64(o.Momentum), mean: mean, vars: variance}
	for _, l := range r.tape.layers {
		if c, ok := l.(*conv); ok && c.out == x.v && r.uses[r.node.Inputs[0]] == 1 {
			c.shifted = true
		}
	}
	r.put(n, len(x.shape) == 4)
	if len(x.shape) > 2 && !x.last {
		e := &entry{v: n.out, shape: x.shape}
		r.name(r.permuted(e, channelsSecond(len(x.shape))).v, false)
	}
	return nil
}

// channelsLast moves axis 1 to the end; channelsSecond moves it back.
func channelsLast(rank int) []int {
	p := []int{0}
	for i := 2; i < rank; i++ {
		p = append(p, i)
	}
	return append(p, 1)
}

func channelsSecond(rank int) []int {
	p := []int{0, rank - 1}
	for i := 1; i < rank-1; i++ {
		p = append(p, i)
	}
	return p
}

func (n *batchNorm) prepare(k *kernel.Kernels) (err error) {
	n.plan, err = k.PlanNorm(kernel.NormSpec{Pixels: n.out.n / n.channels, Channels: n.channels, Act: n.act, Residual: len(n.in) > 3})
	n.state = kernel.NewNormState(n.channels)
	n.scale = make([]float32, 2*n.channels)
	return err
}

// masksOutput says that the backward pass reads the result.
func (n *batchNorm) masksOutput() bool { return len(n.in) > 3 && n.act.Kind != kernel.ActNone }

func (n *batchNorm) keeps() []*value {
	if n.masksOutput() {
		return []*value{n.in[0], n.out}
	}
	return n.in[:1]
}

// passes prefers the tensor that is added: its gradient is the output's, masked
// by the activation.
func (n *batchNorm) passes() []int { return []int{3, 0} }

func (n *batchNorm) residual() []float32 {
	if len(n.in) > 3 {
		return n.in[3].data()
	}
	return nil
}

func (n *batchNorm) forward(c *crew) {
	x, y, res := n.in[0].data(), n.out.data(), n.residual()
	parts := c.float64s(n.plan.Partials())
	c.each(n.plan.Tiles(), func(i int, s *kernel.Scratch) { n.plan.Stats(i, x, parts, s) })
	n.plan.StatsFinish(parts, n.in[1].data(), n.in[2].data(), n.epsilon, n.state)
	n.track()
	c.each(n.plan.Tiles(), func(i int, s *kernel.Scratch) { n.plan.Forward(i, x, res, y, n.state, s) })
}

// track moves the running statistics.
func (n *batchNorm) track() {
	pixels := float64(n.out.n / n.channels)
	unbiased := pixels / max(pixels-1, 1)
	for i, v := range n.mean.Value {
		n.mean.Value[i] = float32(n.momentum*float64(v) + (1-n.momentum)*float64(n.state.Mean[i]))
	}
	for i, v := range n.vars.Value {
		n.vars.Value[i] = float32(n.momentum*float64(v) + (1-n.momentum)*unbiased*float64(n.state.Var[i]))
	}
}

func (n *batchNorm) backward(c *crew) {
	x, y, dy := n.in[0].data(), n.out.data(), n.out.grad()
	parts := c.float64s(n.plan.Partials())
	c.each(n.plan.Tiles(), func(i int, s *kernel.Scratch) { n.plan.Reduce(i, x, y, dy, parts, n.state, s) })
	n.finish(parts)
	if dr := n.gradient(3); dr != nil && (n.add[3] || &dr[0] != &dy[0]) {
		c.move(dr, dy, n.add[3])
	}
	if dx := n.gradient(0); dx != nil {
		c.each(n.plan.Tiles(), func(i int, s *kernel.Scratch) { n.plan.Backward(i, x, dy, dx, n.add[0], n.state, s) })
	}
}

// finish adds up the gradients of gamma and beta.
func (n *batchNorm) finish(parts []float64) {
	gamma, beta := n.scale[:n.channels], n.scale[n.channels:]
	n.plan.ReduceFinish(parts, n.state, gamma, beta)
	for i, from := range [][]float32{gamma, beta} {
		to := n.gradient(1 + i)
		switch {
		case to == nil:
		case n.add[1+i]:
			for c, v := range from {
				to[c] += v
			}
		default:
			copy(to, from)
		}
	}
}
