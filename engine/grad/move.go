package grad

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
)

// permute changes the order of axes.
type permute struct {
	ends
	unplanned
	shape, perm []int
}

func (p *permute) keeps() []*value { return nil }

func (p *permute) forward(c *crew) { c.permute(p.out.data(), p.in[0].data(), p.shape, p.perm) }

func (p *permute) backward(c *crew) {
	dx := p.gradient(0)
	if dx == nil {
		return
	}
	shape, back := make([]int, len(p.perm)), make([]int, len(p.perm))
	for i, a := range p.perm {
		shape[i], back[a] = p.shape[a], i
	}
	if !p.add[0] {
		c.permute(dx, p.out.grad(), shape, back)
		return
	}
	tmp := c.float32s(len(dx))
	c.permute(tmp, p.out.grad(), shape, back)
	c.move(dx, tmp, true)
}

// permute transposes, image by image where the first axis stays.
func (c *crew) permute(dst, src []float32, shape, perm []int) {
	n, rest, order := 1, shape, perm
	if perm[0] == 0 {
		n, rest, order = shape[0], shape[1:], make([]int, len(perm)-1)
		for i := range order {
			order[i] = perm[i+1] - 1
		}
	}
	size := product(rest)
	c.each(n, func(i int, _ *kernel.Scratch) {
		if err := c.kernels.Transpose(dst[i*size:][:size], src[i*size:][:size], rest, order); err != nil {
			panic(err) // recorded with a permutation of the axes
		}
	})
}

// permuted is an entry that is stored in row-major order with its axes in
// another order.
func (r *recorder) permuted(e *entry, perm []int) *entry {
	out := &entry{}
	for _, a := range perm {
		out.shape = append(out.shape, e.shape[a])
	}
	p := &permute{ends: *r.ends(e.v.n, e.v), shape: e.shape, perm: perm}
	r.tape.layers = append(r.tape.layers, p)
	out.v = p.out
	return out
}

func (r *recorder) transpose(o op.Transpose) error {
	e := r.in[0]
	perm, err := o.Order(len(e.shape))
	switch {
	case err != nil:
		return err
	case e.last && slices.Equal(perm, []int{0, 2, 3, 1}):
		r.name(e.v, false)
		return nil
	case !e.last && slices.Equal(perm, []int{0, 3, 1, 2}):
		r.name(e.v, true)
		return nil
	}
	r.name(r.permuted(r.stored(e, false), perm).v, false)
	return nil
}

// view gives the same elements another shape.
func (r *recorder) view() error {
	e, err := r.plain(0)
	if err == nil {
		r.name(e.v, false)
	}
	return err
}

// concat puts rows beside each other.
type concat struct {
	ends
	unplanned
	rows   int
	widths []int
}

func (r *recorder) concat(o op.Concat) error {
	rank := len(r.shape)
	axis := (o.Axis + rank) % rank
	last := false
	for i, e := range r.in {
		if e.v == nil {
			return fmt.Errorf("%w: input %d is constant", op.ErrUnsupported, i)
		}
		last = last || e.last
	}
	at := axis
	if last {
		at = []int{0, 3, 1, 2}[axis]
	}
	c := &concat{}
	var in []*value
	for _, e := range r.in {
		e = r.stored(e, last)
		in = append(in, e.v)
		c.rows = product(e.stored()[:at])
		c.widths = append(c.widths, e.v.n/max(1, c.rows))
	}
	c.ends = *r.ends(product(r.shape), in...)
	r.put(c, last)
	return nil
}

func (c *concat) keeps() []*value { return nil }

// each visits the inputs, cut into groups of rows.
func (c *concat) each(w *crew, do func(i, off, from, rows int)) {
	groups := min(c.rows, 16)
	w.each(groups*len(c.in), func(p int, _ *kernel.Scratch) {
		i, g, off := p/groups, p%groups, 0
		for _, n := range c.widths[:i] {
			off += n
		}
		from := g * c.rows / groups
		do(i, off, from, (g+1)*c.rows/groups-from)
	})
}

func (c *concat) forward(w *crew) {
	y, pitch := c.out.data(), c.out.n/c.rows
	c.each(w, func(i, off, from, rows int) {
		n := c.widths[i]
		w.kernels.AddRows(y[from*pitch+off:], c.in[i].data()[from*n:], rows, n, pitch, n, false)
	})
}

