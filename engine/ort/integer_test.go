//go:build ort && (linux || darwin)

package ort

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
	"golang.org/x/sys/cpu"
)

// integerCases is how many random nodes each operator is compared on.
const integerCases = 150

// A single integer operator gives ONNX Runtime's result bit for bit, on random
// shapes, strides, paddings, groups, scales and zero points. The engine runs it
// on its kernels and by its definition.
func TestIntegerOperators(t *testing.T) {
	l := library(t)
	for _, op := range []string{"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"} {
		t.Run(op, func(t *testing.T) {
			distinct := 0
			for seed := range uint64(integerCases) {
				b := newInteger(op, seed)
				switch op {
				case "QLinearConv", "ConvInteger":
					b.conv(op == "QLinearConv")
				default:
					b.matMul(op == "QLinearMatMul")
				}
				distinct = max(distinct, sameBits(t, l, b, fmt.Sprintf("%s, seed %d", op, seed)))
			}
			if distinct < 50 {
				t.Errorf("at most %d distinct results in a case: the cases saturate", distinct)
			}
		})
	}
}

// sameBits runs a case everywhere. It returns the number of distinct results.
func sameBits(t *testing.T, l *Library, b *integer, name string) int {
	t.Helper()
	want, err := sessionOf(t, l, b.model, engine.Options{Threads: 2}).Run(t.Context(), b.feeds)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, b.what)
	}
	for _, o := range []engine.Options{{Threads: 2}, {Threads: 1, Reference: true}} {
		s, err := engine.New(b.model, o)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, b.what)
		}
		got, err := s.Run(t.Context(), b.feeds)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, b.what)
		}
		if !tensor.Equal(got["y"], want["y"]) {
			t.Errorf("%s (reference %t): %s\n%s", name, o.Reference, difference(got["y"], want["y"]), b.what)
		}
	}
	v, _ := want["y"].Ints()
	seen := map[int]bool{}
	for _, x := range v {
		seen[x] = true
	}
	return len(seen)
}

func difference(got, want engine.Tensor) string {
	g, _ := got.Ints()
	w, _ := want.Ints()
	if len(g) != len(w) {
		return fmt.Sprintf("%v, want %v", got, want)
	}
	n, first := 0, ""
	for i := range w {
		if g[i] != w[i] {
			if n++; first == "" {
				first = fmt.Sprintf("element %d is %d, want %d", i, g[i], w[i])
			}
		}
	}
	return fmt.Sprintf("%d of %d elements of %v differ; %s", n, len(w), want, first)
}

// integer is one random node as a model, and its inputs.
type integer struct {
	rng   *rand.Rand
	node  *onnx.Node
	model *onnx.Model
	feeds map[string]engine.Tensor
	what  string
	names int
}

func newInteger(op string, seed uint64) *integer {
	n := &onnx.Node{Name: "node", Op: op, Outputs: []string{"y"}}
	return &integer{
		rng:   rand.New(rand.NewPCG(seed, 0x696e74)),
		node:  n,
		feeds: map[string]engine.Tensor{},
		model: &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: &onnx.Graph{Name: op, Nodes: []*onnx.Node{n}}},
	}
}

// between is a random whole number from lo to hi.
func (b *integer) between(lo, hi int) int { return lo + b.rng.IntN(hi-lo+1) }

func (b *integer) chance(percent int) bool { return b.rng.IntN(100) < percent }

func dims64(shape []int) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}

// constant adds an initializer as the next operand.
func constant[T onnx.Number](b *integer, data []T, shape ...int) {
	b.names++
	name := fmt.Sprintf("c%d", b.names)
	t, err := onnx.TensorOf(name, data, dims64(shape)...)
	if err != nil {
		panic(err) // the shape is made for the data
	}
	b.model.Graph.Initializers = append(b.model.Graph.Initializers, t)
	b.node.Inputs = append(b.node.Inputs, name)
}

// byteTensor is random bytes, signed or not. reduced keeps to 7 bits.
func byteTensor(b *integer, signed, reduced bool, shape []int) engine.Tensor {
	n, _ := tensor.Elements(shape)
	if !signed {
		d := make([]uint8, n)
		for i := range d {
			d[i] = uint8(b.between(0, 255))
			if reduced {
				d[i] /= 2
			}
		}
		return tensor.Must(tensor.New(shape, d))
	}
	d := make([]int8, n)
	for i := range d {
		d[i] = int8(b.between(-128, 127))
		if reduced {
			d[i] /= 2
		}
	}
	return tensor.Must(tensor.New(shape, d))
}

// operand adds a tensor as the next operand: fed in, or as an initializer.
func (b *integer) operand(t engine.Tensor, asInput bool) {
	switch {
	case asInput:
		b.names++
		name := fmt.Sprintf("x%d", b.names)
		shape := make(onnx.Shape, t.Rank())
		for i, d := range t.Shape() {
			shape[i] = onnx.Fixed(int64(d))
		}
		b.model.Graph.Inputs = append(b.model.Graph.Inputs, &onnx.ValueInfo{Name: name,
			Type: onnx.TypeShape{Elem: onnx.DataType(t.Type()), Shape: shape}})
		b.feeds[name] = t
		b.node.Inputs = append(b.node.Inputs, name)
	case t.Type() == tensor.Int8:
		constant(b, tensor.Data[int8](t), t.Shape()...)
	default:
		constant(b, tensor.Data[uint8](t), t.Shape()...)
	}
}

// zeroPoint adds a scalar zero point as the next operand.
func (b *integer) zeroPoint(signed bool, zero int) {
	if signed {
		constant(b, []int8{int8(zero)})
	} else {
		constant(b, []uint8{uint8(zero)})
	}
}

// middle is a random zero point not far from where weights have it.
func (b *integer) middle(signed bool) int {
	if signed {
		return b.between(-20, 20)
	}
	return b.between(108, 148)
}

// reducedRange tells whether weights must keep to 7 bits: where the machine has
// no instruction that multiplies bytes without saturating, ONNX Runtime's sums
// of full 8-bit products are not exact (its documentation: reduce_range).
func reducedRange() bool {
	return cpu.X86.HasAVX2 && !cpu.X86.HasAVX512VNNI && !cpu.X86.HasAVXVNNI
}

// scales are those of x, w and y, so that sums of k products spread over y's
// range.
func (b *integer) scales(k int) (x, w, y float32) {
	x = float32(math.Exp(b.rng.Float64()*6 - 6))
	w = float32(math.Exp(b.rng.Float64()*6 - 6))
	y = float32(float64(x) * float64(w) * math.Sqrt(float64(k)) * 74 * 74 / (30 + 60*b.rng.Float64()))
	return x, w, y
}

// output declares the result.
func (b *integer) output(elem onnx.DataType, rank int) {
	b.model.Graph.Outputs = []*onnx.ValueInfo{{Name: "y", Type: onnx.TypeShape{Elem: elem, Shape: make(onnx.Shape, rank)}}}
}

func byteType(signed bool) onnx.DataType {
	if signed {
		return onnx.Int8
	}
	return onnx.Uint8
}
