package engine

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// maxPlans is how many divisions a program keeps: one for a full batch, one
// for the last of a data set, and some for callers that vary the batch.
const maxPlans = 16

// groupBytes is the memory that the values of a group of images should take at
// most: half of a core's second-level cache. It changes the speed only.
const groupBytes = 512 << 10

// division says how the images of a batch are shared out: groups of size
// images, each run by one worker, then the left over ones by all workers
// together.
type division struct {
	groups, size, left int
	group, rest        *plan     // nil where there is none
	results            []op.Arg  // types and shapes of the outputs; no type: not known before the run
	names              []string  // of the outputs
	then               *division // what the outputs are the inputs of, nil for nothing
}

// divide shares out inputs of these types and shapes.
func (p *Program) divide(inputs []op.Arg) (*division, error) {
	var buf []byte
	for _, a := range inputs {
		buf = strconv.AppendInt(append(buf, '/'), int64(a.Type), 10)
		for _, n := range a.Shape {
			buf = strconv.AppendInt(append(buf, ','), int64(n), 10)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.divisions[string(buf)]; ok {
		return d, nil
	}
	key := string(buf)
	d, err := p.newDivision(inputs)
	if err != nil {
		return nil, err
	}
	if len(p.order) == maxPlans {
		delete(p.divisions, p.order[0])
		p.order = p.order[1:]
	}
	p.divisions[key] = d
	p.order = append(p.order, key)
	return d, nil
}

func (p *Program) newDivision(inputs []op.Arg) (*division, error) {
	n, ok := batchOf(inputs)
	if b, fixed := p.fixedBatch(); ok && fixed && n > b {
		return p.repeated(inputs, n, b)
	}
	if !ok || n < 2 || n < p.opts.Threads || p.opts.KeepIntermediates {
		return p.undivided(p.base, inputs)
	}
	d, err := p.grouped(p.base, inputs, n)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return p.undivided(p.base, inputs)
	}
	if p.head == nil {
		return d, nil
	}
	return p.headAndTail(d, inputs, n)
}

// headAndTail runs the images apart only as far as the head goes; whole is what
// to do where that is not possible.
func (p *Program) headAndTail(whole *division, inputs []op.Arg, n int) (*division, error) {
	d, err := p.grouped(p.head, inputs, n)
	if err != nil || d == nil {
		return whole, err
	}
	if d.then, err = p.undivided(p.tail, d.results); err != nil {
		return nil, err
	}
	return d, nil
}

// grouped shares out n images, at least as many as there are workers; nil if
// they depend on one another.
func (p *Program) grouped(g *graph, inputs []op.Arg, n int) (*division, error) {
	full, err := g.infer(inputs)
	if err != nil {
		return nil, err
	}
	one, err := p.groupOf(g, inputs, full, n, 1)
	if one == nil || err != nil {
		return nil, err
	}
	d := &division{size: groupSize(n/p.opts.Threads, one.arena), left: n % p.opts.Threads, group: one, names: one.names}
	d.groups = (n - d.left) / d.size
	if d.size > 1 {
		if d.group, err = p.groupOf(g, inputs, full, n, d.size); d.group == nil || err != nil {
			return nil, err
		}
	}
	switch {
	case d.left == 1:
		d.rest = one
	case d.left > 1:
		if d.rest, err = p.groupOf(g, inputs, full, n, d.left); d.rest == nil || err != nil {
			return nil, err
		}
	}
	d.results = one.results()
	for i := range d.results {
		d.results[i].Shape = append([]int{n}, d.results[i].Shape[1:]...)
	}
	return d, nil
}

// repeated runs a model for b images on n of them, a multiple of b.
func (p *Program) repeated(inputs []op.Arg, n, b int) (*division, error) {
	q, err := p.newPlan(p.base, rowArgs(inputs, b))
	if err != nil {
		return nil, err
	}
	d := &division{groups: n / b, size: b, group: q, results: q.results(), names: q.names}
	for i, r := range d.results {
		if r.Type == tensor.Undefined || len(r.Shape) == 0 || r.Shape[0] != b {
			return nil, fmt.Errorf("engine: output %q has no axis of %d images: the model cannot run on %d", q.names[i], b, n)
		}
		d.results[i].Shape = append([]int{n}, r.Shape[1:]...)
	}
	return d, nil
}

// rowArgs is inputs with m images.
func rowArgs(inputs []op.Arg, m int) []op.Arg {
	some := slices.Clone(inputs)
	for i := range some {
		some[i].Shape = append([]int{m}, some[i].Shape[1:]...)
	}
	return some
}

// groupSize is the largest divisor of each, the images of a worker, that keeps
// a group within its memory when one image takes so many bytes.
func groupSize(each, bytes int) int {
	for size := each; size > 1; size-- {
		if each%size == 0 && size*bytes <= groupBytes {
			return size
		}
	}
	return 1
}

// batchOf is the number of images: the length of the first axis, which all
// inputs share.
func batchOf(inputs []op.Arg) (n int, ok bool) {
	for i, a := range inputs {
		if len(a.Shape) == 0 || i > 0 && a.Shape[0] != n {
			return 0, false
		}
		n = a.Shape[0]
	}
	return n, len(inputs) > 0
}

// groupOf is the plan for m of n images; nil if images depend on one another,
// or m of them alone do not fit the graph.
func (p *Program) groupOf(g *graph, inputs []op.Arg, full facts, n, m int) (*plan, error) {
	some := rowArgs(inputs, m)
	part, err := g.infer(some)
	if err != nil || !independent(g, full, part, n, m) {
		return nil, nil
	}
	return p.newPlan(g, some)
}

// undivided runs all images together.
func (p *Program) undivided(g *graph, inputs []op.Arg) (*division, error) {
	q, err := p.newPlan(g, inputs)
	if err != nil {
		return nil, err
	}
	return &division{left: 1, rest: q, results: q.results(), names: q.names}, nil
}

// results is the types and shapes of the outputs; no type for one that is
// known after the run only.
func (p *plan) results() []op.Arg {
	out := make([]op.Arg, len(p.outputs))
	for i, k := range p.outputs {
		s := &p.slots[k]
		if s.place != placeHeap && p.slots[p.root(k)].place != placeHeap {
			out[i] = op.Arg{Type: s.typ, Shape: s.shape}
		}
	}
	return out
}
