// Package annotations writes a gate's result as GitHub workflow commands, which
// appear beside the policy file in a pull request: at most ten, worst first.
//
// GitHub shows ten of a kind for each step. A fail is an error, an undecided scope
// a warning, one that the policy counts as passed a notice. Where there are more,
// the last command says how many.
package annotations

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are the settings of [Write].
type Options struct {
	Commands int // commands at most, at least 1
}

// DefaultOptions keep ten commands, GitHub's limit for a step.
func DefaultOptions() Options { return Options{Commands: 10} }

// command is one annotation.
type command struct {
	kind  string // "error", "warning" or "notice"
	at    gate.Location
	title string
	text  string
}

// Write writes the result. A result that passes without doubt or override writes
// nothing.
func Write(w io.Writer, r *gate.Result, o Options) error {
	all := commands(r)
	most := max(o.Commands, 1)
	if left := len(all) - most; left > 0 {
		left++ // the last command gives way to the count
		all = append(all[:most-1:most-1], command{all[most-1].kind, gate.Location{}, "lethe gate", words.More(left) + ". " + words.Headline(r) + " " + words.Tally(r)})
	}
	out := bufio.NewWriter(w)
	for _, c := range all {
		fmt.Fprintln(out, c.String())
	}
	return out.Flush()
}

// commands are all annotations: doubts, then scopes worst first.
func commands(r *gate.Result) []command {
	var out []command
	for _, d := range r.Doubts {
		kind := "error"
		if d.Verdict != gate.Fail {
			kind = "warning"
		}
		out = append(out, command{kind, gate.Location{File: r.File}, "lethe gate: " + d.Code, d.Text})
	}
	for _, c := range words.Worst(r) {
		kind := map[int]string{words.Failed: "error", words.Open: "warning", words.Overridden: "notice"}[c.Weight()]
		if kind == "" {
			break // the rest passed
		}
		text := words.Line(c.Rule, c.Scope)
		if o := words.Override(c.Rule); o != "" && c.Scope.Verdict == gate.Undecided {
			text += " (" + o + ")"
		}
		out = append(out, command{kind, c.Rule.Rule.At, fmt.Sprintf("%s [%s]", c.Rule.Rule.Name, c.Rule.Variant), text})
	}
	return out
}

// String is the command as GitHub's runner reads it.
func (c command) String() string {
	var p []string
	if c.at.File != "" {
		p = append(p, "file="+property(c.at.File))
	}
	if c.at.Line > 0 {
		p = append(p, fmt.Sprintf("line=%d", c.at.Line))
	}
	if c.at.Column > 0 {
		p = append(p, fmt.Sprintf("col=%d", c.at.Column))
	}
	p = append(p, "title="+property(c.title))
	return "::" + c.kind + " " + strings.Join(p, ",") + "::" + data(c.text)
}

// data escapes a message as the runner's toolkit does.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(strings.ToValidUTF8(s, " "))
}

// property escapes the value of a property.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
