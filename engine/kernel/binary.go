package kernel

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// BinaryOp is a function of two values. Min and Max are NaN where either
// operand is.
type BinaryOp int

// The binary functions.
const (
	Add BinaryOp = iota
	Sub
	Mul
	Div
	Min
	Max
	binaryCount
)

// binaryFunc sets dst[r·ds + i] = a[r·as + i] ∘ b[r·bs + i]; an operand may be
// one value a row instead of a vector. Rows and cols are at least 1.
type binaryFunc func(dst, a, b *float32, rows, cols, ds, as, bs int)

// The operands of a binaryFunc: vectors or one value a row.
const (
	vectorVector = iota
	vectorScalar
	scalarVector
	operandCount
)

// Binary sets dst[i] = a[i] ∘ b[i] for all of a; dst may be a or b.
func (k *Kernels) Binary(op BinaryOp, dst, a, b []float32) {
	if n := len(a); n > 0 {
		dst, b = dst[:n], b[:n]
		k.binary[op][vectorVector](&dst[0], &a[0], &b[0], 1, n, 0, 0, 0)
	}
}

// BinaryPlan is a binary function of tensors whose shapes broadcast, cut into
// tiles. It is read-only.
type BinaryPlan struct {
	k     *Kernels
	op    BinaryOp
	shape []int
	dims  []binaryDim // collapsed, the last varies fastest
	swap  bool
	kind  int
	rows  int // of a tile; columns where there is one row
}

// binaryDim is an axis with the distances between its elements; 0 repeats.
type binaryDim struct{ n, a, b int }

// binaryTile is the least number of values that make a tile.
const binaryTile = 1 << 14

// PlanBinary prepares op for dense row-major tensors of two shapes, which are
// aligned at the last axis; an axis of 1 is repeated (ONNX's multidirectional
// broadcasting).
func (k *Kernels) PlanBinary(op BinaryOp, a, b []int) (*BinaryPlan, error) {
	p := &BinaryPlan{k: k, op: op}
	rank := max(len(a), len(b))
	axis := func(s []int, i int) int {
		if i += len(s) - rank; i >= 0 {
			return s[i]
		}
		return 1
	}
	sa, sb := 1, 1
	dims := make([]binaryDim, 0, rank)
	for i := rank - 1; i >= 0; i-- {
		na, nb := axis(a, i), axis(b, i)
		d := binaryDim{n: max(na, nb), a: sa, b: sb}
		if na == 0 || nb == 0 {
			d.n = 0
		}
		if na < 0 || nb < 0 || na != d.n && na != 1 || nb != d.n && nb != 1 {
			return nil, fmt.Errorf("kernel: binary: %w: %v and %v do not broadcast", ErrShape, a, b)
		}
		if na == 1 {
			d.a = 0
		}
		if nb == 1 {
			d.b = 0
		}
		p.shape = append(p.shape, d.n)
		dims = append(dims, d)
		sa, sb = sa*na, sb*nb
	}
	slices.Reverse(p.shape)
	p.collapse(dims)
	return p, nil
}

