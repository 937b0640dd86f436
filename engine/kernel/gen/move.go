package main

// moveUnit generates transposition and float16 conversion.
func moveUnit() *unit {
	u := &unit{}
	u.transpose()
	u.convert()
	return u
}

// transpose sets dst[j·ldd + i] = src[i·lds + j] for rows and cols that are
// multiples of 8, one 8×8 block at a time: 16 blocks of registers suffice for
// AVX-512 too, memory is the limit.
func (u *unit) transpose() {
	u.begin("transpose8x8", "(dst, src *float32, rows, cols, lds, ldd int)", 0, 48)
	u.p("MOVQ dst+0(FP), DI; MOVQ src+8(FP), SI; MOVQ rows+16(FP), R8")
	u.p("MOVQ lds+32(FP), R10; SHLQ $2, R10; LEAQ (R10)(R10*2), R11")
	u.p("MOVQ ldd+40(FP), R12; SHLQ $2, R12; LEAQ (R12)(R12*2), R13")
	u.label("rows")
	u.p("MOVQ SI, AX; MOVQ DI, BX; MOVQ cols+24(FP), CX")
	u.label("block")
	u.p("LEAQ (AX)(R10*4), DX; LEAQ (BX)(R12*4), R15")
	at := func(base, base4, ld, ld3 string, i int) string {
		return []string{"(" + base + ")", "(" + base + ")(" + ld + "*1)", "(" + base + ")(" + ld + "*2)", "(" + base + ")(" + ld3 + "*1)",
			"(" + base4 + ")", "(" + base4 + ")(" + ld + "*1)", "(" + base4 + ")(" + ld + "*2)", "(" + base4 + ")(" + ld3 + "*1)"}[i]
	}
	for i := range 8 {
		u.p("VMOVUPS %s, Y%d", at("AX", "DX", "R10", "R11", i), i)
	}
	// pairs of rows, then fours, then the two halves of the registers
	for i := 0; i < 8; i += 2 {
		u.p("VUNPCKLPS Y%d, Y%d, Y%d; VUNPCKHPS Y%d, Y%d, Y%d", i+1, i, 8+i, i+1, i, 9+i)
	}
	for i := 0; i < 8; i += 4 {
		u.p("VSHUFPS $0x44, Y%d, Y%d, Y%d; VSHUFPS $0xee, Y%d, Y%d, Y%d", 10+i, 8+i, i, 10+i, 8+i, i+1)
		u.p("VSHUFPS $0x44, Y%d, Y%d, Y%d; VSHUFPS $0xee, Y%d, Y%d, Y%d", 11+i, 9+i, i+2, 11+i, 9+i, i+3)
	}
	for i := range 4 {
		u.p("VPERM2F128 $0x20, Y%d, Y%d, Y%d; VPERM2F128 $0x31, Y%d, Y%d, Y%d", i+4, i, 8+i, i+4, i, 12+i)
	}
	for i := range 8 {
		u.p("VMOVUPS Y%d, %s", 8+i, at("BX", "R15", "R12", "R13", i))
	}
	u.p("ADDQ $32, AX; LEAQ (BX)(R12*8), BX")
	u.p("SUBQ $8, CX")
	u.p("JNZ block")
	u.p("LEAQ (SI)(R10*8), SI; ADDQ $32, DI")
	u.p("SUBQ $8, R8")
	u.p("JNZ rows")
	u.end()
}

// convert generates the conversions of n > 0 values, n a multiple of 8.
func (u *unit) convert() {
	u.begin("halfToFloat8", "(dst *float32, src *uint16, n int)", 0, 24)
	u.p("MOVQ dst+0(FP), DI; MOVQ src+8(FP), SI; MOVQ n+16(FP), CX")
	u.label("loop")
	u.p("VCVTPH2PS (SI), Y0; VMOVUPS Y0, (DI)")
	u.p("ADDQ $16, SI; ADDQ $32, DI; SUBQ $8, CX")
	u.p("JNZ loop")
	u.end()
	u.begin("floatToHalf8", "(dst *uint16, src *float32, n int)", 0, 24)
	u.p("MOVQ dst+0(FP), DI; MOVQ src+8(FP), SI; MOVQ n+16(FP), CX")
	u.label("loop")
	u.p("VMOVUPS (SI), Y0; VCVTPS2PH $0, Y0, (DI)")
	u.p("ADDQ $32, SI; ADDQ $16, DI; SUBQ $8, CX")
	u.p("JNZ loop")
	u.end()
}
