package rewrite_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress/rewrite"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// outputs runs a model by the definitions of its operators.
func outputs(t *testing.T, m *onnx.Model, x engine.Tensor) map[string]engine.Tensor {
	t.Helper()
	if err := onnx.Validate(m); err != nil {
		t.Fatal(err)
	}
	o := engine.DefaultOptions()
	o.Reference = true
	s, err := engine.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(t.Context(), map[string]engine.Tensor{m.Graph.DataInputs()[0].Name: x})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func random(shape ...int) engine.Tensor {
	rng := rand.New(rand.NewPCG(8, uint64(len(shape))))
	x := tensor.Must(tensor.Make(tensor.Float32, shape))
	for i, v := 0, tensor.Data[float32](x); i < len(v); i++ {
		v[i] = float32(rng.NormFloat64())
	}
	return x
}

// same checks that two models give the same, to a share of the largest element.
func same(t *testing.T, a, b *onnx.Model, x engine.Tensor, within float64) {
	t.Helper()
	was, is := outputs(t, a, x), outputs(t, b, x)
	if len(was) != len(is) {
		t.Errorf("%d outputs, had %d", len(is), len(was))
	}
	for name, v := range was {
		p, _ := v.Float32s()
		q, _ := is[name].Float32s()
		if len(p) != len(q) {
			t.Fatalf("%s: %d elements, had %d", name, len(q), len(p))
		}
		most, far := 0.0, 0.0
		for i := range p {
			most, far = max(most, math.Abs(float64(p[i]))), max(far, math.Abs(float64(p[i])-float64(q[i])))
		}
		if !(far <= within*most) {
			t.Errorf("%s differs by %.3g of the largest", name, far/most)
		}
	}
}

func count(m *onnx.Model, op string) int {
	n := 0
	for _, node := range m.Graph.Nodes {
		if node.Op == op {
			n++
		}
	}
	return n
}

// Every rewrite keeps what the engine's graphs and a residual network compute.
func TestRewritesKeepResults(t *testing.T) {
	for name, f := range map[string]func(m *onnx.Model) error{
		"fold":       func(m *onnx.Model) error { _, _, err := rewrite.FoldBatchNorm(m); return err },
		"products":   rewrite.PlainProducts,
		"identities": rewrite.DropIdentities,
		"equalize": func(m *onnx.Model) error {
			if _, _, err := rewrite.FoldBatchNorm(m); err != nil {
				return err
			}
			_, err := rewrite.Equalize(m)
			return err
		},
		"opset": func(m *onnx.Model) error { return rewrite.RaiseOpset(m, 21) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, g := range enginetest.Graphs() {
				m := g.Make()
				before, _ := onnx.Encode(m)
				c := m.Clone()
				if err := f(c); err != nil {
					t.Fatalf("%s: %v", g.Name, err)
				}
				if after, _ := onnx.Encode(m); string(after) != string(before) {
					t.Errorf("%s: the original changed", g.Name)
				}
				same(t, m, c, random(2, enginetest.GraphChannels, enginetest.GraphHeight, enginetest.GraphWidth), 2e-5)
			}
			m := enginetest.ResNet8()
			c := m.Clone()
			if err := f(c); err != nil {
				t.Fatal(err)
			}
			same(t, m, c, random(2, 3, 32, 32), 2e-5)
		})
	}
}

func TestFoldBatchNorm(t *testing.T) {
	m := enginetest.ResNet8()
	want := count(m, "BatchNormalization")
	folded, kept, err := rewrite.FoldBatchNorm(m)
	if err != nil || len(folded) != want || len(kept) != 0 || count(m, "BatchNormalization") != 0 {
		t.Errorf("folded %v, kept %v, %v; want all %d folded", folded, kept, err, want)
	}
	m = enginetest.WRN16x4()
	all := count(m, "BatchNormalization")
	folded, kept, err = rewrite.FoldBatchNorm(m)
	if err != nil || len(folded)+len(kept) != all || len(kept) == 0 || count(m, "BatchNormalization") != len(kept) {
		t.Errorf("folded %v, kept %v of %d, %v; want those before an addition kept", folded, kept, all, err)
	}
}

