package onnx

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestInferReference compares with ONNX's own shape inference on small models
// written the way exporters write them (testdata/gen.py). Where ONNX 1.12 cannot
// say, the expected shape is worked out by hand below.
func TestInferReference(t *testing.T) {
	byHand := map[string]string{ // N images; see gen.py for the models
		"view f": "N 8", "view y": "N 10",
		"tokens f": "N 16 16", "tokens t": "N 16 16", "tokens cb": "N 1 16", "tokens y": "N 17 16", "tokens ts": "3",
		"opset9 a": "N 2 31 32", // channels 1 to 3, all rows but the last
	}
	models := map[string]map[string]TypeShape{}
	for _, r := range readCSV(t, "shapes.csv") {
		name := r["model"]
		if models[name] == nil {
			m := load(t, filepath.Join("testdata", "models", name+".onnx"))
			models[name] = must(Infer(m, nil))(t)
		}
		got, key := models[name][r["value"]], name+" "+r["value"]
		want, corrected := byHand[key]
		if !corrected {
			want = r["shape"]
		}
		delete(byHand, key)
		if text := shapeText(got.Shape); text != want {
			t.Errorf("%s: %q, want %q", key, text, want)
		}
		if typ := strconv.Itoa(int(got.Elem)); typ != r["type"] {
			t.Errorf("%s: type %s, want %s", key, typ, r["type"])
		}
	}
	if len(byHand) > 0 {
		t.Errorf("values that no model has: %v", byHand)
	}
}

// shapeText writes a shape as testdata/gen.py does.
func shapeText(s Shape) string {
	if !s.Ranked() {
		return "unknown"
	}
	var parts []string
	for _, d := range s {
		parts = append(parts, d.String())
	}
	return strings.Join(parts, " ")
}

// TestInferBatch fixes the batch symbol: every dimension that has it follows,
// and nothing is left unknown.
func TestInferBatch(t *testing.T) {
	for _, name := range []string{"view", "tokens", "heads", "windows", "moves", "quantized", "broadcast", "opset9"} {
		m := load(t, filepath.Join("testdata", "models", name+".onnx"))
		symbolic := must(Infer(m, nil))(t)
		given := map[string]Shape{}
		for _, v := range m.Graph.DataInputs() {
			s := v.Type.Shape.Clone()
			for i := range s {
				if s[i].Name() == "N" {
					s[i] = Fixed(6)
				}
			}
			given[v.Name] = s
		}
		fixed := must(Infer(m, given))(t)
		if len(fixed) != len(symbolic) {
			t.Fatalf("%s: %d values, %d with symbols", name, len(fixed), len(symbolic))
		}
		for v, got := range fixed {
			if _, ok := got.Shape.Sizes(); !ok {
				t.Errorf("%s: %s is %v with a fixed batch", name, v, got)
			}
			want := symbolic[v].Shape.Clone()
			for i := range want {
				if want[i].Name() == "N" {
					want[i] = Fixed(6)
				}
			}
			if !compatible(TypeShape{Shape: want}, got) {
				t.Errorf("%s: %s is %v with a batch of 6, %v with a symbol", name, v, got, symbolic[v])
			}
		}
	}
}

func TestInferOverride(t *testing.T) {
	x := TypeShape{Float, MakeShape(1, 3, 8, 8)}
	m := modelOf(13, x, []*Tensor{floats(t, "w", 4, 3, 3, 3)}, nodeOf("Conv", "x w", "c"), nodeOf("Relu", "c", "y"))
	m.Graph.ValueInfo = []*ValueInfo{{Name: "c", Type: TypeShape{Float, MakeShape(1, 4, 6, 6)}}}
	m.Graph.Outputs[0].Type = TypeShape{Float, MakeShape(1, 4, 6, 6)}
	got := must(Infer(m, map[string]Shape{"x": MakeShape(32, 3, 8, 8)}))(t)
	if want := MakeShape(32, 4, 6, 6); !got["y"].Shape.Equal(want) || !got["c"].Shape.Equal(want) {
		t.Errorf("a batch of 32 where the file has 1: c %v, y %v, want %v", got["c"], got["y"], want)
	}
	_, err := Infer(m, map[string]Shape{"x": MakeShape(3, 8, 8)})
	wantError(t, err, ErrShape, `"x"`, "[3, 8, 8]", "[1, 3, 8, 8]")
	_, err = Infer(m, map[string]Shape{"image": MakeShape(1)})
	wantError(t, err, ErrShape, `"image"`, "no such input")

	m.Graph.Inputs[0].Type.Shape = Shape{Symbol("N"), Symbol("N"), Fixed(8), Fixed(8)}
	_, err = Infer(m, map[string]Shape{"x": MakeShape(32, 3, 8, 8)})
	wantError(t, err, ErrShape, "symbol N", "3", "32")
}

