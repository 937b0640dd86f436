package engine

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Program is a compiled model. It is safe for use by several goroutines.
type Program struct {
	base    *graph
	head    *graph // base up to large fully connected layers, and the rest;
	tail    *graph // nil if it has none
	inputs  []Value
	outputs []Value
	opts    Options
	kernels *kernel.Kernels
	packs   packs

	mu        sync.Mutex
	divisions map[string]*division
	order     []string // keys of divisions, oldest first
}

// Compile makes a program of a model, which must not be changed or closed
// while the program is in use: weights are not copied. An operator, opset or
// element type that the engine lacks is an [onnx.Error] whose reason wraps
// [op.ErrUnsupported].
func Compile(m *onnx.Model, o Options) (*Program, error) {
	if o.Threads < 0 {
		return nil, fmt.Errorf("engine: %d threads", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	k, err := kernel.Detect(o.CPU)
	if err != nil {
		return nil, err
	}
	g, err := importGraph(m)
	if err != nil {
		return nil, err
	}
	p := &Program{base: g, opts: o, kernels: k, packs: newPacks(), divisions: map[string]*division{}}
	for _, in := range m.Graph.DataInputs() {
		p.inputs = append(p.inputs, Value{in.Name, tensor.Type(in.Type.Elem), in.Type.Shape})
	}
	for _, out := range m.Graph.Outputs {
		p.outputs = append(p.outputs, Value{out.Name, tensor.Type(out.Type.Elem), out.Type.Shape})
	}
	g.keep = o.KeepIntermediates
	if err := p.optimize(g); err != nil {
		return nil, err
	}
	if !o.KeepIntermediates {
		p.head, p.tail = g.cutTail()
	}
	return p, nil
}

// optimize applies the passes that need no shapes.
func (p *Program) optimize(g *graph) error {
	g.prune()
	if !g.keep {
		g.skipIdentities()
		if !p.opts.Reference {
			g.widen(p.inputs, p.outputs)
			err := g.fold(func(s *step) bool {
				_, ok := s.op.(op.Dequantize)
				return ok
			})
			if err != nil {
				return err
			}
			g.integrate()
		}
	}
	return g.fold(nil)
}

// Inputs lists what a session wants.
func (p *Program) Inputs() []Value { return p.inputs }

// Outputs lists what a session gives.
func (p *Program) Outputs() []Value { return p.outputs }

// fixedBatch is the number of images that the model declares for every input;
// ok is false if it takes any number, or the inputs differ.
func (p *Program) fixedBatch() (n int, ok bool) {
	for i, v := range p.inputs {
		if len(v.Shape) == 0 {
			return 0, false
		}
		size, known := v.Shape[0].Size()
		if !known || size < 1 || i > 0 && int(size) != n {
			return 0, false
		}
		n = int(size)
	}
	return n, len(p.inputs) > 0
}

// checkInput compares a tensor with what the model declares. The first axis
// may be a multiple of what it should be if freeBatch says so.
func (v Value) checkInput(t Tensor, freeBatch bool) error {
	if t.Type() != v.Type {
		return fmt.Errorf("is %v, want %v", t, v.Type)
	}
	if v.Shape == nil {
		return nil
	}
	if len(v.Shape) != t.Rank() {
		return fmt.Errorf("has shape %v, want %v", t.Shape(), v.Shape)
	}
	for i, d := range v.Shape {
		n, known := d.Size()
		if known && int(n) != t.Shape()[i] && !(freeBatch && i == 0 && n > 0 && t.Shape()[0]%int(n) == 0) {
			return fmt.Errorf("has shape %v, want %v", t.Shape(), v.Shape)
		}
	}
	return nil
}

// collect puts the inputs in the model's order and checks them.
func (p *Program) collect(inputs map[string]Tensor) ([]Tensor, error) {
	out := make([]Tensor, len(p.inputs))
	_, fixed := p.fixedBatch()
	freeBatch := p.opts.FreeBatch && fixed && !p.opts.KeepIntermediates
	for i, v := range p.inputs {
		t, ok := inputs[v.Name]
		if !ok || !t.Present() {
			return nil, fmt.Errorf("engine: input %q is missing", v.Name)
		}
		if err := v.checkInput(t, freeBatch); err != nil {
			return nil, fmt.Errorf("engine: input %q %w", v.Name, err)
		}
		out[i] = t
	}
	if len(inputs) > len(p.inputs) {
		return nil, errors.New("engine: more inputs than the model has")
	}
	return out, nil
}
