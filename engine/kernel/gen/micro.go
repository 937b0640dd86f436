package main

import (
	"fmt"
	"strings"
)

// microUnit generates the micro-kernels of amd64: two vectors wide while the
// accumulators leave two registers for B and one for A, and one vector wide
// for the last panel. Zen 4 starts one 512-bit (two 256-bit) fused
// multiply-adds a cycle, which have a latency of 4: eight accumulators keep it
// busy, more of them save loads of B.
func microUnit() *unit {
	u := &unit{}
	u.microTable(avx512, [][2]int{{1, 16}, {2, 14}})
	u.microTable(avx2, [][2]int{{1, 12}, {2, 6}})
	return u
}

// groupedUnit generates the kernels of grouped convolutions whose groups have
// 4 or 8 channels, fewer than a vector, on both sides: the lanes are output
// channels of several groups, and each lane picks its group's inputs by a
// permutation, so that no lane multiplies by zero. k runs over the taps of a
// row, o over the rows; a step is one tap.
func groupedUnit() *unit {
	u := &unit{}
	for _, x := range []struct {
		x86
		group, rows int
	}{{avx512, 4, 8}, {avx512, 8, 8}, {avx2, 4, 6}} {
		list := ""
		for rows := 1; rows <= x.rows; rows++ {
			m := micro{unit: u, x86: x.x86, vecs: 1, rows: rows, group: x.group}
			m.generate()
			list += m.name() + ", "
		}
		fmt.Fprintf(&u.decl, "// grouped%dof%s lists the kernels by rows-1.\nfunc grouped%dof%s() []microFunc {\n\treturn []microFunc{%s}\n}\n\n",
			x.group, x.name, x.group, x.name, list)
	}
	return u
}

// microTable generates the kernels of each number of vectors with 1 to the
// given number of rows, and the function that lists them.
func (u *unit) microTable(s x86, shapes [][2]int) {
	var table strings.Builder
	for _, shape := range shapes {
		table.WriteString("\t\t{")
		for rows := 1; rows <= shape[1]; rows++ {
			m := micro{unit: u, x86: s, vecs: shape[0], rows: rows}
			m.generate()
			fmt.Fprintf(&table, "%s, ", m.name())
		}
		table.WriteString("},\n")
	}
	fmt.Fprintf(&u.decl, "// micro%s lists the micro-kernels by vectors-1 and rows-1.\nfunc micro%s() [][]microFunc {\n\treturn [][]microFunc{\n%s\t}\n}\n\n",
		s.name, s.name, table.String())
}

// micro is one micro-kernel. Registers of the loops:
//
//	DI args   AX, BX rows 0 and 4 of A   DX, R15 the same of the second group
//	R8 am   R9 3·am   R10 ak   SI row of B   R11 bk   R12 k left   CX o left
//	R13, R14 A and B at the start of the k loop; the p loop's are on the stack
type micro struct {
	*unit
	x86
	vecs, rows int
	group      int // channels of a group, 0 for a dense kernel
	dot        dotKind
}

func (m *micro) name() string {
	if m.group > 0 {
		return fmt.Sprintf("grouped%dof%sr%d", m.group, m.x86.name, m.rows)
	}
	return fmt.Sprintf("micro%sv%dr%d", m.x86.name, m.vecs, m.rows)
}

func (m *micro) first() int { return (m.rows + 1) / 2 }

func (m *micro) acc(row, vec int) int { return row*m.vecs + vec }

// b is the register of B's vector, which the epilogue reuses.
func (m *micro) b(vec int) int { return m.rows*m.vecs + vec }

// tmp is the first free register.
func (m *micro) tmp() int { return m.b(m.vecs) }

func (m *micro) generate() {
	m.begin(m.name(), "(p *microArgs)", 24, 8)
	m.p("MOVQ p+0(FP), DI")
	m.initialize()
	for i := range m.group {
		m.p("VMOVDQU%s %s, %s", map[bool]string{true: "32"}[m.wide()], m.consts.pick(m.group, i), m.v(m.pick(i)))
	}
	m.loops()
	m.epilogue()
}

// initialize loads C into the accumulators or clears them.
func (m *micro) initialize() {
	m.p("CMPQ microArgs_acc(DI), $0")
	m.p("JNE load")
	for i := range m.rows * m.vecs {
		m.zero(m.unit, i)
	}
	m.p("JMP start")
	m.label("load")
	m.mask()
	m.walk("c", "cm", "cm2", func(row int) {
		for v := range m.vecs {
			m.load("SI", v, m.acc(row, v))
		}
	})
	m.label("start")
}

