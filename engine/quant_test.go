package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// quantized is a network with QDQ pairs, its ranges from one batch.
func quantized(t testing.TB, m *onnx.Model, in map[string]Tensor, signed bool) *onnx.Model {
	t.Helper()
	m, err := enginetest.FoldBatchNorm(m)
	if err != nil {
		t.Fatal(err)
	}
	ranges := map[string]enginetest.Range{}
	for _, values := range []map[string]Tensor{in, runModel(t, m, Options{KeepIntermediates: true}, in)} {
		for name, v := range values {
			if d := tensor.Data[float32](v); len(d) > 0 {
				ranges[name] = enginetest.Range{Low: slices.Min(d), High: slices.Max(d)}
			}
		}
	}
	if m, err = enginetest.QuantizeQDQ(m, ranges, signed); err != nil {
		t.Fatal(err)
	}
	return m
}

// quantNets are the graphs that quantized tests run.
func quantNets() []enginetest.Graph {
	var out []enginetest.Graph
	for _, g := range enginetest.Graphs() {
		if slices.Contains([]string{"residual", "depthwise", "grouped", "inception", "preactivation"}, g.Name) {
			out = append(out, g)
		}
	}
	return out
}

// A graph with QDQ pairs runs in integers from its first convolution to its
// last, and its kernels give bit for bit what the definitions of the integer
// operators give.
func TestQDQInIntegers(t *testing.T) {
	for _, g := range quantNets() {
		for _, signed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/signed=%t", g.Name, signed), func(t *testing.T) {
				in := graphInput(3, 31)
				m := quantized(t, g.Make(), in, signed)
				want := definitions(t, m, in)
				for _, level := range kernel.Levels() {
					cpu := level.String()
					p, err := Compile(m, Options{Threads: 2, CPU: cpu})
					if err != nil {
						t.Fatal(err)
					}
					got, err := p.NewSession().Run(t.Context(), in)
					if err != nil {
						t.Fatal(err)
					}
					for name := range want {
						if !tensor.Equal(got[name], want[name]) {
							t.Errorf("cpu %q: output %q differs from the definitions", cpu, name)
						}
					}
					onlyIntegers(t, p)
				}
			})
		}
	}
}

