package main

// peakUnit generates loops of independent fused multiply-adds, the yardstick
// of the benchmarks.
func peakUnit() *unit {
	u := &unit{}
	for _, s := range []x86{avx512, avx2} {
		u.begin("peak"+s.name, "(rounds int)", 0, 8)
		u.p("MOVQ rounds+0(FP), CX")
		for i := range 16 {
			s.zero(u, i)
		}
		u.label("loop")
		for i := range 12 {
			u.p("VFMADD231PS %s, %s, %s", s.v(12), s.v(13), s.v(i))
		}
		u.p("DECQ CX")
		u.p("JNZ loop")
		u.end()
	}
	return u
}
