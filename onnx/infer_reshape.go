package onnx

import (
	"errors"
	"fmt"
	"slices"
)

func inferReshape(c *call) error {
	x := c.in(0)
	want, ok := c.ints(1)
	if !ok {
		c.set(0, x.Elem, c.rankFrom(1))
		return nil
	}
	out := append(Shape{}, want...)
	infer := -1
	for i, d := range want {
		switch n, known := d.Size(); {
		case known && n == -1 && infer < 0:
			infer = i
		case known && n < 0:
			return fmt.Errorf("reshape to %v", Shape(want))
		case known && n == 0 && c.n.Int("allowzero", 0) == 0:
			if !x.Shape.Ranked() {
				out[i] = Dim{}
			} else if i >= len(x.Shape) {
				return fmt.Errorf("reshape of %v to %v: there is no dimension %d to keep", x.Shape, Shape(want), i)
			} else {
				out[i] = x.Shape[i]
			}
		}
	}
	if err := fillReshape(x.Shape, out, infer); err != nil {
		return fmt.Errorf("reshape of %v to %v: %w", x.Shape, Shape(want), err)
	}
	c.set(0, x.Elem, out)
	if v, ok := c.ints(0); ok {
		c.setInts(v)
	}
	return nil
}

// fillReshape sets the dimension that is to be inferred, and checks the number
// of elements where both are known.
func fillReshape(in, out Shape, infer int) error {
	if infer >= 0 {
		rest := slices.Delete(slices.Clone(out), infer, infer+1)
		out[infer] = Dim{}
		if !in.Ranked() {
			return nil
		}
		if n, ok := rest.Elements(); ok && n == 0 {
			return errors.New("a size cannot be inferred beside a size of 0")
		}
		d, ok := quotient(in, rest)
		if !ok {
			return errors.New("the sizes do not divide")
		}
		out[infer] = d
		return nil
	}
	m, ok1 := in.Elements()
	n, ok2 := out.Elements()
	if ok1 && ok2 && m != n {
		return fmt.Errorf("%d elements, want %d", m, n)
	}
	return nil
}

// rankFrom is an unknown shape with as many dimensions as vector input i has
// elements.
func (c *call) rankFrom(i int) Shape {
	s := c.shape(i)
	if len(s) != 1 {
		return nil
	}
	if n, ok := s[0].Size(); ok && n <= maxInts {
		return make(Shape, n)
	}
	return nil
}

func inferFlatten(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, Shape{Dim{}, Dim{}})
	if !x.Shape.Ranked() {
		return nil
	}
	rank := int64(len(x.Shape))
	a := c.n.Int("axis", 1)
	if a < -rank || a > rank {
		return fmt.Errorf("axis %d of a tensor with %d dimensions", a, rank)
	}
	if a < 0 {
		a += rank
	}
	c.set(0, x.Elem, Shape{product(x.Shape[:a]), product(x.Shape[a:])})
	return nil
}

func inferSqueeze(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	if v, ok := c.ints(0); ok {
		c.setInts(v)
	}
	list, given, known := c.axesOf(1)
	if !x.Shape.Ranked() || !known {
		return nil
	}
	if !given {
		out := Shape{}
		for _, d := range x.Shape {
			n, ok := d.Size()
			if !ok {
				return nil
			}
			if n != 1 {
				out = append(out, d)
			}
		}
		c.set(0, x.Elem, out)
		return nil
	}
	ax, err := axes(list, len(x.Shape))
	if err != nil {
		return err
	}
	for _, a := range ax {
		if n, ok := x.Shape[a].Size(); ok && n != 1 {
			return fmt.Errorf("axis %d of %v is not of size 1", a, x.Shape)
		}
	}
	c.set(0, x.Elem, reduced(x.Shape, ax, false))
	return nil
}

func inferUnsqueeze(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	if v, ok := c.ints(0); ok {
		c.setInts(v)
	}
	list, _, known := c.axesOf(1)
	if !x.Shape.Ranked() || !known {
		return nil
	}
	ax, err := axes(list, len(x.Shape)+len(list))
	if err != nil {
		return err
	}
	out := x.Shape.Clone()
	slices.Sort(ax)
	for _, a := range ax {
		out = slices.Insert(out, a, Fixed(1))
	}
	c.set(0, x.Elem, out)
	return nil
}

func inferShape(c *call) error {
	s := c.shape(0)
	c.set(0, Int64, Shape{Dim{}})
	if !s.Ranked() {
		return nil
	}
	rank := int64(len(s))
	from, to := sliceBounds(rank, c.n.Int("start", 0), c.n.Int("end", rank), 1)
	part := s[from:max(from, to)]
	c.set(0, Int64, MakeShape(int64(len(part))))
	c.setInts(part)
	return nil
}

func inferSize(c *call) error {
	c.set(0, Int64, Shape{})
	if s := c.shape(0); s.Ranked() {
		c.setInts([]Dim{product(s)})
	}
	return nil
}

