package main

import "fmt"

// normUnit generates the kernels of batch normalization in training mode. Each
// visits rows of pixels, four at a time (then one at a time), and in them vectors
// of channels, so that memory is read in order and what belongs to a channel is
// read once for four pixels.
func normUnit() *unit {
	u := &unit{}
	for _, s := range []x86{avx512, avx2} {
		n := norm{unit: u, x86: s}
		n.kernel("colSum", n.colSum)
		n.kernel("colSquares", n.colSquares)
		n.kernel("normForward", func(rows int, masked bool) { n.forward(rows, masked, false) })
		n.kernel("normForwardAdd", func(rows int, masked bool) { n.forward(rows, masked, true) })
		for _, mask := range []string{"", "Input", "Output"} {
			n.kernel("normReduce"+mask, func(rows int, masked bool) { n.reduce(rows, masked, mask) })
		}
		for _, mask := range []string{"", "Input"} {
			for _, add := range []string{"", "Add"} {
				n.kernel("normBackward"+mask+add, func(rows int, masked bool) { n.backward(rows, masked, mask != "", add != "") })
			}
		}
	}
	return u
}

// norm is a kernel over pixels. Registers:
//
//	DI args   SI x   DX dy   BX y   R8 dx, at the first of the rows
//	R9 to R12 offsets of the vector in each row   R13, R14 s0, s1
//	R15 rows left   CX channels left   AX scratch
//	lo and hi: two vector registers that are set throughout
type norm struct {
	*unit
	x86
}

var rowOffset = []string{"R9", "R10", "R11", "R12"}

func (n *norm) lo() string { return n.v(n.regs - 3) }
func (n *norm) hi() string { return n.v(n.regs - 2) }

func (n *norm) kernel(name string, body func(rows int, masked bool)) {
	n.begin(name+n.name, "(p *normArgs)", 0, 8)
	n.p("MOVQ p+0(FP), DI")
	for _, a := range [][2]string{{"x", "SI"}, {"dy", "DX"}, {"y", "BX"}, {"dx", "R8"}, {"s0", "R13"}, {"s1", "R14"}, {"rows", "R15"}} {
		n.p("MOVQ normArgs_%s(DI), %s", a[0], a[1])
	}
	n.p("VBROADCASTSS normArgs_lo(DI), %s; VBROADCASTSS normArgs_hi(DI), %s", n.lo(), n.hi())
	if n.wide() {
		n.p("KMOVQ normArgs_mask16(DI), K1")
	} else {
		n.p("VMOVDQU normArgs_mask8(DI), Y15")
	}
	for _, rows := range []int{4, 1} {
		l := func(s string) string { return fmt.Sprintf("%s%d", s, rows) }
		n.label(l("rows"))
		n.p("SUBQ $%d, R15", rows)
		n.p("JLT %s", l("done"))
		n.row(rows, l, body)
		n.p("MOVQ normArgs_cols(DI), AX; SHLQ $%d, AX", map[int]int{4: 4, 1: 2}[rows])
		n.p("ADDQ AX, SI; ADDQ AX, DX; ADDQ AX, BX; ADDQ AX, R8")
		n.p("JMP %s", l("rows"))
		n.label(l("done"))
		n.p("ADDQ $%d, R15", rows)
	}
	n.end()
}

// row visits the vectors of a block of rows.
func (n *norm) row(rows int, l func(string) string, body func(rows int, masked bool)) {
	lanes := n.bytes / 4
	n.p("MOVQ normArgs_cols(DI), CX; XORQ R9, R9")
	if rows > 1 {
		n.p("LEAQ (R9)(CX*4), R10; LEAQ (R10)(CX*4), R11; LEAQ (R11)(CX*4), R12")
	}
	n.p("SUBQ $%d, CX", lanes)
	n.p("JLT %s", l("part"))
	n.label(l("whole"))
	body(rows, false)
	for _, r := range rowOffset[:rows] {
		n.p("ADDQ $%d, %s", n.bytes, r)
	}
	n.p("SUBQ $%d, CX", lanes)
	n.p("JGE %s", l("whole"))
	n.label(l("part"))
	n.p("ADDQ $%d, CX", lanes)
	n.p("JZ %s", l("end"))
	body(rows, true)
	n.label(l("end"))
}

// load and store move a vector at ptr + offset, under the mask if it is partial.
func (n *norm) load(ptr, offset string, masked bool, dst int) {
	switch {
	case !masked:
		n.p("VMOVUPS (%s)(%s*1), %s", ptr, offset, n.v(dst))
	case n.wide():
		n.p("VMOVUPS.Z (%s)(%s*1), K1, %s", ptr, offset, n.v(dst))
	default:
		n.p("VMASKMOVPS (%s)(%s*1), Y15, %s", ptr, offset, n.v(dst))
	}
}

func (n *norm) store(src int, ptr, offset string, masked bool) {
	switch {
	case !masked:
		n.p("VMOVUPS %s, (%s)(%s*1)", n.v(src), ptr, offset)
	case n.wide():
		n.p("VMOVUPS %s, K1, (%s)(%s*1)", n.v(src), ptr, offset)
	default:
		n.p("VMASKMOVPS %s, Y15, (%s)(%s*1)", n.v(src), ptr, offset)
	}
}

