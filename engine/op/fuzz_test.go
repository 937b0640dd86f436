package op

import (
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// bytesReader hands out a fuzzer's bytes, zeros at the end.
type bytesReader []byte

func (b *bytesReader) next(n int) int {
	if len(*b) == 0 {
		return 0
	}
	v := int((*b)[0]) % n
	*b = (*b)[1:]
	return v
}

// node makes a node with any of the attributes that operators have.
func (b *bytesReader) node() *onnx.Node {
	names := Names()
	n := &onnx.Node{Op: names[b.next(len(names))]}
	for _, name := range []string{"kernel_shape", "strides", "dilations", "pads", "perm", "axes", "split", "starts", "ends"} {
		if b.next(3) > 0 {
			continue
		}
		var v []int64
		for range b.next(6) {
			v = append(v, int64(b.next(9)-2))
		}
		n.Attrs = append(n.Attrs, onnx.IntsAttr(name, v...))
	}
	for _, name := range []string{"axis", "group", "transA", "transB", "keepdims", "ceil_mode", "count_include_pad", "block_size",
		"noop_with_empty_axes", "allowzero", "size", "to", "output_dtype", "start", "end", "storage_order", "training_mode"} {
		if b.next(3) == 0 {
			n.Attrs = append(n.Attrs, onnx.IntAttr(name, int64(b.next(12)-3)))
		}
	}
	n.Attrs = append(n.Attrs, onnx.StringAttr("auto_pad", []string{"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", "?"}[b.next(5)]),
		onnx.StringAttr("mode", []string{"constant", "edge", "reflect", "wrap", "?"}[b.next(5)]))
	for range 1 + b.next(4) {
		n.Outputs = append(n.Outputs, []string{"y", "y", "y", ""}[b.next(4)])
	}
	return n
}

// operand is a small tensor, or nothing.
func (b *bytesReader) operand() tensor.Tensor {
	types := []tensor.Type{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Int8, tensor.Int32, tensor.F16, tensor.Bool, tensor.Float64, tensor.Undefined}
	typ := types[b.next(len(types))]
	if typ == tensor.Undefined {
		return tensor.Tensor{}
	}
	shape := make([]int, b.next(5))
	for i := range shape {
		shape[i] = b.next(5)
	}
	t := tensor.Must(tensor.Make(typ, shape))
	values := make([]int64, t.Len())
	for i := range values {
		values[i] = int64(b.next(9) - 3)
	}
	if err := castInt(t, values); err != nil {
		panic(err) // these types can be cast to
	}
	return t
}

// Whatever a model says, an operator refuses it or computes something: it does
// not panic, hang or ask for memory that the operands do not justify.
func FuzzOperators(f *testing.F) {
	for i := range Names() {
		f.Add([]byte{byte(i), 13, 1, 0, 2, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9})
		f.Add([]byte{byte(i), 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 3, 3, 3, 3, 0, 4, 3, 3, 3, 3})
	}
	f.Fuzz(func(t *testing.T, data []byte) { tryOperator(t, data) })
}

// TestRandomOperators does the same with random bytes.
func TestRandomOperators(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	ran := map[string]bool{}
	for range 20_000 {
		data := make([]byte, rng.IntN(300))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if op := tryOperator(t, data); op != "" {
			ran[op] = true
		}
	}
	if len(ran) < 40 {
		t.Errorf("only %d operators were run", len(ran))
	}
}

// tryOperator makes a node and operands of data and runs them, if the operands
// fit; it returns the operator that ran.
func tryOperator(t *testing.T, data []byte) string {
	b := bytesReader(data)
	n := b.node()
	var args []Arg
	var in []tensor.Tensor
	for range b.next(10) {
		x := b.operand()
		args, in = append(args, ArgOf(x)), append(in, x)
	}
	o, err := New(n, MinOpset+b.next(MaxOpset-MinOpset+1))
	if err != nil {
		return ""
	}
	infos, err := o.Infer(args)
	if err != nil {
		return ""
	}
	out := make([]tensor.Tensor, len(infos))
	for i, a := range infos {
		if size, err := tensor.Elements(a.Shape); err != nil || size > 1<<16 {
			return ""
		}
		if out[i], err = tensor.Make(a.Type, a.Shape); err != nil {
			t.Fatalf("%s: Infer gave %v%v: %v", n.Op, a.Type, a.Shape, err)
		}
	}
	if err := o.Eval(Env{}, in, out); err != nil {
		return ""
	}
	return n.Op
}