// mask loads the mask of the last vector: K1, or for AVX2 the highest register,
// which only the widest accumulator layouts leave free outside the loops.
func (m *micro) mask() {
	if m.wide() {
		m.p("KMOVQ microArgs_mask16(DI), K1")
		return
	}
	m.p("VMOVDQU microArgs_mask8(DI), Y15")
}

// load reads a vector of a row of C or of the residual, the last under the mask.
func (m *micro) load(ptr string, vec, dst int) {
	off := vec * m.bytes
	switch {
	case vec < m.vecs-1:
		m.p("VMOVUPS %d(%s), %s", off, ptr, m.v(dst))
	case m.wide():
		m.p("VMOVUPS.Z %d(%s), K1, %s", off, ptr, m.v(dst))
	default:
		m.p("VMASKMOVPS %d(%s), Y15, %s", off, ptr, m.v(dst))
	}
}

// walk visits the rows with SI pointing at each of them.
func (m *micro) walk(base, stride, group string, visit func(row int)) {
	m.p("MOVQ microArgs_%s(DI), SI", base)
	m.p("MOVQ microArgs_%s(DI), R8", stride)
	if m.rows > 1 {
		m.p("MOVQ microArgs_%s(DI), R9", group)
		m.p("ADDQ SI, R9")
	}
	for row := range m.rows {
		if row == m.first() {
			m.p("MOVQ R9, SI")
		} else if row > 0 {
			m.p("ADDQ R8, SI")
		}
		visit(row)
	}
}

// groups lists the pointer registers of A and the rows they serve, at most
// four each.
func (m *micro) groups() (regs []string, rows [][]int) {
	split := func(a, b string, from, to int) {
		for i, r := range []string{a, b} {
			lo, hi := from+4*i, min(from+4*i+4, to)
			if lo >= hi {
				continue
			}
			var list []int
			for row := lo; row < hi; row++ {
				list = append(list, row)
			}
			regs, rows = append(regs, r), append(rows, list)
		}
	}
	split("AX", "BX", 0, m.first())
	split("DX", "R15", m.first(), m.rows)
	return regs, rows
}

func (m *micro) loops() {
	m.p("MOVQ microArgs_am(DI), R8; LEAQ (R8)(R8*2), R9")
	m.p("MOVQ microArgs_ak(DI), R10; MOVQ microArgs_bk(DI), R11")
	m.p("MOVQ microArgs_a(DI), R13; MOVQ microArgs_b(DI), R14")
	m.p("MOVQ microArgs_n+16(DI), CX; MOVQ CX, pn-24(SP)")
	m.label("p")
	m.p("MOVQ R13, pa-16(SP); MOVQ R14, pb-8(SP)")
	m.p("MOVQ microArgs_n+8(DI), CX")
	m.label("o")
	regs, rows := m.groups()
	m.p("MOVQ R13, AX; MOVQ R14, SI; MOVQ microArgs_n(DI), R12")
	for _, r := range regs {
		switch r {
		case "BX":
			m.p("LEAQ (R13)(R8*4), BX")
		case "DX":
			m.p("MOVQ microArgs_am2(DI), DX; ADDQ R13, DX")
		case "R15":
			m.p("LEAQ (DX)(R8*4), R15")
		}
	}
	m.p("PCALIGN $32")
	m.label("k")
	m.step(regs, rows)
	m.p("DECQ R12")
	m.p("JNZ k")
	m.p("ADDQ microArgs_ak+8(DI), R13; ADDQ microArgs_bk+8(DI), R14")
	m.p("DECQ CX")
	m.p("JNZ o")
	m.p("MOVQ pa-16(SP), R13; MOVQ pb-8(SP), R14")
	m.p("ADDQ microArgs_ak+16(DI), R13; ADDQ microArgs_bk+16(DI), R14")
	m.p("DECQ pn-24(SP)")
	m.p("JNZ p")
}

// pick is the register of the lanes that hold channel i of their group.
func (m *micro) pick(i int) int { return m.regs - 1 - i }

// address of the i-th row of a pointer register.
func address(reg string, i int) string {
	return fmt.Sprintf([]string{"(%s)", "(%s)(R8*1)", "(%s)(R8*2)", "(%s)(R9*1)"}[i], reg)
}

