package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// ErrUnsupported is wrapped by the errors of [New] that say that an operator,
// or an attribute of it, is one that the engine cannot run.
var ErrUnsupported = errors.New("operator not supported by the engine")

// MinOpset and MaxOpset limit the versions of the default operator set that
// the operators here follow.
const (
	MinOpset = 7
	MaxOpset = 25
)

// entry is an operator of the default operator set.
type entry struct {
	build func(n node) (Operator, error)
	since int  // first opset that has it
	half  bool // run in float32 on float16 and bfloat16
	keep  int  // Half.Keep
}

// New is the operator of a node, whose operator set has the given version.
// Outputs that nobody reads should have been left out of the node.
func New(n *onnx.Node, opset int) (Operator, error) {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return nil, fmt.Errorf("%w: domain %q", ErrUnsupported, n.Domain)
	}
	if opset < MinOpset || opset > MaxOpset {
		return nil, fmt.Errorf("%w: opset %d (%d to %d are)", ErrUnsupported, opset, MinOpset, MaxOpset)
	}
	e, ok := entries()[n.Op]
	if !ok || opset < e.since {
		return nil, ErrUnsupported
	}
	o, err := e.build(node{n, opset})
	if err != nil {
		return nil, err
	}
	if e.half {
		return Half{Operator: o, Keep: e.keep}, nil
	}
	return o, nil
}