// After equalization, consecutive layers have the same range in each channel
// between them, and a second time there is nothing to do.
func TestEqualize(t *testing.T) {
	b := enginetest.New("chain", 5)
	x := b.Input("x", -1, 3, 12, 12)
	for _, c := range []enginetest.ConvSpec{{Out: 8, Kernel: 3, Bias: true}, {Out: 8, Kernel: 3, Groups: 8, Bias: true}, {Out: 12, Kernel: 1}, {Out: 4, Kernel: 3, Groups: 2, Bias: true}} {
		x = b.Relu(b.Conv(x, c))
	}
	b.Output(b.Dense(x, 5), 2)
	m := b.Model()
	before := m.Clone()
	pairs, err := rewrite.Equalize(m)
	if err != nil || len(pairs) != 3 {
		t.Fatalf("pairs %v, %v, want 3", pairs, err)
	}
	same(t, before, m, random(2, 3, 12, 12), 1e-5)
	var convs []*onnx.Node
	for _, n := range m.Graph.Nodes {
		if n.Op == "Conv" {
			convs = append(convs, n)
		}
	}
	for i, n := range convs[:3] {
		out, in := ranges(t, m, n, true), ranges(t, m, convs[i+1], false)
		for c := range out {
			if math.Abs(out[c]-in[c]) > 2e-3*out[c] {
				t.Errorf("%s: channel %d has range %v, %v in the next layer", n.Name, c, out[c], in[c])
			}
		}
	}
	w, _ := m.Graph.Initializer(convs[1].Inputs[1]).Float32s()
	w = slices.Clone(w)
	if _, err := rewrite.Equalize(m); err != nil {
		t.Fatal(err)
	}
	again, _ := m.Graph.Initializer(convs[1].Inputs[1]).Float32s()
	for i := range w {
		if math.Abs(float64(again[i]-w[i])) > 1e-3*math.Abs(float64(w[i])) {
			t.Fatalf("a second time changes weight %d from %v to %v", i, w[i], again[i])
		}
	}
}

// ranges are the largest magnitudes of the weights of each output channel, or of
// those that read each input channel.
func ranges(t *testing.T, m *onnx.Model, n *onnx.Node, out bool) []float64 {
	t.Helper()
	w := m.Graph.Initializer(n.Inputs[1])
	v, err := w.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	group := int(n.Int("group", 1))
	o, in, size := int(w.Dims[0]), int(w.Dims[1]), int(w.Dims[2]*w.Dims[3])
	r := make([]float64, o)
	if !out {
		r = make([]float64, in*group)
	}
	for i, x := range v {
		c := i / (in * size)
		if !out {
			c = c/(o/group)*in + i/size%in
		}
		r[c] = max(r[c], math.Abs(float64(x)))
	}
	return r
}

// old is a graph of opset 9 around one node.
func old(t *testing.T, n *onnx.Node, shape []int64, init ...*onnx.Tensor) *onnx.Model {
	t.Helper()
	g := &onnx.Graph{Name: "old", Nodes: []*onnx.Node{n}, Initializers: init}
	g.Inputs = []*onnx.ValueInfo{{Name: "x", Type: onnx.TypeShape{Elem: onnx.Float, Shape: onnx.MakeShape(shape...)}}}
	for _, out := range n.Outputs {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: out, Type: onnx.TypeShape{Elem: onnx.Float}})
	}
	return &onnx.Model{IRVersion: 4, Opsets: []onnx.Opset{{Version: 9}}, Graph: g}
}

func node(op string, outputs int, attrs ...*onnx.Attr) *onnx.Node {
	n := &onnx.Node{Name: "n", Op: op, Inputs: []string{"x"}, Attrs: attrs}
	for i := range outputs {
		n.Outputs = append(n.Outputs, string(rune('a'+i)))
	}
	return n
}

