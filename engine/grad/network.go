package grad

import (
	"context"
	"fmt"
	"runtime"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/onnx"
)

// Options say how a network is trained.
type Options struct {
	Threads int    // goroutines that compute; 0 for one a core
	CPU     string // the instruction set to use, as LETHE_CPU names it; "" for the best
	// LabelSmoothing is the share of each label that is spread over all classes,
	// in [0, 1).
	LabelSmoothing float32
	// Seed draws which elements a Dropout leaves out, with the number of the step.
	Seed uint64
}

// DefaultOptions uses all cores and no label smoothing.
func DefaultOptions() Options { return Options{} }

// Result is what a step measured on its batch before the update.
type Result struct {
	Loss    float64 // mean over the batch; NaN or infinite where training diverged
	Correct int     // images whose largest logit (the first of equals) is the label's
}

// Network is a model that is being trained. It is for one goroutine at a time.
type Network struct {
	opts    Options
	model   *onnx.Model // as given, with lists of its own
	shape   [3]int      // channels, height, width of an image
	classes int
	params  []*Param
	buffers []*Buffer
	notes   []string
	kernels *kernel.Kernels
	crew    *crew
	store   *store
	tapes   []*tape // latest first
	arena   []float32
	steps   uint64
}

// maxTapes is how many batch sizes are kept prepared: the usual one and a last,
// smaller one.
const maxTapes = 2

// New prepares a model for training; it is not changed, but must not be closed
// while the network is in use. Errors about the model are [onnx.Error].
func New(m *onnx.Model, o Options) (*Network, error) {
	switch {
	case o.Threads < 0:
		return nil, fmt.Errorf("grad: %d threads", o.Threads)
	case !(o.LabelSmoothing >= 0 && o.LabelSmoothing < 1):
		return nil, fmt.Errorf("grad: label smoothing of %g, want at least 0 and less than 1", o.LabelSmoothing)
	case m.Graph == nil:
		return nil, &onnx.Error{File: m.Path, Msg: "the model has no graph", Reason: onnx.ErrGraph}
	case o.Threads == 0:
		o.Threads = runtime.GOMAXPROCS(0)
	}
	k, err := kernel.Detect(o.CPU)
	if err != nil {
		return nil, err
	}
	n := &Network{opts: o, model: m.Clone(), kernels: k, crew: newCrew(k, o.Threads), store: newStore()}
	if err := n.takes(); err != nil {
		return nil, err
	}
	t, err := n.record(n.firstBatch())
	if err != nil {
		return nil, err
	}
	n.params, n.buffers, n.notes = n.store.ordered(n.model.Graph)
	if len(n.params) == 0 {
		return nil, &onnx.Error{File: m.Path, Msg: "the model has no weights to train", Reason: onnx.ErrGraph}
	}
	n.tapes = append(n.tapes, t)
	return n, nil
}

// takes reads the shape of images.
func (n *Network) takes() error {
	g := n.model.Graph
	in := g.DataInputs()
	if len(in) != 1 || len(g.Outputs) != 1 {
		return &onnx.Error{File: n.model.Path, Msg: fmt.Sprintf("%d inputs and %d outputs, want one of images and one of logits", len(in), len(g.Outputs)), Reason: onnx.ErrShape}
	}
	bad := &onnx.Error{File: n.model.Path, Value: in[0].Name, Reason: onnx.ErrShape,
		Msg: fmt.Sprintf("input is %v, want float32 [N, channels, height, width], all but N known", in[0].Type)}
	if in[0].Type.Elem != onnx.Float || len(in[0].Type.Shape) != 4 {
		return bad
	}
	for i := range n.shape {
		size, ok := in[0].Type.Shape[i+1].Size()
		if !ok || size < 1 {
			return bad
		}
		n.shape[i] = int(size)
	}
	return nil
}

