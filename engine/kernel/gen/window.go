package main

import "fmt"

// windowUnit generates the kernels that slide a window over NHWC pixels with
// the channels in the lanes: depthwise convolution and pooling.
func windowUnit() *unit {
	u := &unit{}
	for _, s := range []x86{avx512, avx2} {
		u.windowTable(s, "depthwise", 8)
		u.windowTable(s, "maxPool", 4)
		u.windowTable(s, "sumPool", 4)
	}
	return u
}

func (u *unit) windowTable(s x86, op string, most int) {
	list := ""
	for pixels := 1; pixels <= most; pixels++ {
		w := window{unit: u, x86: s, op: op, pixels: pixels}
		w.generate()
		list += w.name() + ", "
	}
	fmt.Fprintf(&u.decl, "// %s%s lists the kernels by pixels-1.\nfunc %s%s() []windowFunc {\n\treturn []windowFunc{%s}\n}\n\n",
		op, s.name, op, s.name, list)
}

// window is a kernel for some output pixels of a row. Registers:
//
//	DI args   AX, R14 taps of pixels 0 and 4   SI start of the tap row
//	BX weights   DX weights at the start of the tap row   R8 xpix   R9 3·xpix
//	R10 xtap   R11 wtap   R12 rows left   R13 columns left
//	CX channels left   R15 offset of the channels
type window struct {
	*unit
	x86
	op     string
	pixels int
}

func (w *window) name() string { return fmt.Sprintf("%s%sp%d", w.op, w.x86.name, w.pixels) }

func (w *window) lanes() int { return w.bytes / 4 }

func (w *window) generate() {
	w.begin(w.name(), "(p *windowArgs)", 0, 8)
	w.p("MOVQ p+0(FP), DI")
	w.p("MOVQ windowArgs_xpix(DI), R8; LEAQ (R8)(R8*2), R9")
	w.p("MOVQ windowArgs_xtap(DI), R10; MOVQ windowArgs_wtap(DI), R11")
	w.p("MOVQ windowArgs_channels(DI), CX; XORQ R15, R15")
	w.p("SUBQ $%d, CX", w.lanes())
	w.p("JLT tail")
	w.label("whole")
	w.block("whole", false)
	w.p("ADDQ $%d, R15; SUBQ $%d, CX", w.bytes, w.lanes())
	w.p("JGE whole")
	w.label("tail")
	w.p("ADDQ $%d, CX", w.lanes())
	w.p("JZ done")
	if w.wide() {
		w.p("KMOVQ windowArgs_mask16(DI), K1")
	} else {
		w.p("VMOVDQU windowArgs_mask8(DI), Y15")
	}
	w.block("rest", true)
	w.label("done")
	w.end()
}

// load reads a vector at off(ptr)(index), under the mask if it is a tail.
func (w *window) load(addr string, masked bool, dst string) {
	switch {
	case !masked:
		w.p("VMOVUPS %s, %s", addr, dst)
	case w.wide():
		w.p("VMOVUPS.Z %s, K1, %s", addr, dst)
	default:
		w.p("VMASKMOVPS %s, Y15, %s", addr, dst)
	}
}

func (w *window) block(name string, masked bool) {
	w.clear()
	w.p("MOVQ windowArgs_x(DI), SI; ADDQ R15, SI")
	w.p("MOVQ windowArgs_w(DI), DX; ADDQ R15, DX")
	w.p("MOVQ windowArgs_kh(DI), R12")
	w.p("TESTQ R12, R12")
	w.p("JZ %sStore", name)
	w.label(name + "Row")
	w.p("MOVQ SI, AX; MOVQ DX, BX; MOVQ windowArgs_kw(DI), R13")
	w.p("TESTQ R13, R13")
	w.p("JZ %sNext", name)
	if w.pixels > 4 {
		w.p("LEAQ (AX)(R8*4), R14")
	}
	w.label(name + "Tap")
	w.tap(masked)
	w.p("ADDQ R10, AX; ADDQ R11, BX")
	if w.pixels > 4 {
		w.p("ADDQ R10, R14")
	}
	w.p("DECQ R13")
	w.p("JNZ %sTap", name)
	w.label(name + "Next")
	w.p("ADDQ windowArgs_xrow(DI), SI; ADDQ windowArgs_wrow(DI), DX")
	w.p("DECQ R12")
	w.p("JNZ %sRow", name)
	w.label(name + "Store")
	w.finish(name, masked)
}

