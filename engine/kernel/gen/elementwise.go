package main

// unaryUnit generates dst[i] = f(x[i]; a, b) for n > 0 floats. The value is in
// register 0, the parameters in 1 and 2, the rest is free.
func unaryUnit() *unit {
	u := &unit{}
	r := func(v *vector) (x, a, b, s, t, m, n, z, y operand) {
		return v.r(0), v.r(1), v.r(2), v.r(3), v.r(4), v.r(5), v.r(6), v.r(7), v.r(8)
	}
	u.unary("clip", func(v *vector) {
		v.p("VMAXPS %[1]s, %[2]s, %[1]s; VMINPS %[1]s, %[3]s, %[1]s", v.r(0), v.r(1), v.r(2))
	})
	u.unary("leaky", func(v *vector) {
		x, a, _, zero, t, _, _, _, _ := r(v)
		v.zeroReg(3)
		v.p("VMINPS %s, %s, %s; VMAXPS %s, %s, %s; VFMADD231PS %s, %s, %s", x, zero, t, x, zero, x, a, t, x)
	})
	u.unary("hardSigmoid", func(v *vector) {
		x, a, b, t, _, _, _, _, _ := r(v)
		v.op("VFMADD213PS", b, a, x)
		v.atLeast(0, x, t)
		v.atMost(1, x, t)
	})
	u.unary("hardSwish", func(v *vector) {
		x, a, b, s, t, _, _, _, _ := r(v)
		v.p("VMOVAPS %s, %s", x, s)
		v.op("VFMADD213PS", b, a, s)
		v.atLeast(0, s, t)
		v.atMost(1, s, t)
		v.op("VMULPS", s, x, x)
	})
	u.unary("affine", func(v *vector) { v.op("VFMADD213PS", v.r(2), v.r(1), v.r(0)) })
	u.unary("abs", func(v *vector) { v.abs(v.r(0), v.r(0)) })
	u.unary("sqrt", func(v *vector) { v.p("VSQRTPS %[1]s, %[1]s", v.r(0)) })
	u.unary("reciprocal", func(v *vector) {
		v.set(1, v.r(3))
		v.op("VDIVPS", v.r(0), v.r(3), v.r(0))
	})
	u.unary("exp", func(v *vector) { v.exp(v.r(0), v.r(3), v.r(4), v.r(5)) })
	u.unary("sigmoid", func(v *vector) {
		x, _, _, s, t, m, n, _, _ := r(v)
		v.sigmoid(x, s, t, m, n)
		v.p("VMOVAPS %s, %s", s, x)
	})
	u.unary("silu", func(v *vector) {
		x, _, _, s, t, m, n, _, _ := r(v)
		v.sigmoid(x, s, t, m, n)
		v.op("VMULPS", s, x, x)
	})
	u.unary("tanh", func(v *vector) {
		x, _, _, s, t, m, n, z, y := r(v)
		v.tanh(x, s, t, m, n, z, y)
		v.p("VMOVAPS %s, %s", s, x)
	})
	u.unary("erf", func(v *vector) {
		x, _, _, s, t, m, n, z, y := r(v)
		v.erf(x, s, t, m, n, z, y)
		v.p("VMOVAPS %s, %s", s, x)
	})
	u.unary("gelu", func(v *vector) {
		x, _, b, s, t, m, n, z, y := r(v)
		v.op("VMULPS", v.c(0.70710678118654752), x, b)
		v.erf(b, s, t, m, n, z, y)
		v.op("VMULPS", v.c(0.5), x, x)
		v.op("VFMADD213PS", x, s, x) // x/2·erf + x/2
	})
	u.unary("geluTanh", func(v *vector) {
		x, _, b, s, t, m, n, z, _ := r(v)
		v.op("VMULPS", x, x, z)
		v.set(2*0.7978845608028654*0.044715, b)
		v.op("VFMADD213PS", v.c(2*0.7978845608028654), z, b)
		v.op("VMULPS", x, b, b)
		v.sigmoid(b, s, t, m, n) // (1 + tanh u)/2 = 1/(1 + e^-2u)
		v.op("VMULPS", s, x, x)
	})
	return u
}

