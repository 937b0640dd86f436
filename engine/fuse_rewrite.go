package engine

import (
	"math"
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// unfold writes steps that do several things as several steps: sums of many
// operands, and means over all pixels of an image as a global pooling.
func unfold(g *graph, f facts) {
	z := &fuser{g: g, f: f}
	var out []*step
	for _, s := range g.steps {
		before, after := z.unfoldStep(s)
		out = append(out, before...)
		out = append(out, s)
		out = append(out, after...)
	}
	g.steps = out
}

func (z *fuser) unfoldStep(s *step) (before, after []*step) {
	args := z.known(s)
	if h, ok := s.op.(op.Half); ok && args != nil && !slices.ContainsFunc(args, func(a op.Arg) bool {
		return a.Type == tensor.F16 || a.Type == tensor.BF16
	}) {
		s.op = h.Operator
	}
	shape, ok := z.float32(s.in0())
	if !ok {
		return nil, nil
	}
	switch o := s.op.(type) {
	case op.Arith:
		return z.unfoldArith(s, o), nil
	case op.Reduce:
		set, err := o.AxisSet(args)
		if err == nil && slices.Equal(set, []bool{false, false, true, true}) && (o.Kind == op.Mean || o.Kind == op.Largest) {
			return nil, z.globalPool(s, o, shape)
		}
	}
	return nil, nil
}

// unfoldArith gives s two operands: the result of further steps, which come
// before it, and its last.
func (z *fuser) unfoldArith(s *step, o op.Arith) (before []*step) {
	for len(s.in) > 2 {
		a, okA := z.float32(s.in[0])
		b, okB := z.float32(s.in[1])
		shape, err := op.Broadcast(a, b)
		if !okA || !okB || err != nil {
			return before
		}
		part := &step{op: o, in: slices.Clone(s.in[:2]), node: s.node, kind: s.kind}
		v := &value{from: part}
		part.out = []*value{v}
		z.f[v] = op.Arg{Type: tensor.Float32, Shape: shape}
		s.in = append([]*value{v}, s.in[2:]...)
		before = append(before, part)
	}
	return before
}

// globalPool makes s a global pooling and, unless the axes are kept, a further
// step that drops them.
func (z *fuser) globalPool(s *step, o op.Reduce, shape []int) (after []*step) {
	s.op, s.in = op.GlobalPool{Max: o.Kind == op.Largest}, s.in[:1]
	if o.KeepDims {
		return nil
	}
	v := &value{from: s}
	z.f[v] = op.Arg{Type: tensor.Float32, Shape: []int{shape[0], shape[1], 1, 1}}
	drop := &step{op: reinterpret{}, in: []*value{v}, out: s.out, node: s.node, kind: s.kind}
	s.out[0].from = drop
	s.out = []*value{v}
	return []*step{drop}
}

// reinterpret is a view of its operand in the shape that the facts give.
type reinterpret struct{ op.Identity }

// rewrite replaces functions that exporters spell out by the one step that
// computes them. Steps that nobody reads any more are pruned later.
func (z *fuser) rewrite(s *step) {
	a, ok := s.op.(op.Arith)
	if _, isFloat := z.float32(s.out[0]); !ok || !isFloat || len(s.in) != 2 {
		return
	}
	switch a.Kind {
	case op.Mul, op.Div:
		if x, act, ok := z.gated(s); ok {
			s.runs(&actLow{act: act}, x)
		} else if a.Kind == op.Div {
			z.layerNorm(s)
		}
	}
}

// gated finds x·gate(x): SiLU, HardSwish, Gelu.
func (z *fuser) gated(s *step) (x *value, act kernel.Activation, ok bool) {
	list, c := z.factors(s.out[0], 0)
	if len(list) != 2 {
		return nil, act, false
	}
	for i, gate := range list {
		x = list[1-i]
		if gate.from == nil || gate.from.op == nil || x.isConst() {
			continue
		}
		if act, ok = z.gate(gate.from, x, c); ok {
			return x, act, true
		}
	}
	return nil, act, false
}

// gate is the function c·x·g(x), g being what step s computes.
func (z *fuser) gate(s *step, x *value, c float64) (kernel.Activation, bool) {
	switch o := s.op.(type) {
	case op.Unary:
		switch {
		case s.in[0] != x || c != 1:
		case o.Kind == op.Sigmoid:
			return kernel.Activation{Kind: kernel.ActSiLU}, true
		case o.Kind == op.HardSigmoid:
			return kernel.Activation{Kind: kernel.ActHardSwish, Alpha: o.Alpha, Beta: o.Beta}, true
		}
	case op.Clip: // c·x·clip(x + 3, 0, 6)
		lo, hi, ok := o.Bounds(z.known(s))
		if y, k, isSum := plus(s.in[0]); ok && isSum && y == x && lo == 0 && k == 3 && hi == 6 && near(c, 1.0/6) {
			return kernel.HardSwish(), true
		}
	case op.Arith: // c·x·(erf(x/√2) + 1)
		y, k, ok := plus(s.out[0])
		if !ok || k != 1 || !near(c, 0.5) || y.from == nil || !isUnary(y.from, op.Erf) {
			break
		}
		list, d := z.factors(y.from.in[0], 0)
		if len(list) == 1 && list[0] == x && near(d, math.Sqrt2/2) {
			return kernel.Activation{Kind: kernel.ActGelu}, true
		}
	}
	return kernel.Activation{}, false
}

func isUnary(s *step, k op.UnaryKind) bool {
	u, ok := s.op.(op.Unary)
	return ok && u.Kind == k
}

// near allows for a constant that an exporter rounded to float32.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

// plus takes v = y + k apart, k being a constant scalar.
func plus(v *value) (y *value, k float32, ok bool) {
	if v.from == nil || len(v.from.in) != 2 {
		return nil, 0, false
	}
	if a, isArith := v.from.op.(op.Arith); !isArith || a.Kind != op.Add {
		return nil, 0, false
	}
	for i, w := range v.from.in {
		if k, ok := scalar(w); ok {
			return v.from.in[1-i], k, true
		}
	}
	return nil, 0, false
}

// factors takes v apart as c times a product of values. Products that are read
// elsewhere too are not taken apart.
func (z *fuser) factors(v *value, depth int) (list []*value, c float64) {
	s := v.from
	if s == nil || depth > 4 || depth > 0 && z.reads[v] != 1 {
		return []*value{v}, 1
	}
	a, ok := s.op.(op.Arith)
	if !ok || len(s.in) != 2 || a.Kind != op.Mul && a.Kind != op.Div {
		return []*value{v}, 1
	}
	c = 1
	for i, w := range s.in {
		k, isScalar := scalar(w)
		switch {
		case isScalar && a.Kind == op.Div && i == 1:
			c /= float64(k)
		case isScalar:
			c *= float64(k)
		case a.Kind == op.Div && i == 1:
			return []*value{v}, 1
		default:
			more, d := z.factors(w, depth+1)
			list, c = append(list, more...), c*d
		}
	}
	if a.Kind == op.Div && len(list) == 0 {
		return []*value{v}, 1
	}
	return list, c
}

// layerNorm recognizes d/√(mean(d²) + eps) with d = x - mean(x), means over
// the last axis. What follows, times gamma plus beta, is joined like any other
// constant.
func (z *fuser) layerNorm(s *step) {
	d, root := s.in[0], s.in[1].from
	if d.from == nil || root == nil || !isUnary(root, op.Sqrt) {
		return
	}
	variance, eps, ok := plus(root.in[0])
	if !ok || variance.from == nil || !z.isLastMean(variance.from) || !isSquare(variance.from.in[0], d) {
		return
	}
	a, ok := d.from.op.(op.Arith)
	if !ok || a.Kind != op.Sub || d.from.in[1].from == nil {
		return
	}
	x, mean := d.from.in[0], d.from.in[1].from
	shape, isFloat := z.float32(x)
	if !isFloat || !z.isLastMean(mean) || mean.in[0] != x {
		return
	}
	s.runs(newLayerNorm(shape[len(shape)-1], eps, true), x)
}

// isLastMean reports whether s is the mean over the last axis, which it keeps.
func (z *fuser) isLastMean(s *step) bool {
	r, ok := s.op.(op.Reduce)
	if !ok || r.Kind != op.Mean || !r.KeepDims {
		return false
	}
	set, err := r.AxisSet(z.known(s))
	if err != nil || len(set) == 0 {
		return false
	}
	last := len(set) - 1
	return set[last] && !slices.Contains(set[:last], true)
}

// isSquare reports whether v is d².
func isSquare(v, d *value) bool {
	if v.from == nil || len(v.from.in) != 2 || v.from.in[0] != d {
		return false
	}
	switch o := v.from.op.(type) {
	case op.Pow:
		e, ok := scalar(v.from.in[1])
		return ok && e == 2
	case op.Arith:
		return o.Kind == op.Mul && v.from.in[1] == d
	}
	return false
}
