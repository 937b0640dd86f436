package op

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// run is one node on operands; a nil operand is left out.
func run(op string, opset, outputs int, attrs []*onnx.Attr, in ...any) ([]tensor.Tensor, error) {
	n := &onnx.Node{Op: op, Attrs: attrs}
	var args []Arg
	var ops []tensor.Tensor
	for i, x := range in {
		var t tensor.Tensor
		switch x := x.(type) {
		case tensor.Tensor:
			t = x
		case []float32:
			t = tensor.Vector(x...)
		case []int:
			t = tensor.FromInts(x)
		}
		args, ops = append(args, ArgOf(t)), append(ops, t)
		n.Inputs = append(n.Inputs, fmt.Sprint("x", i))
	}
	for i := range outputs {
		n.Outputs = append(n.Outputs, fmt.Sprint("y", i))
	}
	o, err := New(n, opset)
	if err != nil {
		return nil, err
	}
	infos, err := o.Infer(args)
	if err != nil {
		return nil, err
	}
	out := make([]tensor.Tensor, len(infos))
	for i, a := range infos {
		if out[i], err = tensor.Make(a.Type, a.Shape); err != nil {
			return nil, err
		}
	}
	return out, o.Eval(Env{}, ops, out)
}

func matrix(rows, cols int, v ...float32) tensor.Tensor {
	return tensor.Must(tensor.New([]int{rows, cols}, v))
}

// What an operator did before the opset that moved its attributes to inputs,
// or changed their meaning. Expected values follow by hand from the operator
// pages of ONNX (Operators.md and Changelog.md of release 1.16).
func TestOldOpsets(t *testing.T) {
	x := matrix(2, 3, 1, 2, 3, 4, 5, 6)
	ints := onnx.IntsAttr
	type attrs = []*onnx.Attr
	for _, c := range []struct {
		name  string
		opset int
		attrs attrs
		in    []any
		shape []int
		want  []float32
	}{
		{"Clip", 7, attrs{onnx.FloatAttr("min", 2), onnx.FloatAttr("max", 5)}, []any{x}, []int{2, 3}, []float32{2, 2, 3, 4, 5, 5}},
		{"Clip", 10, attrs{onnx.FloatAttr("max", 5)}, []any{x}, []int{2, 3}, []float32{1, 2, 3, 4, 5, 5}},
		{"Clip", 13, nil, []any{x, tensor.Scalar[float32](2), nil}, []int{2, 3}, []float32{2, 2, 3, 4, 5, 6}},
		{"Slice", 9, attrs{ints("starts", 0, 1), ints("ends", 1, 1000)}, []any{x}, []int{1, 2}, []float32{2, 3}},
		{"Slice", 10, nil, []any{x, []int{-1}, []int{-100}, []int{1}, []int{-2}}, []int{2, 2}, []float32{3, 1, 6, 4}},
		{"Pad", 10, attrs{ints("pads", 0, 1, 0, -1), onnx.FloatAttr("value", 9)}, []any{x}, []int{2, 3}, []float32{9, 1, 2, 9, 4, 5}},
		{"Pad", 18, attrs{onnx.StringAttr("mode", "reflect")}, []any{x, []int{2, 1}, nil, []int{1}}, []int{2, 6}, []float32{3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5}},
		{"Pad", 19, attrs{onnx.StringAttr("mode", "wrap")}, []any{x, []int{0, 1, 0, 2}}, []int{2, 6}, []float32{3, 1, 2, 3, 1, 2, 6, 4, 5, 6, 4, 5}},
		{"Squeeze", 11, attrs{ints("axes", 0)}, []any{matrix(1, 2, 1, 2)}, []int{2}, []float32{1, 2}},
		{"Unsqueeze", 11, attrs{ints("axes", 2, 0)}, []any{x}, []int{1, 2, 1, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"ReduceMean", 13, attrs{ints("axes", -1), onnx.IntAttr("keepdims", 0)}, []any{x}, []int{2}, []float32{2, 5}},
		{"ReduceMean", 18, attrs{onnx.IntAttr("noop_with_empty_axes", 1)}, []any{x}, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}},
		{"ReduceSum", 13, nil, []any{x, []int{0}}, []int{1, 3}, []float32{5, 7, 9}},
		{"ReduceMax", 13, nil, []any{x}, []int{1, 1}, []float32{6}},
		{"ReduceMin", 13, attrs{ints("axes", 1)}, []any{x}, []int{2, 1}, []float32{1, 4}},
		{"Sum", 8, nil, []any{x, []float32{1, 1, 1}, matrix(2, 1, 10, 20)}, []int{2, 3}, []float32{12, 13, 14, 25, 26, 27}},
		{"Max", 8, nil, []any{x, []float32{4}}, []int{2, 3}, []float32{4, 4, 4, 4, 5, 6}},
		{"Gemm", 7, attrs{onnx.IntAttr("transB", 1), onnx.FloatAttr("alpha", 2), onnx.FloatAttr("beta", 0.5)},
			[]any{matrix(1, 2, 1, 2), matrix(2, 2, 1, 0, 3, 4), []float32{10, 20}}, []int{1, 2}, []float32{7, 32}},
		{"Transpose", 7, nil, []any{x}, []int{3, 2}, []float32{1, 4, 2, 5, 3, 6}},
		{"Expand", 8, nil, []any{[]float32{1, 2}, []int{2, 1}}, []int{2, 2}, []float32{1, 2, 1, 2}},
		{"Gather", 11, attrs{onnx.IntAttr("axis", 1)}, []any{x, []int{-1, 0}}, []int{2, 2}, []float32{3, 1, 6, 4}},
	} {
		out, err := run(c.name, c.opset, 1, c.attrs, c.in...)
		if err != nil {
			t.Errorf("%s-%d: %v", c.name, c.opset, err)
			continue
		}
		if got := tensor.Data[float32](out[0]); !slices.Equal(got, c.want) || !slices.Equal(out[0].Shape(), c.shape) {
			t.Errorf("%s-%d: %v %v, want %v %v", c.name, c.opset, out[0].Shape(), got, c.shape, c.want)
		}
	}
}

