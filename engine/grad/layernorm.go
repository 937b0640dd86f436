package grad

import (
	"math"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// layerNorm normalizes rows: in[0] is x, in[1] gamma, in[2] beta if there is
// one.
type layerNorm struct {
	ends
	unplanned
	width   int
	epsilon float32
	zero    []float32 // in beta's place
}

func (r *recorder) layerNorm(o op.LayerNorm) error {
	x, err := r.plain(0)
	if err != nil {
		return err
	}
	gamma, err := r.weight(1, NormScale)
	if err != nil {
		return err
	}
	in := []*value{x.v, gamma}
	if r.has(2) {
		beta, err := r.weight(2, NormShift)
		if err != nil {
			return err
		}
		in = append(in, beta)
	}
	n := &layerNorm{ends: *r.ends(x.v.n, in...), width: gamma.n, epsilon: o.Epsilon, zero: make([]float32, gamma.n)}
	r.put(n, false)
	return nil
}

func (n *layerNorm) keeps() []*value { return n.in[:1] }

func (n *layerNorm) forward(c *crew) {
	x, y, beta := n.in[0].data(), n.out.data(), n.zero
	if len(n.in) > 2 {
		beta = n.in[2].data()
	}
	c.each(len(x)/n.width, func(i int, _ *kernel.Scratch) {
		from, to := i*n.width, (i+1)*n.width
		c.kernels.LayerNorm(y[from:to], x[from:to], n.in[1].data(), beta, n.epsilon)
	})
}

func (n *layerNorm) backward(c *crew) {
	x, dx, dy := n.in[0].data(), n.gradient(0), n.out.grad()
	rows := len(x) / n.width
	groups := min(rows, sumGroups)
	sums := c.float64s(groups * 2 * n.width)
	clear(sums)
	c.each(groups, func(g int, _ *kernel.Scratch) {
		part := sums[g*2*n.width:][:2*n.width]
		for row := g * rows / groups; row < (g+1)*rows/groups; row++ {
			from, to := row*n.width, (row+1)*n.width
			var d []float32
			if dx != nil {
				d = dx[from:to]
			}
			n.row(x[from:to], dy[from:to], d, part)
		}
	})
	for i := 1; i < len(n.in); i++ {
		dst := n.gradient(i)
		for k := range dst {
			s := 0.0
			for g := range groups {
				s += sums[(g*2+i-1)*n.width+k]
			}
			if n.add[i] {
				s += float64(dst[k])
			}
			dst[k] = float32(s)
		}
	}
}

// row computes the gradient of one row and adds to the sums of gamma and beta.
func (n *layerNorm) row(x, dy, dx []float32, sums []float64) {
	gamma, width := n.in[1].data(), float64(n.width)
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += float64(v)
	}
	mean /= width
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean)
	}
	inv := 1 / math.Sqrt(square/width+float64(n.epsilon))
	sum, dot := 0.0, 0.0
	for i, v := range x {
		h, g := (float64(v)-mean)*inv, float64(dy[i])
		sums[i] += g * h
		sums[n.width+i] += g
		sum += g * float64(gamma[i])
		dot += g * float64(gamma[i]) * h
	}
	for i := range dx {
		h := (float64(x[i]) - mean) * inv
		d := inv * (float64(dy[i])*float64(gamma[i]) - sum/width - h*dot/width)
		if n.add[0] {
			d += float64(dx[i])
		}
		dx[i] = float32(d)
	}
}
