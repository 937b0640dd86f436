package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// SGD is a step of stochastic gradient descent with momentum, as PyTorch defines it
// (no dampening):
//
//	g ← (grad + WeightDecay·w)·mask,  v ← Momentum·v + g,
//	w ← w - LR·v, or with Nesterov w - LR·(g + Momentum·v).
//
// Where the mask is 0, the weight's gradient and its decay are left out.
type SGD struct {
	LR, Momentum, WeightDecay float32
	Nesterov                  bool
}

// AdamW is a step of AdamW (Loshchilov and Hutter, 2019), as PyTorch defines it:
//
//	w ← w - LR·WeightDecay·w·mask,  g ← grad·mask,
//	m ← Beta1·m + (1 - Beta1)·g,  v ← Beta2·v + (1 - Beta2)·g²,
//	w ← w - LR/(1 - Beta1ᵗ)·m / (√v/√(1 - Beta2ᵗ) + Epsilon).
type AdamW struct {
	LR, Beta1, Beta2, Epsilon, WeightDecay float32
	Step                                   int // t, from 1
}

// DefaultAdamW has PyTorch's parameters.
func DefaultAdamW() AdamW {
	return AdamW{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01, Step: 1}
}

// SGD updates the weights w and the momentum v from the gradient g; mask (nil for
// none) is 0 or 1. A slice may be cut anywhere: each weight is for itself.
func (k *Kernels) SGD(o SGD, w, g, v, mask []float32, s *Scratch) {
	a := updates(w, g, v, v, mask, s)
	if a == nil {
		return
	}
	a.lr, a.decay, a.beta1 = o.LR, o.WeightDecay, o.Momentum
	if o.Nesterov {
		a.nesterov = 1
	}
	k.train.sgd(a)
}

// AdamW updates the weights w and the moments m and v from the gradient g; mask
// (nil for none) is 0 or 1.
func (k *Kernels) AdamW(o AdamW, w, g, m, v, mask []float32, s *Scratch) {
	a := updates(w, g, m, v, mask, s)
	if a == nil {
		return
	}
	c1 := 1 - math.Pow(float64(o.Beta1), float64(o.Step))
	c2 := 1 - math.Pow(float64(o.Beta2), float64(o.Step))
	a.beta1, a.beta2, a.keep1, a.keep2 = o.Beta1, o.Beta2, 1-o.Beta1, 1-o.Beta2
	a.lr, a.decay, a.epsilon = float32(float64(o.LR)/c1), float32(float64(o.LR)*float64(o.WeightDecay)), o.Epsilon
	a.aux = float32(1 / math.Sqrt(c2))
	k.train.adamw(a)
}

func updates(w, g, m, v, mask []float32, s *Scratch) *updateArgs {
	n := len(w)
	if len(g) != n || len(m) != n || len(v) != n || mask != nil && len(mask) != n {
		panic(fmt.Sprintf("kernel: update of %d weights: %d gradients, moments of %d and %d, a mask of %d", n, len(g), len(m), len(v), len(mask)))
	}
	if n == 0 {
		return nil
	}
	a := &s.update
	*a = updateArgs{w: ptr(w, 0), g: ptr(g, 0), m: ptr(m, 0), v: ptr(v, 0), n: n}
	if mask != nil {
		a.mask = ptr(mask, 0)
	}
	return a
}

func (p *updateArgs) slice(base unsafe.Pointer) []float32 { return floatsAt(base, 0, p.n) }

func (p *updateArgs) maskAt(i int) float32 {
	if p.mask == nil {
		return 1
	}
	return *at(p.mask, 4*i)
}

// sgdScalar is the scalar twin.
func sgdScalar(p *updateArgs) {
	w, v := p.slice(p.w), p.slice(p.v)
	for i, g := range p.slice(p.g) {
		g = fma32(p.decay, w[i], g) * p.maskAt(i)
		v[i] = fma32(p.beta1, v[i], g)
		step := v[i]
		if p.nesterov != 0 {
			step = fma32(p.beta1, v[i], g)
		}
		w[i] = fma32(-p.lr, step, w[i])
	}
}

// adamwScalar is the scalar twin.
func adamwScalar(p *updateArgs) {
	w, m, v := p.slice(p.w), p.slice(p.m), p.slice(p.v)
	for i, g := range p.slice(p.g) {
		keep := p.maskAt(i)
		g *= keep
		x := fma32(-p.decay*keep, w[i], w[i])
		m[i] = fma32(p.beta1, m[i], p.keep1*g)
		v[i] = fma32(p.beta2, v[i], p.keep2*(g*g))
		root := fma32(float32(math.Sqrt(float64(v[i]))), p.aux, p.epsilon)
		w[i] = fma32(-p.lr, m[i]/root, x)
	}
}
