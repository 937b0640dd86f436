package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// imager is a planner whose operands and result are images with channels last
// where they have four axes.
type imager interface{ images() bool }

// layouter rewrites a graph so that images have their channels last between
// the steps that want them so. Each value exists in the model's layout, with
// channels last, or in both; steps that convert are put in where a value is
// wanted in the layout that it does not have.
type layouter struct {
	f    facts
	last map[*value]*value // a value's twin with channels last
	bare map[*value]bool   // values of which only the twin exists
	out  []*step
}

// channelsLast applies the layout to a graph whose shapes are known.
func channelsLast(g *graph, f facts) {
	l := &layouter{f: f, last: map[*value]*value{}, bare: map[*value]bool{}}
	wanted := slices.Clone(g.outputs)
	for _, s := range g.steps {
		if g.keep {
			wanted = append(wanted, s.out...)
		}
		l.step(s)
	}
	for _, v := range wanted {
		l.plain(v)
	}
	g.steps = l.out
}

func (l *layouter) step(s *step) {
	if i, ok := s.low.(imager); ok && i.images() && l.rank(s.in[0]) == 4 {
		l.convert(s)
		return
	}
	if l.passes(s) {
		l.convert(s)
		return
	}
	if t, ok := s.op.(op.Transpose); ok && l.explicit(s, t) {
		return
	}
	for _, v := range s.in {
		l.plain(v)
	}
	l.out = append(l.out, s)
}

func (l *layouter) rank(v *value) int {
	a, _ := l.f.of(v)
	return len(a.Shape)
}

// convert makes s work on twins of all its operands.
func (l *layouter) convert(s *step) {
	in := make([]*value, len(s.in))
	for i, v := range s.in {
		in[i] = v
		if l.rank(v) == 4 || v.isConst() {
			in[i] = l.twin(v)
		}
	}
	s.in, s.out = in, slices.Clone(s.out)
	for i, v := range s.out {
		if v != nil && l.rank(v) == 4 {
			s.out[i] = l.newTwin(v, s)
			l.bare[v] = true
		}
	}
	l.out = append(l.out, s)
}

// newTwin is the twin of v, which step s makes.
func (l *layouter) newTwin(v *value, s *step) *value {
	a, _ := l.f.of(v)
	t := &value{from: s}
	l.f[t] = op.Arg{Type: a.Type, Shape: lastShape(a.Shape)}
	l.last[v] = t
	return t
}

// lastShape is [N, C, H, W] as [N, H, W, C].
func lastShape(s []int) []int { return []int{s[0], s[2], s[3], s[1]} }

// twin is v with channels last.
func (l *layouter) twin(v *value) *value {
	if v == nil {
		return nil
	}
	if t, ok := l.last[v]; ok {
		return t
	}
	if v.isConst() {
		l.last[v] = constTwin(v)
		return l.last[v]
	}
	s := &step{in: []*value{v}, kind: "Transpose", node: "channels last"}
	s.out = []*value{l.newTwin(v, s)}
	a, _ := l.f.of(v)
	switch c := a.Shape[1]; {
	case c == 1 || product(a.Shape) == a.Shape[0]*c: // one channel or one pixel: the same order
		s.op = reinterpret{}
	case a.Type == tensor.Float32:
		s.low = toLast{}
	default:
		s.op = op.Transpose{Perm: []int{0, 2, 3, 1}}
	}
	l.out = append(l.out, s)
	return s.out[0]
}

// constTwin is a constant with channels last; one with fewer axes is aligned
// at the last, as broadcasting does.
func constTwin(v *value) *value {
	k := v.konst
	if pad := 4 - k.Rank(); pad > 0 {
		k = tensor.Must(k.Reshape(append(slices.Repeat([]int{1}, pad), k.Shape()...)))
	}
	t := tensor.Must(tensor.Make(k.Type(), lastShape(k.Shape())))
	perm := op.Transpose{Perm: []int{0, 2, 3, 1}}
	if err := perm.Eval(op.Env{}, []tensor.Tensor{k}, []tensor.Tensor{t}); err != nil {
		panic(err) // a permutation of four axes fits four axes
	}
	return &value{konst: t}
}

