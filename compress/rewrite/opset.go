package rewrite

import (
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// RaiseOpset brings a model to version `to` of the default operator set if its
// own is older, and to the IR version that this needs. Nodes whose operator
// changed its form are rewritten; a change that needs what is not known (a rank)
// is an error that names the node. Versions that only allow more element types
// or give attributes a default need nothing.
func RaiseOpset(m *onnx.Model, to int64) error {
	from, ok := m.Opset("")
	if !ok || from >= to {
		return nil
	}
	if len(m.Functions) > 0 {
		return &onnx.Error{File: m.Path, Msg: "functions of the model cannot be brought to a newer operator set", Reason: onnx.ErrUnsupported}
	}
	e := edit(m)
	u := upgrade{editor: e, from: from, to: to}
	if u.crosses(13) {
		var err error
		if u.shapes, err = onnx.Infer(m, nil); err != nil {
			return err
		}
	}
	for _, n := range slices.Clone(m.Graph.Nodes) {
		if n.Domain != "" && n.Domain != "ai.onnx" {
			continue
		}
		if len(n.Subgraphs()) > 0 {
			return e.fail(n, "", "nodes with a subgraph cannot be brought to operator set %d", to)
		}
		if err := u.node(n); err != nil {
			return err
		}
	}
	for i := range m.Opsets {
		if d := m.Opsets[i].Domain; d == "" || d == "ai.onnx" {
			m.Opsets[i].Version = to
		}
	}
	m.IRVersion = max(m.IRVersion, irOf(to))
	return nil
}

// irOf is the IR version that came with a version of the operator set
// (ONNX, docs/Versioning.md).
func irOf(opset int64) int64 {
	switch {
	case opset >= 23:
		return 11
	case opset >= 21:
		return 10
	case opset >= 19:
		return 9
	case opset >= 15:
		return 8
	}
	return 7
}

type upgrade struct {
	*editor
	from, to int64
	shapes   map[string]onnx.TypeShape // as the old operator set has them
}

// crosses reports whether version v lies between the two operator sets.
func (u *upgrade) crosses(v int64) bool { return u.from < v && v <= u.to }

func (u *upgrade) node(n *onnx.Node) error {
	switch n.Op {
	case "Clip":
		if u.crosses(11) {
			return u.clip(n)
		}
	case "Dropout":
		if u.crosses(12) {
			n.RemoveAttr("ratio") // in inference it passes its operand on
		}
	case "Softmax", "LogSoftmax", "Hardmax":
		if u.crosses(13) {
			return u.softmax(n)
		}
	case "Squeeze", "Unsqueeze", "ReduceSum":
		if u.crosses(13) {
			return u.axes(n)
		}
	case "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare":
		if u.crosses(18) {
			return u.axes(n)
		}
	case "Split":
		return u.split(n)
	case "Pad":
		if u.crosses(11) {
			return u.pad(n)
		}
	case "BatchNormalization":
		if u.from < 14 && extraOutputs(n) {
			return u.fail(n, "", "outputs for training cannot be brought to operator set %d", u.to)
		}
	case "Slice", "Upsample", "Resize", "TopK", "GroupNormalization", "RNN", "LSTM", "GRU", "Scatter":
		if since := lastChange(n.Op); u.crosses(since) {
			return u.fail(n, "", "cannot be brought from operator set %d to %d: its form changed in %d", u.from, u.to, since)
		}
	}
	return nil
}

// lastChange is the newest operator set in which an operator changed its form
// in a way that is not rewritten here.
func lastChange(op string) int64 {
	switch op {
	case "Slice", "Upsample", "TopK":
		return 10
	case "Resize":
		return 19
	case "GroupNormalization":
		return 21
	case "RNN", "LSTM", "GRU":
		return 14
	}
	return 11
}

// clip moves the limits into inputs.
func (u *upgrade) clip(n *onnx.Node) error {
	n.Inputs = slices.Clone(n.Inputs[:1])
	for i, name := range []string{"min", "max"} {
		if n.Attr(name) == nil {
			continue
		}
		limit, err := u.add(n.Outputs[0]+"_"+name, []float32{n.Float(name, 0)}, nil)
		if err != nil {
			return err
		}
		for len(n.Inputs) < i+1 {
			n.Inputs = append(n.Inputs, "")
		}
		n.Inputs = append(n.Inputs, limit)
		n.RemoveAttr(name)
	}
	return nil
}

// axes moves the attribute axes into an input.
func (u *upgrade) axes(n *onnx.Node) error {
	v, ok := n.Ints("axes")
	if !ok {
		return nil
	}
	name, err := u.ints(n.Outputs[0]+"_axes", v)
	if err != nil {
		return err
	}
	n.Inputs = append(slices.Clone(n.Inputs[:1]), name)
	n.RemoveAttr("axes")
	return nil
}

// softmax keeps the meaning of the axis: before 13 the operand was taken as a
// matrix of what is before the axis by all that follows.
func (u *upgrade) softmax(n *onnx.Node) error {
	rank, err := u.rank(n)
	if err != nil {
		return err
	}
	axis := n.Int("axis", 1)
	if axis < 0 {
		axis += rank
	}
	if axis != rank-1 {
		return u.fail(n, "", "over all axes from %d of %d cannot be brought to operator set %d", axis, rank, u.to)
	}
	n.SetAttr(onnx.IntAttr("axis", axis))
	return nil
}

// rank is the number of axes of a node's first operand.
func (u *upgrade) rank(n *onnx.Node) (int64, error) {
	t, ok := u.shapes[n.Input(0)]
	if !ok || !t.Shape.Ranked() {
		return 0, u.fail(n, n.Input(0), "has an unknown number of axes, which operator set %d needs", u.to)
	}
	return int64(len(t.Shape)), nil
}

func (u *upgrade) split(n *onnx.Node) error {
	if v, ok := n.Ints("split"); ok && u.crosses(13) {
		name, err := u.ints(n.Outputs[0]+"_split", v)
		if err != nil {
			return err
		}
		n.Inputs = append(slices.Clone(n.Inputs[:1]), name)
		n.RemoveAttr("split")
	}
	if u.crosses(18) && n.Input(1) == "" {
		n.SetAttr(onnx.IntAttr("num_outputs", int64(len(n.Outputs))))
	}
	return nil
}

// pad moves sizes and value into inputs.
func (u *upgrade) pad(n *onnx.Node) error {
	v, ok := n.Ints("pads")
	if !ok {
		return u.fail(n, "", "has no attribute pads")
	}
	pads, err := u.ints(n.Outputs[0]+"_pads", v)
	if err != nil {
		return err
	}
	value, err := u.add(n.Outputs[0]+"_value", []float32{n.Float("value", 0)}, nil)
	if err != nil {
		return err
	}
	n.Inputs = append(slices.Clone(n.Inputs[:1]), pads, value)
	n.RemoveAttr("pads")
	n.RemoveAttr("value")
	return nil
}