func (c *concat) backward(w *crew) {
	dy, pitch := c.out.grad(), c.out.n/c.rows
	for k := range c.in { // one after another: the same value may come twice
		dx, n := c.gradient(k), c.widths[k]
		if dx == nil {
			continue
		}
		c.each(w, func(i, off, from, rows int) {
			if i == k {
				w.kernels.AddRows(dx[from*n:], dy[from*pitch+off:], rows, n, n, pitch, c.add[k])
			}
		})
	}
}

// pad adds elements around a tensor, or takes some away.
type pad struct {
	ends
	unplanned
	in0, start []int // shape and elements before, as stored
	shape      []int // of the result, as stored
	fill       float32
}

func (r *recorder) pad(o op.Pad) error {
	if o.Mode != "constant" {
		return fmt.Errorf("%w: mode %s, want constant", op.ErrUnsupported, o.Mode)
	}
	args := r.operandArgs()
	start, _, err := o.Counts(args)
	if err != nil {
		return err
	}
	p := &pad{fill: o.Value}
	if r.has(2) {
		var ok bool
		if p.fill, ok = r.in[2].float(); !ok {
			return fmt.Errorf("%w: a value that is computed", op.ErrUnsupported)
		}
	}
	e := r.in[0]
	p.ends = *r.ends(product(r.shape), e.v)
	p.in0, p.start = e.stored(), (&entry{shape: start, last: e.last}).stored()
	p.shape = (&entry{shape: r.shape, last: e.last}).stored()
	r.put(p, e.last)
	return nil
}

func (r *recorder) operandArgs() []op.Arg {
	args := make([]op.Arg, len(r.in))
	for i, e := range r.in {
		args[i] = e.arg()
	}
	return args
}

func (p *pad) keeps() []*value { return nil }

// rows visits the rows along the last axis of a slice of the result: where it
// is, and where its operand's row is, -1 for none.
func (p *pad) rows(slice int, visit func(out, in int)) {
	inner := len(p.shape) - 1
	idx := make([]int, inner)
	for n := range product(p.shape[1:max(1, inner)]) {
		rest := n
		for ax := inner - 1; ax > 0; ax-- {
			idx[ax] = rest % p.shape[ax]
			rest /= p.shape[ax]
		}
		if inner > 0 {
			idx[0] = slice
		}
		out, in := 0, 0
		for ax := range inner {
			out = out*p.shape[ax] + idx[ax]
			at := idx[ax] - p.start[ax]
			if in < 0 || at < 0 || at >= p.in0[ax] {
				in = -1
				continue
			}
			in = in*p.in0[ax] + at
		}
		visit(out*p.shape[inner], in)
	}
}

// overlap is the part of a row that both have: n elements from out and in on.
func (p *pad) overlap() (out, in, n int) {
	inner := len(p.shape) - 1
	out, in = max(0, p.start[inner]), max(0, -p.start[inner])
	return out, in, max(0, min(p.shape[inner]-out, p.in0[inner]-in))
}

func (p *pad) slices(c *crew, do func(slice int)) {
	n := 1
	if len(p.shape) > 1 {
		n = p.shape[0]
	}
	c.each(n, func(i int, _ *kernel.Scratch) { do(i) })
}

func (p *pad) forward(c *crew) {
	x, y := p.in[0].data(), p.out.data()
	width, from := p.shape[len(p.shape)-1], p.in0[len(p.shape)-1]
	o, i, n := p.overlap()
	p.slices(c, func(slice int) {
		p.rows(slice, func(out, in int) {
			row := y[out : out+width]
			for k := range row {
				row[k] = p.fill
			}
			if in >= 0 {
				copy(row[o:o+n], x[in*from+i:])
			}
		})
	})
}

func (p *pad) backward(c *crew) {
	dx, dy := p.gradient(0), p.out.grad()
	if dx == nil {
		return
	}
	if !p.add[0] {
		clear(dx)
	}
	from := p.in0[len(p.shape)-1]
	o, i, n := p.overlap()
	p.slices(c, func(slice int) {
		p.rows(slice, func(out, in int) {
			if in < 0 || n == 0 {
				return
			}
			to := dx[in*from+i:][:n]
			c.kernels.Binary(kernel.Add, to, to, dy[out+o:][:n])
		})
	})
}
