package onnx

import (
	"bytes"
	"reflect"
	"testing"
)

// everything is a model with attributes of all types, a function, metadata and
// values that are not tensors.
func everything(t testing.TB) *Model {
	t.Helper()
	g := &Graph{Name: "inner", Nodes: []*Node{nodeOf("Relu", "x", "i")}, Outputs: []*ValueInfo{{Name: "i"}}}
	strs := &Attr{Name: "ss", Type: AttrStrings, Strings: [][]byte{[]byte("a"), []byte("")}}
	n := nodeOf("Mix", "x _ x", "_ y", IntAttr("i", -5), FloatAttr("f", 0.25), StringAttr("s", "text"), TensorAttr("t", floats(t, "inside", 2)),
		GraphAttr("g", g), FloatsAttr("fs", 1, -2), IntsAttr("is", 3, -4), strs,
		&Attr{Name: "ts", Type: AttrTensors, Tensors: []*Tensor{floats(t, "one"), ints(t, "two", 1, 2)}},
		&Attr{Name: "gs", Type: AttrGraphs, Graphs: []*Graph{{Name: "second", Nodes: []*Node{nodeOf("Relu", "x", "j")}, Outputs: []*ValueInfo{{Name: "j"}}}}},
		&Attr{Name: "tp", Type: AttrTypeProto, extra: message{}.bytes(14, message{}.bytes(1, message{}.varint(1, 7)))})
	n.Graph().Name = "renamed"
	n.Name, n.Domain = "mix", "com.example"
	m := modelOf(17, TypeShape{Float, Shape{Symbol("N"), Dim{}, Fixed(0)}}, nil, n)
	m.Opsets = append(m.Opsets, Opset{"com.example", 3})
	m.Producer, m.Domain, m.Version, m.Doc = Producer{"tool", "1.2"}, "org.example", 7, "a model"
	m.Graph.Doc = "a graph"
	m.Graph.Inputs = append(m.Graph.Inputs, &ValueInfo{Name: "seq", Other: message{}.bytes(4, message{}.bytes(1, message{}.bytes(1, message{}.varint(1, 1))))})
	ref := &Attr{Name: "alpha", Type: AttrFloat, Ref: "slope"}
	m.Functions = []*Function{{Name: "Mix", Domain: "com.example", Overload: "o", Inputs: []string{"a"}, Outputs: []string{"b"},
		Attrs: []string{"slope"}, Defaults: []*Attr{FloatAttr("bias", 1)}, Opsets: []Opset{{"", 17}},
		Nodes: []*Node{nodeOf("LeakyRelu", "a", "b", ref)}}}
	m.SetMeta("key", "first")
	m.SetMeta("other", "value")
	m.SetMeta("key", "second")
	return m
}

// Graph is the node's first subgraph.
func (n *Node) Graph() *Graph { return n.Subgraphs()[0] }

func TestEverythingRoundTrip(t *testing.T) {
	m := everything(t)
	if err := Validate(m); err != nil {
		t.Fatal(err)
	}
	b := must(Encode(m))(t)
	again := must(Decode(b))(t)
	if got := must(Encode(again))(t); !bytes.Equal(got, b) {
		t.Error("encoding what was decoded gives other bytes")
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"producer", again.Producer, m.Producer}, {"metadata", again.Metadata, []Property{{"key", "second"}, {"other", "value"}}},
		{"function", again.Functions[0], m.Functions[0]}, {"inputs", again.Graph.Inputs, m.Graph.Inputs}, {"opsets", again.Opsets, m.Opsets},
		{"document", again.Doc + again.Graph.Doc + again.Domain, "a modela graphorg.example"}, {"version", again.Version, int64(7)},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, c.got, c.want)
		}
	}
	want := m.Graph.Nodes[0]
	for i, a := range again.Graph.Nodes[0].Attrs {
		if !reflect.DeepEqual(a, want.Attrs[i]) {
			t.Errorf("attribute %s: %+v, want %+v", a.Name, a, want.Attrs[i])
		}
	}
	n := again.Graph.Nodes[0]
	if n.Tensor("t") == nil || n.Tensor("g") != nil || n.Subgraph("g") == nil || n.Subgraph("t") != nil || len(n.Subgraphs()) != 2 || n.Graph().Name != "renamed" {
		t.Error("tensors and graphs are found by name and type")
	}
	if v, ok := again.Meta("key"); v != "second" || !ok {
		t.Errorf("key is %q, %v", v, ok)
	}
	if _, ok := again.Meta("none"); ok {
		t.Error("a key that is not there was found")
	}
	if v, ok := again.Opset("com.example"); v != 3 || !ok {
		t.Errorf("com.example in version %d, %v", v, ok)
	}
	clone := must(Encode(m.Clone()))(t)
	if !bytes.Equal(clone, b) {
		t.Error("a clone encodes to other bytes")
	}
}

// TestDefaultDomain: "ai.onnx" is the default domain.
func TestDefaultDomain(t *testing.T) {
	node := message{}.string(1, "x").string(2, "y").string(4, "Relu").string(7, "ai.onnx")
	graph := message{}.bytes(1, node).bytes(11, message{}.string(1, "x")).bytes(12, message{}.string(1, "y"))
	m := must(Decode(message{}.varint(1, 8).bytes(7, graph).bytes(8, message{}.string(1, "ai.onnx").varint(2, 13))))(t)
	if err := Validate(m); err != nil || m.Graph.Nodes[0].Domain != "" || len(Unknown(m)) != 0 {
		t.Errorf("%v, domain %q", err, m.Graph.Nodes[0].Domain)
	}
}

