package main

// winogradUnit generates the transforms of Winograd's F(2×2, 3×3): a tile of
// 4×4 pixels to 16 products' operands, and 16 products to 2×2 results. The
// order of operations is that of the scalar twins, so that all levels give the
// same bits.
func winogradUnit() *unit {
	u := &unit{}
	for _, s := range []x86{avx2, avx512} {
		w := winograd{u, s}
		w.input()
		w.output()
	}
	return u
}

type winograd struct {
	*unit
	x86
}

func (w winograd) op(instr string, a, b, dst string) { w.p("%s %s, %s, %s", instr, b, a, dst) }

// add, sub: dst = a + b, dst = a - b; b may be memory.
func (w winograd) add(a int, b string, dst int) { w.op("VADDPS", w.v(a), b, w.v(dst)) }
func (w winograd) sub(a int, b string, dst int) { w.op("VSUBPS", w.v(a), b, w.v(dst)) }

// input generates V = Bᵀ·d·B for n tiles of a row and vecs vectors of channels:
// first over the columns of each row, then over the rows. Registers 4r to 4r+3
// hold row r; AVX2 keeps row 3 on the stack, so that four registers are free.
func (w winograd) input() {
	frame := 0
	if !w.wide() {
		frame = 4 * w.bytes
	}
	w.begin("winogradInput"+w.name, "(p *winogradArgs)", frame, 8)
	w.p("MOVQ p+0(FP), DI")
	w.p("MOVQ winogradArgs_src(DI), R13; MOVQ winogradArgs_dst(DI), R14; MOVQ winogradArgs_n(DI), CX")
	w.p("MOVQ winogradArgs_row(DI), R8; MOVQ winogradArgs_pix(DI), R9; LEAQ (R9)(R9*2), R11; MOVQ winogradArgs_pos(DI), R12")
	w.label("tile")
	w.p("MOVQ R13, SI; MOVQ R14, DX; MOVQ winogradArgs_vecs(DI), R10")
	w.label("vec")
	w.p("MOVQ SI, BX")
	for r := range 4 {
		w.inputRow(r)
		if r < 3 {
			w.p("ADDQ R8, BX")
		}
	}
	w.p("MOVQ DX, BX")
	for out := range 4 {
		for c := range 4 {
			w.inputColumn(out, c)
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

// inputRow transforms the four pixels at BX: d0-d2, d1+d2, d2-d1, d1-d3.
func (w winograd) inputRow(r int) {
	a := 4 * r // row 3's registers are those that AVX2 frees
	w.p("VMOVUPS (BX), %s; VMOVUPS (BX)(R9*1), %s", w.v(a), w.v(a+1))
	w.p("VMOVUPS (BX)(R9*2), %s; VMOVUPS (BX)(R11*1), %s", w.v(a+2), w.v(a+3))
	w.sub(a, w.v(a+2), a)
	w.sub(a+1, w.v(a+3), a+3)
	if w.wide() {
		t := 16 + r
		w.add(a+1, w.v(a+2), t)
		w.sub(a+2, w.v(a+1), a+2)
		w.p("VMOVAPS %s, %s", w.v(t), w.v(a+1))
		return
	}
	if r < 3 { // the last row's registers are free
		w.add(a+1, w.v(a+2), 12)
		w.sub(a+2, w.v(a+1), a+2)
		w.p("VMOVAPS Y12, %s", w.v(a+1))
		return
	}
	w.p("VMOVUPS Y12, t-128(SP); VMOVUPS Y15, t-32(SP)")
	w.add(13, w.v(14), 12)
	w.sub(14, w.v(13), 15)
	w.p("VMOVUPS Y12, t-96(SP); VMOVUPS Y15, t-64(SP)")
}

// inputColumn stores element (out, c) of the tile at BX and moves on.
func (w winograd) inputColumn(out, c int) {
	u := func(r int) int { return 4*r + c }
	t, last := 12, "t-"+[]string{"128", "96", "64", "32"}[c]+"(SP)"
	if w.wide() {
		t, last = 16, w.v(u(3))
	}
	switch out {
	case 0:
		w.sub(u(0), w.v(u(2)), t)
	case 1:
		w.add(u(1), w.v(u(2)), t)
	case 2:
		w.sub(u(2), w.v(u(1)), t)
	case 3:
		w.sub(u(1), last, t)
	}
	w.p("VMOVUPS %s, (BX); ADDQ R12, BX", w.v(t))
}

// output generates Y = Aᵀ·M·A for n tiles of a row and vecs vectors of columns,
// adds bias and residual, applies the activation and stores 2×2 pixels.
func (w winograd) output() {
	w.begin("winogradOutput"+w.name, "(p *winogradArgs)", 0, 8)
	w.p("MOVQ p+0(FP), DI")
	w.p("MOVQ winogradArgs_src(DI), R13; MOVQ winogradArgs_dst(DI), R14; MOVQ winogradArgs_res(DI), R15; MOVQ winogradArgs_n(DI), CX")
	w.p("MOVQ winogradArgs_row(DI), R8; MOVQ winogradArgs_pix(DI), R9; MOVQ winogradArgs_pos(DI), R12; LEAQ (R12)(R12*2), R11")
	w.label("tile")
	w.p("MOVQ R13, SI; MOVQ R14, DX; MOVQ R15, BX; MOVQ winogradArgs_vecs(DI), R10")
	w.label("vec")
	// Rows: s0 = (m1+m2)+m0 in register 4+2r, s1 = (m1-m2)-m3 in 5+2r.
	w.p("MOVQ SI, AX")
	for r := range 4 {
		w.p("VMOVUPS (AX)(R12*1), %s; VMOVUPS (AX)(R12*2), %s", w.v(0), w.v(1))
		w.add(0, w.v(1), 2)
		w.add(2, "(AX)", 4+2*r)
		w.sub(0, w.v(1), 2)
		w.sub(2, "(AX)(R11*1)", 5+2*r)
		if r < 3 {
			w.p("LEAQ (AX)(R12*4), AX")
		}
	}
	// Columns: the results in registers 0 to 3.
	for c := range 2 {
		s := func(r int) int { return 4 + 2*r + c }
		w.add(s(1), w.v(s(2)), 12)
		w.add(12, w.v(s(0)), c)
		w.sub(s(1), w.v(s(2)), 12)
		w.sub(12, w.v(s(3)), 2+c)
	}
	w.addBias()
	w.addResidual()
	w.activation(w.x86, epilogue{args: "winogradArgs", done: "store", accs: 4, free: 4})
	w.label("store")
	w.p("VMOVUPS %s, (DX); VMOVUPS %s, (DX)(R9*1)", w.v(0), w.v(1))
	w.p("LEAQ (DX)(R8*1), AX; VMOVUPS %s, (AX); VMOVUPS %s, (AX)(R9*1)", w.v(2), w.v(3))
	w.p("ADDQ $%d, SI; ADDQ $%d, DX", w.bytes, w.bytes)
	w.p("DECQ R10")
	w.p("JNZ vec")
	w.p("LEAQ (R14)(R9*2), R14; ADDQ winogradArgs_tile(DI), R13")
	w.p("TESTQ R15, R15")
	w.p("JZ next")
	w.p("MOVQ winogradArgs_resPix(DI), AX; LEAQ (R15)(AX*2), R15")
	w.label("next")
	w.p("DECQ CX")
	w.p("JNZ tile")
	w.end()
}

// addBias adds the bias of the vector that R10 counts down to.
func (w winograd) addBias() {
	w.p("MOVQ winogradArgs_bias(DI), AX")
	w.p("TESTQ AX, AX")
	w.p("JZ nobias")
	w.p("ADDQ DX, AX; SUBQ R14, AX; VMOVUPS (AX), %s", w.v(4))
	for i := range 4 {
		w.add(i, w.v(4), i)
	}
	w.label("nobias")
}

func (w winograd) addResidual() {
	w.p("TESTQ R15, R15")
	w.p("JZ nores")
	w.p("MOVQ winogradArgs_resPix(DI), AX")
	w.add(0, "(BX)", 0)
	w.add(1, "(BX)(AX*1)", 1)
	w.p("MOVQ BX, R11; ADDQ winogradArgs_resRow(DI), R11")
	w.add(2, "(R11)", 2)
	w.add(3, "(R11)(AX*1)", 3)
	w.p("ADDQ $%d, BX; LEAQ (R12)(R12*2), R11", w.bytes)
	w.label("nores")
}
