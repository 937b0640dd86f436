package train

import (
	"math"

	"github.com/lethe-audit/lethe/engine/grad"
)

// optimizer turns gradients into new weights. Products are rounded before they
// are added, so that a compiler that fuses them gives the same bits.
type optimizer struct {
	Optimizer
	step  int         // updates done
	first [][]float32 // by parameter: momentum, or the mean of gradients
	next  [][]float32 // adamw: the mean of their squares
}

func newOptimizer(o Optimizer, params []*grad.Param) *optimizer {
	out := &optimizer{Optimizer: o}
	for _, p := range params {
		out.first = append(out.first, make([]float32, len(p.Value)))
		if o.Name == AdamW {
			out.next = append(out.next, make([]float32, len(p.Value)))
		}
	}
	return out
}

// decays reports whether a parameter's weights decay: biases and the parameters
// of normalizations do not.
func decays(p *grad.Param) bool { return p.Kind == grad.ConvWeight || p.Kind == grad.DenseWeight }

// update moves all parameters by one step at the given rate. Dense values move
// under a mask too: their gradient is 0 there, momentum and decay are not.
func (o *optimizer) update(params []*grad.Param, rate float64) {
	o.step++
	for i, p := range params {
		decay := 0.0
		if decays(p) {
			decay = o.WeightDecay
		}
		if o.Name == AdamW {
			c1, c2 := 1-math.Pow(o.Beta1, float64(o.step)), 1-math.Pow(o.Beta2, float64(o.step))
			adamw(p.Value, p.Grad, o.first[i], o.next[i], adamwFactors{
				keep: float32(1 - rate*decay), rate: float32(rate / c1), root: float32(1 / math.Sqrt(c2)), epsilon: float32(o.Epsilon),
				beta1: float32(o.Beta1), rest1: float32(1 - o.Beta1), beta2: float32(o.Beta2), rest2: float32(1 - o.Beta2)})
			continue
		}
		sgd(p.Value, p.Grad, o.first[i], float32(rate), float32(o.Momentum), float32(decay), o.Nesterov)
	}
}

// sgd is Sutskever et al.'s momentum as PyTorch and TensorFlow compute it:
// g += decay w; v = momentum v + g; w -= rate v, or with Nesterov's look ahead
// w -= rate (g + momentum v).
func sgd(w, g, v []float32, rate, momentum, decay float32, nesterov bool) {
	g, v = g[:len(w)], v[:len(w)]
	for i, x := range w {
		d := g[i] + float32(decay*x)
		m := float32(momentum*v[i]) + d
		v[i] = m
		if nesterov {
			m = d + float32(momentum*m)
		}
		w[i] = x - float32(rate*m)
	}
}

// adamwFactors are what is the same for all weights of a step.
type adamwFactors struct {
	keep         float32 // 1 - rate decay
	rate         float32 // over the bias correction of the mean
	root         float32 // 1 / sqrt of the bias correction of the squares
	epsilon      float32
	beta1, rest1 float32
	beta2, rest2 float32
}

// adamw is Loshchilov and Hutter 2019 (arXiv:1711.05101), algorithm 2, with
// epsilon outside of the corrected root as in PyTorch.
func adamw(w, g, m, v []float32, f adamwFactors) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, x := range w {
		a := float32(f.beta1*m[i]) + float32(f.rest1*g[i])
		b := float32(f.beta2*v[i]) + float32(f.rest2*float32(g[i]*g[i]))
		m[i], v[i] = a, b
		root := float32(float32(math.Sqrt(float64(b)))*f.root) + f.epsilon
		w[i] = float32(f.keep*x) - float32(f.rate*a)/root
	}
}
