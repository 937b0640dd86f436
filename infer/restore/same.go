package restore

import (
	"bytes"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// unchanged reports whether both models compute the shared values by the same
// operators from the same values and constants.
func (p *Plan) unchanged(outs []string) bool {
	inShared, inCand := func(v string) bool { return p.shared[v] != "" }, p.sharedInCand()
	for _, out := range outs {
		a, _ := p.base.slice(out, inShared)
		b, _ := p.cand.slice(p.shared[out], inCand)
		if len(a) != len(b) {
			return false
		}
		name := map[string]string{} // values inside, from the baseline's to the other's
		for i := range a {
			if !p.sameNode(a[i], b[i], name) {
				return false
			}
		}
	}
	return true
}

func (p *Plan) sameNode(a, b *onnx.Node, name map[string]string) bool {
	if a.Op != b.Op || a.Domain != b.Domain || len(a.Inputs) != len(b.Inputs) || len(a.Outputs) != len(b.Outputs) || !sameAttrs(a, b) {
		return false
	}
	for i, x := range a.Inputs {
		y := b.Inputs[i]
		switch s, t := p.base.index.Constant(x), p.cand.index.Constant(y); {
		case x == "" || y == "":
			if x != y {
				return false
			}
		case s != nil || t != nil:
			if s == nil || t == nil || !sameTensor(s, t) {
				return false
			}
		case p.shared[x] != "":
			if p.shared[x] != y {
				return false
			}
		case name[x] != y:
			return false
		}
	}
	for i, x := range a.Outputs {
		name[x] = b.Outputs[i]
	}
	return true
}

func sameTensor(a, b *onnx.Tensor) bool {
	return a.Type == b.Type && slices.Equal(a.Dims, b.Dims) && bytes.Equal(a.Raw, b.Raw)
}

func sameAttrs(a, b *onnx.Node) bool {
	if len(a.Attrs) != len(b.Attrs) {
		return false
	}
	for _, x := range a.Attrs {
		y := b.Attr(x.Name)
		if y == nil || x.Type != y.Type || x.F != y.F || x.I != y.I || !bytes.Equal(x.S, y.S) ||
			!slices.Equal(x.Ints, y.Ints) || !slices.Equal(x.Floats, y.Floats) || (x.T == nil) != (y.T == nil) ||
			x.T != nil && !sameTensor(x.T, y.T) || len(x.Strings)+len(y.Strings) > 0 {
			return false
		}
	}
	return true
}
