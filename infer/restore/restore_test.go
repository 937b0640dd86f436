package restore_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/infer/restore"
	"github.com/lethe-audit/lethe/onnx"
)

// net is a small residual network with batch normalizations.
func net(seed uint64) *onnx.Model {
	b := enginetest.New("net", seed)
	x := b.Input("x", -1, 3, 8, 8)
	conv := func(x string) string {
		return b.BatchNorm(b.Conv(x, enginetest.ConvSpec{Out: 8, Kernel: 3}))
	}
	y := b.Relu(conv(x))
	z := b.Relu(b.Add(conv(b.Relu(conv(y))), y))
	b.Output(b.Dense(z, 5), 2)
	return b.Model()
}

func images(n int, seed uint64) map[string]tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 1))
	data := make([]float32, n*3*8*8)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	return map[string]tensor.Tensor{"x": tensor.Must(tensor.New([]int{n, 3, 8, 8}, data))}
}

func run(t *testing.T, m *onnx.Model, in map[string]tensor.Tensor, o engine.Options) map[string]tensor.Tensor {
	t.Helper()
	s, err := engine.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// zeroed is the model with every second weight of the named layer's node set to 0.
func zeroed(t *testing.T, m *onnx.Model, layers ...string) *onnx.Model {
	t.Helper()
	c := m.Clone()
	for _, n := range c.Graph.Nodes {
		if !slices.Contains(layers, n.Name) {
			continue
		}
		w := c.Graph.Initializer(n.Inputs[1])
		data, err := w.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		data = slices.Clone(data)
		for i := 0; i < len(data); i += 2 {
			data[i] = 0
		}
		z, err := onnx.TensorOf(w.Name, data, w.Dims...)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Graph.ReplaceInitializer(z); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// quantized is the model in QDQ form, with ranges from random images.
func quantized(t *testing.T, m *onnx.Model, fold bool) *onnx.Model {
	t.Helper()
	var err error
	if fold {
		if m, err = enginetest.FoldBatchNorm(m); err != nil {
			t.Fatal(err)
		}
	}
	ranges := map[string]enginetest.Range{}
	for name, v := range run(t, m, images(16, 9), engine.Options{KeepIntermediates: true}) {
		if f, ok := v.Float32s(); ok && len(f) > 0 {
			ranges[name] = enginetest.Range{Low: slices.Min(f), High: slices.Max(f)}
		}
	}
	x, _ := images(16, 9)["x"].Float32s()
	ranges["x"] = enginetest.Range{Low: slices.Min(x), High: slices.Max(x)}
	q, err := enginetest.QuantizeQDQ(m, ranges, false)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func layerNames(m *onnx.Model) (names []string) {
	for _, n := range m.Graph.Nodes {
		if n.Op == "Conv" || n.Op == "Gemm" {
			names = append(names, n.Name)
		}
	}
	return names
}

// output is the single output of the network, by the name it has there.
func output(t *testing.T, m *onnx.Model, out map[string]tensor.Tensor) []float32 {
	t.Helper()
	f, ok := out[m.Graph.Outputs[0].Name].Float32s()
	if !ok {
		t.Fatal("no output")
	}
	return f
}

func distance(a, b []float32) (d float64) {
	for i := range a {
		d += float64(a[i]-b[i]) * float64(a[i]-b[i])
	}
	return d
}

// A pruned layer that is put back gives the baseline's bits; layers that were
// left alone are not among them.
func TestPruned(t *testing.T) {
	base := net(1)
	names := layerNames(base)
	one := zeroed(t, base, names[1])
	p, err := restore.Match(base, one)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Layers) != 1 || p.Layers[0].Name != names[1] || !slices.Equal(p.Kept, append([]string{names[0]}, names[2:]...)) {
		t.Fatalf("layers %+v, kept %v", p.Layers, p.Kept)
	}
	m, err := p.Model(0)
	if err != nil {
		t.Fatal(err)
	}
	in := images(3, 2)
	if !slices.Equal(output(t, base, run(t, base, in, engine.Options{})), output(t, m, run(t, m, in, engine.Options{}))) {
		t.Error("the only changed layer was put back, and the output is not the baseline's")
	}
	all := zeroed(t, base, names...)
	if p, err = restore.Match(base, all); err != nil || len(p.Layers) != len(names) {
		t.Fatalf("%d layers of %d: %v", len(p.Layers), len(names), err)
	}
	for i, l := range p.Layers {
		want := zeroed(t, base, slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == l.Name })...)
		m, err := p.Model(i)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(output(t, want, run(t, want, in, engine.Options{})), output(t, m, run(t, m, in, engine.Options{}))) {
			t.Errorf("layer %s is not restored alone", l.Name)
		}
	}
}

// candidates are compressed forms of a baseline by every kind of rewriting.
func candidates(t *testing.T, base *onnx.Model) map[string]*onnx.Model {
	t.Helper()
	half, err := enginetest.Half(base)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*onnx.Model{
		"pruned":          zeroed(t, base, layerNames(base)...),
		"float16":         withFloatEnds(t, half),
		"qdq":             quantized(t, base, false),
		"norms folded in": quantized(t, base, true),
		"dynamic":         dynamic(t, base),
	}
}

// withFloatEnds casts input and output of a float16 model.
func withFloatEnds(t *testing.T, m *onnx.Model) *onnx.Model {
	t.Helper()
	c := m.Clone()
	g := c.Graph
	in, out := g.Inputs[0], g.Outputs[0]
	name := out.Name
	if err := g.Rename(name, name+"_half"); err != nil {
		t.Fatal(err)
	}
	g.Redirect("x", "x_half")
	to := func(name, from, result string, typ onnx.DataType) *onnx.Node {
		return &onnx.Node{Name: name, Op: "Cast", Inputs: []string{from}, Outputs: []string{result}, Attrs: []*onnx.Attr{onnx.IntAttr("to", int64(typ))}}
	}
	if err := g.Insert(g.Nodes[0], to("cast_in", "x", "x_half", onnx.Float16)); err != nil {
		t.Fatal(err)
	}
	if err := g.Insert(nil, to("cast_out", name+"_half", name, onnx.Float)); err != nil {
		t.Fatal(err)
	}
	in.Type.Elem, out.Type.Elem, out.Name = onnx.Float, onnx.Float, name
	return c
}

// dynamic replaces every convolution by DynamicQuantizeLinear and ConvInteger.
func dynamic(t *testing.T, m *onnx.Model) *onnx.Model {
	t.Helper()
	c := m.Clone()
	g := c.Graph
	for _, n := range slices.Clone(g.Nodes) {
		if n.Op != "Conv" {
			continue
		}
		w := g.Initializer(n.Inputs[1])
		data, err := w.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		top := max(slices.Max(data), -slices.Min(data)) / 127
		ints := make([]int8, len(data))
		for i, v := range data {
			ints[i] = int8(v / top)
		}
		add := func(x *onnx.Tensor, err error) string {
			if err == nil {
				err = g.AddInitializer(x)
			}
			if err != nil {
				t.Fatal(err)
			}
			return x.Name
		}
		at := n.Name
		wi, ws := add(onnx.TensorOf(at+"_wi", ints, w.Dims...)), add(onnx.TensorOf(at+"_ws", []float32{top}))
		conv := n.Clone()
		conv.Op, conv.Name = "ConvInteger", at+"_int"
		conv.Inputs, conv.Outputs = []string{at + "_q", wi, at + "_z"}, []string{at + "_sum"}
		mul := at + "_mul"
		nodes := []*onnx.Node{
			{Name: at + "_dq", Op: "DynamicQuantizeLinear", Inputs: []string{n.Inputs[0]}, Outputs: []string{at + "_q", at + "_s", at + "_z"}},
			conv,
			{Name: at + "_cast", Op: "Cast", Inputs: []string{at + "_sum"}, Outputs: []string{at + "_f"}, Attrs: []*onnx.Attr{onnx.IntAttr("to", int64(onnx.Float))}},
			{Name: at + "_scale", Op: "Mul", Inputs: []string{at + "_s", ws}, Outputs: []string{at + "_ss"}},
			{Name: mul, Op: "Mul", Inputs: []string{at + "_f", at + "_ss"}, Outputs: []string{n.Outputs[0]}},
		}
		if len(n.Inputs) > 2 {
			t.Fatal("a convolution with a bias")
		}
		if err := g.Replace(n, nodes...); err != nil {
			t.Fatal(err)
		}
	}
	g.Prune()
	return c
}

// In every form each layer can be put back alone, gives a valid model, and the
// part behind the cut gives the bits of the whole restored model.
func TestEveryScheme(t *testing.T) {
	base := net(3)
	in := images(4, 5)
	want := output(t, base, run(t, base, in, engine.Options{}))
	for name, cand := range candidates(t, base) {
		t.Run(name, func(t *testing.T) {
			p, err := restore.Match(base, cand)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range p.Layers {
				got = append(got, l.Name)
			}
			changed := layerNames(base)
			if name == "dynamic" { // the product was left in float
				changed = changed[:len(changed)-1]
			}
			if !slices.Equal(got, changed) {
				t.Fatalf("layers %v, want %v (kept %v)", got, changed, p.Kept)
			}
			var cuts []string
			for i := range p.Layers {
				x, err := p.Part(i, false)
				if err != nil {
					t.Fatal(err)
				}
				cuts = append(cuts, x.Reads...)
			}
			tapped, err := p.Tapped(cuts)
			if err != nil {
				t.Fatal(err)
			}
			values := run(t, tapped, in, engine.Options{Reference: true})
			maps.Copy(values, in)
			compressed := distance(want, output(t, cand, run(t, cand, in, engine.Options{})))
			if compressed == 0 {
				t.Fatal("nothing was compressed")
			}
			better := 0
			for i, l := range p.Layers {
				m, err := p.Model(i)
				if err != nil {
					t.Fatal(err)
				}
				if err := onnx.Validate(m); err != nil {
					t.Fatalf("%s: %v", l.Name, err)
				}
				whole := output(t, m, run(t, m, in, engine.Options{Reference: true}))
				x, _ := p.Part(i, false)
				if err := onnx.Validate(x.Model); err != nil {
					t.Fatalf("%s: %v", l.Name, err)
				}
				reads := map[string]tensor.Tensor{}
				for _, r := range x.Reads {
					reads[r] = values[r]
				}
				part := output(t, m, run(t, x.Model, reads, engine.Options{Reference: true}))
				if !slices.Equal(part, whole) {
					t.Errorf("%s: the part behind the cut and the whole model differ", l.Name)
				}
				if distance(want, whole) < compressed {
					better++
				}
			}
			if better == 0 {
				t.Error("no restored layer brings the output nearer to the baseline's")
			}
		})
	}
}

func TestErrors(t *testing.T) {
	base := net(1)
	other := net(2).Clone()
	if err := other.Graph.Rename("x", "y"); err != nil {
		t.Fatal(err)
	}
	if _, err := restore.Match(base, other); !errors.Is(err, restore.ErrNoMatch) {
		t.Errorf("another input: %v", err)
	}
	old := zeroed(t, base, layerNames(base)...)
	old.Opsets = []onnx.Opset{{Version: 8}}
	if _, err := restore.Match(base, old); err == nil {
		t.Error("operators that mean something else are no error")
	}
}
