package engine

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// rowKind says how a value depends on which images are run together.
type rowKind int

const (
	unknownRows rowKind = iota
	shared              // the same whatever images there are
	byRow               // the first axis is the images, each of which depends on its own only
	varying             // a shape or so, in which the number of images occurs
)

// rowChecker finds out whether a graph may be run on some images at a time. It
// looks at the facts for all images and for some of them.
type rowChecker struct {
	full, part facts
	n, m       int // images in full and in part
	kind       map[*value]rowKind
}

// independent reports whether the images of a batch of n do not depend on one
// another, so that running m at a time gives the same outputs.
func independent(g *graph, full, part facts, n, m int) bool {
	c := &rowChecker{full: full, part: part, n: n, m: m, kind: map[*value]rowKind{}}
	for _, v := range g.inputs {
		c.kind[v] = byRow
		if !c.leads(v) {
			return false
		}
	}
	for _, s := range g.steps {
		if !c.step(s) {
			return false
		}
	}
	for _, v := range g.outputs {
		if c.of(v) != byRow {
			return false
		}
	}
	return true
}

// Independent reports whether the images of a batch of inputs with these
// shapes, at least two along the first axis, can be shown not to depend on one
// another: then each has the same outputs, to the bit, in any batch.
func (p *Program) Independent(shapes map[string][]int) (bool, error) {
	full, err := p.argsOf(shapes)
	if err != nil {
		return false, err
	}
	n, ok := batchOf(full)
	if !ok || n < 2 {
		return false, nil
	}
	all, err := p.base.infer(full)
	if err != nil {
		return false, fmt.Errorf("engine: %w", err)
	}
	one, err := p.base.infer(rowArgs(full, 1))
	return err == nil && independent(p.base, all, one, n, 1), nil
}

func (c *rowChecker) of(v *value) rowKind {
	if v == nil || v.isConst() {
		return shared
	}
	return c.kind[v]
}

// leads reports whether v's first axis is the images, all others the same.
func (c *rowChecker) leads(v *value) bool {
	a, okA := c.full[v]
	b, okB := c.part[v]
	return okA && okB && len(a.Shape) > 0 && len(a.Shape) == len(b.Shape) && a.Shape[0] == c.n && b.Shape[0] == c.m &&
		slices.Equal(a.Shape[1:], b.Shape[1:])
}

// step finds the kind of what s makes; false if that cannot be told.
func (c *rowChecker) step(s *step) bool {
	kind := c.judge(s)
	for _, v := range s.out {
		if v == nil {
			continue
		}
		a, okA := c.full[v]
		b, okB := c.part[v]
		k := kind
		switch {
		case !okA || !okB:
			return false
		case a.Known() && b.Known():
			k = varying
			if tensor.Equal(a.Value, b.Value) {
				k = shared
			}
		case kind == unknownRows || kind == byRow && !c.leads(v):
			return false
		}
		c.kind[v] = k
	}
	return true
}

// judge is the kind of the results of s.
func (c *rowChecker) judge(s *step) rowKind {
	all := shared
	for _, v := range s.in {
		all = max(all, c.of(v))
	}
	if all == shared {
		return shared
	}
	o := s.op
	if h, ok := o.(op.Half); ok {
		o = h.Operator
	}
	if _, ok := o.(op.Shape); ok {
		return varying
	}
	if c.keepsRows(s, o) {
		return byRow
	}
	return unknownRows
}

