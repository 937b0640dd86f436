package main

import (
	"fmt"
	"strings"
)

// Vector instructions that Go's arm64 assembler has no mnemonic for, on four
// float32: dst = n ∘ m, by the encodings in the Arm Architecture Reference
// Manual (C7.2).
const (
	neonFADD = 0x4e20d400
	neonFMUL = 0x6e20dc00
	neonFMAX = 0x4e20f400
	neonFMIN = 0x4ea0f400
)

// neon3 writes such an instruction.
func (u *unit) neon3(code uint32, n, m, dst int) {
	u.p("WORD $0x%08x", code|uint32(m)<<16|uint32(n)<<5|uint32(dst))
}

// neonMicroUnit generates the micro-kernels of arm64: up to four vectors of
// four and six rows, 24 accumulators, four registers for B and four for A.
// They compute whole vectors; kernel.invoke sees to partial ones.
func neonMicroUnit() *unit {
	u := &unit{}
	var table strings.Builder
	for vecs := 1; vecs <= 4; vecs++ {
		table.WriteString("\t\t{")
		for rows := 1; rows <= 6; rows++ {
			m := neonMicro{unit: u, vecs: vecs, rows: rows}
			m.generate()
			fmt.Fprintf(&table, "%s, ", m.name())
		}
		table.WriteString("},\n")
	}
	fmt.Fprintf(&u.decl, "// microNEON lists the micro-kernels by vectors-1 and rows-1.\nfunc microNEON() [][]microFunc {\n\treturn [][]microFunc{\n%s\t}\n}\n\n", table.String())
	return u
}

// neonMicro is one micro-kernel. Registers:
//
//	R0 args   R1-R6 rows of A, C or the residual   R7 ak   R8 row of B   R9 bk
//	R10, R11, R12 k, o and p left   R13, R14 A and B at the start of the k loop
//	R15, R16 the same of the o loop   R17 scratch   R19, R20 row strides
//	V0-V23 accumulators   V24-V27 B   V28-V31 elements of A
type neonMicro struct {
	*unit
	vecs, rows int
}

func (m *neonMicro) name() string { return fmt.Sprintf("microNEONv%dr%d", m.vecs, m.rows) }

func (m *neonMicro) acc(row, vec int) int { return row*m.vecs + vec }

