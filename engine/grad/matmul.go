package grad

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// matmul is a batch of products of two matrices that are both computed.
type matmul struct {
	ends
	m, k, n, batch int
	forwardPlan    *kernel.MatMul
	left, right    [2]*kernel.MatMul // gradients: =, +=
}

func (r *recorder) matmul() error {
	if r.in[1].v == nil {
		if r.in[1].konst.Rank() != 2 {
			return fmt.Errorf("%w: weights of shape %v, want a matrix", op.ErrUnsupported, r.in[1].konst.Shape())
		}
		return r.dense(false)
	}
	a, err := r.plain(0)
	if err != nil {
		return err
	}
	b, err := r.plain(1)
	if err != nil {
		return err
	}
	rank := len(a.shape)
	if rank < 2 || len(b.shape) != rank || !slices.Equal(a.shape[:rank-2], b.shape[:rank-2]) {
		return fmt.Errorf("%w: a product of %v and %v, want equal leading axes", op.ErrUnsupported, a.shape, b.shape)
	}
	m := &matmul{ends: *r.ends(product(r.shape), a.v, b.v), m: a.shape[rank-2], k: a.shape[rank-1], n: b.shape[rank-1], batch: product(a.shape[:rank-2])}
	r.put(m, false)
	return nil
}

func (m *matmul) prepare(k *kernel.Kernels) (err error) {
	plan := func(rows, cols, sum int, ta, tb bool, beta float32) *kernel.MatMul {
		s := kernel.DefaultMatMulSpec(rows, cols, sum)
		s.TransA, s.TransB, s.Beta, s.Batch = ta, tb, beta, m.batch
		s.StrideA, s.StrideB, s.StrideC = rows*sum, sum*cols, rows*cols
		p, e := k.PlanMatMul(s, nil)
		if e != nil {
			err = e
		}
		return p
	}
	m.forwardPlan = plan(m.m, m.n, m.k, false, false, 0)
	for i := range m.left {
		m.left[i] = plan(m.m, m.k, m.n, false, true, float32(i))
		m.right[i] = plan(m.k, m.n, m.m, true, false, float32(i))
	}
	return err
}

func (m *matmul) keeps() []*value { return m.in }

func (m *matmul) forward(c *crew) {
	c.product(m.forwardPlan, m.in[0].data(), m.in[1].data(), m.out.data())
}

func (m *matmul) backward(c *crew) {
	dy, added := m.out.grad(), map[bool]int{true: 1}
	if da := m.gradient(0); da != nil {
		c.product(m.left[added[m.add[0]]], dy, m.in[1].data(), da)
	}
	if db := m.gradient(1); db != nil {
		c.product(m.right[added[m.add[1]]], m.in[0].data(), dy, db)
	}
}

func (c *crew) product(p *kernel.MatMul, a, b, dst []float32) {
	c.each(p.Tiles(), func(i int, s *kernel.Scratch) { p.Run(i, a, b, nil, dst, s) })
}
