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
	return c.run(ctx)
}

func (c *collector) run(ctx context.Context) (*Collected, error) {
	for _, names := range c.groups() {
		if err := c.collect(ctx, names); err != nil {
			return nil, err
		}
	}
	for _, s := range c.out.Values {
		s.finish()
	}
	return c.out, nil
}

// collect summarizes some of the values.
func (c *collector) collect(ctx context.Context, names []string) (err error) {
	c.names = names
	if c.session, err = engine.New(withOutputs(c.m, names, c.makers), c.r.Engine); err != nil {
		return err
	}
	defer c.session.Close()
	if err := c.pass(ctx, c.see); err != nil {
		return err
	}
	if err := c.varied(); err != nil || !c.r.Histograms {
		return err
	}
	for _, name := range names {
		c.out.Values[name].bin()
	}
	return c.pass(ctx, c.count)
}

type collector struct {
	r       Request
	ex      compress.Batches
	m       *onnx.Model
	session engine.Session
	input   *onnx.ValueInfo
	all     []string // the input, then the values
	names   []string // those of them that are collected now
	makers  *onnx.Index
	out     *Collected
	first   []float32 // the first example
	differ  bool      // whether another one differs from it
	means   map[string]bool
	piece   int // examples a run
	fixed   bool
	passes  int
	done    int
	started bool
	most    int64 // see groupBytes
}

func newCollector(m *onnx.Model, ex compress.Batches, r Request) (*collector, error) {
	inputs := m.Graph.DataInputs()
	if len(inputs) != 1 || inputs[0].Type.Elem != onnx.Float {
		return nil, &Error{Msg: fmt.Sprintf("the model has %d inputs, want one of float32", len(inputs)), Reason: ErrShape}
	}
	r.Engine.Direct = true // no second form of the weights in memory
	c := &collector{r: r, ex: ex, m: m, input: inputs[0], makers: m.Graph.Index(), most: groupBytes,
		means: map[string]bool{}, out: &Collected{Values: map[string]*Summary{}}}
	for _, name := range r.Means {
		c.means[name] = true
	}
	c.all = []string{c.input.Name} // first: an error is about the first bad value
	for _, name := range r.Values {
		if name != c.input.Name {
			c.all = append(c.all, name)
		}
	}
	c.piece = 1
	if n, fixed := first(c.input.Type.Shape); fixed {
		c.piece, c.fixed = max(1, int(n)), true
	}
	for _, name := range c.all {
		c.out.Values[name] = NewSummary()
	}
	return c, nil
}

// groupBytes is how much memory the values of one example may take before they
// are collected in several goes.
const groupBytes = 40 << 20

// groups cuts the values into parts, in the order of the graph, whose elements
// for one example are not too many to be in memory at a time. Early values take
// only the front of the network to run.
func (c *collector) groups() [][]string {
	shape := c.input.Type.Shape.Clone()
	if !c.fixed && len(shape) > 0 {
		shape[0] = onnx.Fixed(1)
	}
	types, err := onnx.Infer(c.m, map[string]onnx.Shape{c.input.Name: shape})
	size := func(name string) int64 {
		n, ok := types[name].Shape.Elements()
		if err != nil || !ok {
			return 0
		}
		return 4 * n
	}
	total := int64(0)
	for _, name := range c.all {
		total += size(name)
	}
	parts := max(1, (total+c.most-1)/c.most)
	out, held := [][]string{nil}, int64(0)
	for _, name := range c.all {
		if held > 0 && held+size(name) > total/parts+c.most/8 {
			out, held = append(out, nil), 0
		}
		out[len(out)-1], held = append(out[len(out)-1], name), held+size(name)
	}
	c.passes = len(out)
	if c.r.Histograms {
		c.passes *= 2
	}
	return out
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
	start := !c.started
	c.started = true
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
		return &Error{Value: c.input.Name, Msg: fmt.Sprintf("is %v in all %d examples; ranges can only be taken from images that differ", s.Low, len(c.out.Examples)), Reason: ErrConstant}
	}
	if n := len(c.out.Examples); n > 1 && !c.differ {
		return &Error{Value: c.input.Name, Msg: fmt.Sprintf("all %d examples are the same; ranges can only be taken from images that differ", n), Reason: ErrConstant}
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
		if err := c.give(got, f); err != nil {
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

// give gives every value to f, on several goroutines; each value is seen by one.
func (c *collector) give(got map[string]engine.Tensor, f func(name string, v engine.Tensor) error) error {
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
