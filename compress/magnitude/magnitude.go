package magnitude

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prune"
)

type scheme struct{ o Options }

// New is the scheme with its options; it fails if they make no sense.
func New(o Options) (compress.Scheme, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &scheme{o}, nil
}

// Name is "sparsity=0.7" or "sparsity=2:4".
func (s *scheme) Name() string {
	return compress.Spec{Scheme: compress.Sparsity, Sparsity: s.o.Sparsity, Pattern: s.o.Pattern}.String()
}

// NeedsCalibration reports whether statistics are estimated anew.
func (s *scheme) NeedsCalibration() bool { return s.o.Recalibrate }

// Apply prunes a clone of m.
func (s *scheme) Apply(ctx context.Context, m *onnx.Model, in compress.Input) (*compress.Result, error) {
	out := m.Clone()
	r := &compress.Result{Model: out, Options: s.o.text()}
	c, err := s.choose(out, r)
	if err != nil {
		return nil, err
	}
	if len(c.tensors) == 0 {
		return nil, &onnx.Error{File: m.Path, Msg: s.Name() + ": no layer is pruned: there is no convolution, and of matrix products only those that --prune-dense leaves out (now " +
			string(s.o.Dense) + ")", Reason: compress.ErrNoWeights}
	}
	pruned, err := c.pruned(ctx, s.o, in)
	if err != nil {
		return nil, err
	}
	for _, t := range pruned {
		if err := compress.SetConstant(out.Graph, t); err != nil {
			return nil, err
		}
	}
	c.describe(r)
	if s.o.Recalibrate {
		return r, recalibrate(ctx, out, in, r)
	}
	return r, ctx.Err()
}

// choice is the weights to prune, each tensor once.
type choice struct {
	tensors []*onnx.Tensor
	axis    []int // of the input channels
	weights [][]float32
	mask    []prune.Mask
	of      map[int]int // layer note to tensor
}

// choose finds the weights to prune and notes of the other layers why not.
func (s *scheme) choose(m *onnx.Model, r *compress.Result) (*choice, error) {
	c := &choice{of: map[int]int{}}
	layers := compress.Layers(m.Graph)
	for _, name := range s.o.Keep {
		if !slices.ContainsFunc(layers, func(l compress.Layer) bool { return l.Label == name }) {
			return nil, &onnx.Error{File: m.Path, Node: name, Msg: s.Name() + ": there is no such layer to keep", Reason: compress.ErrSpec}
		}
	}
	at := map[string]int{}
	for i, l := range layers {
		note := compress.LayerNote{Node: l.Label, Operator: l.Node.Op, Reason: s.leave(layers, i)}
		if note.Reason == "" {
			k, seen := at[l.Name]
			if !seen {
				w, err := l.Weight.AsFloat32s()
				if err != nil {
					note.Reason = err.Error()
				} else {
					k = len(c.tensors)
					at[l.Name] = k
					c.tensors, c.weights = append(c.tensors, named(l.Weight, l.Name)), append(c.weights, w)
					c.axis = append(c.axis, inputAxis(&l))
				}
			}
			c.of[i] = k
		}
		r.Layers = append(r.Layers, note)
	}
	return c, nil
}

// leave says why a layer is not pruned, "" if it is.
func (s *scheme) leave(layers []compress.Layer, i int) string {
	l := &layers[i]
	if slices.Contains(s.o.Keep, l.Label) {
		return "kept, as asked"
	}
	if !l.IsConv() {
		last := true
		for k := i + 1; k < len(layers); k++ {
			last = last && layers[k].IsConv()
		}
		switch {
		case s.o.Dense == None:
			return "a matrix product, left out"
		case last && s.o.Dense == Inner:
			return "the last matrix product, which gives the classes"
		}
	}
	if s.o.Pattern != "" && !l.Direct {
		return "its weights are moved before they are used, so its input channels are not known"
	}
	return ""
}

// inputAxis is the axis of a layer's weights that its sums run over.
func inputAxis(l *compress.Layer) int {
	switch {
	case l.Node.Op == "ConvTranspose":
		return 0
	case l.Node.Op == "Conv":
		return 1
	case l.Node.Op == "Gemm" && l.Slot == 1:
		return int(l.Node.Int("transB", 0))
	case l.Node.Op == "Gemm":
		return 1 - int(l.Node.Int("transA", 0))
	case l.Slot == 1: // of a MatMul: the last but one
		return max(0, len(l.Weight.Dims)-2)
	}
	return max(0, len(l.Weight.Dims)-1)
}

func named(t *onnx.Tensor, name string) *onnx.Tensor {
	c := *t
	c.Name = name
	return &c
}

// pruned computes what stays, and the tensors with it, on several cores: a
// tensor is pruned by itself once the threshold is known.
func (c *choice) pruned(ctx context.Context, o Options, in compress.Input) ([]*onnx.Tensor, error) {
	c.mask = make([]prune.Mask, len(c.weights))
	if o.Global {
		c.mask = prune.Global(c.weights, o.Sparsity)
	}
	out := make([]*onnx.Tensor, len(c.weights))
	var mu sync.Mutex // over done, and the caller's Progress
	done := 0
	work := make(chan int, len(c.weights))
	for i := range c.weights {
		work <- i
	}
	close(work)
	var all sync.WaitGroup
	for range cmp.Or(in.Engine.Threads, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range work {
				if ctx.Err() != nil {
					return
				}
				if !o.Global {
					c.mask[i] = c.maskOf(i, o)
				}
				out[i] = zeroed(c.tensors[i], c.mask[i])
				if in.Progress == nil {
					continue
				}
				mu.Lock()
				done++
				in.Progress(done, len(c.weights))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return out, ctx.Err()
}

// maskOf is the mask of one tensor, by its own weights only.
func (c *choice) maskOf(i int, o Options) prune.Mask {
	if o.Pattern != Pattern24 {
		return prune.Layer(c.weights[i], o.Sparsity)
	}
	dims := make([]int, len(c.tensors[i].Dims))
	for k, d := range c.tensors[i].Dims {
		dims[k] = int(d)
	}
	return prune.NofM(c.weights[i], dims, c.axis[i], 2, 4)
}

// zeroed is a copy of a tensor with zeros where the mask says so. All bits zero
// is +0 in every floating-point type.
func zeroed(t *onnx.Tensor, m prune.Mask) *onnx.Tensor {
	c := t.Clone()
	size := t.Type.Bits() / 8
	if size == 4 { // without a branch, which no processor would guess
		for i, keep := range m {
			var all uint32
			if keep {
				all = 1
			}
			b := c.Raw[4*i : 4*i+4]
			binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)&-all)
		}
		return c
	}
	for i, keep := range m {
		if !keep {
			clear(c.Raw[i*size : (i+1)*size])
		}
	}
	return c
}

// describe says of each pruned layer how much stays.
func (c *choice) describe(r *compress.Result) {
	for i := range r.Layers {
		k, ok := c.of[i]
		if !ok || r.Layers[i].Reason != "" {
			continue
		}
		n, all := len(c.mask[k])-c.mask[k].Kept(), len(c.mask[k])
		r.Layers[i].Change = fmt.Sprintf("%d of %d weights removed", n, all)
		if n == all {
			r.Notes = append(r.Notes, fmt.Sprintf("layer %s lost all of its weights", r.Layers[i].Node))
		}
	}
}
