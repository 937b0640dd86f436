package int8static

import (
	"slices"

	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/onnx"
)

// writer makes the quantized graph: nodes are appended in order.
type writer struct {
	*plan
	g     *onnx.Graph
	names *onnx.Names
	grids []grid
	data  *calibrate.Collected

	order       []*onnx.Node // of the graph that is quantized
	nodes       []*onnx.Node
	bytes       map[string]string // quantized values: their bytes
	reals       map[string]string // and what the bytes stand for, once a node reads it
	scales      map[int][2]string // constants of a group
	source      map[string]string // where a value's real numbers are, if a limit went away
	notes       map[*onnx.Node]string
	uncorrected []string
	err         error
}

func (p *plan) write(c *calibrate.Collected) (*writer, error) {
	grids, err := p.grids(c)
	if err != nil {
		return nil, err
	}
	w := &writer{plan: p, g: p.m.Graph, names: p.m.Graph.Names(), grids: grids, data: c,
		bytes: map[string]string{}, reals: map[string]string{}, scales: map[int][2]string{},
		source: map[string]string{}, notes: map[*onnx.Node]string{}}
	for _, v := range w.g.DataInputs() {
		w.quantize(v.Name)
	}
	w.order = w.g.Nodes
	for _, n := range w.order {
		w.node(n)
		if w.err != nil {
			return nil, w.err
		}
	}
	w.g.Nodes = w.nodes
	w.g.Prune()
	return w, w.g.Sort()
}

func (w *writer) grid(v string) grid { return w.grids[w.group[v]] }

// emit appends a node whose name and output start with base.
func (w *writer) emit(op, base string, attrs []*onnx.Attr, in ...string) string {
	out := w.names.Fresh(base)
	w.nodes = append(w.nodes, &onnx.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

func constant[T onnx.Number](w *writer, base string, v []T, dims ...int64) string {
	t, err := onnx.TensorOf(w.names.Fresh(base), v, dims...)
	if err == nil {
		err = w.g.AddInitializer(t)
	}
	if err != nil {
		w.err = err
		return base
	}
	return t.Name
}

// parameters are the constants of a value's scale and zero point.
func (w *writer) parameters(v string) (scale, zero string) {
	k := w.group[v]
	if c, ok := w.scales[k]; ok {
		return c[0], c[1]
	}
	c := [2]string{constant(w, v+"_scale", []float32{w.grids[k].scale}), constant(w, v+"_zero", []uint8{w.grids[k].zero})}
	w.scales[k] = c
	return c[0], c[1]
}

// quantize adds the step that makes bytes of a value which was just computed, if
// it is quantized.
func (w *writer) quantize(v string) {
	if !w.quantized(v) || w.bytes[v] != "" {
		return
	}
	from := v
	if s, ok := w.source[v]; ok {
		from = s
	}
	scale, zero := w.parameters(v)
	w.bytes[v] = w.emit("QuantizeLinear", v+"_quantized", nil, from, scale, zero)
}

// real is the value to read for v: what its bytes stand for if it is quantized.
func (w *writer) real(v string) string {
	b, ok := w.bytes[v]
	if !ok {
		return v
	}
	if w.reals[v] == "" {
		scale, zero := w.parameters(v)
		w.reals[v] = w.emit("DequantizeLinear", v+"_dequantized", nil, b, scale, zero)
	}
	return w.reals[v]
}

// node appends what becomes of n.
func (w *writer) node(n *onnx.Node) {
	switch {
	case w.needless(n):
		w.source[n.Outputs[0]] = n.Inputs[0]
		w.absorbed[n] = true
		w.quantize(n.Outputs[0])
		return
	case w.runs[n] && w.roles[n].layer():
		w.layerNode(n)
	case w.opts.QOperator && w.runs[n] && w.roles[n] == roleMove && w.onBytes(n):
		return
	default:
		c := n.Clone()
		for i, in := range c.Inputs {
			if in != "" {
				c.Inputs[i] = w.real(in)
			}
		}
		w.nodes = append(w.nodes, c)
	}
	for _, v := range n.Outputs {
		w.quantize(v)
	}
}

// needless reports whether n limits a value to what its bytes stand for anyhow.
func (w *writer) needless(n *onnx.Node) bool {
	if w.roles[n] != roleLimit || !w.quantized(n.Outputs[0]) || w.index.IsOutput(n.Outputs[0]) ||
		len(w.index.Uses(n.Inputs[0])) != 1 || w.index.IsOutput(n.Inputs[0]) || w.index.Input(n.Inputs[0]) != nil {
		return false
	}
	lo, hi, hasHi := w.limits(n)
	g := w.grid(n.Outputs[0])
	const slack = 1e-6 // of the scale's rounding to float32
	return lo == 0 && g.zero == 0 && (!hasHi || g.high() <= hi*(1+slack))
}

// onBytes lets a moving operator work on the bytes themselves.
func (w *writer) onBytes(n *onnx.Node) bool {
	out := n.Outputs[0]
	if !w.quantized(out) || w.index.IsOutput(out) {
		return false
	}
	c := n.Clone()
	for i, in := range moved(n) {
		if w.bytes[in] == "" || w.group[in] != w.group[out] {
			return false
		}
		c.Inputs[i] = w.bytes[in]
	}
	c.Outputs = slices.Clone(n.Outputs)
	c.Outputs[0] = w.names.Fresh(out + "_quantized")
	w.nodes = append(w.nodes, c)
	w.bytes[out] = c.Outputs[0]
	return true
}
