package main

import "fmt"

// x86 is a vector instruction set of amd64.
type x86 struct {
	name  string
	reg   string // prefix of the vector registers
	bytes int    // size of a vector
	regs  int    // number of vector registers
}

var (
	avx2   = x86{"AVX2", "Y", 32, 16}
	avx512 = x86{"AVX512", "Z", 64, 32}
)

func (s x86) wide() bool     { return s.regs == 32 }
func (s x86) v(i int) string { return fmt.Sprintf("%s%d", s.reg, i) }
func (s x86) zero(u *unit, i int) {
	if i < 16 {
		u.p("VXORPS X%d, X%d, X%d", i, i, i)
		return
	}
	u.p("VPXORD Z%d, Z%d, Z%d", i, i, i)
}
