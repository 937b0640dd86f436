package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// undecided is what could not be decided, and what would decide it. What holds
// for several variants is said once.
func (b *builder) undecided() []Text {
	var open claims
	for _, name := range b.c.variants() {
		rows := b.groupRows("classimpact", name, finding.Class)
		if t := b.tally(rows); t.unknown > 0 {
			s := fmt.Sprintf("%s cannot be judged: %s.", classNoun.of(t.unknown, t.total), why(t.reasons))
			if len(t.needed) > 0 {
				s += " Needed: " + sentence(t.needed[0])
			}
			open.add("", s, name)
		}
		if t := b.tally(b.groupRows("slice", name, finding.Subgroup)); t.unknown > 0 {
			open.add("", fmt.Sprintf("%s cannot be judged: %s.", groupNoun.of(t.unknown, t.total), why(t.reasons)), name)
		}
		if s := b.openMargins(rows); s != "" {
			open.add("", s, name)
		}
	}
	var out []Text
	for _, o := range open.list {
		out = append(out, Text{S: list(capped(o.variants, 6, "others")) + ": " + o.body})
	}
	return append(out, b.unmeasured()...)
}

// openMargins says for how many classes neither harm nor a loss within the
// margin could be shown.
func (b *builder) openMargins(rows []*groupRow) string {
	n, example := 0, ""
	for _, g := range rows {
		if g.margin != nil && g.margin.Reason == finding.Undecided {
			n++
			if example == "" && g.margin.Needed != "" {
				example = fmt.Sprintf(" For %s, %s.", g.name, strings.TrimSuffix(g.margin.Needed, "."))
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("whether the loss stays within %s is open for %s.%s", num.PP(b.c.config.Settings.Margin), classNoun.of(n, len(rows)), example)
}

// unmeasured are the questions about all examples without an answer, by
// reason.
func (b *builder) unmeasured() []Text {
	type group struct {
		what, variants []string
		needed         string
	}
	groups := map[finding.Reason]*group{}
	var order []finding.Reason
	for _, f := range b.c.findings {
		if f.Outcome != finding.NotMeasurable || f.Scope.Kind == finding.Class || f.Scope.Kind == finding.Subgroup ||
			f.Reason == finding.ComplementOfOther || f.Reason == finding.Undecided {
			continue
		}
		g := groups[f.Reason]
		if g == nil {
			g = &group{}
			groups[f.Reason] = g
			order = append(order, f.Reason)
		}
		if what := questionText(f); !slices.Contains(g.what, what) {
			g.what = append(g.what, what)
		}
		if f.Variant != "" && !slices.Contains(g.variants, f.Variant) {
			g.variants = append(g.variants, f.Variant)
		}
		if g.needed == "" {
			g.needed = f.Needed
		}
	}
	var out []Text
	for _, r := range order {
		g := groups[r]
		s := fmt.Sprintf("Not measured: %s", list(capped(g.what, 8, "others")))
		if len(g.variants) > 0 && len(g.variants) < len(b.c.variants()) {
			s += " (" + list(capped(g.variants, 6, "others")) + ")"
		}
		s += ": " + reasonText(r) + "."
		if g.needed != "" {
			s += " Needed: " + sentence(g.needed)
		}
		out = append(out, Text{S: s})
	}
	return out
}

// questionText names a finding's question.
func questionText(f *finding.Finding) string {
	if f.Metric != "" {
		return f.Metric
	}
	return strings.ReplaceAll(f.Question, "-", " ")
}

// facts say what was audited.
func (b *builder) facts() []Fact {
	c := b.c.config
	base := &c.Populations[0]
	out := []Fact{
		{Name: "Examples", Value: num.Count(c.Examples)},
		{Name: "Classes", Value: num.Count(len(c.Classes))},
		{Name: "Baseline", Value: fmt.Sprintf("%s (%s)", base.Name, members(len(base.Members)))},
	}
	variants := b.c.variants()
	for i, name := range variants {
		p := b.c.population(name)
		if i == 8 {
			out = append(out, Fact{Name: "Variant", Value: fmt.Sprintf("and %s more", num.Count(len(variants)-i))})
			break
		}
		s := fmt.Sprintf("%s (%s", p.Name, members(len(p.Members)))
		if p.Pairing != "" && p.Pairing != "single pair" {
			s += ", " + p.Pairing
		}
		out = append(out, Fact{Name: "Variant", Value: s + ")"})
	}
	if n := len(c.Populations) - 1 - len(variants); n > 0 {
		out = append(out, Fact{Name: "Layers put back", Value: num.Count(n)})
	}
	if len(c.Attributes) > 0 {
		out = append(out, Fact{Name: "Groups", Value: list(capped(c.Attributes, 6, "others"))})
	}
	return append(out, Fact{Name: "Mode", Value: modeText(c)})
}

func modeText(c *finding.Config) string {
	if c.Mode == "paper" {
		return "paper (population shift, raw p)"
	}
	return fmt.Sprintf("%s; level %s, %s, margin %s", c.Mode, num.Setting(c.Settings.Alpha), correction(c.Settings.FDR), num.PP(c.Settings.Margin))
}