// regs is a register list of the vectors from first on.
func (m *neonMicro) regs(first int) string {
	var list []string
	for v := range m.vecs {
		list = append(list, fmt.Sprintf("V%d.S4", first+v))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// rowPointers sets R1 to R6 to the rows that start at R17.
func (m *neonMicro) rowPointers(stride, group string) {
	m.p("MOVD microArgs_%s(R0), R19; MOVD microArgs_%s(R0), R20", stride, group)
	m.pointers("R17")
}

func (m *neonMicro) pointers(base string) {
	first := (m.rows + 1) / 2
	for row := range m.rows {
		switch row {
		case 0:
			m.p("MOVD %s, R1", base)
		case first:
			m.p("ADD R20, %s, R%d", base, row+1)
		default:
			m.p("ADD R19, R%d, R%d", row, row+1)
		}
	}
}

func (m *neonMicro) generate() {
	m.begin(m.name(), "(p *microArgs)", 0, 8)
	m.p("MOVD p+0(FP), R0")
	m.p("MOVD microArgs_acc(R0), R17")
	m.p("CBNZ R17, load")
	for i := range m.rows * m.vecs {
		m.p("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", i)
	}
	m.p("B start")
	m.label("load")
	m.p("MOVD microArgs_c(R0), R17")
	m.rowPointers("cm", "cm2")
	for row := range m.rows {
		m.p("VLD1 (R%d), %s", row+1, m.regs(m.acc(row, 0)))
	}
	m.label("start")
	m.loops()
	m.epilogue()
	m.p("RET")
}

func (m *neonMicro) loops() {
	m.p("MOVD microArgs_am(R0), R19; MOVD microArgs_am2(R0), R20")
	m.p("MOVD microArgs_ak(R0), R7; MOVD microArgs_bk(R0), R9")
	m.p("MOVD microArgs_a(R0), R15; MOVD microArgs_b(R0), R16")
	m.p("MOVD microArgs_n+16(R0), R12")
	m.label("p")
	m.p("MOVD R15, R13; MOVD R16, R14")
	m.p("MOVD microArgs_n+8(R0), R11")
	m.label("o")
	m.pointers("R13")
	m.p("MOVD R14, R8; MOVD microArgs_n(R0), R10")
	m.label("k")
	m.p("VLD1.P (R8)(R9), %s", m.regs(24))
	for row := range m.rows {
		t := 28 + row%4
		line := fmt.Sprintf("VLD1R.P (R%d)(R7), [V%d.S4]", row+1, t)
		for v := range m.vecs {
			line += fmt.Sprintf("; VFMLA V%d.S4, V%d.S4, V%d.S4", t, 24+v, m.acc(row, v))
		}
		m.p("%s", line)
	}
	m.p("SUB $1, R10")
	m.p("CBNZ R10, k")
	for _, level := range []struct {
		off                int
		a, b, count, label string
	}{{8, "R13", "R14", "R11", "o"}, {16, "R15", "R16", "R12", "p"}} {
		m.p("MOVD microArgs_ak+%d(R0), R17; ADD R17, %s", level.off, level.a)
		m.p("MOVD microArgs_bk+%d(R0), R17; ADD R17, %s", level.off, level.b)
		m.p("SUB $1, %s", level.count)
		m.p("CBNZ %s, %s", level.count, level.label)
	}
}

func (m *neonMicro) epilogue() {
	m.p("MOVD microArgs_bias(R0), R17")
	m.p("CBZ R17, residual")
	m.p("VLD1 (R17), %s", m.regs(24))
	for row := range m.rows {
		for v := range m.vecs {
			m.neon3(neonFADD, m.acc(row, v), 24+v, m.acc(row, v))
		}
	}
	m.label("residual")
	m.p("MOVD microArgs_res(R0), R17")
	m.p("CBZ R17, activation")
	m.rowPointers("rm", "rm2")
	for row := range m.rows {
		m.p("VLD1 (R%d), %s", row+1, m.regs(24))
		for v := range m.vecs {
			m.neon3(neonFADD, m.acc(row, v), 24+v, m.acc(row, v))
		}
	}
	m.label("activation")
	m.neonActivation("microArgs", "store", m.rows*m.vecs)
	m.label("store")
	m.p("MOVD microArgs_c(R0), R17")
	m.rowPointers("cm", "cm2")
	for row := range m.rows {
		m.p("VST1 %s, (R%d)", m.regs(m.acc(row, 0)), row+1)
	}
}

// neonActivation applies the fused activation that args.act names to V0 to
// V(accs-1) and ends at the label done; V24 to V28 and R17 are free. FMAX and
// FMIN return NaN where either operand is.
func (u *unit) neonActivation(args, done string, accs int) {
	param := func(field string, reg int) {
		u.p("ADD $%s_%s, R0, R17; VLD1R (R17), [V%d.S4]", args, field, reg)
	}
	clip, leaky := done+"Clip", done+"Leaky"
	u.p("MOVD %s_act(R0), R17", args)
	u.p("CMP $const_ActClip, R17")
	u.p("BLT %s", done)
	u.p("BEQ %s", clip)
	u.p("VEOR V26.B16, V26.B16, V26.B16")
	u.p("CMP $const_ActLeaky, R17")
	u.p("BEQ %s", leaky)
	param("alpha", 24)
	param("beta", 25)
	u.p("FMOVS $1.0, F27; VDUP V27.S[0], V27.S4")
	for x := range accs {
		u.p("VMOV V25.B16, V28.B16; VFMLA V24.S4, V%d.S4, V28.S4", x)
		u.neon3(neonFMAX, 28, 26, 28)
		u.neon3(neonFMIN, 28, 27, 28)
		u.neon3(neonFMUL, x, 28, x)
	}
	u.p("B %s", done)
	u.label(leaky)
	param("alpha", 24)
	for x := range accs {
		u.neon3(neonFMIN, x, 26, 28)
		u.neon3(neonFMAX, x, 26, x)
		u.p("VFMLA V24.S4, V28.S4, V%d.S4", x)
	}
	u.p("B %s", done)
	u.label(clip)
	param("lo", 24)
	param("hi", 25)
	for x := range accs {
		u.neon3(neonFMAX, x, 24, x)
		u.neon3(neonFMIN, x, 25, x)
	}
}

// neonWindowUnit generates the depthwise kernels of arm64.
func neonWindowUnit() *unit {
	u := &unit{}
	list := ""
	for pixels := 1; pixels <= 8; pixels++ {
		w := neonWindow{unit: u, pixels: pixels}
		w.generate()
		list += w.name() + ", "
	}
	fmt.Fprintf(&u.decl, "// depthwiseNEON lists the kernels by pixels-1; they compute whole vectors of channels.\nfunc depthwiseNEON() []windowFunc {\n\treturn []windowFunc{%s}\n}\n", list)
	return u
}

// neonWindow is a depthwise kernel of some pixels. Registers:
//
//	R0 args   R1-R8 taps of the pixels   R9 weights   R10 xtap   R11 wtap
//	R12, R13 rows and columns left   R14 channels left   R15 offset of the channels
//	R16, R20 start of the tap row of x and w   R17 scratch   R19 pixel pitch
//	V0-V7 accumulators   V24 weights   V25-V28 x
type neonWindow struct {
	*unit
	pixels int
}

func (w *neonWindow) name() string { return fmt.Sprintf("depthwiseNEONp%d", w.pixels) }

// pointers sets R1 to R8 to the pixels from base on, R19 apart.
func (w *neonWindow) pointers(base string) {
	w.p("MOVD %s, R1", base)
	for i := 1; i < w.pixels; i++ {
		w.p("ADD R19, R%d, R%d", i, i+1)
	}
}

func (w *neonWindow) generate() {
	w.begin(w.name(), "(p *windowArgs)", 0, 8)
	w.p("MOVD p+0(FP), R0")
	w.p("MOVD windowArgs_xtap(R0), R10; MOVD windowArgs_wtap(R0), R11")
	w.p("MOVD windowArgs_channels(R0), R14; LSR $2, R14; MOVD ZR, R15")
	w.p("CBZ R14, done")
	w.label("channels")
	for i := range w.pixels {
		w.p("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", i)
	}
	w.taps()
	w.epilogue()
	w.p("ADD $16, R15; SUB $1, R14")
	w.p("CBNZ R14, channels")
	w.label("done")
	w.p("RET")
}

func (w *neonWindow) taps() {
	w.p("MOVD windowArgs_x(R0), R16; ADD R15, R16")
	w.p("MOVD windowArgs_w(R0), R20; ADD R15, R20")
	w.p("MOVD windowArgs_xpix(R0), R19")
	w.p("MOVD windowArgs_kh(R0), R12")
	w.p("CBZ R12, store")
	w.label("row")
	w.pointers("R16")
	w.p("MOVD R20, R9; MOVD windowArgs_kw(R0), R13")
	w.p("CBZ R13, next")
	w.label("tap")
	w.p("VLD1.P (R9)(R11), [V24.S4]")
	for i := range w.pixels {
		t := 25 + i%4
		w.p("VLD1.P (R%d)(R10), [V%d.S4]; VFMLA V%d.S4, V24.S4, V%d.S4", i+1, t, t, i)
	}
	w.p("SUB $1, R13")
	w.p("CBNZ R13, tap")
	w.label("next")
	w.p("MOVD windowArgs_xrow(R0), R17; ADD R17, R16")
	w.p("MOVD windowArgs_wrow(R0), R17; ADD R17, R20")
	w.p("SUB $1, R12")
	w.p("CBNZ R12, row")
	w.label("store")
}

func (w *neonWindow) epilogue() {
	w.p("MOVD windowArgs_bias(R0), R17")
	w.p("CBZ R17, residual")
	w.p("ADD R15, R17; VLD1 (R17), [V24.S4]")
	for i := range w.pixels {
		w.neon3(neonFADD, i, 24, i)
	}
	w.label("residual")
	w.p("MOVD windowArgs_res(R0), R17")
	w.p("CBZ R17, activation")
	w.p("ADD R15, R17; MOVD windowArgs_rpix(R0), R19")
	w.pointers("R17")
	for i := range w.pixels {
		w.p("VLD1 (R%d), [V24.S4]", i+1)
		w.neon3(neonFADD, i, 24, i)
	}
	w.label("activation")
	w.neonActivation("windowArgs", "out", w.pixels)
	w.label("out")
	w.p("MOVD windowArgs_y(R0), R17; ADD R15, R17; MOVD windowArgs_ypix(R0), R19")
	w.pointers("R17")
	for i := range w.pixels {
		w.p("VST1 [V%d.S4], (R%d)", i, i+1)
	}
}
