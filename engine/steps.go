package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Step is one step of a plan, as [Program.Steps] lists them.
type Step struct {
	Op      string   // operator of the first node
	Nodes   []string // names of the nodes that it computes, in their order
	Kernel  string   // what runs: a kernel's name, "view" for nothing, or "definition"
	Outputs []Value  // as they are in memory: images may have their channels last
}

// Steps lists what runs for inputs of the given shapes when all images run
// together: which nodes were joined into one step, and which run by their
// definition because no kernel covers them.
func (p *Program) Steps(shapes map[string][]int) ([]Step, error) {
	args, err := p.argsOf(shapes)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	q, err := p.newPlan(p.base, args)
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	out := make([]Step, len(q.code))
	for i := range q.code {
		out[i] = q.describe(&q.code[i])
	}
	return out, nil
}

// argsOf is the inputs with these shapes.
func (p *Program) argsOf(shapes map[string][]int) ([]op.Arg, error) {
	args := make([]op.Arg, len(p.inputs))
	for i, v := range p.inputs {
		shape, ok := shapes[v.Name]
		if !ok {
			return nil, fmt.Errorf("engine: no shape of input %q", v.Name)
		}
		args[i] = op.Arg{Type: v.Type, Shape: shape}
	}
	return args, nil
}

// describe is the step of an instruction.
func (b *plan) describe(in *instr) Step {
	s := Step{Op: in.step.kind, Nodes: append([]string{in.step.node}, in.step.joined...), Kernel: "definition"}
	switch {
	case in.view:
		s.Kernel = "view"
	case in.work != nil:
		name := fmt.Sprintf("%T", in.step.low)
		s.Kernel = strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "Low")
	}
	for _, k := range in.out {
		if k < 0 {
			continue
		}
		v := &b.slots[k]
		out := Value{Name: v.value.name, Type: v.typ}
		if v.typ != tensor.Undefined {
			out.Shape = shapeOf(v.shape)
		}
		s.Outputs = append(s.Outputs, out)
	}
	return s
}

func shapeOf(s []int) onnx.Shape {
	out := make(onnx.Shape, len(s))
	for i, d := range s {
		out[i] = onnx.Fixed(int64(d))
	}
	return out
}

// String is the step on one line.
func (s Step) String() string {
	text := fmt.Sprintf("%-12s %s %s", s.Kernel, s.Op, strings.Join(s.Nodes, " + "))
	for _, v := range s.Outputs {
		text += fmt.Sprintf(" -> %v%v", v.Type, v.Shape)
	}
	return text
}

// Definitions lists the operators of steps that no kernel covers, without
// repetition and in alphabetical order.
func Definitions(steps []Step) []string {
	var ops []string
	for _, s := range steps {
		if s.Kernel == "definition" {
			ops = append(ops, s.Op)
		}
	}
	slices.Sort(ops)
	return slices.Compact(ops)
}