// Before opset 13, Softmax sums over all axes from its own on.
func TestSoftmaxBeforeOpset13(t *testing.T) {
	x := tensor.Must(tensor.New([]int{1, 2, 2}, []float32{0, 0, 0, float32(math.Log(3))}))
	for _, c := range []struct {
		opset int
		want  []float64
	}{{11, []float64{1. / 6, 1. / 6, 1. / 6, 3. / 6}}, {13, []float64{.5, .5, .25, .75}}} {
		out, err := run("Softmax", c.opset, 1, nil, x)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range tensor.Data[float32](out[0]) {
			if math.Abs(float64(v)-c.want[i]) > 1e-7 {
				t.Errorf("opset %d: element %d is %g, want %g", c.opset, i, v, c.want[i])
			}
		}
	}
}

// Indices of a maximum count through the whole input, in the spatial axes'
// order or its reverse.
func TestMaxPoolIndices(t *testing.T) {
	x := tensor.Must(tensor.New([]int{1, 2, 2, 3}, []float32{1, 9, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0}))
	for order, want := range map[int64][]int64{0: {1, 8}, 1: {2, 10}} {
		attrs := []*onnx.Attr{onnx.IntsAttr("kernel_shape", 2, 3), onnx.IntAttr("storage_order", order)}
		out, err := run("MaxPool", 12, 2, attrs, x)
		if err != nil {
			t.Fatal(err)
		}
		if got := tensor.Data[int64](out[1]); !slices.Equal(got, want) {
			t.Errorf("storage order %d: %v, want %v", order, got, want)
		}
	}
}

