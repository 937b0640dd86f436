package onnx

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

func TestIndex(t *testing.T) {
	m := nested(t)
	x := m.Graph.Index()
	relu, branch := m.Graph.Nodes[0], m.Graph.Nodes[1]
	if x.Producer("a") != relu || x.Producer("x") != nil || x.Producer("k") != nil {
		t.Error("a comes from Relu, x and k from no node")
	}
	if got := x.Uses("x"); !reflect.DeepEqual(got, []Use{{relu, 0}}) {
		t.Errorf("uses of x: %v", got)
	}
	if got := x.Uses("a"); !reflect.DeepEqual(got, []Use{{branch, -1}, {branch, -1}}) {
		t.Errorf("uses of a: %v, want one for each branch", got)
	}
	if x.Initializer("k") == nil || x.Input("x") == nil || !x.IsOutput("y") || x.IsOutput("a") {
		t.Error("k is an initializer, x an input, y the only output")
	}
	m.Graph.Nodes = append(m.Graph.Nodes, nodeOf("Constant", "", "one", IntAttr("value_int", 1)))
	m.Graph.Inputs = append(m.Graph.Inputs, &ValueInfo{Name: "k"})
	x = m.Graph.Index()
	if c := x.Constant("one"); c == nil || c.Type != Int64 {
		t.Errorf("the constant is %v", c)
	}
	if x.Constant("k") != nil || x.Constant("cond") == nil || x.Constant("a") != nil {
		t.Error("cond never changes; k may be given by a caller, a is computed")
	}
}

func TestFresh(t *testing.T) {
	n := nested(t).Graph.Names()
	for _, c := range []struct{ base, want string }{{"new", "new"}, {"new", "new_1"}, {"k", "k_1"}, {"Neg_out", "Neg_out_1"}, {"k", "k_2"}} {
		if got := n.Fresh(c.base); got != c.want {
			t.Errorf("Fresh(%q) = %q, want %q", c.base, got, c.want)
		}
	}
}

// TestReplace: Conv becomes Conv and Relu, and the graph stays valid.
func TestReplace(t *testing.T) {
	m := conv(t)
	g, old := m.Graph, m.Graph.Nodes[0]
	name := g.Names().Fresh("pre")
	c := old.Clone()
	c.Outputs[0] = name
	if err := g.Replace(old, c, nodeOf("Relu", name, "c")); err != nil {
		t.Fatal(err)
	}
	if old.Outputs[0] != "c" {
		t.Error("a clone shares its outputs")
	}
	if got := []string{g.Nodes[0].Op, g.Nodes[1].Op, g.Nodes[2].Op}; !slices.Equal(got, []string{"Conv", "Relu", "Constant"}) {
		t.Errorf("nodes %v", got)
	}
	if err := Validate(m); err != nil {
		t.Error(err)
	}
	wantError(t, g.Replace(old), ErrGraph, "not in the graph")
	wantError(t, g.Replace(g.Nodes[0], nodeOf("Relu", "x", "k")), ErrGraph, `"k"`, "another source")
	wantError(t, g.Insert(nil, nodeOf("Relu", "x", "w")), ErrGraph, `"w"`)
	wantError(t, g.Insert(old, nodeOf("Relu", "x", "v")), ErrGraph, "not in the graph")
	if err := g.Insert(g.Nodes[1], nodeOf("Relu", "x", "v")); err != nil || g.Nodes[1].Outputs[0] != "v" {
		t.Errorf("insert: %v, node %v", err, g.Nodes[1])
	}
}

func TestRemove(t *testing.T) {
	m := conv(t)
	g := m.Graph
	wantError(t, g.Remove(g.Nodes[0]), ErrGraph, `"c"`, "reads it")
	wantError(t, g.Remove(g.Nodes[3]), ErrGraph, `"y"`, "output of the graph")
	if len(g.Nodes) != 4 {
		t.Fatal("a refused edit changed the graph")
	}
	// Leave the addition out: the reshape reads the convolution.
	g.Redirect("a", "c")
	if err := g.Remove(g.Nodes[1], g.Nodes[2]); err != nil {
		t.Fatal(err)
	}
	if err := Validate(m); err != nil {
		t.Error(err)
	}
	if got := g.Nodes[1].Inputs[0]; got != "c" || len(g.Nodes) != 2 {
		t.Errorf("reshape reads %s in %d nodes", got, len(g.Nodes))
	}
}

