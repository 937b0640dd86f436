package kernel

import (
	"math"
	"testing"
)

// ulps is the distance of got from want in units of the last place that
// float32 has at want, at least the smallest subnormal.
func ulps(got float32, want float64) float64 {
	if math.IsNaN(want) {
		if math.IsNaN(float64(got)) {
			return 0
		}
		return math.Inf(1)
	}
	if rounded := float32(want); rounded == got || math.IsInf(want, 0) {
		if rounded == got {
			return 0
		}
		return math.Inf(1)
	}
	_, exp := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(exp-24, -149))
}

// grid covers the range where the functions vary densely, every power of two
// with neighbours, and the special values.
func grid() []float32 {
	var out []float32
	for i := -400_000; i <= 400_000; i++ {
		out = append(out, float32(i)*(110.0/400_000), float32(i)*(5.0/400_000))
	}
	for e := -149; e <= 127; e++ {
		v := float32(math.Ldexp(1, e))
		for _, x := range []float32{v, math.Nextafter32(v, 0), math.Nextafter32(v, 2*v), 1.5 * v} {
			out = append(out, x, -x)
		}
	}
	inf := float32(math.Inf(1))
	return append(out, 0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32)
}

// Functions are as exact as their comments say, over the whole range.
func TestUnaryError(t *testing.T) {
	const alpha, beta = 0.75, -0.25
	cases := []struct {
		name  string
		op    UnaryOp
		f     func(x float64) float64
		limit float64 // ulp; with noise, of max(|result|, noise·|x|)
		noise float64
	}{
		{"abs", OpAbs, math.Abs, 0, 0},
		{"sqrt", OpSqrt, math.Sqrt, .5, 0},
		{"reciprocal", OpReciprocal, func(x float64) float64 { return 1 / x }, .5, 0},
		{"affine", OpAffine, func(x float64) float64 { return math.FMA(alpha, x, beta) }, .5001, 0},
		{"exp", OpExp, math.Exp, 1.1, 0},
		{"erf", OpErf, math.Erf, 2, 0},
		{"tanh", OpTanh, math.Tanh, 1.5, 0},
		{"sigmoid", OpSigmoid, sigmoid64, 2.5, 0},
		{"silu", opSiLU, func(x float64) float64 { return x * sigmoid64(x) }, 3.5, 0x1p-126}, // the sigmoid may be subnormal,
		{"gelu", opGelu, func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }, 2.5, .5},
		{"gelu tanh", opGeluTanh, func(x float64) float64 {
			return x * sigmoid64(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))
		}, 4, .5},
		{"hard sigmoid", opHardSigmoid, func(x float64) float64 {
			return activate64(Activation{Kind: ActHardSigmoid, Alpha: alpha, Beta: beta}, x)
		}, 1, .5},
		{"hard swish", opHardSwish, func(x float64) float64 {
			return activate64(Activation{Kind: ActHardSwish, Alpha: alpha, Beta: beta}, x)
		}, 1.5, .5},
		{"leaky", opLeaky, func(x float64) float64 { return activate64(Activation{Kind: ActLeaky, Alpha: alpha}, x) }, .5, 0},
		{"clip", opClip, func(x float64) float64 { return activate64(Clip(beta, alpha), x) }, .5, 0},
	}
	x := grid()
	y := make([]float32, len(x))
	eachLevel(t, func(t *testing.T, k *Kernels) {
		for _, c := range cases {
			a, b := float32(alpha), float32(beta)
			if c.op == opClip {
				a, b = b, a
			}
			k.unary[c.op](&y[0], &x[0], len(x), a, b)
			worst, where := 0.0, 0
			for i, v := range x {
				want := c.f(float64(v))
				u := ulps(y[i], want)
				if s := c.noise * math.Abs(float64(v)); s > math.Abs(want) && u > 0 {
					_, e := math.Frexp(s)
					u = math.Abs(float64(y[i])-want) / math.Ldexp(1, max(e-24, -149))
				}
				if u > worst || math.IsNaN(u) {
					worst, where = u, i
				}
			}
			t.Logf("%s: %.3f ulp at %g", c.name, worst, x[where])
			if !(worst <= c.limit) {
				t.Errorf("%s(%g) = %g, want %g: %g ulp, limit %g", c.name, x[where], y[where], c.f(float64(x[where])), worst, c.limit)
			}
		}
	})
}

// Lengths around the vector width: tails are computed, nothing else is written.
func TestUnaryTails(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for op := UnaryOp(0); op < unaryCount; op++ {
			for n := 1; n < 50; n++ {
				x := randoms(r, n+3)
				one, all := make([]float32, n), append([]float32(nil), x...)
				k.unary[op](&all[0], &all[0], n, .3, .6) // in place
				for i := range n {
					k.unary[op](&one[i], &x[i], 1, .3, .6)
					if one[i] != all[i] && one[i] == one[i] {
						t.Fatalf("op %d, %d values: [%d] is %g, alone %g", op, n, i, all[i], one[i])
					}
				}
				for i := n; i < n+3; i++ {
					if all[i] != x[i] {
						t.Fatalf("op %d: wrote past %d values", op, n)
					}
				}
			}
		}
	})
}

func TestActivate(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		x := randoms(newRand(t), 100)
		for i := range x {
			x[i] *= 8
		}
		for kind := ActNone; kind < actCount; kind++ {
			act := Activation{Kind: kind, Lo: -1, Hi: 2, Alpha: .2, Beta: .4}
			y := make([]float32, len(x))
			k.Activate(act, y, x)
			for i := range x {
				if want := activate64(act, float64(x[i])); math.Abs(float64(y[i])-want) > 1e-6*(1+math.Abs(want)) {
					t.Fatalf("%+v(%g) = %g, want %g", act, x[i], y[i], want)
				}
			}
		}
	})
}

func TestPow(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		x := randoms(newRand(t), 40)
		for i := range x {
			x[i] += 1.5
		}
		y := make([]float32, len(x))
		for _, e := range []float32{1, 2, 3, -1, .5, -.5, 2.5, -3} {
			k.Pow(y, x, e)
			for i := range x {
				if u := ulps(y[i], math.Pow(float64(x[i]), float64(e))); u > 2 {
					t.Fatalf("%g^%g = %g: %g ulp", x[i], e, y[i], u)
				}
			}
		}
	})
}
