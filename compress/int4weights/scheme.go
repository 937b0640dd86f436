package int4weights

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/onnx"
)

type scheme struct{ o Options }

// New is the scheme int4-weights.
func New(o Options) compress.Scheme { return scheme{o} }

func (scheme) Name() string           { return compress.Int4Weights }
func (scheme) NeedsCalibration() bool { return false }

func (s scheme) Apply(ctx context.Context, m *onnx.Model, in compress.Input) (*compress.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q, layers, err := Quantize(m, s.o)
	if err != nil {
		return nil, err
	}
	r := &compress.Result{Model: q, Options: map[string]string{
		"block": strconv.Itoa(s.o.Block), "keep": strings.Join(s.o.Keep, ","),
		"keep-first": fmt.Sprint(s.o.KeepFirst), "keep-last": fmt.Sprint(s.o.KeepLast)}}
	became := map[string]Layer{}
	for _, l := range layers {
		became[l.Node] = l
	}
	for _, l := range compress.Layers(m.Graph) {
		note := compress.LayerNote{Node: l.Label, Operator: l.Node.Op}
		if b := became[l.Label]; b.Quantized {
			note.Change = b.Note
		} else {
			note.Reason = b.Note
		}
		r.Layers = append(r.Layers, note)
	}
	if in.Progress != nil {
		in.Progress(1, 1)
	}
	return r, nil
}