// firstBatch is the batch size that the model fixes, else 2: enough for the
// variance of a batch.
func (n *Network) firstBatch() int {
	if size, ok := n.model.Graph.DataInputs()[0].Type.Shape[0].Size(); ok && size > 0 {
		return int(size)
	}
	return 2
}

// Params lists the parameters in the order of the model's initializers.
func (n *Network) Params() []*Param { return n.params }

// Buffers lists the running statistics in the order of the model's initializers.
func (n *Network) Buffers() []*Buffer { return n.buffers }

// Notes says what of the model is not trained as it stands, a sentence each.
func (n *Network) Notes() []string { return n.notes }

// Classes is the number of logits.
func (n *Network) Classes() int { return n.tapes[0].loss.classes }

// Seek sets the number of the next step, on which dropout depends: 0 for the
// first. A resumed training says how many steps were done.
func (n *Network) Seek(step uint64) { n.steps = step }

// Changed must be called after Value or Mask of parameters was written.
func (n *Network) Changed() {
	n.crew.each(len(n.params), func(i int, _ *kernel.Scratch) { n.params[i].apply() })
	n.store.pack(n.crew)
}

// Step computes loss and gradients of a batch, images x by channel, height and
// width without gaps and one label for each. It runs in training mode and moves
// running statistics; weights stay. The last batch of an epoch may be smaller.
// When ctx ends between layers its error comes back, and gradients and running
// statistics are those of a part of a step.
func (n *Network) Step(ctx context.Context, x []float32, labels []int32) (Result, error) {
	t, err := n.tape(len(labels))
	if err != nil {
		return Result{}, err
	}
	c, h, w := n.shape[0], n.shape[1], n.shape[2]
	if want := len(labels) * c * h * w; len(x) != want {
		return Result{}, fmt.Errorf("grad: %d values for %d labels, want %d images of %d·%d·%d", len(x), len(labels), len(labels), c, h, w)
	}
	for i, l := range labels {
		if l < 0 || int(l) >= t.loss.classes {
			return Result{}, fmt.Errorf("grad: label %d of image %d, want 0 to %d", l, i, t.loss.classes-1)
		}
	}
	image := c * h * w
	n.crew.each(len(labels), func(i int, _ *kernel.Scratch) {
		n.kernels.ToNHWC(t.input.buf[i*image:][:image], x[i*image:][:image], 1, c, h*w)
	})
	n.store.step = n.steps
	r, err := t.step(ctx, n.crew, labels)
	if err != nil {
		return Result{}, fmt.Errorf("grad: %w", err)
	}
	n.steps++
	n.crew.each(len(n.params), func(i int, _ *kernel.Scratch) { n.params[i].maskGrad() })
	return r, nil
}

// tape is the network for a batch size.
func (n *Network) tape(batch int) (*tape, error) {
	if batch < 1 {
		return nil, fmt.Errorf("grad: a batch of %d images", batch)
	}
	for i, t := range n.tapes {
		if t.batch == batch {
			n.tapes[0], n.tapes[i] = t, n.tapes[0]
			return t, n.ready(t)
		}
	}
	t, err := n.record(batch)
	if err != nil {
		return nil, err
	}
	n.tapes = append([]*tape{t}, n.tapes...)
	n.tapes = n.tapes[:min(len(n.tapes), maxTapes)]
	return t, n.ready(t)
}

// ready gives the tape memory.
func (n *Network) ready(t *tape) error {
	if t.bound {
		return nil
	}
	if t.arena > maxArena {
		return &onnx.Error{File: n.model.Path, Msg: fmt.Sprintf("a batch of %d needs %d GiB", t.batch, t.arena>>28), Reason: op.ErrUnsupported}
	}
	if t.arena > len(n.arena) {
		n.arena = nil // before the new one
		n.arena = kernel.Aligned(t.arena)
		for _, o := range n.tapes {
			o.bound = false
		}
	}
	t.bind(n.arena)
	t.bound = true
	return nil
}

// maxArena is 256 GiB in floats.
const maxArena = 1 << 36
