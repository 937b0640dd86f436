package engine

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// place says where a value of a plan is.
type place int

const (
	placeConst  place = iota // in the program
	placeInput               // in the caller's input
	placeOutput              // in an output of Run
	placeArena               // in the session's arena
	placeView                // where another value is
	placeHeap                // made anew by each run: its shape depends on what is fed in
)

// slot is a value of a plan.
type slot struct {
	value  *value
	typ    tensor.Type // Undefined if it is not known before the run
	shape  []int
	place  place
	index  int // number of the input, output, or the slot that it is a view of
	offset int // in the arena, bytes
}

func (s *slot) bytes() int {
	n := s.typ.Size()
	for _, d := range s.shape {
		n *= d
	}
	return n
}

// tiled is work that was prepared for one shape and can be cut into pieces.
type tiled interface {
	// tiles is the number of pieces, at least 1.
	tiles() int
	// run computes one piece; pieces may run at the same time, each with a
	// scratch of its own.
	run(tile int, in, out []tensor.Tensor, s *kernel.Scratch)
}

// planner is an operator that runs on kernels.
type planner interface {
	// plan prepares the operator for operands and results of known shape.
	plan(p *Program, in, out []op.Arg) (tiled, error)
}

// instr is one step of a plan.
type instr struct {
	step    *step
	in, out []int // slots; -1 for what was left out
	work    tiled // nil: the operator's definition runs
	view    bool  // nothing is computed: slot out[0] is a view
	dynamic bool  // shapes are inferred during the run
}

// plan is a program for one shape of inputs.
type plan struct {
	graph   *graph
	slots   []slot
	code    []instr
	inputs  []int // slots of the inputs
	outputs []int // slots of the outputs: the graph's, then kept values
	names   []string
	arena   int // bytes
}

// newPlan makes the plan of a graph for inputs of these types and shapes.
func (p *Program) newPlan(base *graph, inputs []op.Arg) (*plan, error) {
	g := base.clone()
	f, err := g.infer(inputs)
	if err != nil {
		return nil, err
	}
	g.settle(f)
	g.prune()
	if !p.opts.Reference {
		p.lower(g, f)
	}
	b := &planBuilder{plan: &plan{graph: g}, program: p, facts: f, index: map[*value]int{}}
	if err := b.build(); err != nil {
		return nil, err
	}
	if b.arena > tensor.MaxBytes {
		return nil, &onnx.Error{File: g.file, Msg: fmt.Sprintf("values for this input need %d GiB", b.arena>>30), Reason: tensor.ErrTooLarge}
	}
	return b.plan, nil
}

type planBuilder struct {
	*plan
	program *Program
	facts   facts
	index   map[*value]int
}

// slot is the number of a value's slot, -1 for nil.
func (b *planBuilder) slot(v *value) int {
	if v == nil {
		return -1
	}
	if i, ok := b.index[v]; ok {
		return i
	}
	s := slot{value: v, place: placeHeap}
	if a, ok := b.facts.of(v); ok {
		s.typ, s.shape, s.place = a.Type, a.Shape, placeArena
	}
	if v.isConst() {
		s.place = placeConst
	}
	b.slots = append(b.slots, s)
	b.index[v] = len(b.slots) - 1
	return len(b.slots) - 1
}

func (b *planBuilder) build() error {
	for i, v := range b.graph.inputs {
		k := b.slot(v)
		b.slots[k].place, b.slots[k].index = placeInput, i
		b.inputs = append(b.inputs, k)
	}
	for _, s := range b.graph.steps {
		in, err := b.instr(s)
		if err != nil {
			return b.graph.errorAt(s, err)
		}
		b.code = append(b.code, in)
	}
	b.deliver()
	b.arena = b.layoutArena()
	return nil
}

// instr makes the instruction of a step.
func (b *planBuilder) instr(s *step) (instr, error) {
	in := instr{step: s}
	for _, v := range s.in {
		in.in = append(in.in, b.slot(v))
	}
	for _, v := range s.out {
		k := b.slot(v)
		in.out = append(in.out, k)
		in.dynamic = in.dynamic || k >= 0 && b.slots[k].place == placeHeap
	}
	if in.dynamic {
		return in, nil
	}
	if view, ok := s.op.(op.View); ok && view.IsView() && in.out[0] >= 0 {
		in.view = true
		o := &b.slots[in.out[0]]
		o.place, o.index = placeView, in.in[0]
		return in, nil
	}
	if s.low != nil {
		ins, _ := b.facts.args(s)
		outs := make([]op.Arg, len(s.out))
		for i, v := range s.out {
			outs[i], _ = b.facts.of(v)
		}
		w, err := s.low.plan(b.program, ins, outs)
		if err != nil {
			return in, err
		}
		in.work = w
	}
	return in, nil
}

// deliver gives every output a place of its own: the step that makes it
// writes to the caller's tensor where that is possible.
func (b *planBuilder) deliver() {
	add := func(v *value, name string) {
		k := b.slot(v)
		b.outputs, b.names = append(b.outputs, k), append(b.names, name)
		root := b.root(k)
		if r := &b.slots[root]; r.place == placeArena {
			r.place, r.index = placeOutput, len(b.outputs)-1
		}
	}
	done := map[string]bool{}
	for i, v := range b.graph.outputs {
		add(v, b.graph.names[i])
		done[b.graph.names[i]] = true
	}
	if !b.graph.keep {
		return
	}
	kept := slices.Clone(b.graph.folded)
	for _, s := range b.graph.steps {
		kept = append(kept, s.out...)
	}
	for _, v := range kept {
		if v != nil && v.name != "" && !done[v.name] {
			add(v, v.name)
			done[v.name] = true
		}
	}
}

// root is the slot that slot k is, possibly through several views, a view of.
func (b *plan) root(k int) int {
	for b.slots[k].place == placeView {
		k = b.slots[k].index
	}
	return k
}