// keepsRows reports whether o computes each row of its result from the same
// row of its operands.
func (c *rowChecker) keepsRows(s *step, o op.Operator) bool {
	in := make([]rowKind, len(s.in))
	for i, v := range s.in {
		in[i] = c.of(v)
	}
	first := in[0] == byRow
	rest := true // all but the first operand are the same for all images
	for _, k := range in[1:] {
		rest = rest && k == shared
	}
	args, _ := c.full.args(s)
	switch o := o.(type) {
	case op.Unary, op.Clip, op.Cast, op.Identity, op.Dropout, op.AveragePool, op.GlobalPool, op.LRN,
		op.Conv, op.ConvInteger, op.QLinearConv, op.QMean, op.QAveragePool, op.ByteMap:
		return first && rest
	case op.MaxPool:
		return first && !o.Indices // indices count through the whole batch
	case op.BatchNorm:
		return first && rest && !o.Training
	case op.Reshape, op.Flatten, op.Squeeze, op.Unsqueeze:
		return first // rows stay together as long as the first axis does
	case op.Expand:
		return c.repeatsRows(s, in)
	case op.Arith, op.Pow:
		return c.aligned(s, in)
	case op.Concat:
		return !slices.ContainsFunc(in, func(k rowKind) bool { return k != byRow }) && o.Axis != 0 && o.Axis != -len(args[0].Shape)
	case op.Gemm:
		return first && !o.TransA && in[1] == shared && (len(in) < 3 || c.alignedOne(s.in[2], in[2], 2))
	case op.QAdd:
		return c.aligned(s, in)
	case op.QProduct:
		a, _ := c.full.of(s.in[0])
		return first && rest && len(a.Shape) > 1
	case op.MatMul, op.MatMulInteger, op.QLinearMatMul:
		return c.productRows(s, o, in)
	}
	return first && rest && offAxis(o, args)
}

// offAxis reports whether o works along other axes than the first.
func offAxis(o op.Operator, args []op.Arg) bool {
	rank := len(args[0].Shape)
	off := func(axis int) bool { return axis != 0 && axis != -rank }
	switch o := o.(type) {
	case op.Softmax:
		return off(o.Axis)
	case op.LayerNorm:
		return off(o.Axis)
	case op.ArgMax:
		return off(o.Axis)
	case op.Split:
		return off(o.Axis)
	case op.Gather:
		return off(o.Axis)
	case op.Quantize:
		return product(args[1].Shape) == 1 || off(o.Axis)
	case op.Dequantize:
		return product(args[1].Shape) == 1 || off(o.Axis)
	case op.Reduce:
		set, err := o.AxisSet(args)
		return err == nil && !set[0]
	case op.Transpose:
		perm, err := o.Order(rank)
		return err == nil && perm[0] == 0
	case op.Slice:
		r, err := o.Ranges(args)
		return err == nil && r[0] == op.Range{Start: 0, Step: 1, Len: args[0].Shape[0]}
	case op.Pad:
		start, stop, err := o.Counts(args)
		return err == nil && start[0] == 0 && stop[0] == 0
	}
	return false
}

// aligned reports whether the operands of an elementwise step have their
// images along the result's first axis, or are the same for all images.
func (c *rowChecker) aligned(s *step, in []rowKind) bool {
	rank := 0
	for _, v := range s.in {
		a, _ := c.full.of(v)
		rank = max(rank, len(a.Shape))
	}
	for i, v := range s.in {
		if !c.alignedOne(v, in[i], rank) {
			return false
		}
	}
	return true
}

func (c *rowChecker) alignedOne(v *value, kind rowKind, rank int) bool {
	a, _ := c.full.of(v)
	if kind == byRow {
		return len(a.Shape) == rank
	}
	return kind == shared && (v == nil || len(a.Shape) < rank || a.Shape[0] == 1)
}

// repeatsRows reports whether an Expand repeats one row for every image, or
// expands other axes.
func (c *rowChecker) repeatsRows(s *step, in []rowKind) bool {
	out := c.full[s.out[0]]
	return in[1] != byRow && c.alignedOne(s.in[0], in[0], len(out.Shape))
}

// productRows reports whether a matrix product has its images along the first
// axis of the left operand: as rows, or as a stack of matrices.
func (c *rowChecker) productRows(s *step, o op.Operator, in []rowKind) bool {
	left, right := 0, 1
	if _, ok := o.(op.QLinearMatMul); ok {
		right = 3
	}
	for i, v := range s.in {
		if i == left || i == right {
			continue
		}
		// A scale or zero point for each row of the left operand would be one
		// for each image; the right operand may have one for each column.
		a, _ := c.full.of(v)
		ofLeft := i == 1 || i == 2
		if in[i] != shared || ofLeft && v != nil && product(a.Shape) != 1 {
			return false
		}
	}
	a, _ := c.full.of(s.in[left])
	b, _ := c.full.of(s.in[right])
	switch {
	case in[left] != byRow || len(a.Shape) < 2:
		return false
	case in[right] == shared:
		return len(b.Shape) <= 2
	}
	return in[right] == byRow && len(a.Shape) == len(b.Shape) && len(a.Shape) > 2
}
