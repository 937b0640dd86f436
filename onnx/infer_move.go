package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// axesOf is the axes of a node, from the attribute of older versions or an
// input; given is false if the node names none, known if they are constants.
func (c *call) axesOf(input int) (list []int64, given, known bool) {
	if v, ok := c.n.Ints("axes"); ok {
		return v, true, true
	}
	if !c.has(input) {
		return nil, false, true
	}
	v, ok := c.fixedInts(input)
	return v, true, ok
}

func inferReduce(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	list, given, known := c.axesOf(1)
	keep := c.n.Int("keepdims", 1) != 0
	if !x.Shape.Ranked() {
		return nil
	}
	if !known {
		if keep {
			c.set(0, x.Elem, make(Shape, len(x.Shape)))
		}
		return nil
	}
	if !given || len(list) == 0 {
		if c.n.Int("noop_with_empty_axes", 0) != 0 {
			c.set(0, x.Elem, x.Shape)
			return nil
		}
		list = make([]int64, len(x.Shape))
		for i := range list {
			list[i] = int64(i)
		}
	}
	ax, err := axes(list, len(x.Shape))
	c.set(0, x.Elem, reduced(x.Shape, ax, keep))
	if c.n.Op == "ReduceProd" && len(x.Shape) == 1 && err == nil {
		if v, ok := c.ints(0); ok {
			c.setInts([]Dim{product(v)})
		}
	}
	return err
}

func reduced(s Shape, ax []int, keep bool) Shape {
	out := Shape{}
	for i, d := range s {
		switch {
		case !slices.Contains(ax, i):
			out = append(out, d)
		case keep:
			out = append(out, Fixed(1))
		}
	}
	return out
}

func inferArg(c *call) error {
	s := c.shape(0)
	c.set(0, Int64, nil)
	if !s.Ranked() {
		return nil
	}
	a, err := axis(c.n.Int("axis", 0), len(s))
	if err != nil {
		return err
	}
	c.set(0, Int64, reduced(s, []int{a}, c.n.Int("keepdims", 1) != 0))
	return nil
}

func inferConcat(c *call) error {
	out := c.shape(0).Clone()
	for i := 1; i < len(c.n.Inputs); i++ {
		if err := c.sameElem(0, i); err != nil {
			return err
		}
		if !c.shape(i).Ranked() {
			out = nil
		}
	}
	c.set(0, c.in(0).Elem, nil)
	if !out.Ranked() {
		return nil
	}
	a, err := axis(c.n.Int("axis", 1), len(out))
	if err != nil {
		return err
	}
	for i := 1; i < len(c.n.Inputs); i++ {
		s := c.shape(i)
		if len(s) != len(out) {
			return fmt.Errorf("inputs %v and %v: want the same number of dimensions", c.shape(0), s)
		}
		for j := range out {
			if j == a {
				out[j] = arithmetic("Add")(out[j], s[j])
				continue
			}
			if out[j], err = same(out[j], s[j]); err != nil {
				return fmt.Errorf("inputs %v and %v: dimension %d differs", c.shape(0), s, j)
			}
		}
	}
	c.set(0, c.in(0).Elem, out)
	c.concatInts(len(out))
	return nil
}

func (c *call) concatInts(rank int) {
	var all []Dim
	for i := range c.n.Inputs {
		v, ok := c.ints(i)
		if !ok || rank != 1 || len(all)+len(v) > maxInts {
			return
		}
		all = append(all, v...)
	}
	c.setInts(all)
}

func inferSplit(c *call) error {
	x := c.in(0)
	for i := range c.out {
		c.set(i, x.Elem, nil)
	}
	if !x.Shape.Ranked() {
		return nil
	}
	a, err := axis(c.n.Int("axis", 0), len(x.Shape))
	if err != nil {
		return err
	}
	parts, err := c.splitSizes(x.Shape[a])
	if err != nil {
		return err
	}
	for i, p := range parts {
		s := x.Shape.Clone()
		s[a] = p
		c.set(i, x.Elem, s)
	}
	return nil
}

// splitSizes is the size of each output of a Split of dimension d.
func (c *call) splitSizes(d Dim) ([]Dim, error) {
	n := int64(len(c.out))
	whole, fixed := d.Size()
	out := make([]Dim, n)
	sizes, ok := c.n.Ints("split")
	if !ok && c.has(1) {
		if sizes, ok = c.fixedInts(1); !ok {
			return out, nil
		}
	}
	if ok {
		if int64(len(sizes)) != n {
			return nil, fmt.Errorf("%d sizes for %d outputs", len(sizes), n)
		}
		sum := int64(0)
		for i, v := range sizes {
			if v < 0 || v > 1<<62-sum {
				return nil, fmt.Errorf("sizes %v", sizes)
			}
			sum += v
			out[i] = Fixed(v)
		}
		if fixed && sum != whole {
			return nil, fmt.Errorf("sizes %v add up to %d, the input has %d", sizes, sum, whole)
		}
		return out, nil
	}
	if k := c.n.Int("num_outputs", n); k != n {
		return nil, fmt.Errorf("num_outputs is %d, the node has %d outputs", k, n)
	}
	if !fixed {
		return out, nil
	}
	if c.n.Attr("num_outputs") == nil && whole%n != 0 {
		return nil, fmt.Errorf("%d cannot be split in %d equal parts", whole, n)
	}
	chunk := (whole + n - 1) / n
	for i := range out {
		out[i] = Fixed(max(min(chunk, whole-int64(i)*chunk), 0))
	}
	return out, nil
}

