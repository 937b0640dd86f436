package int8dynamic

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/rewrite"
	"github.com/lethe-audit/lethe/onnx"
)

// Options say which layers are quantized and how.
type Options struct {
	// PerTensor gives weights one scale instead of one for each output channel.
	PerTensor bool
	// KeepFirst and KeepLast leave the first and the last layer in float; Keep
	// names further nodes.
	KeepFirst, KeepLast bool
	Keep                []string
}

// DefaultOptions quantize all layers, one weight scale a channel.
func DefaultOptions() Options { return Options{} }

// minOpset has DynamicQuantizeLinear.
const minOpset = 11

type scheme struct{ o Options }

// New is the scheme with its options.
func New(o Options) compress.Scheme { return &scheme{o} }

// Name is "int8-dynamic".
func (s *scheme) Name() string { return compress.Int8Dynamic }

// NeedsCalibration is false.
func (s *scheme) NeedsCalibration() bool { return false }

// Apply quantizes a clone of m.
func (s *scheme) Apply(ctx context.Context, m *onnx.Model, in compress.Input) (*compress.Result, error) {
	out := m.Clone()
	if err := rewrite.RaiseOpset(out, minOpset); err != nil {
		return nil, err
	}
	folded, _, err := rewrite.FoldBatchNorm(out)
	if err != nil {
		return nil, err
	}
	types, err := onnx.Infer(out, nil)
	if err != nil {
		return nil, err
	}
	layers, err := s.layers(m, out)
	if err != nil {
		return nil, err
	}
	w := newWriter(out.Graph, types, s.o.PerTensor)
	r := &compress.Result{Model: out, Options: s.text()}
	change := "int8 per channel, activations as they come"
	if s.o.PerTensor {
		change = "int8 with one scale, activations as they come"
	}
	done := 0
	for i := range layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &layers[i]
		note := compress.LayerNote{Node: l.Label, Operator: l.Node.Op, Reason: s.kept(layers, i)}
		if note.Reason == "" {
			note.Reason = w.why(l)
		}
		if note.Reason == "" {
			if err := w.layer(l); err != nil {
				return nil, err
			}
			note.Change = change
			done++
		}
		r.Layers = append(r.Layers, note)
		if in.Progress != nil {
			in.Progress(i+1, len(layers))
		}
	}
	if done == 0 {
		return nil, &onnx.Error{File: m.Path, Node: r.Layers[0].Node, Msg: "int8-dynamic: no layer can be quantized; of the first: " + r.Layers[0].Reason, Reason: compress.ErrNoWeights}
	}
	out.Graph.Prune()
	if len(folded) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d batch normalizations were folded into the layers before them", len(folded)))
	}
	r.Notes = append(r.Notes, "activations are quantized over the range of a whole batch: results depend on which images are computed together")
	return r, nil
}

func (s *scheme) text() map[string]string {
	return map[string]string{
		"per-tensor": strconv.FormatBool(s.o.PerTensor), "keep-first": strconv.FormatBool(s.o.KeepFirst), "keep-last": strconv.FormatBool(s.o.KeepLast),
		"keep": strings.Join(slices.Sorted(slices.Values(s.o.Keep)), ","),
	}
}

// layers are those of the graph that is rewritten, labelled as in the model that
// was given: folding removes nodes, but no layer.
func (s *scheme) layers(m, out *onnx.Model) ([]compress.Layer, error) {
	layers := compress.Layers(out.Graph)
	for i, l := range compress.Layers(m.Graph) {
		layers[i].Label = l.Label
	}
	for _, name := range s.o.Keep {
		if !slices.ContainsFunc(layers, func(l compress.Layer) bool { return l.Label == name }) {
			return nil, &onnx.Error{File: m.Path, Node: name, Msg: "int8-dynamic: there is no such layer to keep in float", Reason: compress.ErrSpec}
		}
	}
	return layers, nil
}

// kept says why the options leave a layer in float, "" if they do not.
func (s *scheme) kept(layers []compress.Layer, i int) string {
	switch {
	case s.o.KeepFirst && i == 0:
		return "first layer, kept"
	case s.o.KeepLast && i == len(layers)-1:
		return "last layer, kept"
	case slices.Contains(s.o.Keep, layers[i].Label):
		return "kept, as asked"
	}
	return ""
}
