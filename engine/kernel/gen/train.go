package main

import "fmt"

// trainUnit generates the other kernels that only training needs.
func trainUnit() *unit {
	u := &unit{}
	for _, s := range []x86{avx512, avx2} {
		winograd{u, s}.gradient()
		list := ""
		for taps := 1; taps <= 8; taps++ {
			d := depthwiseGrad{norm{u, s}, taps}
			d.generate()
			list += d.title() + ", "
		}
		fmt.Fprintf(&u.decl, "// depthwiseGrad%s lists the kernels by taps-1.\nfunc depthwiseGrad%s() []func(p *depthwiseArgs) {\n\treturn []func(p *depthwiseArgs){%s}\n}\n\n",
			s.name, s.name, list)
		for _, op := range []string{"max", "mean"} {
			poolGrad{norm{u, s}, op}.generate()
		}
	}
	u.actGrads()
	return u
}

// gradient generates M = A·dy·Aᵀ for n tiles of a row and vecs vectors of channels:
// 2×2 values to 16 places, each row to a, a+b, a-b, -b, then the columns.
func (w winograd) gradient() {
	w.begin("winogradGrad"+w.name, "(p *winogradArgs)", 0, 8)
	w.p("MOVQ p+0(FP), DI")
	w.p("MOVQ winogradArgs_src(DI), R13; MOVQ winogradArgs_dst(DI), R14; MOVQ winogradArgs_n(DI), CX")
	w.p("MOVQ winogradArgs_row(DI), R8; MOVQ winogradArgs_pix(DI), R9; MOVQ winogradArgs_pos(DI), R12")
	const zero, t = 8, 9
	w.zero(w.unit, zero)
	w.label("tile")
	w.p("MOVQ R13, SI; MOVQ R14, DX; MOVQ winogradArgs_vecs(DI), R10")
	w.label("vec")
	for r := range 2 {
		a, b := 4*r, 4*r+3
		w.p("VMOVUPS (%[1]s), %[2]s; VMOVUPS (%[1]s)(R9*1), %[3]s", []string{"SI", "BX"}[r], w.v(a), w.v(b))
		w.add(a, w.v(b), a+1)
		w.sub(a, w.v(b), a+2)
		w.sub(zero, w.v(b), b)
		if r == 0 {
			w.p("LEAQ (SI)(R8*1), BX")
		}
	}
	w.p("MOVQ DX, BX")
	for out := range 4 {
		for c := range 4 {
			src := t
			switch out {
			case 0:
				src = c
			case 1:
				w.add(c, w.v(4+c), t)
			case 2:
				w.sub(c, w.v(4+c), t)
			case 3:
				w.sub(zero, w.v(4+c), t)
			}
			w.p("VMOVUPS %s, (BX); ADDQ R12, BX", w.v(src))
		}
	}
	w.p("ADDQ $%d, SI; ADDQ $%d, DX", w.bytes, w.bytes)
	w.p("DECQ R10")
	w.p("JNZ vec")
	w.p("LEAQ (R13)(R9*2), R13; ADDQ winogradArgs_tile(DI), R14")
	w.p("DECQ CX")
	w.p("JNZ tile")
	w.end()
}

// depthwiseGrad is the weight gradient of some taps of a row. Registers:
//
//	DI args   AX, R14 x of taps 0 and 4   BX g   R8 xtap   R10 3·xtap
//	R9 offset of the channels   CX channels left   R11 pixels left
//	R12, R13 xpix, gpix   SI, DX scratch
type depthwiseGrad struct {
	norm
	taps int
}

func (d depthwiseGrad) title() string { return fmt.Sprintf("depthwiseGrad%st%d", d.name, d.taps) }

func (d depthwiseGrad) generate() {
	d.begin(d.title(), "(p *depthwiseArgs)", 0, 8)
	d.p("MOVQ p+0(FP), DI")
	d.p("MOVQ depthwiseArgs_xtap(DI), R8; LEAQ (R8)(R8*2), R10")
	d.p("MOVQ depthwiseArgs_xpix(DI), R12; MOVQ depthwiseArgs_gpix(DI), R13")
	d.channels("depthwiseArgs", d.block)
	d.end()
}

// channels visits the vectors of channels: R9 is their offset, CX counts.
func (n norm) channels(args string, block func(masked bool, name string)) {
	lanes := n.bytes / 4
	n.p("MOVQ %s_channels(DI), CX; XORQ R9, R9", args)
	if n.wide() {
		n.p("KMOVQ %s_mask16(DI), K1", args)
	} else {
		n.p("VMOVDQU %s_mask8(DI), Y15", args)
	}
	n.p("SUBQ $%d, CX", lanes)
	n.p("JLT part")
	n.label("whole")
	block(false, "whole")
	n.p("ADDQ $%d, R9; SUBQ $%d, CX", n.bytes, lanes)
	n.p("JGE whole")
	n.label("part")
	n.p("ADDQ $%d, CX", lanes)
	n.p("JZ done")
	block(true, "part")
	n.label("done")
}

