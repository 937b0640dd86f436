package kernel

import (
	"math"
	"unsafe"
)

// GradReadsResult says which value the gradient of an activation is computed
// from: the result y (clip, sigmoid, tanh) or the argument x (the others).
func (a Activation) GradReadsResult() bool {
	return a.Kind == ActClip || a.Kind == ActSigmoid || a.Kind == ActTanh
}

// ActivateGrad sets dx[i] = dy[i]·act'(x[i]) for all of dy; dx may be dy. v is
// the activation's result where act.GradReadsResult(), else its argument. A clip
// passes the gradient on where its result lies strictly inside the bounds, so that
// max(x, 0) has slope 0 at 0, as in PyTorch.
func (k *Kernels) ActivateGrad(act Activation, dx, dy, v []float32) {
	if len(dy) == 0 {
		return
	}
	dx, v = dx[:len(dy)], v[:len(dy)]
	a, b := act.Alpha, act.Beta
	switch act.Kind {
	case ActNone:
		copy(dx, dy)
		return
	case ActClip:
		a, b = act.Lo, act.Hi
	}
	k.train.actGrad[act.Kind](&dx[0], &dy[0], &v[0], len(dy), a, b)
}

// scalarActGrads are the scalar twins.
func scalarActGrads(t *trainFuncs) {
	each := func(f func(v, a, b float32) float32) func(dx, dy, v *float32, n int, a, b float32) {
		return func(dx, dy, v *float32, n int, a, b float32) {
			d, g := unsafe.Slice(dx, n), unsafe.Slice(dy, n)
			for i, x := range unsafe.Slice(v, n) {
				d[i] = g[i] * f(x, a, b)
			}
		}
	}
	in64 := func(f func(float64) float64) func(dx, dy, v *float32, n int, a, b float32) {
		return each(func(v, _, _ float32) float32 { return float32(f(float64(v))) })
	}
	choose := func(yes bool, a, b float32) float32 {
		if yes {
			return a
		}
		return b
	}
	t.actGrad[ActClip] = func(dx, dy, v *float32, n int, lo, hi float32) {
		d, g := unsafe.Slice(dx, n), unsafe.Slice(dy, n)
		for i, y := range unsafe.Slice(v, n) {
			d[i] = choose(lo < y && y < hi, g[i], 0)
		}
	}
	t.actGrad[ActLeaky] = each(func(x, a, _ float32) float32 { return choose(x < 0, a, 1) })
	t.actGrad[ActHardSigmoid] = each(func(x, a, b float32) float32 {
		u := fma32(a, x, b)
		return choose(0 < u && u < 1, a, 0)
	})
	t.actGrad[ActHardSwish] = each(func(x, a, b float32) float32 {
		u := fma32(a, x, b)
		return clip32(u, 0, 1) + choose(0 < u && u < 1, a*x, 0)
	})
	t.actGrad[ActSigmoid] = each(func(y, _, _ float32) float32 { return y * (1 - y) })
	t.actGrad[ActTanh] = each(func(y, _, _ float32) float32 { return fma32(-y, y, 1) })
	t.actGrad[ActSiLU] = in64(func(x float64) float64 {
		s := sigmoid64(x)
		return s + x*s*(1-s)
	})
	t.actGrad[ActGelu] = in64(func(x float64) float64 {
		return 0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	})
	t.actGrad[ActGeluTanh] = in64(func(x float64) float64 {
		const c = 0.044715
		s := sigmoid64(2 * math.Sqrt(2/math.Pi) * (x + c*x*x*x))
		return s + x*s*(1-s)*2*math.Sqrt(2/math.Pi)*(1+3*c*x*x)
	})
}