// Operators whose form changed compute the same in the newer operator set.
func TestRaiseOpset(t *testing.T) {
	ints, float, one := onnx.IntsAttr, onnx.FloatAttr, onnx.IntAttr
	for _, c := range []struct {
		name string
		n    *onnx.Node
	}{
		{"clip", node("Clip", 1, float("min", -0.5), float("max", 0.25))},
		{"clip above", node("Clip", 1, float("max", 0.25))},
		{"clip without limits", node("Clip", 1)},
		{"dropout", node("Dropout", 1, float("ratio", 0.3))},
		{"softmax", node("Softmax", 1, one("axis", 3))},
		{"log softmax", node("LogSoftmax", 1, one("axis", -1))},
		{"squeeze", node("Squeeze", 1, ints("axes", 1))},
		{"squeeze all", node("Squeeze", 1)},
		{"unsqueeze", node("Unsqueeze", 1, ints("axes", 0, 3))},
		{"reduce sum", node("ReduceSum", 1, ints("axes", 2), one("keepdims", 0))},
		{"reduce mean", node("ReduceMean", 1, ints("axes", 2, 3))},
		{"split", node("Split", 2, one("axis", 2), ints("split", 1, 3))},
		{"split evenly", node("Split", 2, one("axis", 2))},
		{"pad", node("Pad", 1, ints("pads", 0, 0, 1, 2, 0, 0, 0, 1), float("value", 0.5))},
	} {
		for _, to := range []int64{13, 17, 21} {
			m := old(t, c.n.Clone(), []int64{2, 1, 4, 5})
			up := m.Clone()
			if err := rewrite.RaiseOpset(up, to); err != nil {
				t.Errorf("%s to %d: %v", c.name, to, err)
				continue
			}
			if v, _ := up.Opset(""); v != to {
				t.Errorf("%s: opset %d, want %d", c.name, v, to)
			}
			same(t, m, up, random(2, 1, 4, 5), 1e-6)
		}
	}
	m := enginetest.ResNet8()
	v, _ := m.Opset("")
	if err := rewrite.RaiseOpset(m, 13); err != nil {
		t.Fatal(err)
	}
	if now, _ := m.Opset(""); now != v {
		t.Errorf("opset %d became %d, want it kept", v, now)
	}
}

// What cannot be brought to a newer operator set is named.
func TestRaiseOpsetRefuses(t *testing.T) {
	for _, n := range []*onnx.Node{
		node("Softmax", 1, onnx.IntAttr("axis", 1)), // over three axes at once
		node("Upsample", 1),
		node("TopK", 2, onnx.IntAttr("k", 1)),
	} {
		err := rewrite.RaiseOpset(old(t, n, []int64{2, 3, 4, 5}), 21)
		var e *onnx.Error
		if !errors.As(err, &e) || e.Node != "n" || e.Op != n.Op || !strings.Contains(err.Error(), "21") {
			t.Errorf("%s: error %v, want one that names node and operator set", n.Op, err)
		}
	}
}

// Factors of a Gemm, a bias of one number and a bias added behind a MatMul end up
// in one plain Gemm.
func TestPlainProducts(t *testing.T) {
	b := enginetest.New("products", 4)
	x := b.Input("x", -1, 6)
	w, c := b.Random(1, 0, 5, 6), b.Random(1, 0, 1)
	x = b.Node("Gemm", []string{x, w, c}, onnx.FloatAttr("alpha", 0.5), onnx.FloatAttr("beta", -2), onnx.IntAttr("transB", 1))
	x = b.Node("MatMul", []string{x, b.Random(1, 0, 5, 7)})
	x = b.Add(x, b.Random(1, 0, 7))
	b.Output(x, 2)
	m := b.Model()
	before := m.Clone()
	if err := rewrite.PlainProducts(m); err != nil {
		t.Fatal(err)
	}
	if count(m, "Gemm") != 2 || len(m.Graph.Nodes) != 2 {
		t.Errorf("%d Gemm in %d nodes, want 2 in 2", count(m, "Gemm"), len(m.Graph.Nodes))
	}
	for _, n := range m.Graph.Nodes {
		if n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 {
			t.Errorf("%s has factors", n.Name)
		}
	}
	same(t, before, m, random(3, 6), 1e-6)
}