// groupedStep multiplies the channels of one tap.
func (m *micro) groupedStep(regs []string, rows [][]int) {
	free := m.regs - m.group - m.tmp()
	n := 0
	for i := range m.group {
		m.p("VMOVUPS %d(SI), %s", i*m.bytes, m.v(m.b(0)))
		for g, r := range regs {
			for j, row := range rows[g] {
				t := m.v(m.tmp() + n%free)
				n++
				m.p("VPERMPS %s, %s, %s; VFMADD231PS %s, %s, %s", address(r, j), m.v(m.pick(i)), t, m.v(m.b(0)), t, m.v(m.acc(row, 0)))
			}
		}
	}
}

// step multiplies one column of A with one row of B.
func (m *micro) step(regs []string, rows [][]int) {
	switch {
	case m.dot != noDot:
		m.dotStep(regs, rows)
	case m.group > 0:
		m.groupedStep(regs, rows)
	default:
		m.denseStep(regs, rows)
	}
	line := "ADDQ R11, SI"
	for _, r := range regs {
		line += "; ADDQ R10, " + r
	}
	m.p("%s", line)
}

func (m *micro) denseStep(regs []string, rows [][]int) {
	for v := range m.vecs {
		m.p("VMOVUPS %d(SI), %s", v*m.bytes, m.v(m.b(v)))
	}
	free := m.regs - m.tmp()
	for g, r := range regs {
		for i, row := range rows[g] {
			addr := address(r, i)
			if m.vecs == 1 && m.wide() {
				m.p("VFMADD231PS.BCST %s, %s, %s", addr, m.v(m.b(0)), m.v(m.acc(row, 0)))
				continue
			}
			t := m.v(m.tmp() + row%free)
			line := fmt.Sprintf("VBROADCASTSS %s, %s", addr, t)
			for v := range m.vecs {
				line += fmt.Sprintf("; VFMADD231PS %s, %s, %s", m.v(m.b(v)), t, m.v(m.acc(row, v)))
			}
			m.p("%s", line)
		}
	}
}

// epilogue adds bias and residual, applies the activation and stores C.
func (m *micro) epilogue() {
	m.mask()
	m.p("MOVQ microArgs_bias(DI), SI")
	m.p("TESTQ SI, SI")
	m.p("JZ residual")
	for v := range m.vecs {
		m.p("VMOVUPS %d(SI), %s", v*m.bytes, m.v(m.b(v)))
	}
	for row := range m.rows {
		for v := range m.vecs {
			m.p("VADDPS %s, %s, %s", m.v(m.b(v)), m.v(m.acc(row, v)), m.v(m.acc(row, v)))
		}
	}
	m.label("residual")
	m.p("CMPQ microArgs_res(DI), $0")
	m.p("JE activation")
	m.walk("res", "rm", "rm2", func(row int) {
		for v := range m.vecs {
			m.load("SI", v, m.b(v))
			m.p("VADDPS %s, %s, %s", m.v(m.b(v)), m.v(m.acc(row, v)), m.v(m.acc(row, v)))
		}
	})
	m.label("activation")
	n := m.rows * m.vecs
	m.activation(m.x86, epilogue{args: "microArgs", done: "store", accs: n, free: n})
	m.label("store")
	m.store()
}

// store writes C; masked stores are slow on some processors, so whole vectors
// have a path of their own.
func (m *micro) store() {
	m.p("CMPQ microArgs_partial(DI), $0")
	m.p("JNE partial")
	m.rowStores(func(v int, acc string) {
		m.p("VMOVUPS %s, %d(SI)", acc, v*m.bytes)
	})
	m.end()
	m.label("partial")
	m.mask()
	m.rowStores(func(v int, acc string) {
		switch {
		case v < m.vecs-1:
			m.p("VMOVUPS %s, %d(SI)", acc, v*m.bytes)
		case m.wide():
			m.p("VMOVUPS %s, K1, %d(SI)", acc, v*m.bytes)
		default:
			m.p("VMASKMOVPS %s, Y15, %d(SI)", acc, v*m.bytes)
		}
	})
	m.end()
}

func (m *micro) rowStores(visit func(vec int, acc string)) {
	m.walk("c", "cm", "cm2", func(row int) {
		for v := range m.vecs {
			visit(v, m.v(m.acc(row, v)))
		}
	})
}
