package grad

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// has reports whether operand i is there.
func (r *recorder) has(i int) bool { return i < len(r.in) && r.in[i] != nil }

// ends links a layer with the present node; its output has n elements.
func (r *recorder) ends(n int, in ...*value) *ends {
	out := &value{n: n}
	for _, v := range in {
		out.wants = out.wants || v.wants
	}
	return &ends{node: r.node, in: in, out: out}
}

// put adds a layer whose output, stored with channels last or not, is the
// node's.
func (r *recorder) put(l layer, last bool) {
	r.tape.layers = append(r.tape.layers, l)
	r.name(l.link().out, last)
}

// name makes a value the node's output.
func (r *recorder) name(v *value, last bool) {
	r.names[r.node.Outputs[0]] = &entry{v: v, shape: r.shape, last: last}
}

func product(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// weight is operand i as a parameter, or as a constant where no initializer
// holds it.
func (r *recorder) weight(i int, kind ParamKind) (*value, error) {
	e := r.in[i]
	if e.v != nil {
		return nil, fmt.Errorf("%w: input %d is computed, want weights", op.ErrUnsupported, i)
	}
	if e.konst.Type() != tensor.Float32 {
		return nil, fmt.Errorf("%w: weights of %v, want float32", op.ErrUnsupported, e.konst.Type())
	}
	if e.init == nil {
		return r.constant(e), nil
	}
	p := r.store.params[e.init.Name]
	if p == nil {
		var err error
		if p, err = newParam(e.init, r.node.Name, kind); err != nil {
			return nil, err
		}
		r.store.params[e.init.Name] = p
	}
	v := r.values[p]
	if v == nil {
		v = &value{n: len(p.Value), param: p, wants: true}
		r.values[p] = v
	}
	return v, nil
}

// constant is a known float32 operand that is not trained.
func (r *recorder) constant(e *entry) *value {
	data, _ := e.konst.Float32s()
	return &value{n: len(data), konst: slices.Clip(data)}
}

// image is operand i as [N, H, W, C].
func (r *recorder) image(i int) (*entry, error) {
	e := r.in[i]
	if e.v == nil || len(e.shape) != 4 {
		return nil, fmt.Errorf("%w: input %d of shape %v, want images [N, C, H, W]", op.ErrUnsupported, i, e.arg().Shape)
	}
	return r.stored(e, true), nil
}

// plain is operand i in row-major order.
func (r *recorder) plain(i int) (*entry, error) {
	e := r.in[i]
	if e.v == nil {
		return nil, fmt.Errorf("%w: input %d is constant", op.ErrUnsupported, i)
	}
	return r.stored(e, false), nil
}

// stored is a value with channels last or not.
func (r *recorder) stored(e *entry, last bool) *entry {
	if e.last == last || len(e.shape) != 4 {
		return e
	}
	if o := r.other[e.v]; o != nil && slices.Equal(o.shape, e.shape) {
		return o
	}
	o := &entry{v: e.v, shape: e.shape, last: last}
	if c, hw := e.shape[1], e.shape[2]*e.shape[3]; c > 1 && hw > 1 {
		perm := []int{0, 3, 1, 2}
		if last {
			perm = []int{0, 2, 3, 1}
		}
		p := &permute{ends: *r.ends(e.v.n, e.v), shape: e.stored(), perm: perm}
		r.tape.layers = append(r.tape.layers, p)
		o.v = p.out
	}
	r.other[e.v] = o
	return o
}

// float is a constant operand of one element; ok is false if it is none.
func (e *entry) float() (v float32, ok bool) {
	if e == nil || e.v != nil {
		return 0, false
	}
	data, ok := e.konst.Float32s()
	if !ok || len(data) != 1 {
		return 0, false
	}
	return data[0], true
}