// Names lists the operators of the default operator set that [New] knows, in
// alphabetical order.
func Names() []string {
	var names []string
	for name := range entries() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func entries() map[string]entry {
	all := map[string]entry{}
	for _, part := range []map[string]entry{elementwise(), windowed(), normalizing(), moving(), viewing(), quantizing()} {
		for name, e := range part {
			all[name] = e
		}
	}
	return all
}

// plain is an operator without attributes.
func plain(o Operator) func(node) (Operator, error) {
	return func(node) (Operator, error) { return o, nil }
}

func elementwise() map[string]entry {
	m := map[string]entry{
		"LeakyRelu":   {build: unary(LeakyRelu, 0.01, 0), half: true},
		"HardSigmoid": {build: unary(HardSigmoid, 0.2, 0.5), half: true},
		"Elu":         {build: unary(Elu, 1, 0), half: true},
		"Gelu":        {build: gelu, since: 20, half: true},
		"Clip":        {build: clipOf, half: true},
		"Pow":         {build: plain(Pow{}), half: true},
		"Sum":         {build: plain(Arith{Add}), half: true},
	}
	for _, k := range []ArithKind{Add, Sub, Mul, Div, Min, Max} {
		m[k.String()] = entry{build: plain(Arith{k}), half: true}
	}
	for _, k := range []UnaryKind{Relu, Sigmoid, Sqrt, Tanh, Exp, Log, Abs, Neg, Reciprocal, Floor, Ceil, Softplus} {
		m[k.String()] = entry{build: plain(Unary{Kind: k}), half: true}
	}
	for k, since := range map[UnaryKind]int{Erf: 9, Round: 11, HardSwish: 14} {
		m[k.String()] = entry{build: plain(Unary{Kind: k}), since: since, half: true}
	}
	return m
}

func unary(k UnaryKind, alpha, beta float32) func(node) (Operator, error) {
	return func(n node) (Operator, error) {
		return Unary{Kind: k, Alpha: n.Float("alpha", alpha), Beta: n.Float("beta", beta)}, nil
	}
}

func gelu(n node) (Operator, error) {
	switch a := n.Str("approximate", "none"); a {
	case "none":
		return Unary{Kind: Gelu}, nil
	case "tanh":
		return Unary{Kind: GeluTanh}, nil
	default:
		return nil, fmt.Errorf("%w: approximate %q", ErrUnsupported, a)
	}
}

func clipOf(n node) (Operator, error) {
	c := Clip{Min: float32(math.Inf(-1)), Max: float32(math.Inf(1))}
	if n.opset < 11 {
		c = Clip{Min: n.Float("min", c.Min), Max: n.Float("max", c.Max)}
	}
	return c, nil
}

func windowed() map[string]entry {
	return map[string]entry{
		"Conv":              {build: func(n node) (Operator, error) { return convOf(n), nil }, half: true},
		"ConvInteger":       {build: func(n node) (Operator, error) { return ConvInteger{convOf(n)}, nil }, since: 10},
		"QLinearConv":       {build: func(n node) (Operator, error) { return QLinearConv{convOf(n)}, nil }, since: 10},
		"MaxPool":           {build: maxPoolOf, half: true},
		"AveragePool":       {build: averagePoolOf, half: true},
		"GlobalAveragePool": {build: plain(GlobalPool{}), half: true},
		"GlobalMaxPool":     {build: plain(GlobalPool{Max: true}), half: true},
		"Gemm":              {build: gemmFrom, half: true},
		"MatMul":            {build: plain(MatMul{}), half: true},
		"MatMulInteger":     {build: plain(MatMulInteger{}), since: 10},
		"QLinearMatMul":     {build: plain(QLinearMatMul{}), since: 10},
	}
}

func convOf(n node) Conv {
	w := windowOf(n)
	w.Ceil = false
	return Conv{Window: w, Group: n.int("group", 1)}
}

func maxPoolOf(n node) (Operator, error) {
	return MaxPool{Window: windowOf(n), Indices: n.reads(1), ColumnMajor: n.bool("storage_order")}, nil
}

func averagePoolOf(n node) (Operator, error) {
	return AveragePool{Window: windowOf(n), CountPad: n.bool("count_include_pad")}, nil
}

func gemmFrom(n node) (Operator, error) {
	return Gemm{Alpha: n.Float("alpha", 1), Beta: n.Float("beta", 1),
		TransA: n.bool("transA"), TransB: n.bool("transB")}, nil
}

func normalizing() map[string]entry {
	m := map[string]entry{
		"BatchNormalization": {build: batchNormOf, half: true},
		"LayerNormalization": {build: layerNormOf, since: 17, half: true, keep: 1},
		"LRN": {build: func(n node) (Operator, error) {
			return LRN{Size: n.int("size", 0), Alpha: n.Float("alpha", 1e-4), Beta: n.Float("beta", 0.75), Bias: n.Float("bias", 1)}, nil
		}, half: true},
		"Softmax":    {build: softmaxOf(false), half: true},
		"LogSoftmax": {build: softmaxOf(true), half: true},
		"ArgMax":     {build: argMaxOf(false), half: true},
		"ArgMin":     {build: argMaxOf(true), half: true},
	}
	for name, k := range map[string]ReduceKind{"ReduceMean": Mean, "ReduceSum": SumOf, "ReduceMax": Largest, "ReduceMin": Smallest} {
		m[name] = entry{build: func(n node) (Operator, error) {
			return Reduce{Kind: k, Axes: n.ints("axes"), KeepDims: n.Int("keepdims", 1) != 0, Noop: n.bool("noop_with_empty_axes")}, nil
		}, half: true}
	}
	return m
}

func batchNormOf(n node) (Operator, error) {
	if n.opset < 9 && n.Int("spatial", 1) == 0 {
		return nil, fmt.Errorf("%w: spatial = 0", ErrUnsupported)
	}
	outs := 0
	for i := range n.Outputs {
		if n.reads(i) {
			outs = i + 1
		}
	}
	return BatchNorm{Epsilon: n.Float("epsilon", 1e-5), Momentum: n.Float("momentum", 0.9),
		Training: n.opset >= 14 && n.bool("training_mode"), Outputs: outs}, nil
}

func layerNormOf(n node) (Operator, error) {
	return LayerNorm{Axis: n.int("axis", -1), Epsilon: n.Float("epsilon", 1e-5), Outputs: len(n.Outputs)}, nil
}

func softmaxOf(log bool) func(node) (Operator, error) {
	return func(n node) (Operator, error) {
		if n.opset < 13 {
			return Softmax{Axis: n.int("axis", 1), Coerced: true, Log: log}, nil
		}
		return Softmax{Axis: n.int("axis", -1), Log: log}, nil
	}
}

func argMaxOf(smallest bool) func(node) (Operator, error) {
	return func(n node) (Operator, error) {
		return ArgMax{Axis: n.int("axis", 0), KeepDims: n.Int("keepdims", 1) != 0,
			Last: n.bool("select_last_index"), Smallest: smallest}, nil
	}
}

func moving() map[string]entry {
	return map[string]entry{
		"Concat":    {build: func(n node) (Operator, error) { return Concat{Axis: n.int("axis", 0)}, nil }},
		"Split":     {build: splitOf},
		"Slice":     {build: sliceOf},
		"Pad":       {build: padOf},
		"Transpose": {build: func(n node) (Operator, error) { return Transpose{Perm: n.ints("perm")}, nil }},
		"Gather":    {build: func(n node) (Operator, error) { return Gather{Axis: n.int("axis", 0)}, nil }},
		"Expand":    {build: plain(Expand{}), since: 8},
	}
}

func splitOf(n node) (Operator, error) {
	s := Split{Axis: n.int("axis", 0), Lengths: n.ints("split"), Outputs: len(n.Outputs)}
	if k := n.int("num_outputs", s.Outputs); k != s.Outputs {
		return nil, fmt.Errorf("num_outputs is %d, node has %d outputs", k, s.Outputs)
	}
	return s, nil
}

func sliceOf(n node) (Operator, error) {
	if n.opset >= 10 {
		return Slice{FromInputs: true}, nil
	}
	return Slice{Starts: n.ints("starts"), Ends: n.ints("ends"), Axes: n.ints("axes")}, nil
}

func padOf(n node) (Operator, error) {
	p := Pad{Mode: n.Str("mode", "constant"), FromInputs: n.opset >= 11}
	if !p.FromInputs {
		p.Pads, p.Value = n.ints("pads"), n.Float("value", 0)
	}
	return p, nil
}

func viewing() map[string]entry {
	return map[string]entry{
		"Reshape":   {build: func(n node) (Operator, error) { return Reshape{AllowZero: n.bool("allowzero")}, nil }},
		"Flatten":   {build: func(n node) (Operator, error) { return Flatten{Axis: n.int("axis", 1)}, nil }},
		"Squeeze":   {build: func(n node) (Operator, error) { return Squeeze{Axes: n.ints("axes")}, nil }},
		"Unsqueeze": {build: func(n node) (Operator, error) { return Unsqueeze{Axes: n.ints("axes")}, nil }},
		"Identity":  {build: plain(Identity{})},
		"Dropout":   {build: func(n node) (Operator, error) { return Dropout{Mask: n.reads(1)}, nil }},
		"Constant":  {build: constantOf},
		"ConstantOfShape": {build: func(n node) (Operator, error) {
			t := n.Tensor("value")
			if t == nil {
				return ConstantOfShape{tensor.Vector[float32](0)}, nil
			}
			v, err := FromONNX(t)
			if err == nil && v.Len() != 1 {
				err = fmt.Errorf("value has %d elements, want 1", v.Len())
			}
			return ConstantOfShape{v}, err
		}, since: 9},
		"Shape": {build: func(n node) (Operator, error) {
			return Shape{Start: n.int("start", 0), End: n.int("end", math.MaxInt32)}, nil
		}},
		"Cast": {build: func(n node) (Operator, error) { return Cast{To: tensor.Type(n.Int("to", 0))}, nil }},
	}
}

func constantOf(n node) (Operator, error) {
	for _, a := range n.Attrs {
		switch a.Name {
		case "value":
			if a.T == nil {
				break
			}
			v, err := FromONNX(a.T)
			return Constant{v}, err
		case "value_float":
			return Constant{tensor.Scalar(a.F)}, nil
		case "value_floats":
			return Constant{tensor.Vector(a.Floats...)}, nil
		case "value_int":
			return Constant{tensor.Scalar(a.I)}, nil
		case "value_ints":
			return Constant{tensor.Vector(a.Ints...)}, nil
		}
	}
	return nil, fmt.Errorf("%w: a constant that is no dense tensor of numbers", ErrUnsupported)
}

func quantizing() map[string]entry {
	return map[string]entry{
		"QuantizeLinear": {build: func(n node) (Operator, error) {
			to, err := outputType(n)
			return Quantize{Grid: gridOf(n), To: to}, err
		}, since: 10},
		"DequantizeLinear": {build: func(n node) (Operator, error) {
			to, err := outputType(n)
			return Dequantize{Grid: gridOf(n), To: to}, err
		}, since: 10},
		"DynamicQuantizeLinear": {build: plain(DynamicQuantize{}), since: 11},
	}
}

// outputType is the attribute output_dtype, Undefined if there is none.
func outputType(n node) (tensor.Type, error) {
	t := tensor.Type(n.Int("output_dtype", 0))
	if t != tensor.Undefined && t.Size() == 0 {
		return t, fmt.Errorf("%w: element type %v", ErrUnsupported, t)
	}
	return t, nil
}

func gridOf(n node) Grid { return Grid{Axis: n.int("axis", 1), Block: n.int("block_size", 0)} }
