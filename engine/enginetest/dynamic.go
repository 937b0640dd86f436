package enginetest

import "github.com/lethe-audit/lethe/onnx"

// Dynamic is a small network whose convolution and product are quantized while
// it runs: DynamicQuantizeLinear, ConvInteger or MatMulInteger, then Cast, Mul
// by the scales and Add of a bias. Weights have one scale, or one for each
// output channel. Its input "x" is that of a [Graph]; its images depend on one
// another by the range that they share.
func Dynamic(perChannel bool) *onnx.Model {
	b := New("dynamic", 9)
	x := b.Input("x", -1, GraphChannels, GraphHeight, GraphWidth)
	const out, classes = 20, 7
	n := int64(1)
	if perChannel {
		n = out
	}
	q, scale, zero := b.dynamicRange(x)
	y := b.Node("ConvInteger", []string{q, b.Bytes(out, GraphChannels, 3, 3), zero}, onnx.IntsAttr("pads", 1, 1, 1, 1))
	y = b.real(y, scale, b.Random(0, 0.01, n, 1, 1), b.Random(0.1, 0, out, 1, 1))
	y = b.Node("Flatten", []string{b.Node("GlobalAveragePool", []string{b.Relu(y)})})
	if perChannel {
		n = classes
	}
	q, scale, zero = b.dynamicRange(y)
	y = b.Node("MatMulInteger", []string{q, b.Bytes(out, classes), zero})
	b.Output(b.real(y, scale, b.Random(0, 0.02, n), b.Random(0.1, 0, classes)), 2)
	return b.Model()
}

// dynamicRange quantizes x.
func (b *Builder) dynamicRange(x string) (q, scale, zero string) {
	q = b.Node("DynamicQuantizeLinear", []string{x})
	n := b.g.Nodes[len(b.g.Nodes)-1]
	n.Outputs = append(n.Outputs, q+"_scale", q+"_zero")
	return q, q + "_scale", q + "_zero"
}

// real is what integer sums stand for.
func (b *Builder) real(sums, xScale, wScale, bias string) string {
	y := b.Node("Cast", []string{sums}, onnx.IntAttr("to", int64(onnx.Float)))
	y = b.Node("Mul", []string{y, b.Node("Mul", []string{xScale, wScale})})
	return b.Node("Add", []string{y, bias})
}

// Bytes adds a constant of random int8.
func (b *Builder) Bytes(dims ...int64) string {
	n := 1
	for _, d := range dims {
		n *= int(d)
	}
	data := make([]int8, n)
	for i := range data {
		data[i] = int8(b.rng.IntN(255) - 127)
	}
	return add(b, data, dims)
}
