// Package modelcard writes a gate's result for the card of a model on a hub that
// reads Hugging Face's format: a section in Markdown, and the model-index of the
// card's YAML head.
package modelcard

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
	"github.com/lethe-audit/lethe/internal/num"
)

// Options are what a card says besides the result.
type Options struct {
	Model   string // name of the model; "": the variant's
	Task    string // such as "image-classification"
	Dataset string // name of the data set as people know it
	ID      string // identifier of the data set on the hub; "": the name
	Rows    int    // rows of the section's table, at least 1
}

// DefaultOptions are an image classifier's, with the audit's title as data set.
func DefaultOptions() Options { return Options{Task: "image-classification", Rows: 20} }

// WriteSection writes the section "Compression impact".
func WriteSection(w io.Writer, r *gate.Result, o Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Compression impact\n\n%s Compared with %s on %s.\n\n", plain(words.Headline(r)), plain(r.Baseline), num.Plural(r.Examples, "example", "examples"))
	for _, d := range r.Doubts {
		fmt.Fprintf(&b, "**The audit itself**: %s\n\n", plain(d.Text))
	}
	b.WriteString("| rule | variant | verdict | worst scope | loss | limit |\n|---|---|---|---|---|---|\n")
	for i := range r.Rules {
		if i == max(o.Rows, 1) {
			fmt.Fprintf(&b, "| %s | | | | | |\n", words.More(len(r.Rules)-i))
			break
		}
		rr := &r.Rules[i]
		s := &rr.Scopes[0]
		verdict := words.Verdict(rr.Verdict)
		if rr.Override {
			verdict += " (override)"
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s | %s | %s |\n", cell(rr.Rule.Name), cell(words.Ask(&rr.Rule)), cell(rr.Variant), verdict,
			cell(s.Name()), cell(words.Estimate(&rr.Rule, s)), cell(words.Limit(&rr.Rule, s)))
	}
	b.WriteString("\nLosses are differences from the baseline with one-sided limits; a pass rules a larger loss out at the level of the rule. ")
	fmt.Fprintf(&b, "Made by %s.\n", plain(r.Tool))
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteIndex writes a model-index with the values of every rule's worst scope.
func WriteIndex(w io.Writer, r *gate.Result, o Options) error {
	dataset := o.Dataset
	if dataset == "" {
		dataset = r.Title
	}
	if dataset == "" {
		dataset = "evaluation data"
	}
	id := o.ID
	if id == "" {
		id = dataset
	}
	var b strings.Builder
	b.WriteString("model-index:\n")
	for _, v := range r.Variants {
		name := o.Model
		if name == "" || len(r.Variants) > 1 {
			name += v
		}
		fmt.Fprintf(&b, "- name: %s\n  results:\n  - task:\n      type: %s\n    dataset:\n      name: %s\n      type: %s\n    metrics:\n", quote(name), quote(o.Task), quote(dataset), quote(id))
		said := map[string]bool{}
		for i := range r.Rules {
			if rr := &r.Rules[i]; rr.Variant == v {
				metrics(&b, rr, said)
			}
		}
		if len(said) == 0 {
			b.WriteString("    []\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// metrics writes what one rule measured; said are the entries that are there.
func metrics(b *strings.Builder, rr *gate.RuleResult, said map[string]bool) {
	s, r := &rr.Scopes[0], &rr.Rule
	put := func(kind, name string, v float64) {
		if said[kind+name] {
			return
		}
		said[kind+name] = true
		fmt.Fprintf(b, "    - type: %s\n      name: %s\n      value: %s\n      verified: false\n", quote(kind), quote(name), strconv.FormatFloat(v, 'g', 6, 64))
	}
	if s.Value != nil && s.Scope.Name == "" && r.Metric == "accuracy" {
		put("accuracy", "Accuracy", *s.Value)
	}
	switch {
	case s.Loss == nil || r.Floor != nil:
	case r.Test == gate.NoTest:
		put(r.Metric, fmt.Sprintf("%s, %s", r.Metric, s.Name()), *s.Loss)
	default:
		name := fmt.Sprintf("%s, %s, against the baseline", r.Metric, s.Name())
		put(r.Metric+"_loss", "Loss of "+name, *s.Loss)
		put(r.Metric+"_loss_upper", fmt.Sprintf("Upper limit of the loss of %s (level %s)", name, num.Setting(r.Alpha)), s.High)
	}
}

func quote(s string) string { return strconv.Quote(words.Clean(s)) }

func cell(s string) string { return plain(words.Short(s, 120)) }

// plain keeps a text from being read as Markdown or HTML.
func plain(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;", "*", "&#42;", "_", "&#95;", "[", "&#91;", "]", "&#93;", "\\", "&#92;").Replace(words.Clean(s))
}
