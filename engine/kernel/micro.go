package kernel

import "unsafe"

// microFunc is a micro-kernel of some number of rows and vectors.
type microFunc func(p *microArgs)

// microArgs are the operands of a micro-kernel; the assembly reads them by
// the offsets in go_asm.h, which the go command derives from this struct.
// Strides are in bytes.
//
// A tile has mr rows in two groups: the first (mr+1)/2 rows start at a (c,
// res) and follow each other by am (cm, rm), the others start at a+am2 (c+cm2,
// res+rm2). Where all rows are equally spaced, am2 = (mr+1)/2·am.
type microArgs struct {
	a, b, c   unsafe.Pointer
	n         [3]int // iterations of the loops k, o, p; each at least 1
	ak        [3]int // strides of A for k, o, p
	bk        [3]int // strides of B for k, o, p; a row of B is read in whole vectors
	am, am2   int
	cm, cm2   int
	rm, rm2   int
	bias, res unsafe.Pointer // nil: none; bias is read in whole vectors
	acc       int            // 0: C is overwritten; 1: C is added to
	act       int            // an ActKind up to ActHardSwish
	lo, hi    float32
	alpha     float32
	beta      float32
	tail      int       // columns of the last vector that exist, 1 to lanes
	partial   int       // 1 where tail < lanes
	mask16    uint64    // bit i: column i of the last vector exists (AVX-512)
	mask8     [8]uint32 // all ones: the column exists (AVX2)
}

// setTail sets the number of columns of the last vector that exist.
func (p *microArgs) setTail(tail, lanes int) {
	if p.tail == tail {
		return
	}
	p.tail, p.partial = tail, 0
	if tail < lanes {
		p.partial = 1
	}
	p.mask16 = 1<<tail - 1
	for i := range p.mask8 {
		p.mask8[i] = 0
		if i < tail {
			p.mask8[i] = ^uint32(0)
		}
	}
}

// setActivation sets a fused activation; others are left to a second pass.
func (p *microArgs) setActivation(a Activation) {
	p.act = int(ActNone)
	if a.fused() {
		p.act, p.lo, p.hi, p.alpha, p.beta = int(a.Kind), a.Lo, a.Hi, a.Alpha, a.Beta
	}
}

func (p *microArgs) activation() Activation {
	return Activation{Kind: ActKind(p.act), Lo: p.lo, Hi: p.hi, Alpha: p.alpha, Beta: p.beta}
}

// scalarLanes is the width of a "vector" of the scalar twin.
const scalarLanes = 4

// scalarMicro lists the scalar micro-kernels: one vector of four columns, one
// or two rows. Sixteen float registers hold no more.
func scalarMicro() [][]microFunc { return [][]microFunc{{micro1x4, micro2x4}} }

func at(p unsafe.Pointer, off int) *float32 { return (*float32)(unsafe.Add(p, off)) }

// micro1x4 is the scalar micro-kernel of one row.
func micro1x4(p *microArgs) {
	var c [4]float32
	if p.acc != 0 {
		loadRow(&c, p.c, p.tail)
	}
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	for ip := range p.n[2] {
		for io := range p.n[1] {
			a, b := ip*p.ak[2]+io*p.ak[1], ip*p.bk[2]+io*p.bk[1]
			for range p.n[0] {
				x, w := *at(p.a, a), (*[4]float32)(unsafe.Add(p.b, b))
				c0 += x * w[0]
				c1 += x * w[1]
				c2 += x * w[2]
				c3 += x * w[3]
				a += p.ak[0]
				b += p.bk[0]
			}
		}
	}
	finishRow(p, [4]float32{c0, c1, c2, c3}, 0, 0)
}

// micro2x4 is the scalar micro-kernel of two rows.
func micro2x4(p *microArgs) {
	var c, d [4]float32
	if p.acc != 0 {
		loadRow(&c, p.c, p.tail)
		loadRow(&d, unsafe.Add(p.c, p.cm2), p.tail)
	}
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	d0, d1, d2, d3 := d[0], d[1], d[2], d[3]
	for ip := range p.n[2] {
		for io := range p.n[1] {
			a, b := ip*p.ak[2]+io*p.ak[1], ip*p.bk[2]+io*p.bk[1]
			for range p.n[0] {
				x, y, w := *at(p.a, a), *at(p.a, a+p.am2), (*[4]float32)(unsafe.Add(p.b, b))
				c0 += x * w[0]
				c1 += x * w[1]
				c2 += x * w[2]
				c3 += x * w[3]
				d0 += y * w[0]
				d1 += y * w[1]
				d2 += y * w[2]
				d3 += y * w[3]
				a += p.ak[0]
				b += p.bk[0]
			}
		}
	}
	finishRow(p, [4]float32{c0, c1, c2, c3}, 0, 0)
	finishRow(p, [4]float32{d0, d1, d2, d3}, p.cm2, p.rm2)
}

// loadRow reads the n columns of a row that exist.
func loadRow(dst *[4]float32, c unsafe.Pointer, n int) {
	copy(dst[:n], unsafe.Slice((*float32)(c), n))
}

// finishRow applies bias, residual and activation to a row and stores it at
// offset co of C; ro is the row's offset in the residual.
func finishRow(p *microArgs, v [4]float32, co, ro int) {
	act := p.activation()
	for i := range p.tail {
		x := v[i]
		if p.bias != nil {
			x += *at(p.bias, 4*i)
		}
		if p.res != nil {
			x += *at(p.res, ro+4*i)
		}
		*at(p.c, co+4*i) = act.scalar(x)
	}
}
