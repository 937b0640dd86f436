package main

// int8Unit generates what surrounds the integer micro-kernels: sums to bytes or
// floats, and elementwise functions of bytes.
func int8Unit() *unit {
	u := &unit{}
	for _, s := range []x86{avx2, avx512} {
		b := byteCode{u, s}
		b.requantize("requantBytes", true)
		b.requantize("requantFloats", false)
		b.quantize()
		for _, signed := range []bool{false, true} {
			b.dequantize(signed)
			b.add(signed)
			b.sum(signed)
			b.max(signed)
		}
	}
	return u
}

// byteCode writes functions of bytes for one instruction set. Their lengths
// are multiples of 16; a step handles as many elements as a vector has 32-bit
// lanes.
type byteCode struct {
	*unit
	x86
}

func (b byteCode) lanes() int { return b.bytes / 4 }

func (b byteCode) sign(signed bool) string {
	if signed {
		return "S"
	}
	return "U"
}

// widen loads bytes as int32.
func (b byteCode) widen(signed bool, from, to string) {
	if signed {
		b.p("VPMOVSXBD %s, %s", from, to)
		return
	}
	b.p("VPMOVZXBD %s, %s", from, to)
}

// narrow stores the low bytes of the int32 in register i; it needs register
// i+1 and, for AVX2, the byte mask in register 15.
func (b byteCode) narrow(i int, to string) {
	if b.wide() {
		b.p("VPMOVDB %s, %s", b.v(i), to)
		return
	}
	b.p("VEXTRACTI128 $1, Y%d, X%d; VPACKSSDW X%d, X%d, X%d", i, i+1, i+1, i, i)
	b.p("VPAND X15, X%d, X%d; VPACKUSWB X%d, X%d, X%d; VMOVQ X%d, %s", i, i, i, i, i, i, to)
}

func (b byteCode) byteMask() {
	if !b.wide() {
		b.p("VMOVDQU %s, Y15", b.consts.bits(0x00ff00ff))
	}
}

// round limits the float32 in register i, rounds them half to even and adds the
// zero point; NaN becomes the lower limit.
func (b byteCode) round(i int) {
	b.p("VMAXPS %s, %s, %s; VMINPS %s, %s, %s", b.v(11), b.v(i), b.v(i), b.v(12), b.v(i), b.v(i))
	b.p("VCVTPS2DQ %s, %s; VPADDD %s, %s, %s", b.v(i), b.v(i), b.v(13), b.v(i), b.v(i))
}

// requantize generates dst = round(clip((acc + bias)·scale)) + zero for rows
// of whole vectors, or for floats dst = (acc + bias)·scale + shift.
func (b byteCode) requantize(name string, toBytes bool) {
	b.begin(name+b.name, "(p *requantArgs)", 0, 8)
	b.p("MOVQ p+0(FP), DI")
	if toBytes {
		b.byteMask()
		b.p("VBROADCASTSS requantArgs_lo(DI), %s; VBROADCASTSS requantArgs_hi(DI), %s", b.v(11), b.v(12))
		b.p("VPBROADCASTD requantArgs_zero(DI), %s", b.v(13))
	}
	b.p("MOVQ requantArgs_dst(DI), R8; MOVQ requantArgs_acc(DI), R9; MOVQ requantArgs_rows(DI), R10")
	b.label("row")
	b.p("MOVQ R8, AX; MOVQ R9, SI; MOVQ requantArgs_bias(DI), BX; MOVQ requantArgs_scale(DI), DX; MOVQ requantArgs_vecs(DI), CX")
	if !toBytes {
		b.p("MOVQ requantArgs_shift(DI), R11")
	}
	b.label("vec")
	b.p("VMOVUPS (SI), %s; VPADDD (BX), %s, %s", b.v(0), b.v(0), b.v(0))
	b.p("VCVTDQ2PS %s, %s; VMULPS (DX), %s, %s", b.v(0), b.v(0), b.v(0), b.v(0))
	size := 4
	if toBytes {
		size = 1
		b.round(0)
		b.narrow(0, "(AX)")
	} else {
		b.p("VADDPS (R11), %s, %s; VMOVUPS %s, (AX); ADDQ $%d, R11", b.v(0), b.v(0), b.v(0), b.bytes)
	}
	b.p("ADDQ $%d, AX; ADDQ $%[2]d, SI; ADDQ $%[2]d, BX; ADDQ $%[2]d, DX", size*b.lanes(), b.bytes)
	b.p("DECQ CX")
	b.p("JNZ vec")
	b.p("ADDQ requantArgs_dstStride(DI), R8; ADDQ requantArgs_accStride(DI), R9")
	b.p("DECQ R10")
	b.p("JNZ row")
	b.end()
}

// loop runs body for n elements, SI and, if two, BX being the operands.
func (b byteCode) loop(srcStep, dstStep int, two bool, body func()) {
	b.label("loop")
	body()
	b.p("ADDQ $%d, SI; ADDQ $%d, DI", srcStep*b.lanes(), dstStep*b.lanes())
	if two {
		b.p("ADDQ $%d, BX", srcStep*b.lanes())
	}
	b.p("SUBQ $%d, CX", b.lanes())
	b.p("JNZ loop")
	b.end()
}

