package main

// The polynomials are minimax fits by Lawson's method in float64 (numpy 1.24.2,
// testdata/fit.py), rounded to float32.

var (
	// expPoly approximates (e^r - 1 - r)/r² for |r| ≤ ln2/2 to 3e-9.
	expPoly = []float64{0.5, 0.166665122, 0.0416661873, 0.00836959854, 0.00139517197}
	// tanhPoly approximates (tanh(x)/x - 1)/x² in x² for |x| < 0.625 to 4e-9·x².
	tanhPoly = []float64{-0.333332837, 0.133314908, -0.0537434965, 0.020650588, -0.00571704516}
	// erfPoly approximates erf(x)/x in x² for |x| < 0.9277 to 2e-8.
	erfPoly = []float64{1.12837911, -0.376124859, 0.112817213, -0.0267631281, 0.00498800771, -0.000596426835}
	// erfcPoly approximates log erfc(x) for 0.9277 ≤ x ≤ 4.1 to 1.5e-9 of erf.
	erfcPoly = []float64{-0.000207654724, -1.12762618, -0.637265265, -0.103858896, 0.022191938, -0.00303445593, 0.000195045373}
)

// exp sets x = e^x; a, b, t are overwritten. The argument is split into
// n·ln2 + r and the result scaled by 2^n with one rounding, so that overflow
// and subnormal results are right.
func (v *vector) exp(x, a, b, t operand) {
	v.atMost(89, x, t)
	v.atLeast(-104.5, x, t)
	v.op("VMULPS", v.c(1.44269504088896341), x, a) // n
	if v.wide() {
		v.p("VRNDSCALEPS $8, %s, %s", a, a)
	} else {
		v.p("VROUNDPS $8, %s, %s", a, a)
	}
	v.op("VFNMADD231PS", v.c(0.693359375), a, x)
	v.op("VFNMADD231PS", v.c(-2.12194440e-4), a, x) // r
	v.poly(x, b, expPoly...)
	v.op("VMULPS", x, x, t)
	v.op("VFMADD213PS", x, t, b) // r²·q + r
	v.op("VADDPS", v.c(1), b, b)
	if v.wide() {
		v.p("VSCALEFPS %s, %s, %s", a, b, x)
		return
	}
	// 2^n as 2^(n/2) · 2^(n - n/2), both of them normal
	v.p("VCVTPS2DQ %s, %s; VPSRAD $1, %s, %s; VPSUBD %s, %s, %s", a, a, a, t, t, a, a)
	for _, half := range []operand{t, a} {
		v.op("VPADDD", v.cbits(127), half, half)
		v.p("VPSLLD $23, %s, %s; VMULPS %s, %s, %s", half, half, half, b, b)
	}
	v.p("VMOVAPS %s, %s", b, x)
}

// sigmoid sets dst = 1/(1 + e^-x) from e = e^-|x|: e/(1+e) for negative x,
// which keeps the relative error where the result is small. x is kept.
func (v *vector) sigmoid(x, dst, a, b, t operand) {
	v.op("VORPS", v.cbits(0x80000000), x, dst)
	v.exp(dst, a, b, t)
	v.op("VADDPS", v.c(1), dst, a)
	v.set(1, b)
	v.negative(x, dst, b, t)
	v.op("VDIVPS", a, t, dst)
}

// tanh sets dst = tanh x; x is kept.
func (v *vector) tanh(x, dst, a, b, t, z, y operand) {
	v.op("VMULPS", x, x, z)
	v.poly(z, y, tanhPoly...)
	v.op("VMULPS", z, y, y)
	v.op("VFMADD213PS", x, x, y) // x + x·x²·P(x²)
	v.abs(x, dst)
	v.op("VADDPS", dst, dst, dst)
	v.exp(dst, a, b, t)
	v.op("VADDPS", v.c(1), dst, dst)
	v.set(2, a)
	v.op("VDIVPS", dst, a, a)
	v.set(1, dst)
	v.op("VSUBPS", a, dst, dst) // 1 - 2/(e^2|x| + 1)
	v.sign(x, a)
	v.op("VORPS", a, dst, dst)
	v.abs(x, a)
	v.less(a, 0.625, y, dst, dst, t)
}

// erf sets dst = erf x; x is kept.
func (v *vector) erf(x, dst, a, b, t, z, y operand) {
	v.op("VMULPS", x, x, z)
	small := append([]float64{erfPoly[0] - 1}, erfPoly[1:]...)
	v.poly(z, y, small...)
	v.op("VFMADD213PS", x, x, y) // x + x·(P(x²) - 1)
	v.abs(x, z)
	v.atMost(4, z, t)
	v.poly(z, dst, erfcPoly...)
	v.exp(dst, a, b, t)
	v.set(1, a)
	v.op("VSUBPS", dst, a, dst)
	v.sign(x, a)
	v.op("VORPS", a, dst, dst)
	v.less(z, 0.9277, y, dst, dst, t)
}