// definitions runs the graph that the integer pass leaves, each operator by its
// definition.
func definitions(t *testing.T, m *onnx.Model, in map[string]Tensor) map[string]Tensor {
	t.Helper()
	p, err := Compile(m, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	p.opts.Reference = true
	out, err := p.NewSession().Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// onlyIntegers fails if a convolution or a sum of a plan works on floats.
func onlyIntegers(t *testing.T, p *Program) {
	t.Helper()
	q, err := p.newPlan(p.base, []op.Arg{{Type: tensor.Float32, Shape: []int{3, enginetest.GraphChannels, enginetest.GraphHeight, enginetest.GraphWidth}}})
	if err != nil {
		t.Fatal(err)
	}
	integer, sums := 0, 0
	for _, c := range q.code {
		switch low := c.step.low.(type) {
		case *quantLow:
			integer++
		case *convLow:
			t.Errorf("%s runs as %T", c.step.node, low)
		case *binaryLow:
			sums++
		}
		if c.step.op != nil && strings.Contains(fmt.Sprintf("%T", c.step.op), "QLinear") {
			t.Errorf("%s runs by its definition %T", c.step.node, c.step.op)
		}
	}
	if integer == 0 {
		t.Error("no integer product")
	}
	if sums > 1 { // one that is an output is not quantized
		t.Errorf("%d sums of floats", sums)
	}
}

// Quantized networks give ONNX Runtime's class on nearly every image; the
// outputs differ by what a rounding the other way makes of a value halfway
// between two integers.
func TestQDQAgainstORT(t *testing.T) {
	ort := enginetest.NeedORT(t)
	const images = 200
	for _, signed := range []bool{false, true} {
		t.Run(fmt.Sprintf("signed=%t", signed), func(t *testing.T) {
			calibration := map[string]Tensor{"x": randomTensor(1, 16, 3, 32, 32)}
			m := quantized(t, enginetest.ResNet8(), calibration, signed)
			in := map[string]Tensor{"x": randomTensor(2, images, 3, 32, 32)}
			r, err := ort.Run(t.Context(), t.TempDir(), enginetest.Job{Model: m, Inputs: in, Threads: 2, Optimize: true})
			if err != nil {
				t.Fatal(err)
			}
			name := m.Graph.Outputs[0].Name
			got := tensor.Data[float32](runModel(t, m, Options{Threads: 2}, in)[name])
			want := tensor.Data[float32](r.Outputs[name])
			same, exact := 0, 0
			for i := range images {
				g, w := got[i*10:(i+1)*10], want[i*10:(i+1)*10]
				if slices.Index(g, slices.Max(g)) == slices.Index(w, slices.Max(w)) {
					same++
				}
				if closeTo(tensor.Vector(g...), tensor.Vector(w...), 1e-6) == nil {
					exact++
				}
			}
			t.Logf("%d of %d images: the same class %d, the same probabilities %d", images, images, same, exact)
			if same < images*99/100 {
				t.Errorf("the same class on %d of %d images", same, images)
			}
		})
	}
}

// Networks that are quantized while they run take the byte kernels, to the bit
// what their operators' definitions give, and agree with ONNX Runtime.
func TestDynamicQuantization(t *testing.T) {
	for _, perChannel := range []bool{false, true} {
		t.Run(fmt.Sprintf("per channel=%t", perChannel), func(t *testing.T) {
			m, in := enginetest.Dynamic(perChannel), graphInput(3, 41)
			want := runModel(t, m, Options{Threads: 1, Reference: true}, in)
			for _, level := range kernel.Levels() {
				cpu := level.String()
				p, err := Compile(m, Options{Threads: 2, CPU: cpu})
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.NewSession().Run(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				for name := range want {
					if err := closeTo(got[name], want[name], 1e-6); err != nil {
						t.Errorf("cpu %q: %v", cpu, err)
					}
				}
				steps, err := p.Steps(map[string][]int{"x": in["x"].Shape()})
				if err != nil {
					t.Fatal(err)
				}
				joined := 0
				for _, s := range steps {
					if s.Kernel == "quant" && len(s.Nodes) == 4 {
						joined++
					}
				}
				if joined != 2 {
					t.Errorf("%d integer products with Cast, Mul and Add joined, want 2: %v", joined, steps)
				}
			}
			for name, w := range runORT(t, m, in) {
				if err := closeTo(want[name], w, floatTol); err != nil {
					t.Errorf("ONNX Runtime: %v", err)
				}
			}
		})
	}
}

// intCase is one integer operator with random operands.
type intCase struct {
	name string
	make func(b *intBuilder)
}

// intBuilder makes a graph of one integer node whose first operand is an input.
type intBuilder struct {
	rng *rand.Rand
	g   *onnx.Graph
	in  map[string]Tensor
}

func (b *intBuilder) tensor(name string, typ tensor.Type, shape ...int) string {
	t := tensor.Must(tensor.Make(typ, shape))
	switch typ {
	case tensor.Float32:
		for i, d := 0, tensor.Data[float32](t); i < len(d); i++ {
			d[i] = 0.001 + 0.01*b.rng.Float32()
		}
	case tensor.Int32:
		for i, d := 0, tensor.Data[int32](t); i < len(d); i++ {
			d[i] = int32(b.rng.IntN(4000) - 2000)
		}
	default:
		for i, d := 0, t.Bytes8(); i < len(d); i++ {
			d[i] = byte(b.rng.IntN(256))
		}
	}
	return b.give(name, t)
}

func (b *intBuilder) give(name string, t Tensor) string {
	dims, shape := []int64{}, onnx.Shape{}
	for _, d := range t.Shape() {
		dims, shape = append(dims, int64(d)), append(shape, onnx.Fixed(int64(d)))
	}
	if name == "x" {
		b.in[name] = t
		b.g.Inputs = append(b.g.Inputs, &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: onnx.DataType(t.Type()), Shape: shape}})
		return name
	}
	var k *onnx.Tensor
	var err error
	switch t.Type() {
	case tensor.Float32:
		k, err = onnx.TensorOf(name, tensor.Data[float32](t), dims...)
	case tensor.Int32:
		k, err = onnx.TensorOf(name, tensor.Data[int32](t), dims...)
	case tensor.Int8:
		k, err = onnx.TensorOf(name, tensor.Data[int8](t), dims...)
	default:
		k, err = onnx.TensorOf(name, tensor.Data[uint8](t), dims...)
	}
	if err != nil {
		panic(err) // the tensor has these dims
	}
	b.g.Initializers = append(b.g.Initializers, k)
	return name
}

// zero is a zero point; weights of ONNX Runtime's int8 kernels have none.
func (b *intBuilder) zero(name string, typ tensor.Type, shape ...int) string {
	t := tensor.Must(tensor.Make(typ, shape))
	for i, d := 0, t.Bytes8(); i < len(d); i++ {
		d[i] = byte(b.rng.IntN(200))
	}
	return b.give(name, t)
}

func (b *intBuilder) node(op string, out tensor.Type, attrs []*onnx.Attr, in ...string) {
	b.g.Nodes = []*onnx.Node{{Name: "n", Op: op, Inputs: in, Outputs: []string{"y"}, Attrs: attrs}}
	b.g.Outputs = []*onnx.ValueInfo{{Name: "y", Type: onnx.TypeShape{Elem: onnx.DataType(out)}}}
}

func intCases() []intCase {
	u8, s8 := tensor.Uint8, tensor.Int8
	conv := func(x, w tensor.Type, groups int) intCase {
		return intCase{fmt.Sprintf("QLinearConv/%v-%v-%d", x, w, groups), func(b *intBuilder) {
			in, out := groups*(1+b.rng.IntN(9)), groups*(1+b.rng.IntN(12))
			k := 1 + b.rng.IntN(3)
			wz := b.give("wz", tensor.Must(tensor.Make(w, []int{out})))
			if w == u8 { // one zero point for all channels
				wz = b.zero("wz2", w)
			}
			ws := b.tensor("ws", tensor.Float32, map[bool][]int{true: {}, false: {out}}[w == u8]...)
			b.node("QLinearConv", x, []*onnx.Attr{onnx.IntAttr("group", int64(groups)), onnx.IntsAttr("pads", 1, 0, 1, 2), onnx.IntsAttr("strides", 1, 2)},
				b.tensor("x", x, 2, in, 9, 10), b.tensor("xs", tensor.Float32), b.zero("xz", x), b.tensor("w", w, out, in/groups, k, k), ws, wz,
				b.give("ys", tensor.Scalar(0.001*float32(in*k*k))), b.zero("yz", x), b.tensor("b", tensor.Int32, out))
		}}
	}
	product := func(a, w tensor.Type) intCase {
		return intCase{fmt.Sprintf("QLinearMatMul/%v-%v", a, w), func(b *intBuilder) {
			m, k, n := 1+b.rng.IntN(20), 1+b.rng.IntN(40), 1+b.rng.IntN(40)
			b.node("QLinearMatMul", a, nil, b.tensor("x", a, m, k), b.tensor("xs", tensor.Float32), b.zero("xz", a),
				b.tensor("w", w, k, n), b.tensor("ws", tensor.Float32), b.zero("wz", w),
				b.give("ys", tensor.Scalar(0.001*float32(k))), b.zero("yz", a))
		}}
	}
	convInteger := func(w tensor.Type) intCase {
		return intCase{fmt.Sprintf("ConvInteger/%v", w), func(b *intBuilder) {
			in, out := 1+b.rng.IntN(9), 1+b.rng.IntN(30)
			b.node("ConvInteger", tensor.Int32, []*onnx.Attr{onnx.IntsAttr("pads", 1, 1, 0, 2), onnx.IntsAttr("dilations", 1, 2)},
				b.tensor("x", u8, 2, in, 8, 9), b.tensor("w", w, out, in, 3, 2), b.zero("xz", u8), b.give("wz", tensor.Must(tensor.Make(w, nil))))
		}}
	}
	productInteger := func(a, w tensor.Type) intCase {
		return intCase{fmt.Sprintf("MatMulInteger/%v-%v", a, w), func(b *intBuilder) {
			m, k, n := 1+b.rng.IntN(20), 1+b.rng.IntN(40), 1+b.rng.IntN(40)
			b.node("MatMulInteger", tensor.Int32, nil, b.tensor("x", a, 2, m, k), b.tensor("w", w, k, n), b.zero("xz", a), b.zero("wz", w, n))
		}}
	}
	return []intCase{conv(u8, s8, 1), conv(u8, u8, 1), conv(s8, s8, 1), conv(u8, s8, 4), conv(s8, s8, 3),
		product(u8, u8), product(u8, s8), product(s8, s8), convInteger(u8), convInteger(s8),
		productInteger(u8, u8), productInteger(u8, s8), productInteger(s8, s8)}
}

// Single integer operators give bit for bit what ONNX Runtime gives.
func TestIntegerOperatorsAgainstORT(t *testing.T) {
	ort := enginetest.NeedORT(t)
	for _, c := range intCases() {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(4) {
				b := &intBuilder{rng: rand.New(rand.NewPCG(seed, 8)), g: &onnx.Graph{Name: "g"}, in: map[string]Tensor{}}
				c.make(b)
				m := &onnx.Model{IRVersion: 9, Opsets: []onnx.Opset{{Version: 20}}, Graph: b.g}
				r, err := ort.Run(t.Context(), t.TempDir(), enginetest.Job{Model: m, Inputs: b.in, Threads: 1})
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range []Options{{Threads: 2}, {Threads: 1, CPU: "scalar"}, {Threads: 1, Reference: true}} {
					if got := runModel(t, m, o, b.in)["y"]; !tensor.Equal(got, r.Outputs["y"]) {
						t.Errorf("seed %d, %+v: %v differs from %v", seed, o, got, r.Outputs["y"])
					}
				}
			}
		})
	}
}