// channel loads what belongs to the channels.
func (n *norm) channel(field string, masked bool, dst int) {
	n.p("MOVQ normArgs_%s(DI), AX", field)
	n.load("AX", "R9", masked, dst)
}

func (n *norm) op(name string, a, b, dst int) {
	n.p("%s %s, %s, %s", name, n.v(a), n.v(b), n.v(dst))
}

// sum adds registers first, first+1, ... of the rows up in pairs, into the first.
func (n *norm) sum(first, rows int) {
	if rows == 4 {
		n.op("VADDPS", first+1, first, first)
		n.op("VADDPS", first+3, first+2, first+2)
		n.op("VADDPS", first+2, first, first)
	}
}

// accumulate adds a register to the sums at ptr; t is overwritten.
func (n *norm) accumulate(src int, ptr string, masked bool, t int) {
	n.load(ptr, "R9", masked, t)
	n.op("VADDPS", src, t, t)
	n.store(t, ptr, "R9", masked)
}

func (n *norm) colSum(rows int, masked bool) {
	for r := range rows {
		n.load("SI", rowOffset[r], masked, r)
	}
	n.sum(0, rows)
	n.accumulate(0, "R13", masked, 4)
}

// colSquares adds (x - a)² to s0 and x - a to s1.
func (n *norm) colSquares(rows int, masked bool) {
	n.channel("a", masked, 8)
	for r := range rows {
		n.load("SI", rowOffset[r], masked, r)
		n.op("VSUBPS", 8, r, r)
		n.op("VMULPS", r, r, 4+r)
	}
	n.sum(0, rows)
	n.sum(4, rows)
	n.accumulate(4, "R13", masked, 8)
	n.accumulate(0, "R14", masked, 9)
}

// forward is dx = clip(x·scale + shift + y).
func (n *norm) forward(rows int, masked, residual bool) {
	n.channel("scale", masked, 8)
	n.channel("shift", masked, 9)
	for r := range rows {
		n.load("SI", rowOffset[r], masked, r)
		n.op("VFMADD213PS", 9, 8, r)
		if residual {
			n.load("BX", rowOffset[r], masked, 4)
			n.op("VADDPS", 4, r, r)
		}
		x := n.v(r)
		n.p("VMAXPS %s, %s, %s; VMINPS %s, %s, %s", x, n.lo(), x, x, n.hi(), x)
		n.store(r, "R8", rowOffset[r], masked)
	}
}

// mask zeroes register g where not lo < z < hi; z is overwritten.
func (n *norm) mask(g, z int) {
	if n.wide() {
		n.p("VCMPPS $1, %s, %s, K2; VCMPPS $1, %s, %s, K2, K3", n.v(z), n.lo(), n.hi(), n.v(z))
		n.p("VMOVAPS.Z %s, K3, %s", n.v(g), n.v(g))
		return
	}
	t := n.v(12)
	n.p("VCMPPS $1, %s, %s, %s; VCMPPS $1, %s, %s, %s", n.v(z), n.lo(), t, n.hi(), n.v(z), n.v(z))
	n.p("VANDPS %s, %s, %s; VANDPS %s, %s, %s", n.v(z), t, t, t, n.v(g), n.v(g))
}

// reduce adds dz to s0 and dz·(x - mean) to s1: dz of the rows in registers 0 to
// 3, the products in 4 to 7.
func (n *norm) reduce(rows int, masked bool, mask string) {
	if mask == "Input" {
		n.channel("scale", masked, 8)
		n.channel("shift", masked, 9)
	}
	n.channel("a", masked, 10)
	for r := range rows {
		g, x, z := r, 4+r, 11
		n.load("DX", rowOffset[r], masked, g)
		n.load("SI", rowOffset[r], masked, x)
		switch mask {
		case "Input":
			n.p("VMOVAPS %s, %s", n.v(x), n.v(z))
			n.op("VFMADD213PS", 9, 8, z)
			n.mask(g, z)
		case "Output":
			n.load("BX", rowOffset[r], masked, z)
			n.mask(g, z)
			n.store(g, "R8", rowOffset[r], masked)
		}
		n.op("VSUBPS", 10, x, x)
		n.op("VMULPS", g, x, x)
	}
	n.sum(0, rows)
	n.sum(4, rows)
	n.accumulate(0, "R13", masked, 8)
	n.accumulate(4, "R14", masked, 9)
}

// backward is dx = a·dz + (b·x + c), or has it added.
func (n *norm) backward(rows int, masked, input, add bool) {
	for i, f := range []string{"a", "b", "c"} {
		n.channel(f, masked, 5+i)
	}
	if input {
		n.channel("scale", masked, 8)
		n.channel("shift", masked, 9)
	}
	for r := range rows {
		g, x, z := 2*(r%2), 2*(r%2)+1, 11
		n.load("DX", rowOffset[r], masked, g)
		n.load("SI", rowOffset[r], masked, x)
		if input {
			n.p("VMOVAPS %s, %s", n.v(x), n.v(z))
			n.op("VFMADD213PS", 9, 8, z)
			n.mask(g, z)
		}
		n.op("VFMADD213PS", 7, 6, x)
		n.op("VFMADD213PS", x, 5, g)
		if add {
			n.load("R8", rowOffset[r], masked, 10)
			n.op("VADDPS", 10, g, g)
		}
		n.store(g, "R8", rowOffset[r], masked)
	}
}