// clear sets the accumulators to the operation's neutral element.
func (w *window) clear() {
	for i := range w.pixels {
		if w.op == "maxPool" {
			w.p("VBROADCASTSS %s, %s", w.consts.bits(0xff800000), w.v(i))
		} else {
			w.zero(w.unit, i)
		}
	}
}

// tap takes one tap of every pixel.
func (w *window) tap(masked bool) {
	wt, x := w.v(w.pixels), w.v(w.pixels+1)
	if w.op == "depthwise" {
		w.load("(BX)", masked, wt)
	}
	for i := range w.pixels {
		addr := fmt.Sprintf([]string{"(%s)", "(%s)(R8*1)", "(%s)(R8*2)", "(%s)(R9*1)"}[i%4], []string{"AX", "R14"}[i/4])
		src := addr
		if masked {
			w.load(addr, true, x)
			src = x
		}
		switch w.op {
		case "depthwise":
			w.p("VFMADD231PS %s, %s, %s", src, wt, w.v(i))
		case "maxPool":
			w.p("VMAXPS %s, %s, %s", src, w.v(i), w.v(i))
		case "sumPool":
			w.p("VADDPS %s, %s, %s", src, w.v(i), w.v(i))
		}
	}
}

// finish scales or adds bias, residual and activation, and stores.
func (w *window) finish(name string, masked bool) {
	t := w.v(w.pixels)
	switch w.op {
	case "sumPool":
		w.p("VBROADCASTSS windowArgs_scale(DI), %s", t)
		for i := range w.pixels {
			w.p("VMULPS %s, %s, %s", t, w.v(i), w.v(i))
		}
	case "depthwise":
		w.convolved(name, masked)
	}
	if masked && !w.wide() {
		w.p("VMOVDQU windowArgs_mask8(DI), Y15")
	}
	w.rows("y", "ypix", func(i int) {
		switch {
		case !masked:
			w.p("VMOVUPS %s, (SI)", w.v(i))
		case w.wide():
			w.p("VMOVUPS %s, K1, (SI)", w.v(i))
		default:
			w.p("VMASKMOVPS %s, Y15, (SI)", w.v(i))
		}
	})
}

// convolved is the epilogue of a convolution.
func (w *window) convolved(name string, masked bool) {
	t := w.v(w.pixels)
	w.p("MOVQ windowArgs_bias(DI), SI")
	w.p("TESTQ SI, SI")
	w.p("JZ %sResidual", name)
	w.load("(SI)(R15*1)", masked, t)
	for i := range w.pixels {
		w.p("VADDPS %s, %s, %s", t, w.v(i), w.v(i))
	}
	w.label(name + "Residual")
	w.p("CMPQ windowArgs_res(DI), $0")
	w.p("JE %sAct", name)
	w.rows("res", "rpix", func(i int) {
		w.load("(SI)", masked, t)
		w.p("VADDPS %s, %s, %s", t, w.v(i), w.v(i))
	})
	w.label(name + "Act")
	w.activation(w.x86, epilogue{args: "windowArgs", done: name + "Out", accs: w.pixels, free: w.pixels})
	w.label(name + "Out")
}

// rows visits the pixels of an output with SI pointing at each.
func (w *window) rows(base, pitch string, visit func(i int)) {
	w.p("MOVQ windowArgs_%s(DI), SI; ADDQ R15, SI", base)
	w.p("MOVQ windowArgs_%s(DI), BX", pitch)
	for i := range w.pixels {
		if i > 0 {
			w.p("ADDQ BX, SI")
		}
		visit(i)
	}
}
