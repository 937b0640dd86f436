package grad

import (
	"cmp"
	"slices"
)

// line is the alignment of values in the arena in floats: a cache line.
const line = 16

// life is when a value, or its gradient, is in the arena. Layer i of n runs
// forward at time i and backward at 2n-i; the loss runs at time n.
type life struct {
	v        *value
	which    int // 0: the value, 1: its gradient
	from, to int
}

func (l life) size() int { return (l.v.n + line - 1) / line * line }

// lives lists what is in the arena, says which layers add to gradients, and
// which gradients are in the place of another.
func (t *tape) lives() []life {
	n := len(t.layers)
	data, grad := map[*value]*life{}, map[*value]*life{}
	var order []*value
	made := func(v *value, at int) {
		data[v] = &life{v, 0, at, at}
		order = append(order, v)
	}
	made(t.input, 0)
	for i, l := range t.layers {
		e := l.link()
		for _, v := range e.in {
			if d := data[v]; d != nil {
				d.to = max(d.to, i)
			}
		}
		made(e.out, i)
	}
	for i, l := range t.layers {
		for _, v := range l.keeps() {
			if d := data[v]; d != nil {
				d.to = max(d.to, 2*n-i)
			}
		}
	}
	data[t.logits].to = max(data[t.logits].to, n)
	t.written(grad)
	var all []life
	for _, v := range order {
		all = append(all, *data[v])
		if g := grad[v]; g != nil && g.v == v {
			all = append(all, *g)
		} else if g != nil {
			v.inPlace = g.v
		}
	}
	return all
}

// written finds who writes each gradient first, and how long it lives.
func (t *tape) written(grad map[*value]*life) {
	n := len(t.layers)
	seen := map[*value]bool{t.logits: true}
	grad[t.logits] = &life{t.logits, 1, n, n}
	for i := n - 1; i >= 0; i-- {
		e := t.layers[i].link()
		e.add = make([]bool, len(e.in))
		if !e.out.wants {
			continue // its backward pass does not run
		}
		grad[e.out].to = 2*n - i
		for k, v := range e.in {
			if v.wants {
				e.add[k], seen[v] = seen[v], true
			}
		}
		if p, ok := t.layers[i].(passer); ok {
			if v := e.passed(p.passes(), grad); v != nil {
				grad[v] = grad[e.out]
			}
		}
		for _, v := range e.in {
			if v.wants && v.param == nil && grad[v] == nil {
				grad[v] = &life{v, 1, 2*n - i, 2*n - i}
			}
		}
	}
}

// passer is a layer that can compute the gradient of an input in the place of
// the output's, which nobody reads afterwards.
type passer interface {
	// passes lists such inputs; the first that is suitable is taken.
	passes() []int
}

// passed is the input whose gradient is computed in place, nil for none: this
// layer must be the first to write it.
func (e *ends) passed(inputs []int, grad map[*value]*life) *value {
	for _, k := range inputs {
		if k >= len(e.in) {
			continue
		}
		if v := e.in[k]; v.wants && !e.add[k] && v.param == nil && v.n == e.out.n && grad[v] == nil {
			return v
		}
	}
	return nil
}

// layout gives every value and gradient an offset so that those that live at
// the same time do not overlap, and sets the arena's size. Large ones are placed
// first, each at the lowest offset that is free for as long as it lives.
func (t *tape) layout() {
	all := t.lives()
	slices.SortStableFunc(all, func(x, y life) int {
		return cmp.Or(cmp.Compare(y.size(), x.size()), cmp.Compare(x.from, y.from))
	})
	var placed []life
	for _, l := range all {
		var busy []life
		for _, o := range placed {
			if l.from <= o.to && o.from <= l.to {
				busy = append(busy, o)
			}
		}
		slices.SortFunc(busy, func(x, y life) int { return cmp.Compare(x.at(), y.at()) })
		at := 0
		for _, o := range busy {
			if at+l.size() <= o.at() {
				break
			}
			at = max(at, o.at()+o.size())
		}
		l.v.offset[l.which] = at
		t.arena = max(t.arena, at+l.size())
		placed = append(placed, l)
	}
}

func (l life) at() int { return l.v.offset[l.which] }

// bind gives values their memory.
func (t *tape) bind(arena []float32) {
	for _, l := range t.lives() {
		mem := arena[l.at() : l.at()+l.v.n : l.at()+l.v.n]
		if l.which == 0 {
			l.v.buf = mem
		} else {
			l.v.dbuf = mem
		}
	}
	for _, l := range t.layers {
		if v := l.link().out; v.inPlace != nil {
			v.dbuf = v.inPlace.dbuf
		}
	}
}
