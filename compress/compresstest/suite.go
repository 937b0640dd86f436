// Package compresstest is the suite that every compression scheme passes.
//
// On small networks of every kind that the engine knows it checks that a scheme
// leaves its input alone, gives the same bytes again at any number of threads,
// keeps inputs and outputs, gives a graph that is valid, that runs in our engine
// and in ONNX Runtime with the same results, says of each layer what became of
// it, and writes a complete manifest; and that bad models are refused.
package compresstest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Options say what a scheme promises beyond what all do.
type Options struct {
	// Idempotent: a second time finds nothing to do (compress.ErrNothing).
	Idempotent bool
	// Tolerance is how far outputs of our engine and of ONNX Runtime may lie
	// apart, as a share of the largest output.
	Tolerance float64
	// Near is how far outputs may lie from those of the model before, as a share
	// of the largest: a check that the scheme is right, not that it is good. 0
	// for schemes that may do any harm.
	Near float64
	// Skip names graphs that the scheme refuses, with the reason.
	Skip map[string]string
	// Check, if set, looks at each result.
	Check func(t *testing.T, before *onnx.Model, r *compress.Result)
}

// DefaultOptions allow what two int8 steps of an output make.
func DefaultOptions() Options { return Options{Tolerance: 2.0 / 127} }

// Network is a small network to compress.
type Network struct {
	Name  string
	Model *onnx.Model
	Shape []int // of one image, without the batch
}

// Networks are those of the suite, made anew at each call.
func Networks() []Network {
	var out []Network
	for _, g := range enginetest.Graphs() {
		m := g.Make()
		if len(compress.Layers(m.Graph)) == 0 {
			continue // nothing to compress
		}
		out = append(out, Network{g.Name, m, []int{enginetest.GraphChannels, enginetest.GraphHeight, enginetest.GraphWidth}})
	}
	return append(out, Network{"resnet8", enginetest.ResNet8(), []int{3, 32, 32}})
}

// Examples are calibration data for a network: batches of images, drawn.
func (n *Network) Examples(batches, size int, seed uint64) *compress.Held {
	h := &compress.Held{}
	for b := range batches {
		h.Tensors = append(h.Tensors, n.input(size, seed+uint64(b)))
		var ids []dataset.ExampleID
		for i := range size {
			ids = append(ids, dataset.ExampleID(fmt.Sprintf("drawn/%d", b*size+i)))
		}
		h.IDs = append(h.IDs, ids)
	}
	return h
}

func (n *Network) input(size int, seed uint64) tensor.Tensor {
	rng := rand.New(rand.NewPCG(seed, 77))
	t := tensor.Must(tensor.Make(tensor.Float32, append([]int{size}, n.Shape...)))
	for i, d := 0, tensor.Data[float32](t); i < len(d); i++ {
		d[i] = float32(rng.NormFloat64())
	}
	return t
}

// Input is what the suite gives to a scheme.
func (n *Network) Input() compress.Input {
	return compress.Input{Calibration: n.Examples(2, 4, 5), Data: compress.Data{Name: "drawn", Split: "train"}, Engine: engine.DefaultOptions(), Seed: 1}
}

// Run runs the suite. scheme makes the scheme under test.
func Run(t *testing.T, scheme func() compress.Scheme, o Options) {
	t.Helper()
	for _, n := range Networks() {
		t.Run(n.Name, func(t *testing.T) {
			if why := o.Skip[n.Name]; why != "" {
				t.Skip(why)
			}
			c := &conformance{t: t, n: n, scheme: scheme, o: o, before: encode(t, n.Model)}
			c.apply()
			c.unchanged()
			c.deterministic()
			c.ends()
			c.layers()
			c.manifest()
			c.again()
			c.runs() // last: it skips where ONNX Runtime is missing
		})
	}
	t.Run("bad models", func(t *testing.T) { refusals(t, scheme) })
	t.Run("interrupted", func(t *testing.T) { interrupted(t, scheme) })
}

// conformance is the suite on one network.
type conformance struct {
	t      *testing.T
	n      Network
	scheme func() compress.Scheme
	o      Options
	before []byte
	r      *compress.Result
	bytes  []byte
}

func encode(t *testing.T, m *onnx.Model) []byte {
	t.Helper()
	b, err := onnx.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *conformance) apply() {
	c.t.Helper()
	r, err := c.scheme().Apply(context.Background(), c.n.Model, c.n.Input())
	if err != nil {
		c.t.Fatal(err)
	}
	c.r, c.bytes = r, encode(c.t, r.Model)
	if c.o.Check != nil {
		c.o.Check(c.t, c.n.Model, r)
	}
}

func (c *conformance) unchanged() {
	c.t.Helper()
	if !bytes.Equal(c.before, encode(c.t, c.n.Model)) {
		c.t.Fatal("the scheme changed the model that it was given")
	}
}

func (c *conformance) deterministic() {
	c.t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r, err := c.scheme().Apply(context.Background(), c.n.Model, c.n.Input())
	if err != nil {
		c.t.Fatal(err)
	}
	if !bytes.Equal(c.bytes, encode(c.t, r.Model)) {
		c.t.Fatal("a second run, on one core, gives other bytes")
	}
}

// ends checks inputs, outputs and the graph.
func (c *conformance) ends() {
	c.t.Helper()
	m, err := onnx.Decode(c.bytes)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := onnx.Validate(m); err != nil {
		c.t.Fatal(err)
	}
	if _, err := onnx.Infer(m, nil); err != nil {
		c.t.Fatal(err)
	}
	same := func(what string, a, b []*onnx.ValueInfo) {
		if !slices.EqualFunc(a, b, func(a, b *onnx.ValueInfo) bool {
			return a.Name == b.Name && a.Type.Elem == b.Type.Elem && a.Type.Shape.Equal(b.Type.Shape)
		}) {
			c.t.Errorf("%s differ from the model's", what)
		}
	}
	same("inputs", c.n.Model.Graph.DataInputs(), m.Graph.DataInputs())
	same("outputs", c.n.Model.Graph.Outputs, m.Graph.Outputs)
}

// layers checks that the notes are about the layers of the model.
func (c *conformance) layers() {
	c.t.Helper()
	var want, got []string
	for _, l := range compress.Layers(c.n.Model.Graph) {
		want = append(want, l.Label)
	}
	changed := 0
	for _, l := range c.r.Layers {
		got = append(got, l.Node)
		if l.Compressed() {
			changed++
		} else if l.Reason == "" {
			c.t.Errorf("layer %s is left as it was without a reason", l.Node)
		}
	}
	if !slices.Equal(want, got) {
		c.t.Errorf("notes are about layers %v, want %v", got, want)
	}
	if changed == 0 {
		c.t.Error("no layer was compressed")
	}
}
