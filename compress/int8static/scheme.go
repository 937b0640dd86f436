package int8static

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/onnx"
)

type scheme struct{ o Options }

// New is the scheme int8-static.
func New(o Options) compress.Scheme { return scheme{o} }

func (scheme) Name() string           { return compress.Int8Static }
func (scheme) NeedsCalibration() bool { return true }

func (s scheme) Apply(ctx context.Context, m *onnx.Model, in compress.Input) (*compress.Result, error) {
	q, err := Quantize(ctx, m, in.Calibration, Run{Engine: in.Engine, Progress: in.Progress}, s.o)
	if err != nil {
		return nil, err
	}
	r := &compress.Result{Model: q.Model, Options: s.o.text(), Calibration: q.Collected.Examples, Notes: q.notes()}
	became := map[string]Operator{}
	for _, op := range q.Operators {
		became[op.Node] = op
	}
	for _, l := range compress.Layers(m.Graph) {
		note := compress.LayerNote{Node: l.Label, Operator: l.Node.Op, Reason: "went into other layers"}
		if op, ok := became[l.Label]; ok && op.Integer {
			note.Change, note.Reason = op.Note, ""
		} else if ok {
			note.Reason = op.Note
		}
		r.Layers = append(r.Layers, note)
	}
	return r, nil
}

// text is the options as a manifest has them.
func (o Options) text() map[string]string {
	t := map[string]string{
		"calibration": string(o.Calibration.Method), "per-tensor": fmt.Sprint(o.PerTensor), "qoperator": fmt.Sprint(o.QOperator),
		"keep-first": fmt.Sprint(o.KeepFirst), "keep-last": fmt.Sprint(o.KeepLast), "keep": strings.Join(o.Keep, ","),
		"equalize": fmt.Sprint(o.Equalize), "bias-correction": fmt.Sprint(o.BiasCorrection)}
	if o.Calibration.Method == calibrate.Percentile {
		t["percentile"] = strconv.FormatFloat(o.Calibration.Percentile, 'g', -1, 64)
	}
	return t
}

// notes are sentences about the whole.
func (q *Outcome) notes() []string {
	var out []string
	say := func(n int, one, many string, names []string) {
		switch {
		case n == 1:
			out = append(out, "1 "+one+list(names))
		case n > 1:
			out = append(out, fmt.Sprintf("%d %s", n, many)+list(names))
		}
	}
	say(len(q.Folded), "batch normalization was folded into the layer before it", "batch normalizations were folded into the layers before them", nil)
	say(len(q.Evened), "pair of layers was evened out", "pairs of layers were evened out", nil)
	var left []string
	for _, op := range q.Operators {
		if !op.Layer && !op.Integer {
			left = append(left, fmt.Sprintf("%s (%s): %s", op.Node, op.Op, op.Note))
		}
	}
	say(len(left), "operator stays in float", "operators stay in float", left)
	say(len(q.Dead), "value is the same number on all calibration examples", "values are each the same number on all calibration examples", q.Dead)
	say(len(q.Uncorrected), "bias could not be corrected", "biases could not be corrected", q.Uncorrected)
	return out
}

// mostListed is the number of names that a note lists.
const mostListed = 8

func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	more := ""
	if n := len(names) - mostListed; n > 0 {
		names, more = names[:mostListed], fmt.Sprintf("; and %d more", n)
	}
	return ": " + strings.Join(names, "; ") + more
}