// TestInferDeclared: shapes of operators that are not known come from the file,
// and stay unknown without it.
func TestInferDeclared(t *testing.T) {
	m := modelOf(13, TypeShape{Float, MakeShape(2, 5)}, nil, nodeOf("LSTM", "x", "h"), nodeOf("Relu", "h", "y"))
	if got := must(Infer(m, nil))(t)["y"]; got.Elem != Undefined || got.Shape.Ranked() {
		t.Errorf("y is %v, want unknown", got)
	}
	m.Graph.ValueInfo = []*ValueInfo{{Name: "h", Type: TypeShape{Float, MakeShape(2, 7)}}}
	if got := must(Infer(m, nil))(t)["y"]; got.String() != "float32[2, 7]" {
		t.Errorf("y is %v, want float32[2, 7]", got)
	}
	m.Graph.Outputs[0].Type = TypeShape{Elem: Int64}
	_, err := Infer(m, nil)
	wantError(t, err, ErrShape, "float32", "int64", "Relu", "opset 13")
}

// TestInferRefuses: nodes whose inputs do not fit are errors that name the node,
// its operator and the opset.
func TestInferRefuses(t *testing.T) {
	image := TypeShape{Float, Shape{Symbol("N"), Fixed(3), Fixed(8), Fixed(8)}}
	for _, c := range []struct {
		name  string
		node  *Node
		inits []*Tensor
		says  string
	}{
		{"channels", nodeOf("Conv", "x w", "y"), []*Tensor{floats(t, "w", 4, 5, 3, 3)}, "3 channels"},
		{"groups", nodeOf("Conv", "x w", "y", IntAttr("group", 3)), []*Tensor{floats(t, "w", 4, 1, 3, 3)}, "multiple of 3 groups"},
		{"bias", nodeOf("Conv", "x w b", "y"), []*Tensor{floats(t, "w", 4, 3, 3, 3), floats(t, "b", 5)}, "bias [5]"},
		{"window too large", nodeOf("Conv", "x w", "y"), []*Tensor{floats(t, "w", 1, 3, 9, 1)}, "the window needs 9"},
		{"kernel", nodeOf("Conv", "x w", "y", IntsAttr("kernel_shape", 3, 3)), []*Tensor{floats(t, "w", 1, 3, 5, 5)}, "the weights have [5 5]"},
		{"strides", nodeOf("Conv", "x w", "y", IntsAttr("strides", 0, 1)), []*Tensor{floats(t, "w", 1, 3, 1, 1)}, "strides [0 1]"},
		{"pads", nodeOf("MaxPool", "x", "y", IntsAttr("kernel_shape", 2, 2), IntsAttr("pads", 1, 1)), nil, "pads has 2 entries, want 4"},
		{"element types", nodeOf("Add", "x k", "y"), []*Tensor{ints(t, "k", 1)}, "int64"},
		{"broadcast", nodeOf("Mul", "x k", "y"), []*Tensor{floats(t, "k", 5)}, "cannot be broadcast"},
		{"inner sizes", nodeOf("MatMul", "x k", "y"), []*Tensor{floats(t, "k", 7, 2)}, "inner sizes differ"},
		{"reshape", nodeOf("Reshape", "x r", "y"), []*Tensor{ints(t, "r", 0, -1, 0, 0, 0)}, "no dimension 4"},
		{"two inferred", nodeOf("Reshape", "x r", "y"), []*Tensor{ints(t, "r", -1, -1)}, "reshape to [-1, -1]"},
		{"axis", nodeOf("Softmax", "x", "y", IntAttr("axis", 4)), nil, "axis 4"},
		{"axis twice", nodeOf("Transpose", "x", "y", IntsAttr("perm", 0, 1, 1, 2)), nil, "named twice"},
		{"concat", nodeOf("Concat", "x k", "y", IntAttr("axis", 1)), []*Tensor{floats(t, "k", 1, 3, 8, 9)}, "dimension 3 differs"},
		{"split", nodeOf("Split", "x s", "y z", IntAttr("axis", 1)), []*Tensor{ints(t, "s", 1, 1)}, "add up to 2, the input has 3"},
		{"squeeze", nodeOf("Squeeze", "x s", "y"), []*Tensor{ints(t, "s", 1)}, "not of size 1"},
		{"slice step", nodeOf("Slice", "x a a a s", "y"), []*Tensor{ints(t, "a", 1), ints(t, "s", 0)}, "step of 0"},
		{"pad", nodeOf("Pad", "x p", "y"), []*Tensor{ints(t, "p", 0, -4, 0, 0, 0, 0, 0, 0)}, "leave nothing"},
		{"norm", nodeOf("BatchNormalization", "x k k k k", "y"), []*Tensor{floats(t, "k", 4)}, "3 channels"},
		{"scale", nodeOf("QuantizeLinear", "x k", "y"), []*Tensor{floats(t, "k", 4)}, "along axis 1"},
		{"rank", nodeOf("Unsqueeze", "x k", "y"), []*Tensor{ints(t, "k", manyInts(70)...)}, "dimensions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.node.Name = "the node"
			m := modelOf(13, image, c.inits, c.node)
			if err := Validate(m); err != nil {
				t.Fatalf("the graph itself is fine, Validate says %v", err)
			}
			_, err := Infer(m, nil)
			wantError(t, err, ErrShape, c.says, `node "the node" (`+c.node.Op+", opset 13)")
		})
	}
}

