package rewrite

import (
	"math"
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// MaxSweeps limits how often [Equalize] goes over all pairs of layers. Scales
// of a chain settle in a handful.
const MaxSweeps = 40

// settledWithin ends the sweeps once no scale differs from 1 by more.
const settledWithin = 1e-4

// Pair is two layers whose weights were evened out against one another.
type Pair struct{ First, Second string }

// Equalize evens out weight ranges across layers: where a convolution is
// followed by another one, at most a Relu between them and nothing else reading
// the values, channel c of the first is divided by
//
//	s_c = sqrt(r1_c · r2_c) / r2_c,   r = largest magnitude of the weights
//
// and the weights of the second that read it are multiplied by s_c, so that both
// have the range sqrt(r1_c · r2_c). The result of the pair stays the same
// because Relu(s·x) = s·Relu(x) for s > 0. Channels in which a range is zero are
// left alone. Pairs overlap, so the sweep is repeated until it settles. The
// pairs are returned in the graph's order.
func Equalize(m *onnx.Model) ([]Pair, error) {
	e := edit(m)
	var pairs []*pair
	for _, n := range m.Graph.Nodes {
		if p := e.pair(n); p != nil {
			pairs = append(pairs, p)
		}
	}
	layers := map[*onnx.Node]*weights{}
	for _, p := range pairs {
		for _, n := range []*onnx.Node{p.first, p.second} {
			if layers[n] == nil {
				layers[n] = e.weights(n)
			}
		}
	}
	for range MaxSweeps {
		most := 0.0
		for _, p := range pairs {
			most = max(most, even(layers[p.first], layers[p.second]))
		}
		if most < settledWithin {
			break
		}
	}
	for _, n := range m.Graph.Nodes {
		if w := layers[n]; w != nil {
			if err := e.store(n, w); err != nil {
				return nil, err
			}
		}
	}
	m.Graph.Prune()
	out := make([]Pair, len(pairs))
	for i, p := range pairs {
		out[i] = Pair{p.first.Name, p.second.Name}
	}
	return out, nil
}

type pair struct{ first, second *onnx.Node }

// pair is n and the layer that it can be evened out against; nil if there is
// none.
func (e *editor) pair(n *onnx.Node) *pair {
	if !e.layer(n) {
		return nil
	}
	next := e.only(n.Outputs[0])
	if standard(next, "Relu") {
		next = e.only(next.Outputs[0])
	}
	if next == nil || !e.layer(next) || e.index.Producer(next.Input(0)) == nil {
		return nil
	}
	_, first := e.floats(n.Input(1))
	_, second := e.floats(next.Input(1))
	if first.Dims[0] != second.Dims[1]*next.Int("group", 1) {
		return nil
	}
	return &pair{n, next}
}

// layer reports whether n is a convolution with constant weights and bias.
func (e *editor) layer(n *onnx.Node) bool {
	if !standard(n, "Conv") {
		return false
	}
	w, t := e.floats(n.Input(1))
	if w == nil || len(t.Dims) < 3 || t.Dims[0]%n.Int("group", 1) != 0 {
		return false
	}
	b, _ := e.floats(n.Input(2))
	return n.Input(2) == "" || int64(len(b)) == t.Dims[0]
}

// weights is a convolution's in float64: out channels, channels of a group,
// elements of the kernel.
type weights struct {
	w, b          []float64
	out, in, size int
	group         int
	dims          []int64
	changed       bool
}

func (e *editor) weights(n *onnx.Node) *weights {
	v, t := e.floats(n.Input(1))
	w := &weights{w: widen(v), out: int(t.Dims[0]), in: int(t.Dims[1]), group: int(n.Int("group", 1)), dims: t.Dims}
	w.size = len(v) / (w.out * w.in)
	if b, _ := e.floats(n.Input(2)); b != nil {
		w.b = widen(b)
	}
	return w
}

func widen(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// each calls f with the ranges of the weights that read input channel c.
func (w *weights) each(c int, f func(part []float64)) {
	group, in := c/w.in, c%w.in
	rows := w.out / w.group
	for o := group * rows; o < (group+1)*rows; o++ {
		at := (o*w.in + in) * w.size
		f(w.w[at : at+w.size])
	}
}

// even scales the channels between two layers and returns how far the largest
// scale is from 1.
func even(a, b *weights) float64 {
	most, row := 0.0, a.in*a.size
	for c := range a.out {
		own := a.w[c*row : (c+1)*row]
		r1, r2 := largest(own), 0.0
		b.each(c, func(part []float64) { r2 = max(r2, largest(part)) })
		s := math.Sqrt(r1*r2) / r2
		if !(s > 1e-8 && s < 1e8) {
			continue
		}
		scale(own, 1/s)
		if a.b != nil {
			a.b[c] /= s
		}
		b.each(c, func(part []float64) { scale(part, s) })
		a.changed, b.changed = true, true
		most = max(most, math.Abs(s-1))
	}
	return most
}

func largest(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}

func scale(v []float64, s float64) {
	for i := range v {
		v[i] *= s
	}
}

// store gives a node its new weights.
func (e *editor) store(n *onnx.Node, w *weights) error {
	if !w.changed {
		return nil
	}
	if !finite(w.w) || !finite(w.b) {
		return e.fail(n, n.Input(1), "evened out weights do not fit float32")
	}
	n.Inputs = slices.Clone(n.Inputs)
	name, err := e.constant(n.Input(1)+"_even", w.w, w.dims...)
	if err != nil {
		return err
	}
	n.Inputs[1] = name
	if w.b != nil {
		if n.Inputs[2], err = e.constant(n.Input(2)+"_even", w.b, int64(len(w.b))); err != nil {
			return err
		}
	}
	return nil
}