func (u *unit) unary(name string, body func(v *vector)) {
	u.function(name, "(dst, x *float32, n int, a, b float32)", 32, func(v *vector) {
		v.p("MOVQ dst+0(FP), DI; MOVQ x+8(FP), SI; MOVQ n+16(FP), CX")
		v.param("a", 24, v.r(1))
		v.param("b", 28, v.r(2))
		v.loop("loop", []stream{{"SI", 0}}, &stream{"DI", 0}, func() { body(v) })
	})
}

// binaryUnit generates dst[r·ds + i] = a[r·as + i] ∘ b[r·bs + i] for rows > 0
// and cols > 0, strides in floats, with either operand a vector or, S, one
// value a row.
func binaryUnit() *unit {
	u := &unit{}
	for _, op := range []struct{ name, instr string }{
		{"add", "VADDPS"}, {"sub", "VSUBPS"}, {"mul", "VMULPS"}, {"div", "VDIVPS"}, {"min", "VMINPS"}, {"max", "VMAXPS"},
	} {
		for _, mode := range []string{"VV", "VS", "SV"} {
			if mode == "SV" && op.name != "sub" && op.name != "div" {
				continue // commutative
			}
			u.binary(op.name, op.instr, mode)
		}
	}
	u.affineRows()
	return u
}

// rows begins a function over rows: the row's pointers are dst in DI, and in
// SI, DX, BX what follows; strides in R11, R12, R13, R15 in bytes; R8 counts.
func (v *vector) rows(strides []string, pointers []string, offset int, each func()) {
	regs, steps := []string{"DI", "SI", "DX", "BX"}, []string{"R11", "R12", "R13", "R15"}
	for i, p := range pointers {
		v.p("MOVQ %s+%d(FP), %s", p, 8*i, regs[i])
	}
	v.p("MOVQ rows+%d(FP), R8", offset)
	for i, s := range strides {
		v.p("MOVQ %s+%d(FP), %s; SHLQ $2, %s", s, offset+16+8*i, steps[i], steps[i])
	}
	v.label("row")
	v.p("MOVQ cols+%d(FP), CX", offset+8)
	each()
	for i := range strides {
		v.p("ADDQ %s, %s", steps[i], regs[i])
	}
	v.p("DECQ R8")
	v.p("JNZ row")
}

func (u *unit) binary(name, instr, mode string) {
	u.function(name+mode, "(dst, a, b *float32, rows, cols, ds, as, bs int)", 64, func(v *vector) {
		v.rows([]string{"ds", "as", "bs"}, []string{"dst", "a", "b"}, 24, func() {
			var in []stream
			for i, ptr := range []string{"SI", "DX"} {
				if mode[i] == 'V' {
					in = append(in, stream{ptr, i})
				} else {
					v.p("VBROADCASTSS (%s), %s", ptr, v.r(i))
				}
			}
			v.loop("loop", in, &stream{"DI", 2}, func() {
				a, b, d := v.r(0), v.r(1), v.r(2)
				v.p("%s %s, %s, %s", instr, b, a, d)
				if name == "min" || name == "max" {
					v.keepNaN(a, d)
				}
			})
		})
	})
}

// keepNaN sets d = a where a is NaN; a minimum or maximum already returns b
// where b is.
func (v *vector) keepNaN(a, d operand) {
	if v.wide() {
		v.p("VCMPPS $3, %s, %s, K2; VMOVAPS %s, K2, %s", a, a, a, d)
		return
	}
	v.p("VCMPPS $3, %s, %s, %s; VBLENDVPS %s, %s, %s, %s", a, a, v.r(3), v.r(3), a, d, d)
}

// affineRows is dst[r·ds + i] = x[r·xs + i]·scale[i] + shift[i].
func (u *unit) affineRows() {
	u.function("affineRows", "(dst, x, scale, shift *float32, rows, cols, ds, xs int)", 64, func(v *vector) {
		v.rows([]string{"ds", "xs"}, []string{"dst", "x", "scale", "shift"}, 32, func() {
			v.loop("loop", []stream{{"SI", 0}, {"DX", 1}, {"BX", 2}}, &stream{"DI", 0}, func() {
				v.op("VFMADD213PS", v.r(2), v.r(1), v.r(0))
			})
		})
	})
}

