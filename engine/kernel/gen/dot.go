package main

import "fmt"

// dotKind is what the steps of an integer micro-kernel multiply.
type dotKind int

const (
	noDot    dotKind = iota
	dotBytes         // four unsigned bytes of A with four signed bytes of each column of B
	dotWords         // two signed 16-bit words of A with two of each column of B
)

// dotUnit generates the integer micro-kernels. They walk like the float32 ones
// and store whole vectors of int32 sums; a second function turns the sums into
// results while they are in cache, which costs a few percent.
func dotUnit() *unit {
	u := &unit{}
	u.dotTable("dotBytes", avx512, dotBytes, [][2]int{{1, 16}, {2, 14}})
	u.dotTable("dotWords", avx512, dotWords, [][2]int{{1, 16}, {2, 14}})
	u.dotTable("dotWords", avx2, dotWords, [][2]int{{1, 12}, {2, 6}})
	u.depthwise(avx2)
	u.depthwise(avx512)
	return u
}

func (u *unit) dotTable(name string, s x86, kind dotKind, shapes [][2]int) {
	table := ""
	for _, shape := range shapes {
		table += "\t\t{"
		for rows := 1; rows <= shape[1]; rows++ {
			m := micro{unit: u, x86: s, vecs: shape[0], rows: rows, dot: kind}
			fn := fmt.Sprintf("%s%sv%dr%d", name, s.name, m.vecs, rows)
			m.generateDot(fn)
			table += fn + ", "
		}
		table += "},\n"
	}
	fmt.Fprintf(&u.decl, "// %s%s lists the micro-kernels by vectors-1 and rows-1.\nfunc %s%s() [][]microFunc {\n\treturn [][]microFunc{\n%s\t}\n}\n\n",
		name, s.name, name, s.name, table)
}

func (m *micro) generateDot(name string) {
	m.begin(name, "(p *microArgs)", 24, 8)
	m.p("MOVQ p+0(FP), DI")
	for i := range m.rows * m.vecs {
		m.zero(m.unit, i)
	}
	m.loops()
	m.rowStores(func(v int, acc string) { m.p("VMOVUPS %s, %d(SI)", acc, v*m.bytes) })
	m.end()
}

// dotStep multiplies 4 bytes of each row of A, in which kind says how many
// elements there are, with as many of each column of B.
func (m *micro) dotStep(regs []string, rows [][]int) {
	for v := range m.vecs {
		m.p("VMOVUPS %d(SI), %s", v*m.bytes, m.v(m.b(v)))
	}
	for g, r := range regs {
		for i, row := range rows[g] {
			if m.dot == dotBytes {
				t := m.v(m.tmp() + row%(m.regs-m.tmp()))
				m.p("VPBROADCASTD %s, %s", address(r, i), t)
				for v := range m.vecs {
					m.p("VPDPBUSD %s, %s, %s", m.v(m.b(v)), t, m.v(m.acc(row, v)))
				}
				continue
			}
			a, t := m.v(m.tmp()), m.v(m.tmp()+1)
			m.p("VPBROADCASTD %s, %s", address(r, i), a)
			for v := range m.vecs {
				m.p("VPMADDWD %s, %s, %s; VPADDD %s, %s, %s", m.v(m.b(v)), a, t, t, m.v(m.acc(row, v)), m.v(m.acc(row, v)))
			}
		}
	}
}

// depthwise generates one pixel of a depthwise convolution: for each vector of
// channels the sum over n[1] rows of n[0] taps of word times weight. Words are
// widened with 0 above, so that the products of two words to a lane are one.
func (u *unit) depthwise(s x86) {
	u.begin("depthwiseWords"+s.name, "(p *microArgs)", 0, 8)
	u.p("MOVQ p+0(FP), DI")
	u.p("MOVQ microArgs_a(DI), AX; MOVQ microArgs_b(DI), BX; MOVQ microArgs_c(DI), DX; MOVQ microArgs_n+16(DI), CX")
	u.p("MOVQ microArgs_ak(DI), R8; MOVQ microArgs_bk(DI), R9")
	u.label("vector")
	s.zero(u, 0)
	u.p("MOVQ AX, R10; MOVQ BX, R11; MOVQ microArgs_n+8(DI), R12")
	u.label("row")
	u.p("MOVQ R10, SI; MOVQ R11, R14; MOVQ microArgs_n(DI), R13")
	u.label("tap")
	u.p("VPMOVZXWD (SI), %s; VPMADDWD (R14), %[1]s, %[1]s; VPADDD %[1]s, %s, %[2]s", s.v(1), s.v(0))
	u.p("ADDQ R8, SI; ADDQ R9, R14; DECQ R13")
	u.p("JNZ tap")
	u.p("ADDQ microArgs_ak+8(DI), R10; ADDQ microArgs_bk+8(DI), R11; DECQ R12")
	u.p("JNZ row")
	u.p("VMOVUPS %s, (DX)", s.v(0))
	u.p("ADDQ $%d, AX; ADDQ $%d, BX; ADDQ $%[2]d, DX; DECQ CX", s.bytes/2, s.bytes)
	u.p("JNZ vector")
	u.end()
}
