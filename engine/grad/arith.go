package grad

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// arith is a sum, difference, product or quotient of two tensors that
// broadcast.
type arith struct {
	ends
	unplanned
	kind    op.ArithKind
	shape   []int    // of the result, as stored
	strides [2][]int // of the operands along its axes; 0 where one is repeated
}

// arith makes layers of a node of any number of operands.
func (r *recorder) arith(o op.Arith) error {
	if o.Kind > op.Div {
		return fmt.Errorf("%w for training", op.ErrUnsupported)
	}
	x := r.in[0]
	shape := r.shape
	for _, y := range r.in[1:] {
		var err error
		if r.shape, err = op.Broadcast(x.arg().Shape, y.arg().Shape); err != nil {
			return err
		}
		if err := r.pair(o.Kind, x, y); err != nil {
			return err
		}
		x = r.names[r.node.Outputs[0]]
	}
	r.shape = shape
	if len(r.in) == 1 {
		r.names[r.node.Outputs[0]] = x
	}
	return nil
}

func (r *recorder) pair(kind op.ArithKind, x, y *entry) error {
	if kind == op.Add && len(r.in) == 2 && (r.joinSum(x, y) || r.joinSum(y, x) || r.joinBias(x, y) || r.joinBias(y, x)) {
		return nil
	}
	last := x.last || y.last
	a := &arith{kind: kind}
	var in [2]*value
	for i, e := range []*entry{x, y} {
		if e.v != nil {
			e = r.stored(e, last)
			in[i] = e.v
		} else {
			v, err := r.factor(i, kind)
			if err != nil {
				return err
			}
			in[i] = v
		}
		a.strides[i] = spread(e, len(r.shape), r.shape, last)
	}
	a.ends = *r.ends(product(r.shape), in[0], in[1])
	out := &entry{shape: r.shape, last: last && len(r.shape) == 4}
	a.shape = out.stored()
	r.put(a, out.last)
	return nil
}

// factor is constant operand i: a parameter if it is an initializer of several
// elements, unless what it changes is the network's input.
func (r *recorder) factor(i int, kind op.ArithKind) (*value, error) {
	e := r.in[i]
	if e.konst.Type() != tensor.Float32 {
		return nil, fmt.Errorf("%w: operand of %v, want float32", op.ErrUnsupported, e.konst.Type())
	}
	for _, other := range r.in {
		if e.konst.Len() == 1 || other.v == r.tape.input {
			return r.constant(e), nil
		}
	}
	if kind == op.Mul || kind == op.Div {
		return r.weight(i, NormScale)
	}
	return r.weight(i, Bias)
}

// spread is the strides of an operand along the axes of a result as stored.
func spread(e *entry, rank int, shape []int, last bool) []int {
	own := e.arg().Shape
	strides, step := make([]int, rank), 1
	axes := make([]int, len(own)) // from the innermost in memory
	for i := range own {
		axes[i] = len(own) - 1 - i
	}
	if e.v != nil && e.last {
		axes = []int{1, 3, 2, 0}
	}
	for _, a := range axes {
		if own[a] > 1 {
			strides[rank-len(own)+a] = step
		}
		step *= own[a]
	}
	if last && rank == 4 {
		strides = []int{strides[0], strides[2], strides[3], strides[1]}
	}
	return strides
}

// joinSum adds y where the batch normalization that makes x has its result in
// registers.
func (r *recorder) joinSum(x, y *entry) bool {
	if x.v == nil || y.v == nil || x.v == y.v || !slices.Equal(x.shape, y.shape) {
		return false
	}
	i := slices.Index(r.in, x)
	n := r.joinable(r.node.Inputs[i])
	if n == nil || len(n.in) > 3 {
		return false
	}
	if y = r.stored(y, x.last); y.v == n.in[0] { // its gradient would be written twice, in the other order
		return false
	}
	n.in = append(n.in, y.v)
	n.out.wants = n.out.wants || y.v.wants
	at := slices.IndexFunc(r.tape.layers, func(l layer) bool { return l.link() == &n.ends })
	r.tape.layers = append(slices.Delete(r.tape.layers, at, at+1), n)
	r.names[r.node.Outputs[0]] = x
	return true
}

// joinBias makes y the bias of the fully connected layer that makes x.
func (r *recorder) joinBias(x, y *entry) bool {
	if x.v == nil || y.v != nil || y.init == nil || len(y.konst.Shape()) != 1 {
		return false
	}
	i := slices.Index(r.in, x)
	d, ok := r.tape.layers[len(r.tape.layers)-1].(*dense)
	if !ok || d.out != x.v || d.spec.Bias || d.spec.Out != y.konst.Len() || r.uses[r.node.Inputs[i]] != 1 {
		return false
	}
	b, err := r.weight(1-i, Bias)
	if err != nil {
		return false
	}
	d.in, d.spec.Bias = append(d.in, b), true
	r.names[r.node.Outputs[0]] = x
	return true
}

// same reports whether both operands are stored as the result is.
func (a *arith) same() bool {
	return a.in[0].n == a.out.n && a.in[1].n == a.out.n && slices.Equal(a.strides[0], a.strides[1])
}

func (a *arith) keeps() []*value {
	if a.kind == op.Mul || a.kind == op.Div {
		return a.in
	}
	return nil
}

func (a *arith) passes() []int {
	switch {
	case !a.same():
		return nil
	case a.kind == op.Add:
		return []int{0, 1}
	case a.kind == op.Sub:
		return []int{0}
	}
	return nil
}