// reduceUnit generates the sums and maxima of n > 0 floats, and what softmax
// and layer normalization do with a row.
func reduceUnit() *unit {
	u := &unit{}
	u.reduction("maxOf", "(x *float32, n int) float32", 16, "VMAXPS", 0xff800000, func(v *vector) {
		if v.wide() {
			v.p("VMAXPS Z2, Z0, K1, Z0")
			return
		}
		v.p("VMAXPS Y2, Y0, Y3; VBLENDVPS Y15, Y3, Y0, Y0")
	})
	u.reduction("sumOf", "(x *float32, n int) float32", 16, "VADDPS", 0, func(v *vector) {
		v.op("VADDPS", v.r(2), v.r(0), v.r(0))
	})
	u.reduction("sumSquares", "(x *float32, n int, mean float32) float32", 20, "VADDPS", 0, func(v *vector) {
		v.op("VSUBPS", v.r(1), v.r(2), v.r(2))
		v.masked(v.r(2))
		v.op("VFMADD231PS", v.r(2), v.r(2), v.r(0))
	})
	u.expSum()
	u.normRow()
	return u
}

// reduction folds x into register 0, which starts as the given bits; the body
// finds the values in register 2 and the parameter, if there is one, in 1.
func (u *unit) reduction(name, signature string, args int, op string, start uint32, body func(v *vector)) {
	u.function(name, signature, (args+7)/8*8+4, func(v *vector) {
		v.keepMask = true
		v.p("MOVQ x+0(FP), SI; MOVQ n+8(FP), CX")
		if args == 20 {
			v.param("mean", 16, v.r(1))
		}
		v.p("VBROADCASTSS %s, %s", v.cbits(start), v.r(0))
		v.loop("loop", []stream{{"SI", 2}}, nil, func() { body(v) })
		v.reduce(op)
		v.p("MOVSS X0, ret+%d(FP)", (args+7)/8*8)
	})
}

// expSum sets dst = e^(x - m) and returns the sum.
func (u *unit) expSum() {
	u.function("expSum", "(dst, x *float32, n int, m float32) float32", 36, func(v *vector) {
		v.keepMask = true
		v.p("MOVQ dst+0(FP), DI; MOVQ x+8(FP), SI; MOVQ n+16(FP), CX")
		v.param("m", 24, v.r(1))
		v.zeroReg(0)
		v.loop("loop", []stream{{"SI", 2}}, &stream{"DI", 2}, func() {
			v.op("VSUBPS", v.r(1), v.r(2), v.r(2))
			v.exp(v.r(2), v.r(3), v.r(4), v.r(5))
			v.masked(v.r(2))
			v.op("VADDPS", v.r(2), v.r(0), v.r(0))
		})
		v.reduce("VADDPS")
		v.p("MOVSS X0, ret+32(FP)")
	})
}

// normRow sets dst = (x - mean)·inv·gamma + beta.
func (u *unit) normRow() {
	u.function("normRow", "(dst, x, gamma, beta *float32, n int, mean, inv float32)", 48, func(v *vector) {
		v.p("MOVQ dst+0(FP), DI; MOVQ x+8(FP), SI; MOVQ gamma+16(FP), DX; MOVQ beta+24(FP), BX; MOVQ n+32(FP), CX")
		v.param("mean", 40, v.r(3))
		v.param("inv", 44, v.r(4))
		v.loop("loop", []stream{{"SI", 0}, {"DX", 1}, {"BX", 2}}, &stream{"DI", 0}, func() {
			v.op("VSUBPS", v.r(3), v.r(0), v.r(0))
			v.op("VMULPS", v.r(4), v.r(0), v.r(0))
			v.op("VFMADD213PS", v.r(2), v.r(1), v.r(0))
		})
	})
}
