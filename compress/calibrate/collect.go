package calibrate

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Request says what to collect.
type Request struct {
	Values     []string // names of the values to summarize
	Means      []string // those of them whose channel means are wanted, too
	Histograms bool
	Engine     engine.Options
	Progress   func(done, total int) // batches run, over all passes; may be nil
}

// Collected is the summaries of a network's values.
type Collected struct {
	Values   map[string]*Summary
	Examples []dataset.ExampleID // in the order that they were run
}

// runBytes is how much memory the values of one run may take before the
// examples of a batch are run in smaller pieces.
const runBytes = 32 << 20

// Collect runs a network with one input over examples. The result does not
// depend on how the examples are divided into batches.
func Collect(ctx context.Context, m *onnx.Model, ex compress.Batches, r Request) (*Collected, error) {
	if ex == nil || ex.Len() == 0 {
		return nil, &Error{Msg: "no examples; a quantized network needs the ranges of its values", Reason: ErrEmpty}
	}
	c, err := newCollector(m, ex, r)
	if err != nil {
		return nil, err
	}
	defer c.session.Close()
	if err := c.pass(ctx, c.see); err != nil {
		return nil, err
	}
	if err := c.varied(); err != nil {
		return nil, err
	}
	if r.Histograms {
		for _, s := range c.out.Values {
			s.bin()
		}
		if err := c.pass(ctx, c.count); err != nil {
			return nil, err
		}
	}
	for _, s := range c.out.Values {
		s.finish()
	}
	return c.out, nil
}

type collector struct {
	r       Request
	ex      compress.Batches
	m       *onnx.Model
	session engine.Session
	input   *onnx.ValueInfo
	names   []string // the input, then the values
	makers  *onnx.Index
	out     *Collected
	first   []float32 // the first example
	differ  bool      // whether another one differs from it
	means   map[string]bool
	piece   int // examples a run
	fixed   bool
	passes  int
	done    int
}

func newCollector(m *onnx.Model, ex compress.Batches, r Request) (*collector, error) {
	inputs := m.Graph.DataInputs()
	if len(inputs) != 1 || inputs[0].Type.Elem != onnx.Float {
		return nil, &Error{Msg: fmt.Sprintf("the model has %d inputs, want one of float32", len(inputs)), Reason: ErrShape}
	}
	c := &collector{r: r, ex: ex, m: m, input: inputs[0], makers: m.Graph.Index(), passes: 1,
		means: map[string]bool{}, out: &Collected{Values: map[string]*Summary{}}}
	if r.Histograms {
		c.passes = 2
	}
	for _, name := range r.Means {
		c.means[name] = true
	}
	c.names = []string{c.input.Name} // first: an error is about the first bad value
	for _, name := range r.Values {
		if name != c.input.Name {
			c.names = append(c.names, name)
		}
	}
	c.piece = 1
	if n, fixed := first(c.input.Type.Shape); fixed {
		c.piece, c.fixed = max(1, int(n)), true
	}
	for _, name := range c.names {
		c.out.Values[name] = NewSummary()
	}
	o := r.Engine
	o.Direct = true // no second form of the weights in memory
	var err error
	c.session, err = engine.New(withOutputs(m, c.names, c.makers), o)
	return c, err
}

func first(s onnx.Shape) (int64, bool) {
	if len(s) == 0 {
		return 0, false
	}
	return s[0].Size()
}

// withOutputs is the model with these values as its outputs. It shares
// everything else with m.
func withOutputs(m *onnx.Model, names []string, index *onnx.Index) *onnx.Model {
	out, g := *m, *m.Graph
	g.Outputs = nil
	for _, name := range names {
		if index.Producer(name) != nil {
			g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: name})
		}
	}
	if len(g.Outputs) == 0 {
		g.Outputs = m.Graph.Outputs
	}
	out.Graph = &g
	return &out
}

// pass runs all examples and gives what comes out to f.
func (c *collector) pass(ctx context.Context, f func(name string, v engine.Tensor) error) error {
	start := len(c.out.Examples) == 0
	for i := range c.ex.Len() {
		x, ids, err := c.ex.Batch(ctx, i)
		if err != nil {
			return err
		}
		if err := c.fits(x); err != nil {
			return err
		}
		if start {
			c.out.Examples = append(c.out.Examples, ids...)
			c.compare(x)
		}
		if err := c.batch(ctx, x, f); err != nil {
			return err
		}
		if c.done++; c.r.Progress != nil {
			c.r.Progress(c.done, c.passes*c.ex.Len())
		}
	}
	return nil
}

