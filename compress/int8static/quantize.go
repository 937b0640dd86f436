package int8static

import (
	"context"
	"fmt"
	"runtime"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/compress/rewrite"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
)

// Opset is the operator set that quantized models have at least: scales for
// each channel came with 13.
const Opset = 13

// Operator is what became of an operator.
type Operator struct {
	Node, Op string // "#N" (from 0) for a node without a name
	// Layer is set for a convolution or matrix product with constant weights.
	Layer bool
	// Integer is set for an operator that runs in integers; Note says how, or
	// else why it stays in float.
	Integer bool
	Note    string
}

// Outcome is a quantized model and what was done.
type Outcome struct {
	Model     *onnx.Model
	Operators []Operator // in the graph's order, limits that went away left out
	Collected *calibrate.Collected
	Folded    []string       // batch normalizations that went into layers
	Evened    []rewrite.Pair // layers whose ranges were evened out
	Dead      []string       // quantized values that never vary
	// Uncorrected are layers whose bias was to be corrected and was not.
	Uncorrected []string
}

// Run says how the calibration examples are run.
type Run struct {
	Engine   engine.Options
	Progress func(done, total int) // may be nil
}

// Quantize quantizes a model, which it does not change, with ranges from
// examples.
func Quantize(ctx context.Context, m *onnx.Model, ex compress.Batches, run Run, o Options) (*Outcome, error) {
	if err := o.Calibration.Validate(); err != nil {
		return nil, err
	}
	if err := compress.Check(m); err != nil {
		return nil, err
	}
	if ex == nil || ex.Len() == 0 {
		return nil, &calibrate.Error{Msg: "no examples; int8-static takes the ranges of activations from some", Reason: calibrate.ErrEmpty}
	}
	c, err := ranges(ctx, m, ex, run, o)
	if err != nil {
		return nil, err
	}
	runtime.GC() // of what ranges has let go; otherwise it stays until the heap has doubled
	work, out, p, err := planned(m, o)
	if err != nil {
		return nil, err
	}
	w, err := p.write(c)
	if err != nil {
		return nil, err
	}
	if err := onnx.Validate(work); err != nil {
		return nil, fmt.Errorf("int8-static: the quantized model: %w", err)
	}
	out.Model, out.Collected, out.Uncorrected = work, c, w.uncorrected
	out.Operators, out.Dead = w.operators(), w.dead()
	return out, nil
}

// planned is a copy of the model with everything folded, and the plan for it.
func planned(m *onnx.Model, o Options) (*onnx.Model, *Outcome, *plan, error) {
	work, out, err := prepare(m, o)
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := newPlan(work, o, labels(m))
	if err != nil {
		return nil, nil, nil, err
	}
	return work, out, p, p.checkLayers()
}

// ranges runs the examples. It makes a plan of its own and lets go of it: of a
// large model, the folded weights and those that the engine has packed would
// otherwise be in memory together. For the same reason the examples are run
// through the model as it came where the values are the same.
func ranges(ctx context.Context, m *onnx.Model, ex compress.Batches, run Run, o Options) (*calibrate.Collected, error) {
	work, _, p, err := planned(m, o)
	if err != nil {
		return nil, err
	}
	r := calibrate.Request{Values: p.Values, Histograms: o.Calibration.Method != calibrate.MinMax, Engine: run.Engine, Progress: run.Progress}
	if o.BiasCorrection {
		for _, n := range p.layers() {
			r.Means = append(r.Means, n.Inputs[0])
		}
	}
	if !o.Equalize && p.sameValues(m) {
		work = m
	}
	return calibrate.Collect(ctx, work, ex, r)
}

// prepare is a copy of the model with everything folded.
func prepare(m *onnx.Model, o Options) (*onnx.Model, *Outcome, error) {
	work, out := m.Clone(), &Outcome{}
	name(work.Graph)
	if err := work.Graph.Sort(); err != nil {
		return nil, nil, err
	}
	if err := rewrite.RaiseOpset(work, Opset); err != nil {
		return nil, nil, err
	}
	if err := rewrite.DropIdentities(work); err != nil {
		return nil, nil, err
	}
	var err error
	if out.Folded, _, err = rewrite.FoldBatchNorm(work); err != nil {
		return nil, nil, err
	}
	if err := rewrite.PlainProducts(work); err != nil {
		return nil, nil, err
	}
	if o.Equalize {
		if out.Evened, err = rewrite.Equalize(work); err != nil {
			return nil, nil, err
		}
	}
	return work, out, nil
}

// name gives nodes without a name the name of what they give.
func name(g *onnx.Graph) {
	names := g.Names()
	for _, n := range g.Nodes {
		if n.Name == "" && len(n.Outputs) > 0 {
			n.Name = names.Fresh(n.Op + "_" + n.Outputs[0])
		}
	}
}

// labels are what nodes without a name are called in messages, by the name of
// their first output.
func labels(m *onnx.Model) map[string]string {
	out := map[string]string{}
	for i, n := range m.Graph.Nodes {
		if n.Name == "" && len(n.Outputs) > 0 {
			out[n.Outputs[0]] = fmt.Sprintf("#%d", i)
		}
	}
	return out
}

func (p *plan) label(n *onnx.Node) string {
	if l, ok := p.labels[n.Outputs[0]]; ok {
		return l
	}
	return n.Name
}

// checkLayers refuses a model without layers to quantize.
func (p *plan) checkLayers() error {
	if len(p.layers()) == 0 {
		return &onnx.Error{File: p.m.Path, Msg: "int8-static: no Conv, Gemm or MatMul with constant float32 weights is left to quantize", Reason: compress.ErrNoWeights}
	}
	return nil
}

// sameValues reports whether every quantized value is one of m's.
func (p *plan) sameValues(m *onnx.Model) bool {
	index := m.Graph.Index()
	for _, v := range p.Values {
		if index.Producer(v) == nil && index.Input(v) == nil {
			return false
		}
	}
	return true
}

// operators says what became of the operators.
func (w *writer) operators() []Operator {
	var out []Operator
	for _, n := range w.order {
		o := Operator{Node: w.label(n), Op: n.Op, Layer: w.roles[n].layer(), Integer: w.runs[n], Note: w.why[n]}
		switch {
		case w.absorbed[n]:
			continue
		case w.held[n]:
			if o.Integer = w.quantized(n.Outputs[0]); o.Integer {
				o.Note = "limits of the operator before it"
			} else {
				o.Note = "its result stays float"
			}
		case o.Layer:
			o.Note = w.notes[n]
			if !w.quantized(w.points[n]) {
				o.Note += ", float result"
			}
		case o.Integer:
			o.Note = "uint8"
		}
		o.Layer = o.Layer || n.Op == "Conv" || n.Op == "Gemm" || n.Op == "MatMul"
		out = append(out, o)
	}
	return out
}

// dead lists quantized values that are the same number throughout.
func (w *writer) dead() []string {
	var out []string
	for _, v := range w.Values {
		if w.data.Values[v].Constant() {
			out = append(out, v)
		}
	}
	return out
}