// plain sees to it that v exists in the model's layout.
func (l *layouter) plain(v *value) {
	if v == nil || !l.bare[v] {
		return
	}
	delete(l.bare, v)
	s := &step{in: []*value{l.last[v]}, out: []*value{v}, kind: "Transpose", node: "channels first"}
	v.from = s
	a, _ := l.f.of(v)
	switch c := a.Shape[1]; {
	case c == 1 || product(a.Shape) == a.Shape[0]*c:
		s.op = reinterpret{}
	case a.Type == tensor.Float32:
		s.low = toFirst{}
	default:
		s.op = op.Transpose{Perm: []int{0, 3, 1, 2}}
	}
	l.out = append(l.out, s)
}

// explicit takes a step of the model that moves channels itself: its result is
// the twin of its operand, or the other way round.
func (l *layouter) explicit(s *step, t op.Transpose) bool {
	v, y := s.in[0], s.out[0]
	switch {
	case slices.Equal(t.Perm, []int{0, 2, 3, 1}) && l.bare[v]:
		l.out = append(l.out, &step{op: reinterpret{}, in: []*value{l.last[v]}, out: s.out, node: s.node, kind: s.kind})
		y.from = l.out[len(l.out)-1]
		return true
	case slices.Equal(t.Perm, []int{0, 3, 1, 2}) && !v.isConst() && !l.bare[v]:
		if _, ok := l.f.of(y); !ok {
			return false
		}
		r := &step{op: reinterpret{}, in: []*value{v}, node: s.node, kind: s.kind}
		r.out = []*value{l.newTwin(y, r)}
		l.bare[y] = true
		l.out = append(l.out, r)
		return true
	}
	return false
}

// passes reports whether s can work on twins as well, and one of its operands
// exists only as a twin; it gives s the operator that does.
func (l *layouter) passes(s *step) bool {
	wanted := false
	for _, v := range s.in {
		wanted = wanted || v != nil && l.bare[v]
	}
	if !wanted {
		return false
	}
	if s.out[0] == nil || l.rank(s.out[0]) != 4 {
		return false
	}
	if _, ok := s.low.(pointwise); ok {
		return l.images(s.in)
	}
	o, ok := l.moved(s)
	if ok {
		s.op = o
	}
	return ok
}

// moved is the operator of s for twins of its operands.
func (l *layouter) moved(s *step) (op.Operator, bool) {
	switch o := s.op.(type) {
	case op.Unary, op.Cast:
		return o, true
	case op.Clip:
		return o, !slices.ContainsFunc(s.in[1:], func(v *value) bool { return v != nil && !v.isConst() })
	case op.Arith:
		return o, l.images(s.in)
	case op.Concat:
		o.Axis = lastAxis(o.Axis)
		return o, l.images(s.in)
	case op.Split:
		if len(s.in) > 1 {
			v, known := s.in[1].konst.Ints()
			if !known {
				return nil, false
			}
			o.Lengths, s.in = v, s.in[:1]
		}
		o.Axis = lastAxis(o.Axis)
		return o, true
	case op.Softmax:
		o.Axis = lastAxis(o.Axis)
		return o, !o.Coerced
	case op.Pad:
		return l.movedPad(s, o)
	}
	return nil, false
}

// lastAxis is where an axis of [N, C, H, W] is in [N, H, W, C].
func lastAxis(a int) int {
	if a < 0 {
		a += 4
	}
	return []int{0, 3, 1, 2}[a&3]
}

// images reports whether every operand has a twin: it has four axes, or is a
// constant with at most as many.
func (l *layouter) images(in []*value) bool {
	for _, v := range in {
		if r := l.rank(v); r != 4 && !(v.isConst() && r < 4) {
			return false
		}
	}
	return true
}

// movedPad is a padding of known counts with its axes permuted. The value may
// be an operand that is a constant of float32.
func (l *layouter) movedPad(s *step, o op.Pad) (op.Operator, bool) {
	args, _ := l.f.args(s)
	start, stop, err := o.Counts(args)
	if err != nil || len(start) != 4 {
		return nil, false
	}
	value := o.Value
	if len(s.in) > 2 && s.in[2] != nil {
		v, ok := scalar(s.in[2])
		if !ok {
			return nil, false
		}
		value = v
	}
	s.in = s.in[:1]
	return op.Pad{Mode: o.Mode, Pads: append(lastShape(start), lastShape(stop)...), Value: value}, true
}
