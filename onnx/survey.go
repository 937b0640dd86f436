package onnx

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// survey walks a model's main graph for its constants and layers.
type survey struct {
	index     *Index
	nodes     []*Node // topological order
	position  map[*Node]int
	types     map[string]TypeShape
	made      map[*Node]*Tensor // of Constant nodes: one tensor each
	constants []*constantUse
}

// constantUse is a constant in the order of its first use.
type constantUse struct {
	name      string
	tensor    *Tensor
	parameter bool
}

func newSurvey(m *Model, types map[string]TypeShape) *survey {
	s := &survey{index: m.Graph.Index(), types: types, position: map[*Node]int{}, made: map[*Node]*Tensor{}}
	for i, n := range m.Graph.Nodes {
		s.position[n] = i
	}
	s.nodes, _ = order(m.Graph, nil) // Infer has found no cycle
	seen := map[*Tensor]*constantUse{}
	s.graph(s.index, s.nodes, seen)
	return s
}

// graph collects the constants that nodes read. A subgraph reads those of the
// graphs around it only through its own nodes, so it is walked with their index.
func (s *survey) graph(x *Index, nodes []*Node, seen map[*Tensor]*constantUse) {
	for _, n := range nodes {
		for i, name := range n.Inputs {
			t := s.constant(x, name)
			if t == nil {
				continue
			}
			c := seen[t]
			if c == nil {
				c = &constantUse{name: name, tensor: t}
				seen[t] = c
				s.constants = append(s.constants, c)
			}
			c.parameter = c.parameter || isParameter(n, i, t)
		}
		for _, g := range n.Subgraphs() {
			inner, err := order(g, nil)
			if err != nil {
				inner = g.Nodes
			}
			s.graph(g.Index(), inner, seen)
		}
	}
}

// constant is the tensor behind a value, looked up in a graph and then in the
// main graph. A default that callers may replace counts: it is what is shipped.
func (s *survey) constant(x *Index, name string) *Tensor {
	for _, in := range []*Index{x, s.index} {
		if t := in.Initializer(name); t != nil {
			return t
		}
		if n := in.Producer(name); n != nil {
			if _, ok := s.made[n]; !ok {
				s.made[n] = n.Constant()
			}
			return s.made[n]
		}
	}
	return nil
}

// isParameter reports whether constant input i of a node is something that
// training sets, as defined by [Facts.Parameters].
func isParameter(n *Node, i int, t *Tensor) bool {
	if n.Domain != "" {
		return t.Type.IsFloat()
	}
	small := t.Type.IsInteger() && t.Type.Bits() <= 8
	switch n.Op {
	case "QLinearConv":
		return i == 3 || i == 8
	case "QLinearMatMul":
		return i == 0 || i == 3
	case "ConvInteger", "MatMulInteger":
		return i < 2
	case "DequantizeLinear":
		return i == 0
	case "BatchNormalization":
		return i == 1 || i == 2
	case "QuantizeLinear", "Dropout", "Reshape", "Slice", "Clip", "Pad", "Resize", "Upsample":
		return i == 0 && t.Type.IsFloat()
	case "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Where", "Equal", "Greater", "Less", "Range":
		elements, _ := t.Elements()
		return t.Type.IsFloat() && elements != 1
	}
	return t.Type.IsFloat() || small && i == 0
}

// layer is a convolution or matrix product and the constant behind its weights.
type layer struct {
	fact   LayerFact
	tensor *Tensor // nil where weights are computed
}

// weightInput is an input of a layer that may hold its weights.
type weightInput struct {
	input int
	zero  int   // input of the zero point; -1: none
	axis  int64 // of a zero point with several elements
}

// weightInputs are the inputs of a node that may hold its weights, the likeliest
// first; nil for a node that is no layer.
func weightInputs(n *Node) []weightInput {
	if n.Domain != "" {
		return nil
	}
	switch n.Op {
	case "Conv":
		return []weightInput{{1, -1, 0}}
	case "Gemm", "MatMul":
		return []weightInput{{1, -1, 0}, {0, -1, 0}}
	case "ConvInteger":
		return []weightInput{{1, 3, 0}}
	case "QLinearConv":
		return []weightInput{{3, 5, 0}}
	case "MatMulInteger": // zero points by column of the right and row of the left matrix
		return []weightInput{{1, 3, -1}, {0, 2, -2}}
	case "QLinearMatMul":
		return []weightInput{{3, 5, -1}, {0, 2, -2}}
	}
	return nil
}

func (s *survey) layers() []layer {
	var out []layer
	for _, n := range s.nodes {
		candidates := weightInputs(n)
		if candidates == nil {
			continue
		}
		l := layer{fact: LayerFact{Node: n.label(s.position[n]), Operator: n.Op, MACs: s.macs(n)}}
		for _, c := range candidates {
			w := s.weight(n.Input(c.input))
			if w.tensor == nil {
				continue
			}
			if c.zero >= 0 {
				w.zero = s.constant(s.index, n.Input(c.zero))
				w.zeroFixed = n.Input(c.zero) == "" || w.zero != nil
				w.axis = c.axis
			}
			l.tensor = w.tensor
			l.describe(w)
			break
		}
		out = append(out, l)
	}
	return out
}

