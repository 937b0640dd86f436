package float16

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/onnx"
)

// Options say what stays in float32.
type Options struct {
	// Block lists operators that stay in float32.
	Block []string
	// Keep names nodes that stay in float32.
	Keep []string
}

// DefaultOptions have the block list of ONNX Runtime's converter.
func DefaultOptions() Options {
	return Options{Block: []string{"CumSum", "Max", "Min", "NonMaxSuppression", "Range", "Resize", "RoiAlign", "TopK", "Upsample"}}
}

type scheme struct{ o Options }

// New is the scheme with its options.
func New(o Options) compress.Scheme { return &scheme{o} }

// Name is "float16".
func (s *scheme) Name() string { return compress.Float16 }

// NeedsCalibration is false.
func (s *scheme) NeedsCalibration() bool { return false }

// Apply converts a clone of m.
func (s *scheme) Apply(ctx context.Context, m *onnx.Model, in compress.Input) (*compress.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, name := range s.o.Keep {
		if !slices.ContainsFunc(m.Graph.Nodes, func(n *onnx.Node) bool { return n.Name == name }) {
			return nil, &onnx.Error{File: m.Path, Node: name, Msg: "float16: there is no such node to keep in float32", Reason: compress.ErrSpec}
		}
	}
	c, err := newConverter(m, s.o)
	if err != nil {
		return nil, err
	}
	if err := c.convert(ctx, in.Progress); err != nil {
		return nil, err
	}
	keep := slices.Sorted(slices.Values(s.o.Keep))
	r := &compress.Result{Model: c.m, Clamped: c.clamped, Flushed: c.flushed,
		Options: map[string]string{"block": strings.Join(slices.Sorted(slices.Values(s.o.Block)), ","), "keep": strings.Join(keep, ",")}}
	for _, l := range compress.Layers(m.Graph) {
		note := compress.LayerNote{Node: l.Label, Operator: l.Node.Op, Change: "float16"}
		if why := c.why[l.Node]; why != "" {
			note.Change, note.Reason = "", why
		} else if l.Weight.Type != onnx.Float {
			note.Change, note.Reason = "", "its weights are "+l.Weight.Type.String()+" already"
		}
		r.Layers = append(r.Layers, note)
	}
	r.Notes = c.notes()
	return r, nil
}

// notes say what the numbers lost and which operators stay.
func (c *converter) notes() []string {
	var out []string
	if c.clamped > 0 {
		out = append(out, fmt.Sprintf("%d constants lie beyond ±65504 and became that", c.clamped))
	}
	if c.flushed > 0 {
		out = append(out, fmt.Sprintf("%d constants that were not zero became zero: they lie below 3.0e-8", c.flushed))
	}
	if c.subnormal > 0 {
		out = append(out, fmt.Sprintf("%d constants lie below 6.1e-5 and keep fewer than 11 binary digits (subnormal)", c.subnormal))
	}
	var ops []string
	for _, n := range c.source.Graph.Nodes {
		if c.why[n] != "" && !slices.Contains(ops, n.Op) {
			ops = append(ops, n.Op)
		}
	}
	if slices.Sort(ops); len(ops) > 0 {
		out = append(out, "operators left in float32: "+strings.Join(ops, ", "))
	}
	return out
}
