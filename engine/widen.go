package engine

import (
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// widen makes a graph of float16 or bfloat16 compute in float32 throughout:
// constants are converted once, inputs and outputs at the edges. Results
// between steps are not rounded to half precision, except where the model has
// a Cast to it.
func (g *graph) widen(inputs, outputs []Value) {
	w := &widener{wide: map[*value]*value{}}
	if !w.needed(g, inputs) {
		return
	}
	for _, v := range outputs {
		if v.Type == tensor.Undefined {
			return // not known whether it has to be narrowed
		}
	}
	for i, v := range g.inputs {
		if half(inputs[i].Type) {
			w.wide[v] = w.cast(v, tensor.Float32)
		}
	}
	for _, s := range g.steps {
		w.step(s)
	}
	for i, v := range g.outputs {
		if v = w.of(v); half(outputs[i].Type) {
			v = w.cast(v, outputs[i].Type)
		}
		g.outputs[i] = v
	}
	g.steps = w.out
}

type widener struct {
	wide map[*value]*value // what is read instead
	out  []*step
}

func half(t tensor.Type) bool { return t == tensor.F16 || t == tensor.BF16 }

// needed reports whether anything in g has half precision.
func (w *widener) needed(g *graph, inputs []Value) bool {
	for _, v := range inputs {
		if half(v.Type) {
			return true
		}
	}
	for _, s := range g.steps {
		if c, ok := s.op.(op.Cast); ok && half(c.To) {
			return true
		}
		for _, v := range s.in {
			if v.isConst() && half(v.konst.Type()) {
				return true
			}
		}
	}
	return false
}

// of is what is read instead of v.
func (w *widener) of(v *value) *value {
	if v == nil {
		return nil
	}
	if x, ok := w.wide[v]; ok {
		return x
	}
	if v.isConst() && half(v.konst.Type()) {
		data, _ := v.konst.Float32s()
		w.wide[v] = &value{name: v.name, konst: tensor.Must(tensor.New(v.konst.Shape(), data))}
		return w.wide[v]
	}
	return v
}

// cast adds a step that converts v.
func (w *widener) cast(v *value, to tensor.Type) *value {
	y := &value{}
	y.from = &step{op: op.Cast{To: to}, in: []*value{v}, out: []*value{y}, node: "precision", kind: "Cast"}
	w.out = append(w.out, y.from)
	return y
}

// step makes a step compute in float32.
func (w *widener) step(s *step) {
	in := make([]*value, len(s.in))
	for i, v := range s.in {
		in[i] = w.of(v)
	}
	s.in = in
	w.out = append(w.out, s)
	switch o := s.op.(type) {
	case op.Half:
		s.op = o.Operator
	case op.Cast:
		if half(o.To) { // rounds, as the model wants it
			w.wide[s.out[0]] = w.cast(s.out[0], tensor.Float32)
		}
	case op.Constant:
		if half(o.Value.Type()) {
			w.wide[s.out[0]] = w.cast(s.out[0], tensor.Float32)
		}
	case op.ConstantOfShape:
		if half(o.Value.Type()) {
			w.wide[s.out[0]] = w.cast(s.out[0], tensor.Float32)
		}
	case op.Dequantize:
		if half(o.To) {
			o.To = tensor.Float32
			s.op = o
		}
	}
}