func (d depthwiseGrad) block(masked bool, name string) {
	dst := func(visit func(t int)) {
		d.p("MOVQ depthwiseArgs_dst(DI), SI; MOVQ depthwiseArgs_dtap(DI), DX")
		for t := range d.taps {
			if t > 0 {
				d.p("ADDQ DX, SI")
			}
			visit(t)
		}
	}
	dst(func(t int) { d.load("SI", "R9", masked, t) })
	d.p("MOVQ depthwiseArgs_x(DI), AX; ADDQ R9, AX; MOVQ depthwiseArgs_g(DI), BX; ADDQ R9, BX")
	d.p("LEAQ (AX)(R8*4), R14; MOVQ depthwiseArgs_n(DI), R11")
	d.p("XORQ DX, DX")
	d.label(name + "Pixel")
	g, x := d.taps, d.taps+1
	d.load("BX", "DX", masked, g)
	for t := range d.taps {
		base := []string{"AX", "R14"}[t/4]
		addr := fmt.Sprintf([]string{"(%s)", "(%s)(R8*1)", "(%s)(R8*2)", "(%s)(R10*1)"}[t%4], base)
		switch {
		case !masked:
			d.p("VFMADD231PS %s, %s, %s", addr, d.v(g), d.v(t))
			continue
		case d.wide():
			d.p("VMOVUPS.Z %s, K1, %s", addr, d.v(x))
		default:
			d.p("VMASKMOVPS %s, Y15, %s", addr, d.v(x))
		}
		d.p("VFMADD231PS %s, %s, %s", d.v(x), d.v(g), d.v(t))
	}
	d.p("ADDQ R12, AX; ADDQ R12, R14; ADDQ R13, BX")
	d.p("DECQ R11")
	d.p("JNZ %sPixel", name)
	dst(func(t int) { d.store(t, "SI", "R9", masked) })
}

// poolGrad adds the gradient of pooling of n pixels of a row. Registers:
//
//	DI args   SI x   DX dx   BX y   R8 dy, of the pixel   R9 offset of the channels
//	R10 tap   R11 row   R12, R13 rows and columns left   R14 offset of the tap
//	R15 offset of the tap row   CX channels left   the pixels left on the stack
type poolGrad struct {
	norm
	op string
}

func (g poolGrad) generate() {
	g.begin(g.op+"PoolGrad"+g.name, "(p *poolGradArgs)", 8, 8)
	g.p("MOVQ p+0(FP), DI")
	for _, a := range [][2]string{{"x", "SI"}, {"dx", "DX"}, {"y", "BX"}, {"dy", "R8"}, {"tap", "R10"}, {"row", "R11"}} {
		g.p("MOVQ poolGradArgs_%s(DI), %s", a[0], a[1])
	}
	g.p("MOVQ poolGradArgs_n(DI), AX; MOVQ AX, pixels-8(SP)")
	g.label("pixel")
	g.channels("poolGradArgs", g.block)
	g.p("MOVQ poolGradArgs_pix(DI), AX; ADDQ AX, SI; ADDQ AX, DX")
	g.p("MOVQ poolGradArgs_ypix(DI), AX; ADDQ AX, BX; ADDQ AX, R8")
	g.p("DECQ pixels-8(SP)")
	g.p("JNZ pixel")
	g.end()
}

// block takes all taps of a vector of channels: dy in register 1; for a maximum y
// in 0 and the lanes that have not met it yet in K2 or register 4.
func (g poolGrad) block(masked bool, name string) {
	g.load("R8", "R9", masked, 1)
	if g.op == "mean" {
		g.p("VBROADCASTSS poolGradArgs_scale(DI), %s", g.v(2))
		g.norm.op("VMULPS", 2, 1, 1)
	} else {
		g.load("BX", "R9", masked, 0)
		if g.wide() {
			g.p("%s K2", map[bool]string{true: "KMOVW K1,", false: "KXNORW K2, K2,"}[masked])
		} else {
			g.p("VPCMPEQD Y4, Y4, Y4")
		}
	}
	g.p("MOVQ poolGradArgs_kh(DI), R12; MOVQ R9, R15")
	g.label(name + "Row")
	g.p("MOVQ poolGradArgs_kw(DI), R13; MOVQ R15, R14")
	g.label(name + "Tap")
	g.tap(masked)
	g.p("ADDQ R10, R14")
	g.p("DECQ R13")
	g.p("JNZ %sTap", name)
	g.p("ADDQ R11, R15")
	g.p("DECQ R12")
	g.p("JNZ %sRow", name)
}

func (g poolGrad) tap(masked bool) {
	g.load("DX", "R14", masked, 3)
	if g.op == "mean" {
		g.norm.op("VADDPS", 1, 3, 3)
		g.store(3, "DX", "R14", masked)
		return
	}
	g.load("SI", "R14", masked, 2)
	if g.wide() {
		g.p("VCMPPS $0, Z0, Z2, K2, K3; VADDPS Z1, Z3, K3, Z3")
		g.p("KANDNW K2, K3, K2")
		g.p("VMOVUPS Z3, K3, (DX)(R14*1)")
		return
	}
	g.p("VCMPPS $0, Y0, Y2, Y2; VANDPS Y4, Y2, Y2; VANDNPS Y4, Y2, Y4")
	g.p("VANDPS Y1, Y2, Y2; VADDPS Y2, Y3, Y3")
	g.store(3, "DX", "R14", masked)
}
