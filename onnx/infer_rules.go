package onnx

import "fmt"

// ruleOf is the rule of an operator of the default domain, nil if it has none.
func ruleOf(op string) rule {
	switch op {
	case "Abs", "Ceil", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Neg",
		"Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Softplus", "Sqrt", "Swish", "Tanh", "Not", "LRN",
		"InstanceNormalization", "GroupNormalization":
		return inferSame
	case "Add", "Sub", "Mul", "Div":
		return inferArithmetic
	case "Pow", "PRelu":
		return inferBinaryOfFirst
	case "Equal", "Greater", "Less":
		return inferCompare
	case "Sum", "Mean", "Min", "Max":
		return inferVariadic
	case "Where":
		return inferWhere
	case "Clip":
		return inferClip
	case "Softmax", "LogSoftmax":
		return inferSoftmax
	case "Dropout":
		return inferDropout
	case "Cast":
		return inferCast
	case "Conv":
		return inferConv
	case "ConvInteger":
		return inferConvInteger
	case "QLinearConv":
		return inferQLinearConv
	case "MaxPool", "AveragePool":
		return inferPool
	case "GlobalMaxPool", "GlobalAveragePool":
		return inferGlobalPool
	case "Gemm":
		return inferGemm
	case "MatMul":
		return inferMatMul
	case "MatMulInteger":
		return inferMatMulInteger
	case "QLinearMatMul":
		return inferQLinearMatMul
	case "BatchNormalization":
		return inferBatchNorm
	case "LayerNormalization", "RMSNormalization":
		return inferLayerNorm
	case "QuantizeLinear":
		return inferQuantize
	case "DequantizeLinear":
		return inferDequantize
	case "DynamicQuantizeLinear":
		return inferDynamicQuantize
	}
	return moveRuleOf(op)
}

// moveRuleOf is [ruleOf] for the operators that move or make data.
func moveRuleOf(op string) rule {
	switch op {
	case "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum":
		return inferReduce
	case "ArgMax", "ArgMin":
		return inferArg
	case "Concat":
		return inferConcat
	case "Split":
		return inferSplit
	case "Slice":
		return inferSlice
	case "Pad":
		return inferPad
	case "Reshape":
		return inferReshape
	case "Flatten":
		return inferFlatten
	case "Transpose":
		return inferTranspose
	case "Squeeze":
		return inferSqueeze
	case "Unsqueeze":
		return inferUnsqueeze
	case "Shape":
		return inferShape
	case "Size":
		return inferSize
	case "Gather":
		return inferGather
	case "Constant":
		return inferConstant
	case "ConstantOfShape":
		return inferConstantOfShape
	case "Identity":
		return inferIdentity
	case "Expand":
		return inferExpand
	case "Range":
		return inferRange
	}
	return nil
}

// inferSame: the output is like the first input.
func inferSame(c *call) error {
	c.set(0, c.in(0).Elem, c.shape(0))
	return nil
}

func inferIdentity(c *call) error {
	if v, ok := c.ints(0); ok {
		c.setInts(v)
	}
	return inferSame(c)
}

// broadcast is the shape of an elementwise operation on a and b (ONNX
// docs/Broadcasting.md, multidirectional).
func broadcast(a, b Shape) (Shape, error) {
	if !a.Ranked() || !b.Ranked() {
		return nil, nil
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	out := a.Clone()
	shift := len(a) - len(b)
	for i, y := range b {
		x := a[shift+i]
		m, mok := x.Size()
		n, nok := y.Size()
		switch {
		case x == y && (mok || x.symbol != "") || nok && n == 1:
		case mok && nok && m != 1 && m != n:
			return nil, fmt.Errorf("%v and %v cannot be broadcast to one shape", a, b)
		case mok && m == 1, nok:
			out[shift+i] = y
		case mok: // m is not 1: y must be 1 or m
		default:
			out[shift+i] = Dim{}
		}
	}
	return out, nil
}

func (c *call) broadcastAll() (Shape, error) {
	s := c.shape(0)
	for i := 1; i < len(c.n.Inputs); i++ {
		var err error
		if s, err = broadcast(s, c.shape(i)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func inferArithmetic(c *call) error {
	if err := c.sameElem(0, 1); err != nil {
		return err
	}
	s, err := c.broadcastAll()
	if err != nil {
		return err
	}
	elem := c.in(0).Elem
	if elem == Undefined {
		elem = c.in(1).Elem
	}
	c.set(0, elem, s)
	if elem.IsInteger() {
		c.propagate(arithmetic(c.n.Op))
	}
	return nil
}

// inferBinaryOfFirst: broadcast, with the element type of the first input.
func inferBinaryOfFirst(c *call) error {
	s, err := c.broadcastAll()
	c.set(0, c.in(0).Elem, s)
	return err
}

func inferCompare(c *call) error {
	if err := c.sameElem(0, 1); err != nil {
		return err
	}
	s, err := c.broadcastAll()
	c.set(0, Bool, s)
	if c.n.Op == "Equal" && c.in(0).Elem.IsInteger() {
		c.propagate(equalInts)
	}
	return err
}

func inferVariadic(c *call) error {
	for i := 1; i < len(c.n.Inputs); i++ {
		if err := c.sameElem(0, i); err != nil {
			return err
		}
	}
	s, err := c.broadcastAll()
	c.set(0, c.in(0).Elem, s)
	if len(c.n.Inputs) == 2 && c.in(0).Elem.IsInteger() {
		c.propagate(arithmetic(c.n.Op))
	}
	return err
}

func inferWhere(c *call) error {
	if e := c.in(0).Elem; e != Undefined && e != Bool {
		return fmt.Errorf("the condition is %v, want bool", e)
	}
	if err := c.sameElem(1, 2); err != nil {
		return err
	}
	s, err := c.broadcastAll()
	c.set(0, c.in(1).Elem, s)
	c.propagateWhere()
	return err
}

func inferClip(c *call) error {
	for i := 1; i <= 2; i++ {
		if !c.has(i) {
			continue
		}
		if err := c.sameElem(0, i); err != nil {
			return err
		}
		if n, ok := c.shape(i).Elements(); ok && n != 1 {
			return fmt.Errorf("bound %v, want a scalar", c.in(i))
		}
	}
	return inferSame(c)
}

func inferSoftmax(c *call) error {
	if s := c.shape(0); s.Ranked() {
		def := int64(-1)
		if c.opset < 13 {
			def = 1
		}
		a := c.n.Int("axis", def)
		// Before version 13 the axis is where the dimensions are cut in two, so
		// it may be one past the last.
		if c.opset >= 13 || a != int64(len(s)) {
			if _, err := axis(a, len(s)); err != nil {
				return err
			}
		}
	}
	return inferSame(c)
}

func inferDropout(c *call) error {
	mask := Bool
	if c.opset < 10 {
		mask = c.in(0).Elem
	}
	c.set(1, mask, c.shape(0))
	return inferSame(c)
}

func inferCast(c *call) error {
	to := DataType(c.n.Int("to", 0))
	if !to.Valid() {
		return fmt.Errorf("cast to %v, which is not an element type", to)
	}
	c.set(0, to, c.shape(0))
	if v, ok := c.ints(0); ok && (to == Int64 || to == Int32) {
		c.setInts(v)
	}
	return nil
}
