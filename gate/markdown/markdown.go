// Package markdown writes a gate's result as Markdown: for a comment on a pull
// request (GitHub takes 64 KiB) or for the summary of a step (1 MiB).
//
// The verdict comes first, then doubts about the audit, a table of the rules, and
// for each rule its scopes, worst first. Where the whole does not fit, tables are
// cut to fewer rows and say so; the verdict and the rules always stay.
package markdown

import (
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
	"github.com/lethe-audit/lethe/internal/num"
)

// Mark begins a comment, so that a later run can find it and write it anew.
const Mark = "<!-- lethe gate -->"

// Options are the settings of [Write].
type Options struct {
	Bytes int // the most that is written
	Rows  int // rows of a table of scopes, at least 1
}

// DefaultOptions fit a comment on a pull request.
func DefaultOptions() Options { return Options{Bytes: 63 << 10, Rows: 15} }

// SummaryOptions fit the summary of a workflow's step.
func SummaryOptions() Options { return Options{Bytes: 1020 << 10, Rows: 200} }

// Write writes the result.
func Write(w io.Writer, r *gate.Result, o Options) error {
	rules := len(r.Rules)
	for rows := max(o.Rows, 1); ; rows /= 2 {
		text := document(r, rows, rules)
		switch {
		case len(text) <= o.Bytes:
			_, err := io.WriteString(w, text)
			return err
		case rows == 0 && rules == 0:
			return fmt.Errorf("markdown: the verdict alone does not fit into %d bytes", o.Bytes)
		case rows == 0:
			rules /= 2
		}
	}
}

// document is the whole with at most so many rows of a table, and rules in it.
func document(r *gate.Result, rows, rules int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n## %s\n\n%s\n", Mark, heading(r.Verdict), escape(words.Headline(r)+" "+words.Tally(r)))
	for i, d := range r.Doubts {
		if i == 20 {
			fmt.Fprintf(&b, "> %s.\n", words.More(len(r.Doubts)-i))
			break
		}
		fmt.Fprintf(&b, "\n> **The audit itself**: %s\n", escape(d.Text))
	}
	b.WriteString("\n| | rule | variant | asks | scopes |\n|---|---|---|---|---|\n")
	for i := range r.Rules {
		if i == rules {
			fmt.Fprintf(&b, "| | %s | | | |\n", words.More(len(r.Rules)-i))
			break
		}
		rr := &r.Rules[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", mark(rr), cell(rr.Rule.Name), cell(rr.Variant), cell(words.Ask(&rr.Rule)), cell(words.Counts(rr)))
	}
	for i := range min(rules, len(r.Rules)) {
		if rows > 0 {
			table(&b, &r.Rules[i], rows)
		}
	}
	fmt.Fprintf(&b, "\n%s, %s. Baseline %s. Limits are one-sided, at the level of the rule. `lethe gate --help` says how a gate decides.\n",
		escape(r.Tool), num.Plural(r.Examples, "example", "examples"), escape(r.Baseline))
	return b.String()
}

func heading(v gate.Verdict) string {
	return map[gate.Verdict]string{gate.Pass: "Gate: pass", gate.Fail: "Gate: fail", gate.Undecided: "Gate: not enough evidence"}[v]
}

func mark(rr *gate.RuleResult) string {
	s := map[gate.Verdict]string{gate.Pass: "pass", gate.Fail: "**FAIL**", gate.Undecided: "undecided"}[rr.Verdict]
	if rr.Override {
		s += " (override)"
	}
	return s
}

// table lists the scopes of one rule.
func table(b *strings.Builder, rr *gate.RuleResult, rows int) {
	fmt.Fprintf(b, "\n<details%s><summary>%s [%s]: %s</summary>\n\n%s", open(rr), escape(rr.Rule.Name), escape(rr.Variant), words.Verdict(rr.Verdict), escape(words.How(rr)))
	if c := words.Covers(rr); c != "" {
		b.WriteString(" " + escape(c))
	}
	if o := words.Override(rr); o != "" {
		fmt.Fprintf(b, " %s.", escape(capital(o)))
	}
	fmt.Fprintf(b, "\n\n| scope | answer | %s | limit | p | n | would decide |\n|---|---|---|---|---|---|---|\n", words.ValueName(&rr.Rule))
	for j := range rr.Scopes {
		if j == rows {
			fmt.Fprintf(b, "| %s | | | | | | |\n", words.More(len(rr.Scopes)-j))
			break
		}
		s := &rr.Scopes[j]
		needed := ""
		if s.Verdict == gate.Undecided {
			needed = words.NeededShort(s)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", cell(s.Name()), cell(words.Answer(&rr.Rule, s)), cell(words.Estimate(&rr.Rule, s)),
			cell(words.Limit(&rr.Rule, s)), cell(words.P(rr, s)), num.Count(s.N), cell(needed))
	}
	b.WriteString("\n</details>\n")
}

// open shows the tables of rules that do not pass.
func open(rr *gate.RuleResult) string {
	if rr.Verdict == gate.Pass {
		return ""
	}
	return " open"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// cell is a text inside a table: cut where it is long.
func cell(s string) string { return escape(words.Short(s, 200)) }

// escape keeps a text from being read as Markdown, as HTML, or as a mention.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;", "@", "&#64;", "#", "&#35;",
		"*", "&#42;", "_", "&#95;", "[", "&#91;", "]", "&#93;", "\\", "&#92;", "~", "&#126;", "${{", "$&#123;{").Replace(words.Clean(s))
}