// collapse joins axes (given from the fastest) that are one run in both
// operands, and chooses the kernel.
func (p *BinaryPlan) collapse(dims []binaryDim) {
	out := []binaryDim{}
	for _, d := range dims {
		if d.n == 1 {
			continue
		}
		if last := len(out) - 1; last >= 0 && d.a == out[last].a*out[last].n && d.b == out[last].b*out[last].n {
			out[last].n *= d.n
			continue
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		out = append(out, binaryDim{n: 1, a: 1, b: 1})
	}
	switch {
	case out[0].b == 0:
		p.kind = vectorScalar
	case out[0].a == 0:
		p.kind = scalarVector
		p.swap = p.op != Sub && p.op != Div
	}
	if len(out) == 1 {
		p.rows = binaryTile
	} else {
		p.rows = max(1, binaryTile/max(1, out[0].n))
	}
	slices.Reverse(out)
	p.dims = out
}

// Shape is the shape of the result.
func (p *BinaryPlan) Shape() []int { return slices.Clone(p.shape) }

// split returns the number of blocks of rows, the rows of each and how often
// the axes outside repeat them.
func (p *BinaryPlan) split() (outer, rows, blocks int) {
	n := len(p.dims)
	outer, rows = 1, p.dims[max(0, n-2)].n
	for _, d := range p.dims[:max(0, n-2)] {
		outer *= d.n
	}
	return outer, rows, ceilDiv(rows, p.rows)
}

// Tiles is the number of pieces that Run computes; 0 for an empty result.
func (p *BinaryPlan) Tiles() int {
	for _, n := range p.shape {
		if n == 0 {
			return 0
		}
	}
	outer, _, blocks := p.split()
	return outer * blocks
}

// Run computes one tile, 0 ≤ tile < Tiles(), of dst = a ∘ b; tiles may run at
// the same time. dst may be an operand that is not repeated.
func (p *BinaryPlan) Run(tile int, dst, a, b []float32) {
	_, rows, blocks := p.split()
	first := tile % blocks * p.rows
	count := min(p.rows, rows-first)
	n := len(p.dims)
	cols := p.dims[n-1]
	var row binaryDim
	od, oa, ob := 0, 0, 0
	if n == 1 {
		od, oa, ob = first, first*cols.a, first*cols.b
		cols.n, count = count, 1
	} else {
		row = p.dims[n-2]
		size := cols.n * row.n
		od = tile / blocks * size
		oa, ob = p.offsets(tile / blocks)
		od, oa, ob = od+first*cols.n, oa+first*row.a, ob+first*row.b
	}
	last := (count - 1)
	d := dst[od : od+last*cols.n+cols.n]
	x := a[oa : oa+last*row.a+(cols.n-1)*cols.a+1]
	y := b[ob : ob+last*row.b+(cols.n-1)*cols.b+1]
	if p.swap {
		p.k.binary[p.op][vectorScalar](&d[0], &y[0], &x[0], count, cols.n, cols.n, row.b, row.a)
		return
	}
	p.k.binary[p.op][p.kind](&d[0], &x[0], &y[0], count, cols.n, cols.n, row.a, row.b)
}

// offsets of the operands for index i of the outer axes.
func (p *BinaryPlan) offsets(i int) (a, b int) {
	for j := len(p.dims) - 3; j >= 0; j-- {
		d := p.dims[j]
		a, b = a+i%d.n*d.a, b+i%d.n*d.b
		i /= d.n
	}
	return a, b
}

func scalarBinaries(k *Kernels) {
	for op, f := range map[BinaryOp]func(a, b float32) float32{
		Add: func(a, b float32) float32 { return a + b },
		Sub: func(a, b float32) float32 { return a - b },
		Mul: func(a, b float32) float32 { return a * b },
		Div: func(a, b float32) float32 { return a / b },
		Min: func(a, b float32) float32 { return min(a, b) },
		Max: func(a, b float32) float32 { return max(a, b) },
	} {
		k.binary[op] = [operandCount]binaryFunc{scalarBinary(f, 1, 1), scalarBinary(f, 1, 0), scalarBinary(f, 0, 1)}
	}
	k.affineRows = affineRowsScalar
}

// scalarBinary makes a scalar twin; ia and ib are the steps along a row.
func scalarBinary(f func(a, b float32) float32, ia, ib int) binaryFunc {
	return func(dst, a, b *float32, rows, cols, ds, as, bs int) {
		for r := range rows {
			d := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(dst), 4*r*ds)), cols)
			x, y := unsafe.Add(unsafe.Pointer(a), 4*r*as), unsafe.Add(unsafe.Pointer(b), 4*r*bs)
			for i := range d {
				d[i] = f(*at(x, 4*i*ia), *at(y, 4*i*ib))
			}
		}
	}
}

func affineRowsScalar(dst, x, scale, shift *float32, rows, cols, ds, xs int) {
	s, t := unsafe.Slice(scale, cols), unsafe.Slice(shift, cols)
	for r := range rows {
		d := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(dst), 4*r*ds)), cols)
		v := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(x), 4*r*xs)), cols)
		for i := range d {
			d[i] = float32(math.FMA(float64(v[i]), float64(s[i]), float64(t[i])))
		}
	}
}
