package zoo

import (
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/onnx"
)

// opset is the operator set of the networks: old enough for the tools that
// people use, and it has every operator needed.
const opset, irVersion = 17, 8

// bnMomentum is what a running statistic keeps of itself at every step.
const bnMomentum = 0.9

// value is an image inside a graph: its name, channels and side in pixels.
type value struct {
	name string
	c    int
	size int
}

// builder makes a graph layer by layer. Tensors and nodes are named by the path
// of their layer, such as "stage2.block1.conv1.weight".
type builder struct {
	g       *onnx.Graph
	cfg     Config
	epsilon float32 // of batch normalization
	weight  filler  // of convolutions
	err     error
}

func newBuilder(name string, c Config) *builder {
	return &builder{g: &onnx.Graph{Name: name}, cfg: c, epsilon: 1e-5, weight: heNormal(fanIn)}
}

// input is the image.
func (b *builder) input() value {
	n := int64(b.cfg.Size)
	shape := onnx.Shape{onnx.Symbol("N"), onnx.Fixed(int64(b.cfg.Channels)), onnx.Fixed(n), onnx.Fixed(n)}
	b.g.Inputs = append(b.g.Inputs, &onnx.ValueInfo{Name: "input", Type: onnx.TypeShape{Elem: onnx.Float, Shape: shape}})
	return value{"input", b.cfg.Channels, b.cfg.Size}
}

// model finishes the graph.
func (b *builder) model() (*onnx.Model, error) {
	m := &onnx.Model{
		IRVersion: irVersion,
		Opsets:    []onnx.Opset{{Version: opset}},
		Producer:  onnx.Producer{Name: "lethe"},
		Graph:     b.g,
	}
	if b.err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", b.g.Name, b.err)
	}
	return m, onnx.Validate(m)
}

// node adds a node whose one output is named after it.
func (b *builder) node(name, op string, inputs []string, attrs ...*onnx.Attr) string {
	out := name + ".out"
	b.g.Nodes = append(b.g.Nodes, &onnx.Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{out}, Attrs: attrs})
	return out
}

// tensor adds a constant of float32.
func (b *builder) tensor(name string, dims []int64, fill filler) string {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	data := make([]float32, n)
	fill(stream(b.cfg.Seed, name), dims, data)
	t, err := onnx.TensorOf(name, data, dims...)
	if err != nil {
		b.err = err
		return name
	}
	b.g.Initializers = append(b.g.Initializers, t)
	return name
}

// convSpec is a square convolution; zero fields mean 1, no bias.
type convSpec struct {
	out, kernel, stride, groups int
	bias                        bool
	same                        bool // pad as TensorFlow does: the odd pixel at the end
}

// conv adds a convolution that keeps the size, but for its stride.
func (b *builder) conv(name string, x value, s convSpec) value {
	k, stride, groups := int64(max(1, s.kernel)), max(1, s.stride), max(1, s.groups)
	in := []string{x.name, b.tensor(name+".weight", []int64{int64(s.out), int64(x.c / groups), k, k}, b.weight)}
	if s.bias {
		in = append(in, b.tensor(name+".bias", []int64{int64(s.out)}, constant(0)))
	}
	out := (x.size + stride - 1) / stride
	begin, end := k/2, k/2
	if s.same {
		total := max(0, int64((out-1)*stride)+k-int64(x.size))
		begin, end = total/2, total-total/2
	}
	y := b.node(name, "Conv", in, onnx.IntsAttr("kernel_shape", k, k), onnx.IntsAttr("strides", int64(stride), int64(stride)),
		onnx.IntsAttr("pads", begin, begin, end, end), onnx.IntAttr("group", int64(groups)))
	return value{y, s.out, out}
}

// norm adds batch normalization that starts as the identity of normalized
// values, its scale at gamma.
func (b *builder) norm(name string, x value, gamma float32) value {
	dims := []int64{int64(x.c)}
	in := []string{x.name,
		b.tensor(name+".weight", dims, constant(gamma)), b.tensor(name+".bias", dims, constant(0)),
		b.tensor(name+".running_mean", dims, constant(0)), b.tensor(name+".running_var", dims, constant(1))}
	y := b.node(name, "BatchNormalization", in, onnx.FloatAttr("epsilon", b.epsilon), onnx.FloatAttr("momentum", bnMomentum))
	return value{y, x.c, x.size}
}

func (b *builder) relu(name string, x value) value {
	return value{b.node(name, "Relu", []string{x.name}), x.c, x.size}
}

func (b *builder) add(name string, x, y value) value {
	return value{b.node(name, "Add", []string{x.name, y.name}), x.c, x.size}
}

// maxPool takes the greatest of k x k pixels at every stride'th place.
func (b *builder) maxPool(name string, x value, k, stride, pad int) value {
	p := int64(pad)
	y := b.node(name, "MaxPool", []string{x.name}, onnx.IntsAttr("kernel_shape", int64(k), int64(k)),
		onnx.IntsAttr("strides", int64(stride), int64(stride)), onnx.IntsAttr("pads", p, p, p, p))
	return value{y, x.c, (x.size+2*pad-k)/stride + 1}
}

// normConv is convolution, batch normalization and, unless linear, ReLU, named
// NAME.conv, NAME.norm and NAME.relu.
func (b *builder) normConv(name string, x value, s convSpec, linear bool) value {
	y := b.norm(name+".norm", b.conv(name+".conv", x, s), 1)
	if linear {
		return y
	}
	return b.relu(name+".relu", y)
}

// classify adds the global mean, a fully connected layer and the output.
func (b *builder) classify(x value, fill filler) {
	pooled := b.node("pool", "GlobalAveragePool", []string{x.name})
	flat := b.node("flatten", "Flatten", []string{pooled}, onnx.IntAttr("axis", 1))
	n := int64(b.cfg.Classes)
	weight := b.tensor("classifier.weight", []int64{n, int64(x.c)}, fill)
	bias := b.tensor("classifier.bias", []int64{n}, constant(0))
	b.node("classifier", "Gemm", []string{flat, weight, bias}, onnx.IntAttr("transB", 1))
	b.g.Nodes[len(b.g.Nodes)-1].Outputs[0] = "logits"
	b.g.Outputs = append(b.g.Outputs, &onnx.ValueInfo{Name: "logits",
		Type: onnx.TypeShape{Elem: onnx.Float, Shape: onnx.Shape{onnx.Symbol("N"), onnx.Fixed(n)}}})
}

// layer joins the parts of a layer's path.
func layer(parts ...any) string {
	s := make([]string, len(parts))
	for i, p := range parts {
		s[i] = fmt.Sprint(p)
	}
	return strings.Join(s, ".")
}