func manyInts(n int64) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(i)
	}
	return v
}

// TestInferMore has what ONNX 1.12's inference does not know, by hand.
func TestInferMore(t *testing.T) {
	image := TypeShape{Float, Shape{Symbol("N"), Fixed(3), Fixed(8), Fixed(9)}}
	for _, c := range []struct {
		name  string
		opset int64
		node  *Node
		inits []*Tensor
		want  string
	}{
		{"batch inferred", 13, nodeOf("Reshape", "x r", "y"), []*Tensor{ints(t, "r", -1, 216)}, "float32[N, 216]"},
		{"batch and split", 13, nodeOf("Reshape", "x r", "y"), []*Tensor{ints(t, "r", -1, 3, 4, 18)}, "float32[N, 3, 4, 18]"},
		{"half the batch", 13, nodeOf("Reshape", "x r", "y"), []*Tensor{ints(t, "r", -1, 432)}, "float32[?, 432]"},
		{"pad axes", 18, nodeOf("Pad", "x p _ a", "y"), []*Tensor{ints(t, "p", 1, 2), ints(t, "a", -1)}, "float32[N, 3, 8, 12]"},
		{"uneven split", 18, nodeOf("Split", "x", "y z", IntAttr("axis", 3), IntAttr("num_outputs", 2)), nil, "float32[N, 3, 8, 5]"},
		{"reduce input", 18, nodeOf("ReduceMean", "x a", "y"), []*Tensor{ints(t, "a", -1)}, "float32[N, 3, 8, 1]"},
		{"noop", 18, nodeOf("ReduceMean", "x", "y", IntAttr("noop_with_empty_axes", 1)), nil, "float32[N, 3, 8, 9]"},
		{"all axes", 18, nodeOf("ReduceMean", "x", "y", IntAttr("keepdims", 0)), nil, "float32[]"},
		{"quantized to int4", 21, nodeOf("QuantizeLinear", "x s", "y", IntAttr("output_dtype", int64(Int4))), []*Tensor{floats(t, "s")}, "int4[N, 3, 8, 9]"},
		{"gelu", 20, nodeOf("Gelu", "x", "y"), nil, "float32[N, 3, 8, 9]"},
		{"dilated average", 19, nodeOf("AveragePool", "x", "y", IntsAttr("kernel_shape", 3, 3), IntsAttr("dilations", 2, 3)), nil, "float32[N, 3, 4, 3]"},
		{"ceil in padding", 13, nodeOf("MaxPool", "x", "y", IntsAttr("kernel_shape", 1, 1), IntsAttr("strides", 2, 4), IntsAttr("pads", 0, 0, 1, 3), IntAttr("ceil_mode", 1)), nil, "float32[N, 3, 4, 3]"},
		{"backwards", 13, nodeOf("Slice", "x a b c d", "y"), []*Tensor{ints(t, "a", -1), ints(t, "b", -1<<63), ints(t, "c", 3), ints(t, "d", -4)}, "float32[N, 3, 8, 3]"},
		{"old softmax", 9, nodeOf("Softmax", "x", "y", IntAttr("axis", 4)), nil, "float32[N, 3, 8, 9]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := modelOf(c.opset, image, c.inits, c.node)
			if err := Validate(m); err != nil {
				t.Fatal(err)
			}
			if got := must(Infer(m, nil))(t)["y"].String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