// quantize generates dst = round(clip(x / scale)) + zero.
func (b byteCode) quantize() {
	b.begin("quantize"+b.name, "(dst *byte, x *float32, n int, scale, lo, hi float32, zero int32)", 0, 40)
	b.p("MOVQ dst+0(FP), DI; MOVQ x+8(FP), SI; MOVQ n+16(FP), CX")
	b.p("VBROADCASTSS scale+24(FP), %s; VBROADCASTSS lo+28(FP), %s", b.v(10), b.v(11))
	b.p("VBROADCASTSS hi+32(FP), %s; VPBROADCASTD zero+36(FP), %s", b.v(12), b.v(13))
	b.byteMask()
	b.loop(4, 1, false, func() {
		b.p("VMOVUPS (SI), %s; VDIVPS %s, %s, %s", b.v(0), b.v(10), b.v(0), b.v(0))
		b.round(0)
		b.narrow(0, "(DI)")
	})
}

// dequantize generates dst = (x - zero)·scale.
func (b byteCode) dequantize(signed bool) {
	b.begin("dequantize"+b.sign(signed)+b.name, "(dst *float32, x *byte, n int, scale float32, zero int32)", 0, 32)
	b.p("MOVQ dst+0(FP), DI; MOVQ x+8(FP), SI; MOVQ n+16(FP), CX")
	b.p("VBROADCASTSS scale+24(FP), %s; VPBROADCASTD zero+28(FP), %s", b.v(10), b.v(13))
	b.loop(1, 4, false, func() {
		b.real(signed, "(SI)", 0, 13, 10)
		b.p("VMOVUPS %s, (DI)", b.v(0))
	})
}

// real loads bytes into register i as (byte - zero)·scale.
func (b byteCode) real(signed bool, from string, i, zero, scale int) {
	b.widen(signed, from, b.v(i))
	b.p("VPSUBD %s, %s, %s; VCVTDQ2PS %s, %s; VMULPS %s, %s, %s", b.v(zero), b.v(i), b.v(i), b.v(i), b.v(i), b.v(scale), b.v(i), b.v(i))
}

// add generates the quantized sum of two dequantized operands.
func (b byteCode) add(signed bool) {
	b.begin("addBytes"+b.sign(signed)+b.name, "(p *addArgs)", 0, 8)
	b.p("MOVQ p+0(FP), R8")
	b.p("MOVQ addArgs_dst(R8), DI; MOVQ addArgs_a(R8), SI; MOVQ addArgs_b(R8), BX; MOVQ addArgs_n(R8), CX")
	for _, x := range []struct {
		instr, field string
		reg          int
	}{{"VPBROADCASTD", "azero", 6}, {"VBROADCASTSS", "ascale", 7}, {"VPBROADCASTD", "bzero", 8}, {"VBROADCASTSS", "bscale", 9},
		{"VBROADCASTSS", "scale", 10}, {"VBROADCASTSS", "lo", 11}, {"VBROADCASTSS", "hi", 12}, {"VPBROADCASTD", "zero", 13}} {
		b.p("%s addArgs_%s(R8), %s", x.instr, x.field, b.v(x.reg))
	}
	b.byteMask()
	b.loop(1, 1, true, func() {
		b.real(signed, "(SI)", 0, 6, 7)
		b.real(signed, "(BX)", 2, 8, 9)
		b.p("VADDPS %s, %s, %s; VDIVPS %s, %s, %s", b.v(2), b.v(0), b.v(0), b.v(10), b.v(0), b.v(0))
		b.round(0)
		b.narrow(0, "(DI)")
	})
}

// sum generates acc += x.
func (b byteCode) sum(signed bool) {
	b.begin("sumBytes"+b.sign(signed)+b.name, "(acc *int32, x *byte, n int)", 0, 24)
	b.p("MOVQ acc+0(FP), DI; MOVQ x+8(FP), SI; MOVQ n+16(FP), CX")
	b.loop(1, 4, false, func() {
		b.widen(signed, "(SI)", b.v(0))
		b.p("VPADDD (DI), %s, %s; VMOVUPS %s, (DI)", b.v(0), b.v(0), b.v(0))
	})
}

// max generates dst = max(dst, x), 16 bytes at a time.
func (b byteCode) max(signed bool) {
	if b.wide() {
		return // the AVX2 function serves both
	}
	b.begin("maxBytes"+b.sign(signed), "(dst, x *byte, n int)", 0, 24)
	b.p("MOVQ dst+0(FP), DI; MOVQ x+8(FP), SI; MOVQ n+16(FP), CX")
	b.label("loop")
	instr := "VPMAXUB"
	if signed {
		instr = "VPMAXSB"
	}
	b.p("VMOVDQU (DI), X0; %s (SI), X0, X0; VMOVDQU X0, (DI)", instr)
	b.p("ADDQ $16, SI; ADDQ $16, DI; SUBQ $16, CX")
	b.p("JNZ loop")
	b.end()
}