func TestDecodeRefuses(t *testing.T) {
	model := func(node message) message {
		return message{}.varint(1, 8).bytes(7, message{}.bytes(1, node))
	}
	attr := func(a message) message { return model(message{}.string(4, "Op").string(3, "the node").bytes(5, a)) }
	for _, c := range []struct {
		name string
		b    message
		says string
	}{
		{"no operator", model(message{}.string(3, "n")), `node "n": not a well-formed ONNX file: a node without an operator`},
		{"attribute without a name", attr(message{}.varint(3, 1).varint(20, 2)), "attribute without a name"},
		{"tensor that is not there", attr(message{}.string(1, "a").varint(20, int64(AttrTensor))), "attribute a is a tensor that is not there"},
		{"graph that is not there", attr(message{}.string(1, "a").varint(20, int64(AttrGraph))), "a graph that is not there"},
		{"attribute type", attr(message{}.string(1, "a").varint(20, 15)), "attribute type(15)"},
		{"broken tensor", attr(message{}.string(1, "a").bytes(5, []byte{0x0a})), `node "the node" (Op): `},
		{"floats", attr(message{}.string(1, "a").bytes(7, []byte{1, 2, 3})), "no whole number of floats"},
		{"two graphs", message{}.bytes(7, nil).bytes(7, nil), "two graphs"},
		{"initializer without a name", message{}.bytes(7, message{}.bytes(5, message{}.varint(2, 1).bytes(9, make([]byte, 4)))), "initializer #0 has no name"},
		{"function without a name", message{}.bytes(7, nil).bytes(25, message{}.string(10, "d")), "function without a name"},
		{"wire type", message{}.varint(7, 1), "field 7 has wire type 0, want 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(c.b)
			wantError(t, err, ErrMalformed, c.says)
		})
	}
	_, err := Decode(message{}.bytes(7, message{}.bytes(15, nil)))
	wantError(t, err, ErrUnsupported, "sparse initializers")
}

func TestConstants(t *testing.T) {
	for _, c := range []struct {
		attr *Attr
		want string
	}{
		{TensorAttr("value", floats(t, "", 2, 3)), "float32[2, 3]"},
		{FloatAttr("value_float", 1), "float32[]"}, {FloatsAttr("value_floats", 1, 2), "float32[2]"},
		{IntAttr("value_int", 1), "int64[]"}, {IntsAttr("value_ints", 1, 2, 3), "int64[3]"},
		{StringAttr("value_string", "s"), "string[]"}, {&Attr{Name: "value_strings", Type: AttrStrings, Strings: [][]byte{{1}}}, "string[1]"},
		{&Attr{Name: "sparse_value", Type: AttrSparseTensor}, "?[...]"},
	} {
		m := modelOf(13, TypeShape{}, nil, nodeOf("Constant", "", "y", c.attr))
		if err := Validate(m); err != nil {
			t.Fatal(err)
		}
		if got := must(Infer(m, nil))(t)["y"].String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.attr.Name, got, c.want)
		}
		if k := m.Graph.Nodes[0].Constant(); (k == nil) != (c.attr.Type == AttrSparseTensor) {
			t.Errorf("%s: the constant is %v", c.attr.Name, k)
		}
	}
	m := modelOf(13, TypeShape{}, nil, nodeOf("Constant", "", "y"))
	_, err := Infer(m, nil)
	wantError(t, err, ErrShape, "without a value")
}

func TestTensorAccessors(t *testing.T) {
	f64 := must(TensorOf("d", []float64{1, 2}, 2))(t)
	i8 := must(TensorOf("i", []int8{-1, 2}, 2))(t)
	u8 := must(TensorOf("u", []uint8{1, 2}, 2))(t)
	h := must(NewTensor("h", BFloat16, []int64{2}, []byte{1, 0, 2, 0}))(t)
	if !reflect.DeepEqual(must(f64.Float64s())(t), []float64{1, 2}) || !reflect.DeepEqual(must(i8.Int8s())(t), []int8{-1, 2}) ||
		!reflect.DeepEqual(must(u8.Uint8s())(t), []uint8{1, 2}) || !reflect.DeepEqual(must(h.Bits16())(t), []uint16{1, 2}) {
		t.Error("elements are not those the tensors were made of")
	}
	for typ, err := range map[DataType]error{
		Int16: second(TensorOf("x", []int16{1}, 2)), Uint32: second(TensorOf("x", []uint32{1}, 2)), Uint16: second(TensorOf("x", []uint16{1}, 2)),
		Int32: second(TensorOf("x", []int32{1}, 2)), Uint64: second(TensorOf("x", []uint64{1}, 2)),
	} {
		wantError(t, err, ErrShape, typ.String()+"[2]", "needs")
	}
	c := f64.Clone()
	c.Raw[0], c.Dims[0] = 9, 9
	if f64.Raw[0] == 9 || f64.Dims[0] == 9 {
		t.Error("a clone shares its bytes")
	}
	if got := must(i8.AsFloat32s())(t); !reflect.DeepEqual(got, []float32{-1, 2}) {
		t.Errorf("int8 as float32: %v", got)
	}
}

func second[T any](_ T, err error) error { return err }