func inferSlice(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	if !x.Shape.Ranked() {
		return nil
	}
	out := x.Shape.Clone()
	starts, ok1 := c.listOf("starts", 1)
	ends, ok2 := c.listOf("ends", 2)
	list, given, known := c.axesOf(3)
	steps, ok4 := c.listOf("steps", 4)
	if !ok1 || !ok2 || !known || !ok4 {
		if given && known { // only the named axes change
			ax, err := axes(list, len(out))
			for _, a := range ax {
				out[a] = Dim{}
			}
			c.set(0, x.Elem, out)
			return err
		}
		c.set(0, x.Elem, make(Shape, len(out)))
		return nil
	}
	if !given {
		for i := range starts {
			list = append(list, int64(i))
		}
	}
	ax, err := axes(list, len(out))
	if err != nil {
		return err
	}
	if len(ends) != len(starts) || len(ax) != len(starts) || steps != nil && len(steps) != len(starts) {
		return fmt.Errorf("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(ax), len(steps))
	}
	for i, a := range ax {
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return errors.New("a step of 0")
		}
		out[a] = sliced(out[a], starts[i], ends[i], step)
	}
	c.set(0, x.Elem, out)
	if v, ok := c.ints(0); ok && len(out) == 1 && len(ax) == 1 {
		c.sliceInts(v, starts[0], ends[0], steps)
	}
	return nil
}

// listOf is a list from the attribute of older versions or an input; known is
// false if it is not constant. A list that is left out is nil.
func (c *call) listOf(attr string, input int) (v []int64, known bool) {
	if v, ok := c.n.Ints(attr); ok {
		return v, true
	}
	if !c.has(input) {
		return nil, true
	}
	return c.fixedInts(input)
}

// sliceBounds clamps start and end as ONNX's Slice does.
func sliceBounds(n, start, end, step int64) (from, to int64) {
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	if step > 0 {
		return min(max(start, 0), n), min(max(end, 0), n)
	}
	return min(max(start, 0), n-1), min(max(end, -1), n-1)
}

// sliced is the size of a dimension after a slice.
func sliced(d Dim, start, end, step int64) Dim {
	n, ok := d.Size()
	if !ok {
		// The whole of an unknown dimension keeps its symbol.
		if start == 0 && step == 1 && end >= small-1 {
			return d
		}
		return Dim{}
	}
	from, to := sliceBounds(n, start, end, step)
	if step > 0 {
		if to <= from {
			return Fixed(0)
		}
		return Fixed((to-from-1)/step + 1)
	}
	if from <= to {
		return Fixed(0)
	}
	// -(step+1) is in range for every negative step.
	return Fixed(int64(uint64(from-to-1)/(uint64(-(step+1))+1)) + 1)
}

func (c *call) sliceInts(v []Dim, start, end int64, steps []int64) {
	step := int64(1)
	if steps != nil {
		step = steps[0]
	}
	n, _ := sliced(Fixed(int64(len(v))), start, end, step).Size()
	from, _ := sliceBounds(int64(len(v)), start, end, step)
	out := make([]Dim, n)
	for i := range out {
		out[i] = v[from+int64(i)*step]
	}
	c.setInts(out)
}

func inferPad(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	if !x.Shape.Ranked() {
		return nil
	}
	pads, known := c.listOf("pads", 1)
	list, given, axesKnown := c.axesOf(3)
	if !known || !axesKnown {
		c.set(0, x.Elem, make(Shape, len(x.Shape)))
		return nil
	}
	if !given {
		for i := range x.Shape {
			list = append(list, int64(i))
		}
	}
	ax, err := axes(list, len(x.Shape))
	if err != nil {
		return err
	}
	if len(pads) != 2*len(ax) {
		return fmt.Errorf("%d pads for %d axes, want twice as many", len(pads), len(ax))
	}
	out := x.Shape.Clone()
	add := arithmetic("Add")
	for i, a := range ax {
		out[a] = add(add(out[a], Fixed(pads[i])), Fixed(pads[len(ax)+i]))
		if n, ok := out[a].Size(); ok && n < 0 {
			return fmt.Errorf("pads %v leave nothing of %v", pads, x.Shape)
		}
	}
	c.set(0, x.Elem, out)
	return nil
}

func inferTranspose(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	if !x.Shape.Ranked() {
		return nil
	}
	perm, ok := c.n.Ints("perm")
	if !ok {
		for i := range x.Shape {
			perm = append(perm, int64(len(x.Shape)-1-i))
		}
	}
	if len(perm) != len(x.Shape) {
		return fmt.Errorf("perm %v for input %v", perm, x.Shape)
	}
	ax, err := axes(perm, len(x.Shape))
	if err != nil {
		return err
	}
	out := make(Shape, len(ax))
	for i, a := range ax {
		out[i] = x.Shape[a]
	}
	c.set(0, x.Elem, out)
	return nil
}