func inferGather(c *call) error {
	x, at := c.in(0), c.shape(1)
	c.set(0, x.Elem, nil)
	if !x.Shape.Ranked() || !at.Ranked() {
		return nil
	}
	a, err := axis(c.n.Int("axis", 0), len(x.Shape))
	if err != nil {
		return err
	}
	out := append(Shape{}, x.Shape[:a]...) // never nil: a scalar has a rank
	out = append(append(out, at...), x.Shape[a+1:]...)
	c.set(0, x.Elem, out)
	v, ok1 := c.ints(0)
	index, ok2 := c.fixedInts(1)
	if !ok1 || !ok2 || len(x.Shape) != 1 {
		return nil
	}
	picked := make([]Dim, len(index))
	for i, k := range index {
		j, err := axis(k, len(v))
		if err != nil {
			return fmt.Errorf("index %d of %d elements", k, len(v))
		}
		picked[i] = v[j]
	}
	c.setInts(picked)
	return nil
}

// constantOf is the tensor that a Constant node gives, nil if it is not a dense
// one.
func constantOf(n *Node) (*Tensor, error) {
	if t := n.Tensor("value"); t != nil {
		return t, nil
	}
	if a := n.attr("value_float", AttrFloat); a != nil {
		return TensorOf("", []float32{a.F})
	}
	if a := n.attr("value_int", AttrInt); a != nil {
		return TensorOf("", []int64{a.I})
	}
	if v, ok := n.Floats("value_floats"); ok {
		return TensorOf("", v, int64(len(v)))
	}
	if v, ok := n.Ints("value_ints"); ok {
		return TensorOf("", v, int64(len(v)))
	}
	if a := n.attr("value_string", AttrString); a != nil {
		return &Tensor{Type: String, Strings: [][]byte{a.S}}, nil
	}
	if a := n.attr("value_strings", AttrStrings); a != nil {
		return &Tensor{Type: String, Dims: []int64{int64(len(a.Strings))}, Strings: a.Strings}, nil
	}
	return nil, nil
}

// Constant is the tensor that a Constant node of the default domain gives; nil
// for any other node and for a sparse value.
func (n *Node) Constant() *Tensor {
	if n.Op != "Constant" || n.Domain != "" {
		return nil
	}
	t, err := constantOf(n)
	if err != nil {
		return nil
	}
	return t
}

func inferConstant(c *call) error {
	t, err := constantOf(c.n)
	if err != nil {
		return err
	}
	if t == nil {
		if c.n.Attr("sparse_value") == nil {
			return errors.New("a constant without a value")
		}
		return nil
	}
	c.set(0, t.Type, t.Shape())
	c.f.constant(c.n.Output(0), t)
	return nil
}

func inferConstantOfShape(c *call) error {
	elem, fill := Float, []Dim{}
	if t := c.n.Tensor("value"); t != nil {
		if n, ok := t.Elements(); !ok || n != 1 {
			return fmt.Errorf("the value has dimensions %v, want one element", t.Dims)
		}
		elem = t.Type
		if v, err := t.AsInt64s(); err == nil {
			fill = []Dim{Fixed(v[0])}
		}
	}
	s, ok := c.ints(0)
	if !ok {
		c.set(0, elem, c.rankFrom(0))
		return nil
	}
	out := append(Shape{}, s...)
	for _, d := range out {
		if n, known := d.Size(); known && n < 0 {
			return fmt.Errorf("shape %v", out)
		}
	}
	c.set(0, elem, out)
	if n, ok := out.Elements(); ok && n <= maxInts && len(fill) == 1 {
		c.setInts(slices.Repeat(fill, int(n)))
	}
	return nil
}

func inferExpand(c *call) error {
	x := c.in(0)
	want, ok := c.ints(1)
	if !ok {
		c.set(0, x.Elem, nil)
		return nil
	}
	for _, d := range want {
		if n, known := d.Size(); known && n < 0 {
			return fmt.Errorf("expand to %v", Shape(want))
		}
	}
	s, err := broadcast(x.Shape, Shape(want))
	c.set(0, x.Elem, s)
	return err
}

func inferRange(c *call) error {
	c.set(0, c.in(0).Elem, Shape{Dim{}})
	var v [3]int64
	for i := range v {
		list, ok := c.fixedInts(i)
		if !ok || len(list) != 1 {
			return nil
		}
		v[i] = list[0]
	}
	start, limit, step := v[0], v[1], v[2]
	if step == 0 {
		return errors.New("a step of 0")
	}
	if max(start, -start, limit, -limit, step, -step) >= small {
		return nil
	}
	n := max((limit-start+step-sign(step))/step, 0)
	c.set(0, c.in(0).Elem, MakeShape(n))
	if n <= maxInts {
		out := make([]Dim, n)
		for i := range out {
			out[i] = Fixed(start + int64(i)*step)
		}
		c.setInts(out)
	}
	return nil
}

func sign(v int64) int64 {
	if v < 0 {
		return -1
	}
	return 1
}
