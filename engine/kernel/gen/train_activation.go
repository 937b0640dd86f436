package main

// actGrads generates dx[i] = dy[i]·f'(v[i]; a, b).
func (u *unit) actGrads() {
	u.clampGrads()
	u.sigmoidGrads()
	u.geluGrads()
}

// actGrad generates one gradient: dy is in register 0, v in 1, a and b in 2 and 3;
// the result is left in 0.
func (u *unit) actGrad(name string, body func(v *vector, g, x, a, b operand)) {
	u.function(name+"Grad", "(dx, dy, v *float32, n int, a, b float32)", 40, func(v *vector) {
		v.p("MOVQ dx+0(FP), DI; MOVQ dy+8(FP), SI; MOVQ v+16(FP), DX; MOVQ n+24(FP), CX")
		v.param("a", 32, v.r(2))
		v.param("b", 36, v.r(3))
		v.loop("loop", []stream{{"SI", 0}, {"DX", 1}}, &stream{"DI", 0}, func() { body(v, v.r(0), v.r(1), v.r(2), v.r(3)) })
	})
}

// clampGrads generates the activations with straight pieces.
func (u *unit) clampGrads() {
	u.actGrad("clip", func(v *vector, g, y, lo, hi operand) { v.between(y, lo, hi, g, v.r(4)) })
	u.actGrad("leaky", func(v *vector, g, x, a, _ operand) {
		v.op("VMULPS", g, a, v.r(4))
		v.less(x, 0, v.r(4), g, g, v.r(5))
	})
	u.actGrad("hardSigmoid", func(v *vector, g, x, a, b operand) {
		v.op("VFMADD213PS", b, a, x)
		v.op("VMULPS", a, g, g)
		v.zeroReg(4)
		v.set(1, v.r(5))
		v.between(x, v.r(4), v.r(5), g, v.r(6))
	})
	u.actGrad("hardSwish", func(v *vector, g, x, a, b operand) {
		u, s, zero, one, t := v.r(4), v.r(5), v.r(6), v.r(7), v.r(8)
		v.p("VMOVAPS %s, %s", x, u)
		v.op("VFMADD213PS", b, a, u)
		v.op("VMULPS", a, x, x)
		v.zeroReg(6)
		v.set(1, one)
		v.op("VMAXPS", u, zero, s)
		v.op("VMINPS", s, one, s)
		v.between(u, zero, one, x, t)
		v.op("VADDPS", x, s, s)
		v.op("VMULPS", s, g, g)
	})
}

// sigmoidGrads generates those of the logistic function.
func (u *unit) sigmoidGrads() {
	u.actGrad("sigmoid", func(v *vector, g, y, _, _ operand) {
		v.set(1, v.r(4))
		v.op("VSUBPS", y, v.r(4), v.r(4))
		v.op("VMULPS", v.r(4), y, y)
		v.op("VMULPS", y, g, g)
	})
	u.actGrad("tanh", func(v *vector, g, y, _, _ operand) {
		v.set(1, v.r(4))
		v.op("VFNMADD231PS", y, y, v.r(4))
		v.op("VMULPS", v.r(4), g, g)
	})
	u.actGrad("silu", func(v *vector, g, x, _, _ operand) {
		s := v.r(4)
		v.sigmoid(x, s, v.r(5), v.r(6), v.r(7))
		v.swishSlope(x, s, v.r(5))
		v.op("VMULPS", s, g, g)
	})
}

// geluGrads generates both forms of GELU.
func (u *unit) geluGrads() {
	u.actGrad("geluTanh", func(v *vector, g, x, _, _ operand) {
		s, u, q := v.r(4), v.r(8), v.r(9)
		v.op("VMULPS", x, x, q)
		v.set(2*0.7978845608028654*0.044715, u)
		v.op("VFMADD213PS", v.c(2*0.7978845608028654), q, u)
		v.op("VMULPS", x, u, u)
		v.sigmoid(u, s, v.r(5), v.r(6), v.r(7))
		v.set(6*0.7978845608028654*0.044715, u) // du/dx
		v.op("VFMADD213PS", v.c(2*0.7978845608028654), q, u)
		v.op("VMULPS", u, x, x)
		v.swishSlope(x, s, v.r(5))
		v.op("VMULPS", s, g, g)
	})
	u.actGrad("gelu", func(v *vector, g, x, t, e operand) {
		s := v.r(4)
		v.op("VMULPS", v.c(0.70710678118654752), x, t)
		v.op("VMULPS", v.c(-0.5), x, e)
		v.op("VMULPS", x, e, e)
		v.exp(e, v.r(5), v.r(6), v.r(7))
		v.erf(t, s, v.r(5), v.r(6), v.r(7), v.r(8), v.r(9))
		v.op("VMULPS", v.c(0.3989422804014327), e, e)
		v.op("VMULPS", x, e, e)
		v.set(0.5, t)
		v.op("VFMADD213PS", t, t, s) // erf/2 + 1/2
		v.op("VADDPS", e, s, s)
		v.op("VMULPS", s, g, g)
	})
}

// between zeroes g where not lo < x < hi; t is overwritten.
func (v *vector) between(x, lo, hi, g, t operand) {
	if v.wide() {
		v.p("VCMPPS $1, %s, %s, K2; VCMPPS $1, %s, %s, K2, K3; VMOVAPS.Z %s, K3, %s", x, lo, hi, x, g, g)
		return
	}
	v.p("VCMPPS $1, %[1]s, %[2]s, %[5]s; VANDPS %[5]s, %[4]s, %[4]s; VCMPPS $1, %[3]s, %[1]s, %[5]s; VANDPS %[5]s, %[4]s, %[4]s", x, lo, hi, g, t)
}

// swishSlope sets s = s + x·s·(1 - s), the derivative of x/(1 + e^-x) where s is
// 1/(1 + e^-x); t is overwritten.
func (v *vector) swishSlope(x, s, t operand) {
	v.set(1, t)
	v.op("VSUBPS", s, t, t)
	v.op("VMULPS", s, t, t)
	v.op("VFMADD231PS", x, t, s)
}
