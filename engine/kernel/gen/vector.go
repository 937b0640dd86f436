package main

import "math"

// vector generates loops over contiguous floats. Registers:
//
//	DI, SI, DX, BX pointers   R9 byte offset   CX floats left   AX scratch
//	K1 or Y15: mask of the lanes in use, valid where masked is set
type vector struct {
	*unit
	x86
	keepMask bool // the mask is all ones in whole vectors, so that the body may use it
}

// operand is a vector register or a constant in memory.
type operand string

// c is a constant as the first operand of an instruction.
func (v *vector) c(x float64) operand { return v.cbits(math.Float32bits(float32(x))) }

func (v *vector) cbits(x uint32) operand { return operand(v.consts.bits(x)) }

func (o operand) memory() bool { return o[0] == 'k' }

// r is vector register i.
func (v *vector) r(i int) operand { return operand(v.v(i)) }

// op writes an instruction whose first operand may be a constant.
func (v *vector) op(name string, args ...operand) {
	line := name
	if args[0].memory() && v.wide() {
		line += ".BCST"
	}
	for i, a := range args {
		if i > 0 {
			line += ","
		}
		line += " " + string(a)
	}
	v.p("%s", line)
}

// set broadcasts a constant to a register.
func (v *vector) set(x float64, dst operand) { v.p("VBROADCASTSS %s, %s", v.c(x), dst) }

// param broadcasts a float argument to a register.
func (v *vector) param(name string, off int, dst operand) {
	v.p("VBROADCASTSS %s+%d(FP), %s", name, off, dst)
}

// atLeast and atMost clamp x; NaN stays. t is overwritten.
func (v *vector) atLeast(lo float64, x, t operand) { v.set(lo, t); v.op("VMAXPS", x, t, x) }
func (v *vector) atMost(hi float64, x, t operand)  { v.set(hi, t); v.op("VMINPS", x, t, x) }

// abs and sign split x.
func (v *vector) abs(x, dst operand)  { v.op("VANDPS", v.cbits(0x7fffffff), x, dst) }
func (v *vector) sign(x, dst operand) { v.op("VANDPS", v.cbits(0x80000000), x, dst) }

// negative sets dst = neg where x has its sign bit set, else pos.
func (v *vector) negative(x, neg, pos, dst operand) {
	if v.wide() {
		v.p("VPMOVD2M %s, K2; VBLENDMPS %s, %s, K2, %s", x, neg, pos, dst)
		return
	}
	v.p("VBLENDVPS %s, %s, %s, %s", x, neg, pos, dst)
}

// less sets dst = yes where x < bound, else no. t is overwritten.
func (v *vector) less(x operand, bound float64, yes, no, dst, t operand) {
	v.set(bound, t)
	if v.wide() {
		v.p("VCMPPS $1, %s, %s, K2; VBLENDMPS %s, %s, K2, %s", t, x, yes, no, dst)
		return
	}
	v.p("VCMPPS $1, %s, %s, %s; VBLENDVPS %s, %s, %s, %s", t, x, t, t, yes, no, dst)
}

// poly evaluates Σ c[i]·x^i into dst.
func (v *vector) poly(x, dst operand, c ...float64) {
	v.set(c[len(c)-1], dst)
	for i := len(c) - 2; i >= 0; i-- {
		v.op("VFMADD213PS", v.c(c[i]), x, dst)
	}
}

func (v *vector) lanes() int { return v.bytes / 4 }

// stream is a pointer and the register that its values are in.
type stream struct {
	ptr string
	reg int
}

// loop runs body over CX > 0 floats; labels start with name. R9 is cleared.
// In a last, partial vector the missing lanes are read as 0 and not written.
func (v *vector) loop(name string, in []stream, out *stream, body func()) {
	v.p("XORQ R9, R9")
	if v.keepMask {
		v.fullMask()
	}
	v.p("SUBQ $%d, CX", v.lanes())
	v.label(name)
	v.p("JLT %sMask", name)
	for _, s := range in {
		v.p("VMOVUPS (%s)(R9*1), %s", s.ptr, v.r(s.reg))
	}
	v.label(name + "Loaded")
	body()
	if out != nil {
		v.p("TESTQ CX, CX")
		v.p("JLT %sPart", name)
		v.p("VMOVUPS %s, (%s)(R9*1)", v.r(out.reg), out.ptr)
	}
	v.p("ADDQ $%d, R9", v.bytes)
	v.p("SUBQ $%d, CX", v.lanes())
	v.p("CMPQ CX, $-%d", v.lanes())
	v.p("JLE %sEnd", name)
	v.p("TESTQ CX, CX")
	v.p("JMP %s", name)
	v.label(name + "Mask")
	v.partMask()
	for _, s := range in {
		v.loadPart(s)
	}
	v.p("JMP %sLoaded", name)
	if out != nil {
		v.label(name + "Part")
		v.storePart(*out)
	}
	v.label(name + "End")
}

func (v *vector) loadPart(s stream) {
	if v.wide() {
		v.p("VMOVUPS.Z (%s)(R9*1), K1, %s", s.ptr, v.r(s.reg))
		return
	}
	v.p("VMASKMOVPS (%s)(R9*1), Y15, %s", s.ptr, v.r(s.reg))
}

func (v *vector) storePart(s stream) {
	if v.wide() {
		v.p("VMOVUPS %s, K1, (%s)(R9*1)", v.r(s.reg), s.ptr)
		return
	}
	v.p("VMASKMOVPS %s, Y15, (%s)(R9*1)", v.r(s.reg), s.ptr)
}

// fullMask selects every lane.
func (v *vector) fullMask() {
	if v.wide() {
		v.p("KXNORW K1, K1, K1")
		return
	}
	v.p("VPCMPEQD Y15, Y15, Y15")
}

// partMask selects the CX+lanes lanes that are left.
func (v *vector) partMask() {
	v.p("LEAQ %d(CX), AX", v.lanes())
	if v.wide() {
		v.p("MOVL $-1, R10; SHLXL AX, R10, R10; NOTL R10; KMOVW R10, K1")
		return
	}
	v.consts.lanes = true
	v.p("NEGQ AX; LEAQ laneMask<>(SB), R10; VMOVDQU 32(R10)(AX*4), Y15")
}

// masked zeroes the lanes of x that do not exist.
func (v *vector) masked(x operand) {
	if v.wide() {
		v.p("VMOVAPS.Z %s, K1, %s", x, x)
		return
	}
	v.p("VANDPS Y15, %s, %s", x, x)
}

// reduce folds the lanes of register 0 into X0 with op (VADDPS or VMAXPS),
// using register 1.
func (v *vector) reduce(op string) {
	if v.wide() {
		v.p("VEXTRACTF32X8 $1, Z0, Y1; %s Y1, Y0, Y0", op)
	}
	v.p("VEXTRACTF128 $1, Y0, X1; %s X1, X0, X0", op)
	v.p("VPERMILPS $0x4e, X0, X1; %s X1, X0, X0", op)
	v.p("VPERMILPS $0xb1, X0, X1; %s X1, X0, X0", op)
}

// function generates one function for each level.
func (u *unit) function(name, signature string, args int, body func(v *vector)) {
	for _, s := range []x86{avx512, avx2} {
		u.begin(name+s.name, signature, 0, args)
		body(&vector{unit: u, x86: s})
		u.end()
	}
}

func (v *vector) zeroReg(i int) { v.zero(v.unit, i) }