func (l *layer) describe(w weight) {
	t := w.tensor
	l.fact.Weight, l.fact.Type, l.fact.Dims = w.name, t.Type.String(), t.Dims
	l.fact.Weights, _ = t.Elements()
	l.fact.Quantized = t.Type.Bits() <= 8
	if z, ok := w.zeros(); ok {
		l.fact.Zeros = &z
		l.fact.ZeroShare = share(z, l.fact.Weights)
	}
}

// weight is the constant behind a value, and the value that stands for zero in
// it.
type weight struct {
	name      string
	tensor    *Tensor
	zero      *Tensor // zero point; nil: 0
	zeroFixed bool    // the zero point is known
	axis      int64   // of the zero point, if it has several elements
}

// weight follows a value back to its constant, through operators that keep
// which weights are zero.
func (s *survey) weight(name string) weight {
	for range s.nodes { // longer than any path
		if t := s.constant(s.index, name); t != nil {
			return weight{name: name, tensor: t, zeroFixed: true}
		}
		n := s.index.Producer(name)
		if n == nil || n.Domain != "" {
			return weight{}
		}
		switch n.Op {
		case "Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast":
			name = n.Input(0)
		case "DequantizeLinear":
			t := s.constant(s.index, n.Input(0))
			if t == nil {
				name = n.Input(0)
				continue
			}
			z := s.constant(s.index, n.Input(2))
			return weight{n.Input(0), t, z, z != nil || n.Input(2) == "", n.Int("axis", 1)}
		case "QuantizeLinear": // quantized when the model runs: the zeros are those of its input
			name = n.Input(0)
		default:
			return weight{}
		}
	}
	return weight{}
}

// zeros is the number of elements that are zero; ok is false if the zero point
// is not known or not one for the tensor or for each index of an axis.
func (w weight) zeros() (n int64, ok bool) {
	if !w.zeroFixed || w.tensor.External != nil {
		return 0, false
	}
	zero := []int64{0}
	if w.zero != nil {
		var err error
		if zero, err = w.zero.AsInt64s(); err != nil {
			return w.floatZeros() // zero points of float8 are zero
		}
	}
	if !w.tensor.Type.IsInteger() {
		return w.floatZeros()
	}
	inner, period := int64(1), int64(len(zero))
	if period != 1 {
		a, err := axis(w.axis, len(w.tensor.Dims))
		if err != nil || w.tensor.Dims[a] != period {
			return 0, false
		}
		inner, _ = elements(w.tensor.Dims[a+1:])
	}
	if t := w.tensor; period == 1 && (t.Type == Int8 || t.Type == Uint8) {
		if z := zero[0]; z != int64(int8(z)) && t.Type == Int8 || z != int64(uint8(z)) && t.Type == Uint8 {
			return 0, true // a zero point that no element can have
		}
		return int64(bytes.Count(t.Raw, []byte{byte(zero[0])})), true
	}
	elements, _ := w.tensor.Elements()
	for i := range elements {
		v, _ := cell{w.tensor.Type, w.tensor.bitsAt(int(i))}.int64()
		if v == zero[i/inner%period] {
			n++
		}
	}
	return n, true
}

// floatZeros counts elements whose bits but the sign are zero.
func (w weight) floatZeros() (n int64, ok bool) {
	t := w.tensor
	if !t.Type.IsFloat() || t.Type == Float8E8M0 {
		return 0, false
	}
	bits := t.Type.Bits()
	mask := uint64(1)<<(bits-1) - 1
	count, _ := t.Elements()
	if t.Type == Float8E4M3FNUZ || t.Type == Float8E5M2FNUZ {
		mask = 0xff // 0x80 is NaN there
	}
	if bits == 8 && mask == 0xff {
		return int64(bytes.Count(t.Raw, []byte{0})), true
	}
	switch bits { // the types that most weights have, at the speed of memory
	case 16:
		for i := 0; i+2 <= len(t.Raw); i += 2 {
			if binary.LittleEndian.Uint16(t.Raw[i:])&uint16(mask) == 0 {
				n++
			}
		}
		return n, true
	case 32:
		for i := 0; i+4 <= len(t.Raw); i += 4 {
			if binary.LittleEndian.Uint32(t.Raw[i:])&uint32(mask) == 0 {
				n++
			}
		}
		return n, true
	}
	for i := range count {
		if t.bitsAt(int(i))&mask == 0 {
			n++
		}
	}
	return n, true
}

// macs is the number of multiply-accumulate operations of a layer, nil if its
// shapes are not known.
func (s *survey) macs(n *Node) *int64 {
	out, ok := s.types[n.Output(0)].Shape.Sizes()
	if !ok {
		return nil
	}
	var inner []int64
	switch n.Op {
	case "Conv", "ConvInteger", "QLinearConv":
		w, ok := s.types[n.Input(weightInputs(n)[0].input)].Shape.Sizes()
		if !ok || len(w) < 2 {
			return nil
		}
		inner = w[1:]
	default:
		a, ok := s.types[n.Input(0)].Shape.Sizes()
		if !ok || len(a) == 0 {
			return nil
		}
		k := a[len(a)-1]
		if n.Op == "Gemm" && n.Int("transA", 0) != 0 {
			k = a[0]
		}
		inner = []int64{k}
	}
	total, ok := elements(slices.Concat(out, inner))
	if !ok {
		return nil
	}
	return &total
}
