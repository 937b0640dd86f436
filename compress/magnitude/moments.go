package magnitude

import "github.com/lethe-audit/lethe/onnx"

// builder adds nodes that measure to a graph.
type builder struct {
	g     *onnx.Graph
	names *onnx.Names
	opset int64
	added int // nodes put in before the one that is looked at
}

// at is where node i of the graph without additions is now.
func (b *builder) at(i int) int { return i + b.added }

// moments puts nodes before a normalization that give the mean and the variance
// of its input for each channel, and makes it use them. Means are taken over
// positions first and over images then, so that sums of many elements stay
// accurate.
func (b *builder) moments(n *onnx.Node, rank int) (mean, variance string, err error) {
	var nodes []*onnx.Node
	node := func(op string, attrs []*onnx.Attr, in ...string) string {
		y := b.names.Fresh("moments/" + n.Outputs[0] + "/" + op)
		nodes = append(nodes, &onnx.Node{Name: y, Op: op, Inputs: in, Outputs: []string{y}, Attrs: attrs})
		return y
	}
	flat, err := b.ints("shape", -1)
	if err != nil {
		return "", "", err
	}
	average := func(x string) (string, error) {
		if rank > 2 {
			x = node("GlobalAveragePool", nil, x)
		}
		if b.opset < 18 {
			return node("ReduceMean", []*onnx.Attr{onnx.IntsAttr("axes", 0)}, x), nil
		}
		axes, err := b.ints("axes", 0)
		return node("ReduceMean", nil, x, axes), err
	}
	x := n.Input(0)
	m, err := average(x)
	if err != nil {
		return "", "", err
	}
	d := node("Sub", nil, x, m)
	v, err := average(node("Mul", nil, d, d))
	if err != nil {
		return "", "", err
	}
	mean, variance = node("Reshape", nil, m, flat), node("Reshape", nil, v, flat)
	n.Inputs[3], n.Inputs[4] = mean, variance
	b.added += len(nodes)
	return mean, variance, b.g.Insert(n, nodes...)
}

func (b *builder) ints(name string, v ...int64) (string, error) {
	t, err := onnx.TensorOf(b.names.Fresh("moments/"+name), v, int64(len(v)))
	if err != nil {
		return "", err
	}
	return t.Name, b.g.AddInitializer(t)
}