// fits checks a batch against the model's input.
func (c *collector) fits(x engine.Tensor) error {
	want := c.input.Type.Shape
	bad := x.Type() != tensor.Float32 || x.Rank() == 0 || x.Len() == 0 || want.Ranked() && len(want) != x.Rank()
	for i := 1; !bad && i < len(want); i++ {
		n, known := want[i].Size()
		bad = known && n != int64(x.Shape()[i])
	}
	if n, fixed := first(want); !bad && fixed && n > 0 {
		bad = int64(x.Shape()[0])%n != 0
	}
	if bad {
		return &Error{Value: c.input.Name, Msg: fmt.Sprintf("examples are %v, the model takes float%v", x, want), Reason: ErrShape}
	}
	return nil
}

// compare looks for an example that differs from the first.
func (c *collector) compare(x engine.Tensor) {
	size := x.Len() / x.Shape()[0]
	for v := range slices.Chunk(tensor.Data[float32](x), size) {
		if c.first == nil {
			c.first = slices.Clone(v)
		}
		c.differ = c.differ || !slices.Equal(v, c.first)
	}
}

// varied refuses examples from which no range can be had.
func (c *collector) varied() error {
	if s := c.out.Values[c.input.Name]; s.Constant() {
		return &Error{Value: c.input.Name, Msg: fmt.Sprintf("is %v in all %d examples", s.Low, len(c.out.Examples)), Reason: ErrConstant}
	}
	if n := len(c.out.Examples); n > 1 && !c.differ {
		return &Error{Value: c.input.Name, Msg: fmt.Sprintf("all %d examples are the same", n), Reason: ErrConstant}
	}
	return nil
}

// batch runs a batch in pieces.
func (c *collector) batch(ctx context.Context, x engine.Tensor, f func(name string, v engine.Tensor) error) error {
	n := x.Shape()[0]
	for from := 0; from < n; {
		to := min(n, from+c.piece)
		part := x.Slice(from, to)
		got, err := c.session.Run(ctx, map[string]engine.Tensor{c.input.Name: part})
		if err != nil {
			return err
		}
		got[c.input.Name] = part
		if err := c.all(got, f); err != nil {
			return err
		}
		c.settle(got, to-from)
		from = to
	}
	return nil
}

// settle chooses how many examples go into a run, and lets go of what the last
// run gave: a large network's values are many times as large as anything else
// here, and would otherwise stay until the heap has doubled.
func (c *collector) settle(got map[string]engine.Tensor, n int) {
	bytes := 0
	for _, t := range got {
		bytes += t.Bytes()
	}
	if !c.fixed {
		c.piece = min(max(1, runBytes*n/max(1, bytes)), 64)
	}
	if bytes > runBytes/2 {
		clear(got)
		runtime.GC()
	}
}

// all gives every value to f, on several goroutines; each value is seen by one.
func (c *collector) all(got map[string]engine.Tensor, f func(name string, v engine.Tensor) error) error {
	workers := c.r.Engine.Threads
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, len(c.names))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(c.names)) {
		wg.Go(func() {
			for k := next.Add(1) - 1; int(k) < len(c.names); k = next.Add(1) - 1 {
				errs[k] = f(c.names[k], got[c.names[k]])
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) see(name string, t engine.Tensor) error {
	v := tensor.Data[float32](t)
	s := c.out.Values[name]
	if v == nil {
		return &Error{Value: name, Node: c.node(name), Msg: fmt.Sprintf("is %v, want float32", t), Reason: ErrShape}
	}
	if !s.see(v) {
		return &Error{Value: name, Node: c.node(name), Msg: "is not finite (NaN or infinite) on a calibration example", Reason: ErrNotFinite}
	}
	if c.means[name] && t.Rank() >= 2 {
		for one := range slices.Chunk(v, t.Len()/t.Shape()[0]) {
			s.channels(one, t.Shape()[1])
		}
	}
	return nil
}

func (c *collector) count(name string, t engine.Tensor) error {
	c.out.Values[name].count(tensor.Data[float32](t))
	return nil
}

// node is the node that makes a value, "" for an input.
func (c *collector) node(name string) string {
	if n := c.makers.Producer(name); n != nil {
		return n.Name
	}
	return ""
}
