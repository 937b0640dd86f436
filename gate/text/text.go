// Package text writes a gate's result for a terminal: the verdict, doubts, and every
// rule with its worst scopes.
package text

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
)

// Options are the settings of [Write].
type Options struct {
	Width int  // columns of the terminal; 0: no limit
	Rows  int  // rows of a table; 0: all
	Color bool // verdicts in colour
}

// DefaultOptions are 100 columns and 15 rows a table without colour.
func DefaultOptions() Options { return Options{Width: 100, Rows: 15} }

// Write writes the result.
func Write(w io.Writer, r *gate.Result, o Options) error {
	var b strings.Builder
	b.WriteString(texttab.Wrap(o.paint(words.Headline(r), r.Verdict), "", "", o.Width))
	b.WriteString(texttab.Wrap(fmt.Sprintf("%s %s, %s.", words.Tally(r), texttab.Clean(r.Tool), num.Plural(r.Examples, "example", "examples")), "", "", o.Width))
	for _, d := range r.Doubts {
		b.WriteString("\n" + texttab.Wrap(texttab.Clean(d.Text), "VOID  ", "      ", o.Width))
	}
	for i := range r.Rules {
		o.rule(&b, &r.Rules[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rule writes one rule for one variant.
func (o Options) rule(b *strings.Builder, rr *gate.RuleResult) {
	const indent = "           "
	label := map[gate.Verdict]string{gate.Pass: "PASS", gate.Fail: "FAIL", gate.Undecided: "UNDECIDED"}[rr.Verdict]
	b.WriteString("\n" + texttab.Wrap(texttab.Clean(fmt.Sprintf("%s [%s]: %s.", rr.Rule.Name, rr.Variant, words.Ask(&rr.Rule))), o.paint(fmt.Sprintf("%-11s", label), rr.Verdict), indent, o.Width))
	var notes []string
	if c := words.Counts(rr); c != "" {
		notes = append(notes, capital(c)+".")
	}
	notes = append(notes, words.How(rr))
	if c := words.Covers(rr); c != "" {
		notes = append(notes, c)
	}
	b.WriteString(texttab.Wrap(strings.Join(notes, " "), indent, indent, o.Width))
	if s := words.Override(rr); s != "" {
		b.WriteString(texttab.Wrap(capital(s)+".", indent, indent, o.Width))
	}
	t := o.table(rr)
	if len(t.Rows) == 0 {
		return
	}
	text, left := t.Format(indent, o.Width)
	b.WriteString(text)
	if n := len(rr.Scopes) - len(t.Rows); n > 0 {
		fmt.Fprintf(b, "%s%s (--all shows them)\n", indent, words.More(n))
	}
	if len(left) > 0 {
		fmt.Fprintf(b, "%snot shown for lack of room: %s\n", indent, strings.Join(left, ", "))
	}
}

// table lists scopes, worst first. Limits that are all alike stand in the rule's
// sentence.
func (o Options) table(rr *gate.RuleResult) texttab.Table {
	t := texttab.Table{Columns: []texttab.Column{
		{Head: string(rr.Scopes[0].Scope.Kind), Min: 12}, {Head: words.ValueName(&rr.Rule), Right: true}, {Head: "limit", Right: true}, {Head: "p", Drop: 3},
		{Head: "n", Right: true, Drop: 1}, {Head: "answer", Min: 16}, {Head: "would decide", Min: 12, Drop: 2},
	}}
	for j := range rr.Scopes {
		if o.Rows > 0 && j == o.Rows {
			break
		}
		s := &rr.Scopes[j]
		needed := ""
		if s.Verdict == gate.Undecided {
			needed = words.NeededShort(s)
		}
		t.Rows = append(t.Rows, []string{s.Name(), words.Estimate(&rr.Rule, s), words.Limit(&rr.Rule, s), words.P(rr, s), num.Count(s.N), words.Answer(&rr.Rule, s), needed})
	}
	switch {
	case rr.Rule.Test == gate.Held:
		t.Columns[2].Head = "recorded"
	case len(rr.Rule.Weights) == 0:
		without(&t, 2)
	}
	if !slices.ContainsFunc(t.Rows, func(row []string) bool { return row[len(row)-1] != "" }) {
		without(&t, len(t.Columns)-1)
	}
	return t
}

// without takes column j out.
func without(t *texttab.Table, j int) {
	t.Columns = slices.Delete(t.Columns, j, j+1)
	for i := range t.Rows {
		t.Rows[i] = slices.Delete(t.Rows[i], j, j+1)
	}
}

// paint colours a text by a verdict.
func (o Options) paint(s string, v gate.Verdict) string {
	if !o.Color {
		return s
	}
	return map[gate.Verdict]string{gate.Pass: "\x1b[32m", gate.Fail: "\x1b[31m", gate.Undecided: "\x1b[33m"}[v] + s + "\x1b[0m"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
