package grad

import (
	"context"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/onnx"
)

// value is a tensor on a tape, stored without gaps: images with channels last,
// others in row-major order.
type value struct {
	n       int       // elements
	param   *Param    // a parameter
	konst   []float32 // a constant
	wants   bool      // its gradient is wanted
	buf     []float32 // the elements of what a layer makes, and of the input
	dbuf    []float32 // and their gradient
	offset  [2]int    // of buf and dbuf in the arena
	inPlace *value    // whose gradient has the same place, nil for none
}

// data is the elements.
func (v *value) data() []float32 {
	switch {
	case v.param != nil:
		return v.param.used
	case v.konst != nil:
		return v.konst
	}
	return v.buf
}

// grad is the gradient of the loss.
func (v *value) grad() []float32 {
	if v.param != nil {
		return v.param.Grad
	}
	return v.dbuf
}

// ends are what a layer reads and makes.
type ends struct {
	node *onnx.Node
	in   []*value
	add  []bool // this layer's part of the gradient of in[i] is added to what is there
	out  *value
}

func (e *ends) link() *ends { return e }

// layer is a step of the forward pass and of the backward pass.
type layer interface {
	link() *ends
	// prepare makes plans for the shapes.
	prepare(k *kernel.Kernels) error
	// keeps are the values that the backward pass reads.
	keeps() []*value
	forward(c *crew)
	// backward computes, or adds, the gradients of inputs from that of the output.
	backward(c *crew)
}

// tape is the network for one batch size: layers in an order in which every
// value is made before it is read.
type tape struct {
	batch  int
	layers []layer
	input  *value // images, channels last
	logits *value
	arena  int // floats
	loss   loss
	bound  bool // values have memory
}

// step runs both passes.
func (t *tape) step(ctx context.Context, c *crew, labels []int32) (Result, error) {
	for _, l := range t.layers {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		l.forward(c)
	}
	r := t.loss.run(c, t.logits.data(), t.logits.grad(), labels)
	for i := len(t.layers) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if l := t.layers[i]; l.link().out.wants {
			l.backward(c)
		}
	}
	return r, nil
}

// gradient is where a layer writes the gradient of in[i], or adds it if add[i]
// says so; nil if it is not wanted.
func (e *ends) gradient(i int) []float32 {
	if i >= len(e.in) || !e.in[i].wants {
		return nil
	}
	return e.in[i].grad()
}
