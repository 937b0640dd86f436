package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// start gives a step that others may be joined to, or that wants images with
// channels last, kernels to run on.
func (z *fuser) start(s *step) {
	if z.startQuant(s); s.op == nil {
		return
	}
	shape, ok := z.float32(s.in0())
	if !ok || len(s.out) != 1 {
		return
	}
	switch o := s.op.(type) {
	case op.Conv:
		z.startConv(s, o, shape)
	case op.Gemm:
		z.startGemm(s, o)
	case op.MatMul:
		z.startMatMul(s)
	case op.BatchNorm:
		scale, shift, ok := o.Affine(z.known(s))
		if ok && (len(shape) == 4 || len(shape) == 2) {
			s.runs(&affineLow{scale: scale, shift: shift}, s.in[0])
		}
	case op.MaxPool:
		z.startPool(s, o.Window, kernel.PoolSpec{CeilMode: o.Ceil})
	case op.AveragePool:
		z.startPool(s, o.Window, kernel.PoolSpec{Average: true, CountIncludePad: o.CountPad, CeilMode: o.Ceil})
	case op.GlobalPool:
		if len(shape) == 4 {
			s.runs(&globalLow{max: o.Max}, s.in[0])
		}
	case op.LayerNorm:
		z.startLayerNorm(s, o, shape)
	case op.LRN:
		if len(shape) == 4 {
			s.runs(&lrnLow{o}, s.in[0])
		}
	default:
		if act, ok := z.activation(s); ok {
			s.runs(&actLow{act: act}, s.in[0])
		}
	}
}

func (z *fuser) startConv(s *step, o op.Conv, shape []int) {
	w := s.in[1]
	if len(shape) != 4 || constant(w) == nil {
		return
	}
	var bias *value
	if len(s.in) > 2 && s.in[2] != nil {
		if bias = s.in[2]; constant(bias) == nil {
			return
		}
	}
	place, err := o.Place(shape[2:], w.konst.Shape()[2:])
	if err != nil || product(place.Out) == 0 {
		return
	}
	s.runs(&convLow{place: place, group: o.Group, weights: weights{w: w, b: bias}}, s.in[0])
}

func (z *fuser) startPool(s *step, w op.Window, spec kernel.PoolSpec) {
	shape, _ := z.float32(s.in[0])
	if len(shape) != 4 {
		return
	}
	place, err := w.Place(shape[2:], nil)
	if err != nil || product(place.Out) == 0 {
		return
	}
	spec.KH, spec.KW = place.Kernel[0], place.Kernel[1]
	spec.StrideH, spec.StrideW = place.Strides[0], place.Strides[1]
	spec.DilationH, spec.DilationW = place.Dilations[0], place.Dilations[1]
	s.runs(&poolLow{place: place, spec: spec}, s.in[0])
}

// startGemm takes a product whose addend is a constant for each column or has
// the result's shape.
func (z *fuser) startGemm(s *step, o op.Gemm) {
	a, _ := z.float32(s.in[0])
	b, ok := z.float32(s.in[1])
	out, okOut := z.float32(s.out[0])
	if !ok || !okOut {
		return
	}
	m, k, n, err := o.Dims(a, b)
	if err != nil {
		return
	}
	low := &productLow{m: m, k: k, n: n, batch: 1, alpha: o.Alpha, transA: o.TransA, transB: o.TransB}
	in := []*value{s.in[0]}
	if constant(s.in[1]) != nil {
		low.w = s.in[1]
	} else {
		in = append(in, s.in[1])
	}
	if len(s.in) > 2 && s.in[2] != nil {
		c, perColumn := perChannel(s.in[2], out, 1)
		shape, same := z.float32(s.in[2])
		switch {
		case low.w != nil && perColumn:
			low.shift = make([]float64, n)
			for i, v := range c {
				low.shift[i] = float64(o.Beta) * float64(v)
			}
		case same && o.Beta == 1 && !s.in[2].isConst() && slices.Equal(shape, out):
			low.res = true
			in = append(in, s.in[2])
		default:
			return
		}
	}
	s.runs(low, in...)
}

// startMatMul takes products with a constant matrix, and those of two stacks
// of equally many matrices.
func (z *fuser) startMatMul(s *step) {
	a, _ := z.float32(s.in[0])
	b, ok := z.float32(s.in[1])
	if _, okOut := z.float32(s.out[0]); !ok || !okOut || len(a) < 2 || len(b) < 2 {
		return
	}
	p, err := op.ProductOf(a, b)
	if err != nil {
		return
	}
	low := &productLow{m: p.M, k: p.K, n: p.N, batch: p.Batch(), alpha: 1}
	switch {
	case len(b) == 2: // one matrix for all rows of a
		low.m, low.batch = p.M*p.Batch(), 1
	case !slices.Equal(a[:len(a)-2], b[:len(b)-2]):
		return
	}
	if len(b) == 2 && constant(s.in[1]) != nil {
		low.w = s.in[1]
		s.runs(low, s.in[0])
		return
	}
	s.runs(low, s.in[0], s.in[1])
}

func (z *fuser) startLayerNorm(s *step, o op.LayerNorm, shape []int) {
	axis := o.Axis
	if axis < 0 {
		axis += len(shape)
	}
	n := product(shape[axis:])
	low := newLayerNorm(n, o.Epsilon, axis == len(shape)-1)
	for i, c := range []*value{s.in[1], slices.Concat(s.in, []*value{nil, nil})[2]} {
		if c == nil {
			continue
		}
		v := constant(c)
		if len(v) != n {
			return
		}
		copy([][]float32{low.gamma, low.beta}[i], v)
	}
	s.runs(low, s.in[0])
}

// activation is the kernels' form of a step that applies a function to every
// element.
func (z *fuser) activation(s *step) (kernel.Activation, bool) {
	switch o := s.op.(type) {
	case op.Clip:
		lo, hi, ok := o.Bounds(z.known(s))
		return kernel.Clip(lo, hi), ok && lo <= hi
	case op.Unary:
		return unaryActivation(o)
	}
	return kernel.Activation{}, false
}

func unaryActivation(o op.Unary) (kernel.Activation, bool) {
	switch o.Kind {
	case op.Relu:
		return kernel.Relu(), true
	case op.HardSwish:
		return kernel.HardSwish(), true
	}
	kinds := map[op.UnaryKind]kernel.ActKind{
		op.LeakyRelu: kernel.ActLeaky, op.HardSigmoid: kernel.ActHardSigmoid, op.Sigmoid: kernel.ActSigmoid,
		op.Tanh: kernel.ActTanh, op.Gelu: kernel.ActGelu, op.GeluTanh: kernel.ActGeluTanh,
	}
	kind, ok := kinds[o.Kind]
	return kernel.Activation{Kind: kind, Alpha: o.Alpha, Beta: o.Beta}, ok
}
