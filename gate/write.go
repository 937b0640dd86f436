package gate

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteYAML writes a policy that [Parse] reads back as the same rules. note, if
// not empty, is put above it as a comment.
func WriteYAML(w io.Writer, p *Policy, note string) error {
	var b strings.Builder
	for line := range strings.Lines(note) {
		b.WriteString(strings.TrimRight("# "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	fmt.Fprintf(&b, "version: %d\n", PolicyVersion)
	if p.Name != "" {
		fmt.Fprintf(&b, "name: %s\n", quote(p.Name))
	}
	if len(p.Variants) > 0 {
		fmt.Fprintf(&b, "variants: %s\n", quoteList(p.Variants))
	}
	if p.MinJoined != DefaultMinJoined {
		fmt.Fprintf(&b, "min_joined: %s%%\n", number(p.MinJoined*100))
	}
	b.WriteString("rules:\n")
	for i := range p.Rules {
		p.Rules[i].yaml(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// yaml writes what differs from the default rule.
func (r *Rule) yaml(b *strings.Builder) {
	d := DefaultRule()
	first := true
	put := func(key, value string) {
		lead := "    "
		if first {
			lead, first = "  - ", false
		}
		fmt.Fprintf(b, "%s%s: %s\n", lead, key, value)
	}
	put("name", quote(r.Name))
	put("metric", r.Metric)
	put("scope", string(r.Scope))
	if r.Over != "" {
		put("over", string(r.Over))
	}
	if r.Margin.Unit != "" {
		put("margin", r.Margin.String())
	}
	if r.Floor != nil {
		put("floor", number(*r.Floor*100)+"%")
	}
	put("test", string(r.Test))
	if r.Alpha != d.Alpha {
		put("alpha", number(r.Alpha))
	}
	if r.Adjust != d.Adjust {
		put("adjust", string(r.Adjust))
	}
	if r.MinN != d.MinN {
		put("min_n", strconv.Itoa(r.MinN))
	}
	if r.OnUndecided != d.OnUndecided {
		put("on_undecided", string(r.OnUndecided))
	}
	if r.Covers != d.Covers {
		put("covers", string(r.Covers))
	}
	if len(r.Weights) > 0 {
		var parts []string
		for _, k := range sortedKeys(r.Weights) {
			parts = append(parts, quote(k)+": "+number(r.Weights[k]))
		}
		put("weights", "{"+strings.Join(parts, ", ")+"}")
	}
	if len(r.Only) > 0 {
		put("only", quoteList(r.Only))
	}
	if len(r.Except) > 0 {
		put("except", quoteList(r.Except))
	}
}

// quote writes a name so that YAML reads it as text.
func quote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}) < 0
	if plain && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') && !reserved(s) {
		return s
	}
	return strconv.Quote(s)
}

func reserved(s string) bool {
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return false
}

func quoteList(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
