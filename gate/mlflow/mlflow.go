// Package mlflow writes a gate's result as the body of MLflow's REST call
// runs/log-batch: metrics of every rule's worst scope, and tags with the verdicts.
//
//	curl -X POST $MLFLOW_TRACKING_URI/api/2.0/mlflow/runs/log-batch -H 'Content-Type: application/json' -d @gate.json
//
// A batch holds at most 1,000 metrics, 100 tags and keys of 250 characters; what
// does not fit is left out and a tag says so.
package mlflow

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are what a batch says besides the result.
type Options struct {
	RunID     string // of the run that the metrics belong to
	Timestamp int64  // milliseconds since 1970
	Step      int64
}

// The limits of one batch.
const (
	maxMetrics = 1000
	maxTags    = 100
	maxKey     = 250
	maxValue   = 5000
)

type batch struct {
	RunID   string   `json:"run_id"`
	Metrics []metric `json:"metrics"`
	Tags    []tag    `json:"tags"`
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"`
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Write writes the result.
func Write(w io.Writer, r *gate.Result, o Options) error {
	b := batch{RunID: o.RunID, Metrics: []metric{}, Tags: []tag{
		{"lethe.gate.verdict", string(r.Verdict)}, {"lethe.gate.policy", value(r.Policy)}, {"lethe.gate.headline", value(words.Headline(r))},
	}}
	for _, d := range r.Doubts {
		b.Tags = append(b.Tags, tag{key("lethe.gate.doubt", d.Code, d.Variant), value(d.Text)})
	}
	left := 0
	for i := range r.Rules {
		left += b.rule(&r.Rules[i], o)
	}
	if left > 0 {
		b.Tags = append(b.Tags[:min(len(b.Tags), maxTags-1)], tag{"lethe.gate.left_out", fmt.Sprintf("%d entries did not fit into one batch", left)})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(b); err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	return nil
}

// rule adds a rule's numbers and returns how many did not fit.
func (b *batch) rule(rr *gate.RuleResult, o Options) (left int) {
	put := func(name string, v float64) {
		if len(b.Metrics) == maxMetrics {
			left++
			return
		}
		b.Metrics = append(b.Metrics, metric{key("lethe", rr.Variant, rr.Rule.Name, name), v, o.Timestamp, o.Step})
	}
	put("scopes_failed", float64(rr.Failed))
	put("scopes_undecided", float64(rr.Undecided))
	put("scopes_passed", float64(rr.Passed))
	if s := &rr.Scopes[0]; s.Loss != nil {
		put("worst_loss", *s.Loss)
		put("worst_loss_low", s.Low)
		put("worst_loss_high", s.High)
		put("margin", s.Margin)
		if s.Value != nil {
			put("worst_value", *s.Value)
		}
	}
	if len(b.Tags) >= maxTags-1 {
		return left + 1
	}
	b.Tags = append(b.Tags, tag{key("lethe.gate", rr.Variant, rr.Rule.Name), value(words.RuleLine(rr))})
	return left
}

// key joins names to a key of letters that MLflow takes: alphanumerics, "_", "-",
// ".", " " and "/".
func key(parts ...string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_-. /", r):
			return r
		}
		return '_'
	}, strings.TrimSuffix(strings.Join(parts, "/"), "/"))
	return s[:min(len(s), maxKey)]
}

func value(s string) string { return words.Short(s, maxValue/4) }
