// Package openmetrics writes a gate's result as OpenMetrics text, for a dashboard of
// nightly runs (Prometheus' text file collector reads it).
//
//	lethe_gate_verdict        0 pass, 1 fail, 3 not enough evidence, as the exit code
//	lethe_gate_rule_verdict   the same for each rule and variant
//	lethe_gate_scopes         scopes of a rule by verdict
//	lethe_gate_loss_ratio     loss of a scope, a share; positive is worse
//	lethe_gate_loss_low_ratio, lethe_gate_loss_high_ratio   its one-sided limits
//	lethe_gate_margin_ratio   what it is compared with
//	lethe_gate_left_out       scopes for which no series is written
//
// Every scope is a series, so that their number is capped: the worst of each rule
// are kept. Losses in nats end in _nats instead of _ratio.
package openmetrics

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are the settings of [Write].
type Options struct {
	Scopes int // scopes a rule may write series for, at least 1
}

// DefaultOptions keep 200 scopes of a rule.
func DefaultOptions() Options { return Options{Scopes: 200} }

// family is one metric with its samples.
type family struct {
	name, help string
	unit       string
	samples    []sample
}

type sample struct {
	labels string
	value  float64
}

// Write writes the result.
func Write(w io.Writer, r *gate.Result, o Options) error {
	out := bufio.NewWriter(w)
	for _, f := range families(r, max(o.Scopes, 1)) {
		if len(f.samples) == 0 {
			continue
		}
		fmt.Fprintf(out, "# TYPE %s gauge\n", f.name)
		if f.unit != "" {
			fmt.Fprintf(out, "# UNIT %s %s\n", f.name, f.unit)
		}
		fmt.Fprintf(out, "# HELP %s %s\n", f.name, f.help)
		for _, s := range f.samples {
			fmt.Fprintf(out, "%s{%s} %s\n", f.name, s.labels, strconv.FormatFloat(s.value, 'g', -1, 64))
		}
	}
	fmt.Fprintln(out, "# EOF")
	return out.Flush()
}

func families(r *gate.Result, most int) []family {
	gateVerdict := family{name: "lethe_gate_verdict", help: "Verdict of the gate: 0 pass, 1 fail, 3 not enough evidence."}
	gateVerdict.samples = []sample{{labels("policy", r.Policy), code(r.Verdict)}}
	rules := family{name: "lethe_gate_rule_verdict", help: "Verdict of a rule: 0 pass, 1 fail, 3 not enough evidence."}
	scopes := family{name: "lethe_gate_scopes", help: "Scopes of a rule by verdict."}
	left := family{name: "lethe_gate_left_out", help: "Scopes for which no series is written; the worst have one."}
	out := []family{gateVerdict, rules, scopes, left}
	for _, unit := range []string{"ratio", "nats"} {
		out = append(out, losses(r, unit, most)...)
	}
	for i := range r.Rules {
		rr := &r.Rules[i]
		id := []string{"policy", r.Policy, "rule", rr.Rule.Name, "variant", rr.Variant}
		out[1].samples = append(out[1].samples, sample{labels(id...), code(rr.Verdict)})
		for _, v := range []struct {
			name string
			n    int
		}{{"fail", rr.Failed}, {"pass", rr.Passed}, {"undecided", rr.Undecided}} {
			out[2].samples = append(out[2].samples, sample{labels(append(id, "verdict", v.name)...), float64(v.n)})
		}
		out[3].samples = append(out[3].samples, sample{labels(id...), float64(max(0, len(rr.Scopes)-most))})
	}
	return out
}

// losses are the series of the scopes of rules in one unit.
func losses(r *gate.Result, unit string, most int) []family {
	name := func(s string) string { return "lethe_gate_" + s + "_" + unit }
	out := []family{
		{name: name("loss"), unit: unit, help: "Loss of a scope; positive is worse."},
		{name: name("loss_low"), unit: unit, help: "Lower one-sided limit of the loss, at the level of the rule."},
		{name: name("loss_high"), unit: unit, help: "Upper one-sided limit of the loss, at the level of the rule."},
		{name: name("margin"), unit: unit, help: "What the loss is compared with."},
	}
	for i := range r.Rules {
		rr := &r.Rules[i]
		if (rr.Rule.Margin.Unit == gate.Nats) != (unit == "nats") {
			continue
		}
		for j := range min(most, len(rr.Scopes)) {
			s := &rr.Scopes[j]
			if s.Loss == nil {
				continue
			}
			l := labels("policy", r.Policy, "rule", rr.Rule.Name, "variant", rr.Variant, "scope", s.Name())
			for k, v := range []float64{*s.Loss, s.Low, s.High, s.Margin} {
				out[k].samples = append(out[k].samples, sample{l, v})
			}
		}
	}
	return out
}

func code(v gate.Verdict) float64 {
	switch v {
	case gate.Pass:
		return 0
	case gate.Fail:
		return 1
	}
	return 3
}

// labels are names and values in turn.
func labels(pairs ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, pairs[i]+`="`+escape.Replace(words.Clean(pairs[i+1]))+`"`)
	}
	return strings.Join(out, ",")
}
