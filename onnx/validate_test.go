package onnx

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// TestValidateRefuses breaks a valid model in one way each.
func TestValidateRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		edit   func(m *Model)
		reason error
		says   string
	}{
		{"IR version", func(m *Model) { m.IRVersion = MaxIRVersion + 1 }, ErrUnsupported, "IR version 14, want 3 to 13"},
		{"old opset", func(m *Model) { m.Opsets[0].Version = 6 }, ErrUnsupported, "opset 6, want 7 to 25"},
		{"new opset", func(m *Model) { m.Opsets[0].Version = 26 }, ErrUnsupported, "opset 26, want 7 to 25"},
		{"no opset", func(m *Model) { m.Opsets = nil }, ErrGraph, "no operator set"},
		{"two opsets", func(m *Model) { m.Opsets = append(m.Opsets, Opset{"", 9}) }, ErrGraph, "versions 13 and 9"},
		{"no graph", func(m *Model) { m.Graph = nil }, ErrMalformed, "without a graph"},
		{"missing initializer", func(m *Model) { m.Graph.Initializers = m.Graph.Initializers[1:] }, ErrGraph, `node "#0" (Conv, opset 13): input "w" has no source`},
		{"missing output", func(m *Model) { m.Graph.Outputs[0].Name = "z" }, ErrGraph, `value "z"`},
		{"two sources", func(m *Model) { m.Graph.Nodes[2].Outputs[0] = "c" }, ErrGraph, `output "c" already has another source`},
		{"output over initializer", func(m *Model) { m.Graph.Nodes[0].Outputs[0] = "w" }, ErrGraph, `"w" already has`},
		{"two inputs", func(m *Model) { m.Graph.Inputs = append(m.Graph.Inputs, m.Graph.Inputs[0]) }, ErrGraph, "two graph inputs"},
		{"two initializers", func(m *Model) { m.Graph.Initializers[1].Name = "w" }, ErrGraph, "two initializers"},
		{"cycle", func(m *Model) { m.Graph.Nodes[0].Inputs[0] = "a" }, ErrGraph, `node "#0" (Conv, opset 13): the node is part of a cycle`},
		{"own output", func(m *Model) { m.Graph.Nodes[2].Inputs[1] = "a" }, ErrGraph, "cycle"},
		{"data", func(m *Model) { m.Graph.Initializers[0].Dims[0] = 9 }, ErrShape, `value "w": float32[9 3 3 3] needs 972 bytes, there are 864`},
		{"declared input", func(m *Model) {
			m.Graph.Inputs = append(m.Graph.Inputs, &ValueInfo{Name: "b", Type: TypeShape{Float, MakeShape(9)}})
		}, ErrShape, "float32[8]"},
		{"inputs", func(m *Model) { m.Graph.Nodes[0].Inputs = []string{"x"} }, ErrGraph, "1 inputs, want 2 to 3"},
		{"left out input", func(m *Model) { m.Graph.Nodes[2].Inputs[0] = "" }, ErrGraph, "input 0 is left out"},
		{"outputs", func(m *Model) { m.Graph.Nodes[2].Outputs = []string{"a", "a2"} }, ErrGraph, "2 outputs, want 1"},
		{"attribute", func(m *Model) { m.Graph.Nodes[0].SetAttr(IntAttr("alpha", 1)) }, ErrGraph, "attribute alpha is not"},
		{"attribute type", func(m *Model) { m.Graph.Nodes[0].SetAttr(IntAttr("strides", 1)) }, ErrGraph, "strides is int, want ints"},
		{"missing attribute", func(m *Model) {
			m.Graph.Nodes[2].Op, m.Graph.Nodes[2].Inputs = "LRN", []string{"c"}
		}, ErrGraph, "attribute size is missing"},
		{"later operator", func(m *Model) {
			m.Graph.Nodes[2] = &Node{Name: "act", Op: "Gelu", Inputs: []string{"c"}, Outputs: []string{"a"}}
		}, ErrOperator, `node "act" (Gelu, opset 13): the operator came with opset 20`},
		{"domain", func(m *Model) { m.Graph.Nodes[2].Domain = "com.example" }, ErrOperator, `(com.example.Add): the model does not import`},
		{"subgraph", func(m *Model) {
			m.Graph.Nodes = append(m.Graph.Nodes, nodeOf("If", "x", "i", GraphAttr("then_branch", &Graph{Nodes: []*Node{nodeOf("Relu", "none", "o")}})))
		}, ErrGraph, `input "none" has no source`},
		{"function", func(m *Model) {
			m.Functions = []*Function{{Name: "f", Domain: "d", Outputs: []string{"o"}}}
		}, ErrGraph, "in function d.f"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := conv(t)
			m.Path = "some/model.onnx"
			if err := Validate(m); err != nil {
				t.Fatalf("the model is valid before the edit: %v", err)
			}
			c.edit(m)
			err := Validate(m)
			wantError(t, err, c.reason, c.says, "some/model.onnx: ")
		})
	}
}

