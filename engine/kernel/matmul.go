package kernel

import (
	"fmt"
	"unsafe"
)

// MatMulSpec is a batch of products C = act(alpha·op(A)·op(B) + beta·C + bias + res).
// All matrices are row-major.
type MatMulSpec struct {
	M, N, K        int  // C is M×N, op(A) M×K, op(B) K×N
	TransA, TransB bool // op is the transpose
	Alpha, Beta    float32
	LDA, LDB, LDC  int // floats from one row to the next as stored; 0 means no gaps; C and res have LDC
	Batch          int // number of products; 0 means 1
	// Floats from one product's matrix to the next's; 0 repeats the same
	// matrix, which is an error for C where Batch > 1.
	StrideA, StrideB, StrideC int
	Act                       Activation
}

// DefaultMatMulSpec is one product C = A·B.
func DefaultMatMulSpec(m, n, k int) MatMulSpec {
	return MatMulSpec{M: m, N: n, K: k, Alpha: 1, Batch: 1}
}

// MatMul is a matrix product of one shape, cut into tiles. It is read-only.
type MatMul struct {
	k       *Kernels
	s       MatMulSpec
	b       *Matrix // nil: B is given to Run
	panels  []panel
	cut     cut
	direct  bool // B is read where it is, except for a panel with missing columns
	copyA   bool // A's rows compete for the same cache sets: copy them
	scratch int  // floats of one packed panel
}

// PlanMatMul prepares a product. With b, whose bias and alpha it has, B is
// constant: the spec's Alpha must be 1, and TransB, LDB and StrideB are
// ignored. Without, Run is given B.
func (k *Kernels) PlanMatMul(s MatMulSpec, b *Matrix) (*MatMul, error) {
	s, err := s.normalized(b)
	if err != nil {
		return nil, fmt.Errorf("kernel: matrix product: %w", err)
	}
	if b != nil && b.k.level != k.level {
		return nil, fmt.Errorf("kernel: matrix product: B was packed for %v, not %v", b.k.level, k.level)
	}
	m := &MatMul{k: k, s: s, b: b}
	w := work{images: s.Batch, rows: s.M, macs: m.MACs(), least: 4 * k.maxRows(k.maxVec), most: windowFloats / s.K, byCols: s.M < s.N}
	if b != nil {
		m.panels = b.panels
	} else {
		m.panels, _, _ = k.panels(1, s.N, s.K)
		m.direct = !s.TransB && s.Alpha == 1 && s.M <= 2*k.maxRows(k.maxVec)
		m.scratch = s.K * k.panel()
		w.byCols, w.most = true, s.M // a panel is packed once for all rows
	}
	m.copyA = !s.TransA && aliasing(s.LDA) && s.M > 1 && len(m.panels) > 1
	w.cols = len(m.panels)
	m.cut = w.cut()
	return m, nil
}

func (s MatMulSpec) normalized(b *Matrix) (MatMulSpec, error) {
	s.Batch = orOne(s.Batch)
	if s.M < 1 || s.N < 1 || s.K < 1 || s.Batch < 1 {
		return s, fmt.Errorf("%w: %d products of %d×%d×%d", ErrShape, s.Batch, s.M, s.K, s.N)
	}
	if b != nil {
		if b.rows != s.K || b.cols != s.N || s.Alpha != 1 {
			return s, fmt.Errorf("%w: constant B is %d×%d, want %d×%d and alpha 1 (is %g)", ErrShape, b.rows, b.cols, s.K, s.N, s.Alpha)
		}
		s.TransB, s.LDB, s.StrideB = false, s.N, 0
	}
	for _, x := range []struct {
		ld         *int
		rows, cols int
		trans      bool
	}{{&s.LDA, s.M, s.K, s.TransA}, {&s.LDB, s.K, s.N, s.TransB}, {&s.LDC, s.M, s.N, false}} {
		if x.trans {
			x.rows, x.cols = x.cols, x.rows
		}
		if *x.ld == 0 {
			*x.ld = x.cols
		}
		if *x.ld < x.cols {
			return s, fmt.Errorf("%w: rows of %d are %d apart", ErrShape, x.cols, *x.ld)
		}
	}
	if s.StrideA < 0 || s.StrideB < 0 || s.Batch > 1 && s.StrideC < (s.M-1)*s.LDC+s.N {
		return s, fmt.Errorf("%w: batch strides %d, %d, %d", ErrShape, s.StrideA, s.StrideB, s.StrideC)
	}
	return s, s.Act.valid()
}

// MACs is the number of multiply-adds of all products.
func (m *MatMul) MACs() int { return m.s.Batch * m.s.M * m.s.N * m.s.K }

// Tiles is the number of pieces that Run computes; it depends on the shape
// only.
func (m *MatMul) Tiles() int { return m.s.Batch * m.cut.tilesY * m.cut.tilesCol }

