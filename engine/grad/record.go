package grad

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// entry is what a name of the graph stands for.
type entry struct {
	v       *value        // nil for what is known before the network runs
	shape   []int         // in the model
	last    bool          // [N, C, H, W] stored as [N, H, W, C]
	konst   tensor.Tensor // what is known
	init    *onnx.Tensor  // the initializer that it is
	derived string        // the initializer of weights that it was computed from
}

func (e *entry) arg() op.Arg {
	if e == nil {
		return op.Arg{}
	}
	if e.v == nil {
		return op.ArgOf(e.konst)
	}
	return op.Arg{Type: tensor.Float32, Shape: e.shape}
}

// stored is the shape in memory.
func (e *entry) stored() []int {
	if e.last {
		return []int{e.shape[0], e.shape[2], e.shape[3], e.shape[1]}
	}
	return e.shape
}

// recorder makes the tape of a network for one batch size.
type recorder struct {
	*Network
	tape   *tape
	graph  *onnx.Graph
	opset  int
	names  map[string]*entry
	values map[*Param]*value
	other  map[*value]*entry // values with their axes in the other order
	uses   map[string]int    // how many nodes read a name
	node   *onnx.Node
	in     []*entry
	shape  []int // of the node's first output
}

// record makes a tape.
func (n *Network) record(batch int) (*tape, error) {
	r := &recorder{Network: n, tape: &tape{batch: batch}, names: map[string]*entry{}, values: map[*Param]*value{}, other: map[*value]*entry{}, uses: map[string]int{}}
	if err := r.start(); err != nil {
		return nil, err
	}
	for i, node := range r.graph.Nodes {
		c := *node
		if r.node = &c; c.Name == "" {
			c.Name = fmt.Sprintf("#%d", i)
		}
		if c.Op == "Dropout" && len(c.Inputs) > 2 { // it is trained whether or not it says so
			c.Inputs = c.Inputs[:2]
		}
		if err := r.visit(); err != nil {
			return nil, r.failure(err)
		}
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	for _, l := range r.tape.layers {
		r.node = l.link().node
		if err := l.prepare(n.kernels); err != nil {
			return nil, r.failure(err)
		}
	}
	r.tape.layout()
	return r.tape, nil
}

// failure is err at the present node.
func (r *recorder) failure(err error) error {
	var e *onnx.Error
	if errors.As(err, &e) {
		return err
	}
	return &onnx.Error{File: r.model.Path, Node: r.node.Name, Op: r.node.Op, Opset: int64(r.opset), Msg: err.Error(), Reason: err}
}

// start takes inputs and initializers; nodes that the output does not need are
// left out, and a softmax at the end.
func (r *recorder) start() error {
	r.graph = r.model.Graph.Clone()
	if err := r.graph.Sort(); err != nil {
		return err
	}
	r.graph.Prune()
	r.cutSoftmax()
	opset, ok := r.model.Opset("")
	if !ok {
		return &onnx.Error{File: r.model.Path, Msg: "the model imports no default operator set", Reason: op.ErrUnsupported}
	}
	r.opset = int(opset)
	for _, t := range r.graph.Initializers {
		k, err := op.FromONNX(t)
		if err != nil {
			return &onnx.Error{File: r.model.Path, Value: t.Name, Msg: err.Error(), Reason: errors.Join(op.ErrUnsupported, err)}
		}
		r.names[t.Name] = &entry{konst: k, init: t}
	}
	c, h, w := r.Network.shape[0], r.Network.shape[1], r.Network.shape[2]
	b := r.tape.batch
	r.tape.input = &value{n: b * c * h * w}
	r.names[r.graph.DataInputs()[0].Name] = &entry{v: r.tape.input, shape: []int{b, c, h, w}, last: true}
	for _, n := range r.graph.Nodes {
		for _, name := range n.Inputs {
			r.uses[name]++
		}
	}
	r.uses[r.graph.Outputs[0].Name]++
	return nil
}

// cutSoftmax takes a softmax over classes off the end of the graph.
func (r *recorder) cutSoftmax() {
	out := r.graph.Outputs[0]
	for _, n := range r.graph.Nodes {
		if slices.Contains(n.Outputs, out.Name) && (n.Op == "Softmax" || n.Op == "LogSoftmax") && n.Domain == "" {
			r.store.note(fmt.Sprintf("node %q (%s) at the end is left out of training: the loss has it; the trained model keeps it", n.Name, n.Op))
			r.graph.Outputs = []*onnx.ValueInfo{{Name: n.Input(0)}}
			r.graph.Prune()
			return
		}
	}
}

// finish checks the logits.
func (r *recorder) finish() error {
	name := r.graph.Outputs[0].Name
	e := r.names[name]
	bad := &onnx.Error{File: r.model.Path, Value: name, Reason: onnx.ErrShape}
	if e == nil || e.v == nil || e.v.param != nil {
		bad.Msg = "the output does not depend on the input"
		return bad
	}
	b := r.tape.batch
	if len(e.shape) < 2 || e.shape[0] != b || e.v.n != b*e.shape[1] || e.shape[1] < 2 {
		bad.Msg = fmt.Sprintf("logits are %v, want [N, classes] of at least 2 classes", e.shape)
		return bad
	}
	if !e.v.wants {
		bad.Msg = "the output depends on no weights"
		return bad
	}
	r.tape.logits = e.v
	r.classes = e.shape[1]
	r.tape.loss = loss{batch: b, classes: e.shape[1], smoothing: r.opts.LabelSmoothing}
	return nil
}

// visit makes layers of the present node.
func (r *recorder) visit() error {
	lean := *r.node
	lean.Outputs = slices.Clone(r.node.Outputs)
	for i, name := range lean.Outputs {
		if r.uses[name] == 0 {
			lean.Outputs[i] = ""
		} else if i > 0 {
			return fmt.Errorf("%w: output %d (%q) is read; only the first one can be", op.ErrUnsupported, i, name)
		}
	}
	o, err := op.New(&lean, r.opset)
	if err != nil {
		return err
	}
	if h, ok := o.(op.Half); ok {
		o = h.Operator
	}
	args := r.operands()
	shapes, err := o.Infer(args)
	if err != nil {
		return err
	}
	if done, err := r.fold(o, args, shapes); done || err != nil {
		return err
	}
	for _, e := range r.in {
		if e != nil && e.v == nil && e.init == nil && e.derived != "" {
			return fmt.Errorf("%w: operand is computed from initializer %q; only initializers themselves can be trained", op.ErrUnsupported, e.derived)
		}
	}
	r.shape = shapes[0].Shape
	if size, err := tensor.Elements(r.shape); err != nil {
		return err
	} else if size == 0 {
		return fmt.Errorf("%w: result %v has no elements", op.ErrUnsupported, r.shape)
	}
	return r.translate(o)
}

// operands collects what the node reads.
func (r *recorder) operands() []op.Arg {
	r.in = r.in[:0]
	var args []op.Arg
	for _, name := range r.node.Inputs {
		e := r.names[name] // nil for ""
		r.in = append(r.in, e)
		args = append(args, e.arg())
	}
	return args
}

// fold computes what is known already. Identities pass initializers on.
func (r *recorder) fold(o op.Operator, args, shapes []op.Arg) (bool, error) {
	if _, ok := o.(op.Identity); ok {
		r.names[r.node.Outputs[0]] = r.in[0]
		return true, nil
	}
	if shapes[0].Known() { // the shape of a value, a constant
		r.names[r.node.Outputs[0]] = &entry{konst: shapes[0].Value}
		return true, nil
	}
	in := make([]tensor.Tensor, len(args))
	derived := ""
	for i, a := range args {
		if a.Present() && !a.Known() {
			return false, nil
		}
		in[i] = a.Value
		if e := r.in[i]; e != nil && e.init != nil && e.konst.Type() == tensor.Float32 && e.konst.Len() > 1 {
			derived = e.init.Name
		} else if e != nil && e.derived != "" {
			derived = e.derived
		}
	}
	out, err := tensor.Make(shapes[0].Type, shapes[0].Shape)
	if err != nil {
		return false, err
	}
	outs := make([]tensor.Tensor, len(shapes))
	outs[0] = out
	if err := o.Eval(op.Env{}, in, outs); err != nil {
		return false, err
	}
	r.names[r.node.Outputs[0]] = &entry{konst: out, derived: derived}
	return true, nil
}
