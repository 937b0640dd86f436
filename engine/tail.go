package engine

import (
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
)

// tailBytes is the least size of the weights of fully connected layers that
// are run for all images of a batch together: smaller ones stay in the cache
// from one group of images to the next.
const tailBytes = 512 << 10

// cutTail divides a graph before the fully connected layers at its end, whose
// weights would be read from memory again for every group of images. Head
// gives the one value that tail reads. Both are nil if there is no such end.
func (g *graph) cutTail() (head, tail *graph) {
	cut, bytes := len(g.steps), 0
	for i := len(g.steps) - 1; i >= 0 && dense(g.steps[i]); i-- {
		if w := weightBytes(g.steps[i]); w > 0 {
			cut, bytes = i, bytes+w
		}
	}
	if bytes < tailBytes || cut == 0 {
		return nil, nil
	}
	v := g.crossing(cut)
	if v == nil {
		return nil, nil
	}
	h, t := *g, *g
	h.steps, h.outputs, h.names = slices.Clone(g.steps[:cut]), []*value{v}, []string{v.name}
	// The value is made in one graph and an input of the other, which must not
	// see the step that makes it.
	in := &value{name: v.name}
	t.steps, t.inputs = nil, []*value{in}
	for _, s := range g.steps[cut:] {
		c := *s
		c.in = slices.Clone(s.in)
		for i, x := range c.in {
			if x == v {
				c.in[i] = in
			}
		}
		t.steps = append(t.steps, &c)
	}
	return &h, &t
}

// crossing is the one value that steps from cut on read of those before it;
// nil if there are several, or an output or input that is not part of them.
func (g *graph) crossing(cut int) *value {
	made := map[*value]bool{}
	var v *value
	for _, s := range g.steps[cut:] {
		for _, x := range s.in {
			if x == nil || x.isConst() || made[x] {
				continue
			}
			if v != nil && v != x {
				return nil
			}
			v = x
		}
		for _, x := range s.out {
			made[x] = true
		}
	}
	for _, x := range g.outputs {
		if !made[x] {
			return nil
		}
	}
	if v == nil || v.from == nil {
		return nil
	}
	return v
}

// dense reports whether a step may be part of the end of a classifier.
func dense(s *step) bool {
	switch plainOp(s.op).(type) {
	case op.Gemm, op.MatMul, op.QProduct, op.QLinearMatMul:
		return weightBytes(s) > 0
	case op.Unary, op.Clip, op.Arith, op.Softmax, op.Identity, op.Dropout, op.BatchNorm, op.Cast,
		op.Quantize, op.Dequantize, op.ByteMap, op.Reshape, op.Flatten:
		return true
	}
	return false
}

// weightBytes is the size of the constant matrix of a product; 0 for any other
// step.
func weightBytes(s *step) int {
	i := 1
	switch plainOp(s.op).(type) {
	case op.Gemm, op.MatMul:
	case op.QProduct, op.QLinearMatMul:
		i = 3
	default:
		return 0
	}
	if !s.in[i].isConst() || s.in[i].konst.Rank() != 2 {
		return 0
	}
	return s.in[i].konst.Bytes()
}