// nested is a model whose If node reads values of the graph around it.
func nested(t testing.TB) *Model {
	t.Helper()
	branch := func(op string) *Graph {
		return &Graph{Nodes: []*Node{nodeOf(op, "a", op+"_out"), nodeOf("Add", op+"_out k", op+"_sum")},
			Outputs: []*ValueInfo{{Name: op + "_sum"}}}
	}
	cond := must(NewTensor("cond", Bool, nil, []byte{1}))(t)
	m := modelOf(13, TypeShape{Float, MakeShape(2)}, []*Tensor{floats(t, "k", 2), cond},
		nodeOf("Relu", "x", "a"),
		nodeOf("If", "cond", "y", GraphAttr("then_branch", branch("Neg")), GraphAttr("else_branch", branch("Abs"))))
	if err := Validate(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSort: a shuffled graph comes back in an order in which every node follows
// its producers, and a sorted one keeps its order.
func TestSort(t *testing.T) {
	m := load(t, filepath.Join("testdata", "models", "tokens.onnx"))
	before := slices.Clone(m.Graph.Nodes)
	if err := m.Graph.Sort(); err != nil || !slices.Equal(before, m.Graph.Nodes) {
		t.Errorf("a sorted graph changed its order: %v", err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(m.Graph.Nodes), func(i, j int) {
			m.Graph.Nodes[i], m.Graph.Nodes[j] = m.Graph.Nodes[j], m.Graph.Nodes[i]
		})
		if err := Validate(m); err != nil {
			t.Fatalf("nodes may stand in any order: %v", err)
		}
		if err := m.Graph.Sort(); err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{"x": true}
		for _, x := range m.Graph.Initializers {
			have[x.Name] = true
		}
		for _, n := range m.Graph.Nodes {
			for _, in := range n.Inputs {
				if !have[in] {
					t.Fatalf("%s reads %s before it is there", n.Op, in)
				}
			}
			for _, out := range n.Outputs {
				have[out] = true
			}
		}
	}
}

// TestSortSubgraph: a node comes after what its subgraphs read.
func TestSortSubgraph(t *testing.T) {
	m := nested(t)
	slices.Reverse(m.Graph.Nodes)
	if err := m.Graph.Sort(); err != nil {
		t.Fatal(err)
	}
	if got := m.Graph.Nodes[0].Op; got != "Relu" {
		t.Errorf("%s comes first; the branches of If read what Relu gives", got)
	}
	m.Graph.Nodes[0].Inputs[0] = "y"
	if err := m.Graph.Sort(); err == nil {
		t.Error("a cycle through a subgraph was not noticed")
	}
}

func TestMinHeap(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var h minHeap
	var want []int
	for range 200 {
		v := r.IntN(100)
		h.push(v)
		want = append(want, v)
	}
	slices.Sort(want)
	for i, w := range want {
		if got := h.pop(); got != w {
			t.Fatalf("pop %d gives %d, want %d", i, got, w)
		}
	}
}

// TestSortLong: a chain of 100,000 nodes in reverse is no matter of stack or
// square time.
func TestSortLong(t *testing.T) {
	const n = 100_000
	g := &Graph{}
	for i := n; i > 0; i-- {
		g.Nodes = append(g.Nodes, nodeOf("Relu", "v"+strconv.Itoa(i-1), "v"+strconv.Itoa(i)))
	}
	if err := g.Sort(); err != nil || g.Nodes[0].Outputs[0] != "v1" || g.Nodes[n-1].Outputs[0] != "v100000" {
		t.Errorf("not in order: %v", err)
	}
}

func TestUnknown(t *testing.T) {
	m := nested(t)
	m.Path = "m.onnx"
	m.Graph.Nodes[1].Subgraph("else_branch").Nodes[0].Op = "Bernoulli"
	m.Graph.Nodes[0].Domain, m.Graph.Nodes[0].Op = "com.example", "Mix"
	m.Opsets = append(m.Opsets, Opset{"com.example", 2})
	if err := Validate(m); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range Unknown(m) {
		wantError(t, e, ErrOperator, "m.onnx")
		got = append(got, e.Op+strconv.FormatInt(e.Opset, 10))
	}
	if want := []string{"com.example.Mix2", "If13", "Bernoulli13"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	m.Functions = []*Function{{Name: "Mix", Domain: "com.example"}}
	if got := len(Unknown(m)); got != 2 {
		t.Errorf("%d operators are unknown, want 2: the model defines com.example.Mix", got)
	}
}