func TestRename(t *testing.T) {
	m := nested(t)
	g := m.Graph
	for _, r := range [][2]string{{"a", "act"}, {"k", "addend"}, {"y", "scores"}, {"x", "image"}} {
		if err := g.Rename(r[0], r[1]); err != nil {
			t.Fatal(err)
		}
		if err := Validate(m); err != nil {
			t.Fatalf("after renaming %s: %v", r[0], err)
		}
	}
	if g.Inputs[0].Name != "image" || g.Outputs[0].Name != "scores" || g.Initializer("addend") == nil {
		t.Error("names at the ends of the graph did not change")
	}
	if got := g.Nodes[1].Subgraph("then_branch").Nodes[1].Inputs; !slices.Equal(got, []string{"Neg_out", "addend"}) {
		t.Errorf("the branch reads %v", got)
	}
	wantError(t, g.Rename("act", "Neg_out"), ErrGraph, "taken")
	wantError(t, g.Rename("none", "some"), ErrGraph, "no such value")
	wantError(t, g.Rename("act", ""), ErrGraph, "empty")
	g.Redirect("act", "image")
	if got := g.Nodes[1].Subgraph("else_branch").Nodes[0].Inputs[0]; got != "image" {
		t.Errorf("after a redirect the branch reads %s", got)
	}
}

func TestInitializers(t *testing.T) {
	g := conv(t).Graph
	wantError(t, g.AddInitializer(floats(t, "x", 1)), ErrGraph, "an input")
	wantError(t, g.AddInitializer(floats(t, "w", 1)), ErrGraph, "an initializer")
	wantError(t, g.AddInitializer(floats(t, "c", 1)), ErrGraph, "a node's output")
	wantError(t, g.AddInitializer(floats(t, "", 1)), ErrGraph, "empty")
	bad := floats(t, "new", 2)
	bad.Dims = []int64{3}
	wantError(t, g.AddInitializer(bad), ErrShape, "12 bytes")
	if err := g.AddInitializer(floats(t, "new", 2)); err != nil || g.Initializer("new") == nil {
		t.Error(err)
	}
	g.Inputs = append(g.Inputs, &ValueInfo{Name: "b", Type: TypeShape{Float, MakeShape(8)}})
	half := must(NewTensor("b", Float16, []int64{8}, make([]byte, 16)))(t)
	if err := g.ReplaceInitializer(half); err != nil || g.Initializer("b") != half || g.Inputs[1].Type.Elem != Float16 {
		t.Errorf("replaced: %v, the input is %v", err, g.Inputs[1].Type)
	}
	wantError(t, g.ReplaceInitializer(floats(t, "none", 1)), ErrGraph, "no such initializer")
}

func TestPrune(t *testing.T) {
	m := nested(t)
	g := m.Graph
	before := must(Encode(m))(t)
	g.Nodes = append(g.Nodes, nodeOf("Exp", "x", "e"), nodeOf("Add", "e dead", "f"))
	g.Initializers = append(g.Initializers, floats(t, "dead", 2))
	g.Inputs = append(g.Inputs, &ValueInfo{Name: "dead"}, &ValueInfo{Name: "unused"})
	g.ValueInfo = []*ValueInfo{{Name: "e"}}
	g.Prune()
	if got := g.Inputs[len(g.Inputs)-1].Name; got != "unused" {
		t.Errorf("the last input is %s; an input that callers give must stay", got)
	}
	g.Inputs = g.Inputs[:1]
	if after := must(Encode(m))(t); !bytes.Equal(before, after) {
		t.Error("what was added and not used is still there, or something else is gone")
	}
}

// TestClone: edits of a clone do not reach the model, its weights are shared.
func TestClone(t *testing.T) {
	m := nested(t)
	m.Functions = []*Function{{Name: "f", Domain: "d", Inputs: []string{"i"}, Outputs: []string{"i"}}}
	before := must(Encode(m))(t)
	c := m.Clone()
	if got := must(Encode(c))(t); !bytes.Equal(got, before) {
		t.Fatal("a clone is another model")
	}
	if &c.Graph.Initializers[0].Raw[0] != &m.Graph.Initializers[0].Raw[0] {
		t.Error("a clone has its own weights")
	}
	c.Graph.Rename("a", "act")
	c.Graph.Nodes[0].SetAttr(IntAttr("n", 1))
	c.Graph.Initializers[0].Dims[0] = 99
	c.Graph.Outputs[0].Type = TypeShape{Float, MakeShape(1)}
	c.Functions[0].Inputs[0] = "j"
	c.SetMeta("k", "v")
	if got := must(Encode(m))(t); !bytes.Equal(got, before) {
		t.Error("editing a clone changed the model")
	}
}

func TestAttrs(t *testing.T) {
	n := nodeOf("Op", "x", "y", IntAttr("a", 1), StringAttr("b", "s"), FloatsAttr("c", 1, 2), FloatAttr("d", 0.5))
	n.SetAttr(IntAttr("a", 2))
	n.RemoveAttr("d")
	if v, ok := n.Floats("c"); n.Int("a", 0) != 2 || n.Str("b", "") != "s" || !ok || v[1] != 2 || n.Attr("d") != nil || len(n.Attrs) != 3 {
		t.Errorf("attributes %+v", n.Attrs)
	}
	if n.Input(0) != "x" || n.Input(1) != "" || n.Output(0) != "y" || n.Output(-1+2) != "" {
		t.Error("inputs and outputs past the end are left out")
	}
}
