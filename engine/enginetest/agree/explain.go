package agree

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// explainer looks for what makes differences: the first quantized value, in
// the order of the graph, that the two runtimes compute differently, and the
// operator that ONNX Runtime computes it with.
type explainer struct {
	o   *enginetest.ORT
	m   *onnx.Model
	im  *Images
	opt Options
}

func (e explainer) explain(ctx context.Context, r *Result, optimize bool) error {
	if len(r.Differences) == 0 {
		return nil
	}
	if !anyQuantized(e.m) {
		for i := range r.Differences {
			if d := &r.Differences[i]; d.Go.Gap <= r.Largest && d.ORT.Gap <= r.Largest {
				d.Cause = fmt.Sprintf("near-tie: both gaps are below the largest difference of a score, %.2g", r.Largest)
			}
		}
		return nil
	}
	var index []int
	for _, d := range r.Differences {
		index = append(index, d.Index)
	}
	return e.quantized(ctx, r, e.im.Pick(index), optimize)
}

// anyQuantized reports whether a model quantizes values.
func anyQuantized(m *onnx.Model) bool { return len(quantizers(m)) > 0 }

// quantizers are the values that QuantizeLinear or an integer operator makes,
// in the order of the graph.
func quantizers(m *onnx.Model) []string {
	var out []string
	for _, n := range m.Graph.Nodes {
		switch n.Op {
		case "QuantizeLinear", "QLinearConv", "QLinearMatMul":
			out = append(out, n.Outputs[0])
		}
	}
	return out
}

// quantized compares the quantized values of the images that differ.
func (e explainer) quantized(ctx context.Context, r *Result, im *Images, optimize bool) error {
	names := quantizers(e.m)
	m := exposing(e.m, names)
	in, err := newInput(m, im, e.opt)
	if err != nil {
		return err
	}
	ours, err := in.engineOutputs(ctx, m, e.opt)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "agree")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	fused := filepath.Join(tmp, "fused.onnx")
	theirs, err := in.ortOutputs(ctx, e.o, m, e.opt, optimize, fused)
	if err != nil {
		return err
	}
	makers, err := makersOf(fused)
	if err != nil {
		return err
	}
	for k := range r.Differences {
		r.Differences[k].Cause = "the same quantized values: differs after the last of them"
		for _, name := range names {
			if n, most := differing(ours[name], theirs[name], k); n > 0 {
				r.Differences[k].Cause = fmt.Sprintf("%s: %s of %s by up to %d", makers[name], values(n), name, most)
				break
			}
		}
	}
	return nil
}

// exposing is the model with further outputs.
func exposing(m *onnx.Model, names []string) *onnx.Model {
	out, g := *m, *m.Graph
	declared := map[string]bool{}
	for _, v := range g.Outputs {
		declared[v.Name] = true
	}
	g.Outputs = append([]*onnx.ValueInfo(nil), g.Outputs...)
	for _, name := range names {
		if !declared[name] {
			g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: name})
		}
	}
	out.Graph = &g
	return &out
}

// makersOf says, for each value of the graph that ONNX Runtime has written, what
// makes it: the operator, or the operators in float32 since the last quantized
// value. Changes of layout are left out.
func makersOf(path string) (map[string]string, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	nodes := map[string]*onnx.Node{}
	for _, n := range m.Graph.Nodes {
		for _, name := range n.Outputs {
			nodes[name] = n
		}
	}
	out := map[string]string{}
	for name, n := range nodes {
		for n.Op == "Transpose" && nodes[n.Inputs[0]] != nil {
			n = nodes[n.Inputs[0]]
		}
		out[name] = n.Op
		if n.Op != "QuantizeLinear" {
			continue
		}
		for n = nodes[n.Inputs[0]]; n != nil && n.Op != "DequantizeLinear"; n = nodes[n.Input(0)] {
			out[name] = n.Op + ", " + out[name]
		}
		out[name] = "float32 " + out[name]
	}
	return out, nil
}

func values(n int) string {
	if n == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", n)
}

// differing counts the bytes of image k that differ, and gives the largest
// difference.
func differing(a, b tensor.Tensor, k int) (n, most int) {
	x, okX := a.Slice(k, k+1).Ints()
	y, okY := b.Slice(k, k+1).Ints()
	if !okX || !okY || len(x) != len(y) {
		return 0, 0
	}
	for i := range x {
		if d := x[i] - y[i]; d != 0 {
			n++
			most = max(most, d, -d)
		}
	}
	return n, most
}