// Run computes one tile, 0 ≤ tile < Tiles(). Tiles may run at the same time,
// each with a Scratch of its own. b is ignored where the plan has a constant
// B; res is nil for none and may be c.
func (m *MatMul) Run(tile int, a, b, res, c []float32, s *Scratch) {
	m.checkLengths(a, b, res, c)
	t := m.cut.of(tile, m.s.M, m.panels)
	c = c[t.image*m.s.StrideC:]
	if res != nil {
		res = res[t.image*m.s.StrideC:]
	}
	if m.b == nil {
		b = b[t.image*m.s.StrideB:]
	}
	buf := s.floats(m.scratchFor(t))
	p := &s.micro
	pa := m.rowsOfA(p, a[t.image*m.s.StrideA:], buf, t)
	p.n, p.acc, p.cm, p.rm = [3]int{m.s.K, 1, 1}, 0, 4*m.s.LDC, 4*m.s.LDC
	p.setActivation(m.s.Act)
	for _, pan := range t.panels {
		first := t.y0*m.s.LDC + pan.col
		m.setB(p, b, buf, pan)
		m.startC(p, c[first:], pan, t.y1-t.y0)
		var r unsafe.Pointer
		if res != nil {
			r = ptr(res, first)
		}
		m.k.strip(s, pan, t.y1-t.y0, pa, ptr(c, first), r)
	}
	for row := t.y0; row < t.y1 && !m.s.Act.fused(); row++ {
		last := t.panels[len(t.panels)-1]
		m.k.activate(m.s.Act, c[row*m.s.LDC+t.panels[0].col:row*m.s.LDC+last.col+last.cols(m.k.lanes)])
	}
}

func (m *MatMul) scratchFor(t tileRange) int {
	n := m.scratch
	if m.copyA {
		n += (t.y1 - t.y0) * (m.s.K + 16)
	}
	return n
}

// rowsOfA sets the strides of A and returns its first element.
func (m *MatMul) rowsOfA(p *microArgs, a, buf []float32, t tileRange) unsafe.Pointer {
	switch {
	case m.s.TransA:
		p.am, p.ak = 4, [3]int{4 * m.s.LDA, 0, 0}
		return ptr(a, t.y0)
	case m.copyA:
		pitch := m.s.K + 16
		copyPixels(buf[m.scratch:], a[t.y0*m.s.LDA:], t.y1-t.y0, m.s.K, pitch, m.s.LDA)
		p.am, p.ak = 4*pitch, [3]int{4, 0, 0}
		return ptr(buf, m.scratch)
	}
	p.am, p.ak = 4*m.s.LDA, [3]int{4, 0, 0}
	return ptr(a, t.y0*m.s.LDA)
}

// setB points the micro-kernel at a panel of B, which it packs where needed.
func (m *MatMul) setB(p *microArgs, b, buf []float32, pan panel) {
	switch {
	case m.b != nil:
		m.k.setPanel(p, m.b.data, m.b.bias, pan)
	case m.direct && pan.tail == m.k.lanes:
		m.k.setPanel(p, b, nil, panel{data: pan.col, vecs: pan.vecs, tail: pan.tail})
		p.bk[0] = 4 * m.s.LDB
	default:
		m.k.packPanel(buf, b, pan, m.s.K, m.s.LDB, m.s.TransB, m.s.Alpha)
		m.k.setPanel(p, buf, nil, panel{vecs: pan.vecs, tail: pan.tail})
	}
}

// startC makes the product add to beta·C.
func (m *MatMul) startC(p *microArgs, c []float32, pan panel, rows int) {
	if m.s.Beta == 0 {
		return
	}
	p.acc = 1
	if m.s.Beta == 1 {
		return
	}
	for i := range rows {
		row := c[i*m.s.LDC : i*m.s.LDC+pan.cols(m.k.lanes)]
		for j := range row {
			row[j] *= m.s.Beta
		}
	}
}

func (m *MatMul) checkLengths(a, b, res, c []float32) {
	s := m.s
	size := func(rows, cols, ld, stride int, trans bool) int {
		if trans {
			rows, cols = cols, rows
		}
		return (s.Batch-1)*stride + (rows-1)*ld + cols
	}
	nc := size(s.M, s.N, s.LDC, s.StrideC, false)
	if len(a) < size(s.M, s.K, s.LDA, s.StrideA, s.TransA) || len(c) < nc || res != nil && len(res) < nc ||
		m.b == nil && len(b) < size(s.K, s.N, s.LDB, s.StrideB, s.TransB) {
		panic(fmt.Sprintf("kernel: matrix product %+v: slices of %d, %d, %d, %d floats are too short", s, len(a), len(b), len(res), len(c)))
	}
}