// Integers wrap and round as ONNX defines.
func TestIntegers(t *testing.T) {
	i8 := func(v ...int8) tensor.Tensor { return tensor.Vector(v...) }
	for _, c := range []struct {
		op   string
		a, b tensor.Tensor
		want []int8
	}{
		{"Add", i8(127, -128), i8(1, -1), []int8{-128, 127}},
		{"Mul", i8(100, -128), i8(2, -1), []int8{-56, -128}},
		{"Div", i8(-7, 7, -128), i8(2, -2, -1), []int8{-3, -3, -128}},
		{"Min", i8(-1, 5), i8(0, 4), []int8{-1, 4}},
	} {
		out, err := run(c.op, 14, 1, nil, c.a, c.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := tensor.Data[int8](out[0]); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.op, got, c.want)
		}
	}
	if _, err := run("Div", 14, 1, nil, i8(1), i8(0)); err == nil {
		t.Error("divided by zero")
	}
	if scale, zero := DynamicRange([]float32{0, 0}); scale != 1 || zero != 0 {
		t.Errorf("range of zeros: scale %g, zero point %d", scale, zero)
	}
}

func TestSaturate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		v                  float32
		zero, lo, hi, want int32
	}{
		{0.5, 0, 0, 255, 0}, {1.5, 0, 0, 255, 2}, {2.5, 10, 0, 255, 12}, {-0.5, 0, -128, 127, 0}, {-1.5, 0, -128, 127, -2},
		{1e30, 3, 0, 255, 255}, {-1e30, 3, 0, 255, 0}, {nan, 7, -128, 127, -128}, {inf, 0, -128, 127, 127},
	} {
		if got := Saturate(c.v, c.zero, c.lo, c.hi); got != c.want {
			t.Errorf("Saturate(%g, %d, %d, %d) = %d, want %d", c.v, c.zero, c.lo, c.hi, got, c.want)
		}
	}
}

// Casts truncate, wrap and saturate the same on every machine.
func TestCast(t *testing.T) {
	x := tensor.Vector(1.9, -1.9, 300, -1, float32(math.NaN()), 1e30, -1e30)
	for to, want := range map[tensor.Type]string{
		tensor.Int8:   "[1 -1 44 -1 0 -1 0]",
		tensor.Uint8:  "[1 255 44 255 0 255 0]",
		tensor.Int64:  "[1 -1 300 -1 0 9223372036854775807 -9223372036854775808]",
		tensor.Uint64: "[1 18446744073709551615 300 18446744073709551615 0 18446744073709551615 9223372036854775808]",
		tensor.Bool:   "[true true true true true true true]",
	} {
		out, err := run("Cast", 13, 1, []*onnx.Attr{onnx.IntAttr("to", int64(to))}, x)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(out[0].Elements()); got != want {
			t.Errorf("to %v: %s, want %s", to, got, want)
		}
	}
	out, err := run("Cast", 13, 1, []*onnx.Attr{onnx.IntAttr("to", int64(tensor.Float32))}, tensor.Vector(true, false))
	if err != nil || fmt.Sprint(out[0].Elements()) != "[1 0]" {
		t.Errorf("bool to float: %v, %v", out, err)
	}
}

// What cannot be run is refused with its reason.
func TestUnsupported(t *testing.T) {
	x := matrix(1, 2, 1, 2)
	for name, c := range map[string]struct {
		op    string
		opset int
	}{
		"no such operator":        {"NonMaxSuppression", 13},
		"operator of a later set": {"Gelu", 19},
		"opset too old":           {"Relu", 6},
		"opset too new":           {"Relu", 99},
	} {
		if _, err := run(c.op, c.opset, 1, nil, x); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(&onnx.Node{Op: "Conv", Domain: "com.example", Outputs: []string{"y"}}, 13); !errors.Is(err, ErrUnsupported) {
		t.Errorf("another domain: %v", err)
	}
	if names := Names(); len(names) < 60 || !slices.IsSorted(names) {
		t.Errorf("%d names", len(names))
	}
}
