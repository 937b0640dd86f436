package onnx

import "slices"

// intOp combines two integers that may be unknown or a symbol.
type intOp func(a, b Dim) Dim

// arithmetic is the operation of an integer operator, nil if none is known.
func arithmetic(op string) intOp {
	exact := func(f func(a, b int64) (int64, bool)) intOp {
		return func(a, b Dim) Dim {
			if !a.known || !b.known {
				return Dim{}
			}
			if v, ok := f(a.size, b.size); ok {
				return Fixed(v)
			}
			return Dim{}
		}
	}
	// neutral gives a symbol back where the other side changes nothing.
	neutral := func(n int64, left bool, f intOp) intOp {
		return func(a, b Dim) Dim {
			switch {
			case b.known && b.size == n:
				return a
			case left && a.known && a.size == n:
				return b
			}
			return f(a, b)
		}
	}
	switch op {
	case "Add":
		return neutral(0, true, exact(addInts))
	case "Sub":
		return neutral(0, false, exact(func(a, b int64) (int64, bool) { return addInts(a, -b) }))
	case "Mul":
		return neutral(1, true, exact(mulInts))
	case "Div":
		return neutral(1, false, exact(func(a, b int64) (int64, bool) {
			if b == 0 {
				return 0, false
			}
			return a / b, true
		}))
	case "Min":
		return exact(func(a, b int64) (int64, bool) { return min(a, b), true })
	case "Max":
		return exact(func(a, b int64) (int64, bool) { return max(a, b), true })
	}
	return nil
}

// small is the bound within which sums and products of two stay in int64.
// Sizes and indices past it (such as the largest int64 for "to the end") are
// left unknown.
const small = 1 << 31

func addInts(a, b int64) (int64, bool) {
	return a + b, -small < a && a < small && -small < b && b < small
}

func mulInts(a, b int64) (int64, bool) {
	return a * b, -small < a && a < small && -small < b && b < small
}

// equalInts compares; a symbol is a size, so it equals itself and no negative
// number.
func equalInts(a, b Dim) Dim {
	is := func(v bool) Dim {
		if v {
			return Fixed(1)
		}
		return Fixed(0)
	}
	switch {
	case a.known && b.known:
		return is(a.size == b.size)
	case a.symbol != "" && a == b:
		return is(true)
	case a.known && a.size < 0 && b.symbol != "", b.known && b.size < 0 && a.symbol != "":
		return is(false)
	}
	return Dim{}
}

// propagate applies op to the elements of two inputs of the same length, or of
// which one has a single element.
func (c *call) propagate(op intOp) {
	a, ok1 := c.ints(0)
	b, ok2 := c.ints(1)
	n, ok3 := spread(len(a), len(b))
	if op == nil || !ok1 || !ok2 || !ok3 || !c.flat(0, 1) {
		return
	}
	out := make([]Dim, n)
	for i := range out {
		out[i] = op(a[i%len(a)], b[i%len(b)])
	}
	c.setInts(out)
}

// propagateWhere chooses elements where the condition is known.
func (c *call) propagateWhere() {
	cond, ok1 := c.ints(0)
	a, ok2 := c.ints(1)
	b, ok3 := c.ints(2)
	n, ok4 := spread(len(cond), len(a), len(b))
	if !ok1 || !ok2 || !ok3 || !ok4 || !c.flat(0, 1, 2) {
		return
	}
	out := make([]Dim, n)
	for i := range out {
		x, y, k := a[i%len(a)], b[i%len(b)], cond[i%len(cond)]
		switch {
		case k.known && k.size != 0, !k.known && x == y && (x.known || x.symbol != ""):
			out[i] = x
		case k.known:
			out[i] = y
		}
	}
	c.setInts(out)
}

// spread is the common length of vectors, each of that length or of one.
func spread(lengths ...int) (n int, ok bool) {
	n = 1
	for _, l := range lengths {
		switch {
		case l == 1 || l == n:
		case n == 1:
			n = l
		default:
			return 0, false
		}
	}
	for _, l := range lengths {
		if l == 0 {
			return 0, false
		}
	}
	return n, true
}

// flat reports whether the inputs are scalars or vectors.
func (c *call) flat(inputs ...int) bool {
	for _, i := range inputs {
		if s := c.shape(i); !s.Ranked() || len(s) > 1 {
			return false
		}
	}
	return true
}

// monomial is a product of sizes and symbols.
type monomial struct {
	factor  int64
	symbols []string // each as often as it occurs
	unknown bool     // a factor without a name, or more than int64 holds
}

func monomialOf(dims []Dim) monomial {
	m := monomial{factor: 1}
	for _, d := range dims {
		if d.known && d.size == 0 {
			return monomial{}
		}
	}
	for _, d := range dims {
		switch n, ok := elements([]int64{m.factor, d.size}); {
		case d.known && ok:
			m.factor = n
		case !d.known && d.symbol != "":
			m.symbols = append(m.symbols, d.symbol)
		default:
			m.unknown = true
		}
	}
	return m
}

// dim is the product as a dimension, as far as one can say it.
func (m monomial) dim() Dim {
	switch {
	case m.unknown:
		return Dim{}
	case len(m.symbols) == 0:
		return Fixed(m.factor)
	case m.factor == 1 && len(m.symbols) == 1:
		return Symbol(m.symbols[0])
	}
	return Dim{}
}

// product multiplies dimensions.
func product(dims []Dim) Dim { return monomialOf(dims).dim() }

// quotient is the dimension d with product(part) * d = product(whole): symbols
// that both have cancel. ok is false if the sizes do not divide.
func quotient(whole, part []Dim) (d Dim, ok bool) {
	w, p := monomialOf(whole), monomialOf(part)
	if w.unknown || p.unknown || p.factor == 0 {
		return Dim{}, true
	}
	for _, s := range p.symbols {
		i := slices.Index(w.symbols, s)
		if i < 0 {
			return Dim{}, true
		}
		w.symbols = slices.Delete(w.symbols, i, i+1)
	}
	if w.factor%p.factor != 0 {
		return Dim{}, len(w.symbols) > 0
	}
	w.factor /= p.factor
	return w.dim(), true
}