// sumGroups is how many parts of the first axis are added up on their own.
const sumGroups = 8

// groups is the number of parts that the first axis is cut into.
func (a *arith) groups() int { return min(sumGroups, a.shape[0]) }

// rows visits the runs along the last axis of a part: n elements, of the result
// from out on, of the operands from x and y on.
func (a *arith) rows(part int, visit func(out, x, y int)) {
	inner := len(a.shape) - 1
	idx := make([]int, inner)
	lo, hi := part*a.shape[0]/a.groups(), (part+1)*a.shape[0]/a.groups()
	if inner == 0 {
		visit(0, 0, 0)
		return
	}
	rows := product(a.shape[1:inner])
	for i := lo; i < hi; i++ {
		clear(idx)
		for range rows {
			x, y := i*a.strides[0][0], i*a.strides[1][0]
			out := i
			for ax := 1; ax < inner; ax++ {
				x += idx[ax] * a.strides[0][ax]
				y += idx[ax] * a.strides[1][ax]
				out = out*a.shape[ax] + idx[ax]
			}
			visit(out*a.shape[inner], x, y)
			for ax := inner - 1; ax > 0; ax-- {
				if idx[ax]++; idx[ax] < a.shape[ax] {
					break
				}
				idx[ax] = 0
			}
		}
	}
}

// parts calls do for every part of the first axis; a tensor of one axis is one
// part.
func (a *arith) parts(c *crew, do func(part int)) {
	n := a.groups()
	if len(a.shape) == 1 {
		n = 1
	}
	c.each(n, func(i int, _ *kernel.Scratch) { do(i) })
}

func (a *arith) forward(c *crew) {
	x, y, z := a.in[0].data(), a.in[1].data(), a.out.data()
	kind := [...]kernel.BinaryOp{op.Add: kernel.Add, op.Sub: kernel.Sub, op.Mul: kernel.Mul, op.Div: kernel.Div}[a.kind]
	if a.same() {
		c.chunks(len(z), func(from, to int) { c.kernels.Binary(kind, z[from:to], x[from:to], y[from:to]) })
		return
	}
	n := a.shape[len(a.shape)-1]
	sx, sy := a.strides[0][len(a.shape)-1], a.strides[1][len(a.shape)-1]
	a.parts(c, func(part int) {
		a.rows(part, func(out, i, j int) {
			if sx == 1 && sy == 1 {
				c.kernels.Binary(kind, z[out:out+n], x[i:i+n], y[j:j+n])
				return
			}
			for k := range n {
				z[out+k] = combine(a.kind, x[i+k*sx], y[j+k*sy])
			}
		})
	})
}

func combine(kind op.ArithKind, x, y float32) float32 {
	switch kind {
	case op.Add:
		return x + y
	case op.Sub:
		return x - y
	case op.Mul:
		return x * y
	}
	return x / y
}

// slope is the derivative by operand k, times g.
func slope(kind op.ArithKind, k int, g, x, y float32) float32 {
	switch {
	case kind == op.Mul && k == 0:
		return g * y
	case kind == op.Mul:
		return g * x
	case kind == op.Div && k == 0:
		return g / y
	case kind == op.Div:
		return -g * x / (y * y)
	case kind == op.Sub && k == 1:
		return -g
	}
	return g
}

func (a *arith) backward(c *crew) {
	for k := range a.in {
		dst := a.gradient(k)
		switch {
		case dst == nil:
		case a.in[k].n == a.out.n && (a.kind == op.Add || a.kind == op.Sub && k == 0) && a.same():
			if dy := a.out.grad(); a.add[k] || &dst[0] != &dy[0] {
				c.move(dst, dy, a.add[k])
			}
		case a.strides[k][0] != 0 || len(a.shape) == 1 || a.groups() == 1:
			if !a.add[k] {
				clear(dst)
			}
			a.parts(c, func(part int) { accumulate(a, part, k, dst) })
		default:
			a.reduce(c, k, dst)
		}
	}
}

// accumulate adds the gradient of operand k from a part of the result.
func accumulate[T float32 | float64](a *arith, part, k int, dst []T) {
	var x, y []float32
	if a.kind == op.Mul || a.kind == op.Div {
		x, y = a.in[0].data(), a.in[1].data()
	}
	g, inner := a.out.grad(), len(a.shape)-1
	n, sx, sy := a.shape[inner], a.strides[0][inner], a.strides[1][inner]
	a.rows(part, func(out, i, j int) {
		at, step := i, sx
		if k == 1 {
			at, step = j, sy
		}
		for e := range n {
			var xv, yv float32
			if x != nil {
				xv, yv = x[i+e*sx], y[j+e*sy]
			}
			dst[at+e*step] += T(slope(a.kind, k, g[out+e], xv, yv))
		}
	})
}

// reduce adds up the gradient of an operand that is repeated along the first
// axis: each part on its own, then the parts in order.
func (a *arith) reduce(c *crew, k int, dst []float32) {
	n := len(dst)
	sums := c.float64s(a.groups() * n)
	clear(sums)
	a.parts(c, func(part int) { accumulate(a, part, k, sums[part*n:][:n]) })
	for i := range dst {
		s := 0.0
		for part := range a.groups() {
			s += sums[part*n+i]
		}
		if a.add[k] {
			s += float64(dst[i])
		}
		dst[i] = float32(s)
	}
}
