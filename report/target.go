package report

import (
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
)

// Target is a set of examples that a number of the report counts, or one
// example. Fields that are empty do not narrow the set. A live page shows it
// under the address that [Options].Link gives.
type Target struct {
	Variant string // population that is compared with the baseline; "": any
	// Kind is one of [finding.ExampleKinds]: "pie", "changed", "certified",
	// "flips", "right_to_wrong", "wrong_to_right", "wrong_to_other" or "ties";
	// "": all examples.
	Kind   string
	Truth  *int            // number of the true class
	Label  *int            // number of the class that the variant's members most often predict
	Groups []finding.Group // attribute values, all of which hold
	Shift  string          // corruption, or corruption:severity, or natural shift of the data

	// Shares of the members that predict the true class, bounds included.
	BaseShare, VariantShare *Bounds

	Example string // id of one example; "": a set
}

// Bounds are the ends of a range, both in [0, 1].
type Bounds struct{ Low, High float64 }

// Link is a named address.
type Link struct{ Text, URL string }

// link is the address of a target, "" where the document has no links.
func (b *builder) link(t Target) string {
	if b.o.Link == nil {
		return ""
	}
	return b.o.Link(t)
}

// look makes links of texts and targets, leaving out those without an address.
func (b *builder) look(text string, t Target) []Link {
	if url := b.link(t); url != "" {
		return []Link{{text, url}}
	}
	return nil
}

// class is the number of the class with that name, or nil where no class or
// more than one has it.
func (b *builder) class(name string) *int {
	i := slices.Index(b.c.config.Classes, name)
	if i < 0 || slices.Contains(b.c.config.Classes[i+1:], name) {
		return nil
	}
	return &i
}

// scoped narrows a target to what a finding is about.
func scoped(t Target, s finding.Scope) Target {
	t.Truth, t.Groups = s.Class, s.Groups
	switch s.Kind {
	case finding.Corruption, finding.Severity:
		t.Shift = s.Name
	default:
		t.Shift = s.Shift
	}
	return t
}

// kindOf is the kind of example that a question counts.
func kindOf(f *finding.Finding) string {
	switch {
	case f.Question == "vote-changed":
		return "changed"
	case f.Question == "certified":
		return "certified"
	case f.Question == "negative-flip-rate":
		return string(finding.FlipRightToWrong)
	case f.Question == "positive-flip-rate":
		return string(finding.FlipWrongToRight)
	case f.Question == "mcnemar" && f.Scope.Kind == finding.Overall, f.Question == "flips", f.Question == "churn":
		return "flips"
	case f.Check == "pie":
		return "pie"
	}
	return ""
}

// linkOf is the address of the examples behind a finding, "" for findings that
// are not about examples, such as those about files, layers and confidence.
func (b *builder) linkOf(f *finding.Finding) string {
	switch f.Check {
	case "summary", "classimpact", "slice", "pie", "flip", "confusion", "longtail", "robust", "curve":
	default:
		return ""
	}
	t := scoped(Target{Variant: f.Variant, Kind: kindOf(f)}, f.Scope)
	switch {
	case f.Variant == "" || f.Question == "vacuity":
		return ""
	case f.Scope.Kind == finding.Class && f.Scope.Class == nil,
		f.Scope.Kind == finding.Subgroup && len(f.Scope.Groups) == 0,
		f.Scope.Kind == finding.Benchmark, f.Scope.Kind == finding.Layer:
		return ""
	}
	if predicted, ok := strings.CutPrefix(f.Metric, "share predicted as "); ok {
		t.Label = b.class(predicted)
	}
	return b.link(t)
}

// rowLink is the address of the examples that a row of a table of the stream
// counts, "" where the row names none.
func (b *builder) rowLink(g *grid, i int) string {
	t := Target{Variant: g.t.Variant}
	named := false
	for _, column := range []string{"class", "true"} {
		if name := g.text(i, column); name != "" {
			if t.Truth = b.class(name); t.Truth == nil {
				return ""
			}
			named = true
		}
	}
	switch name := g.text(i, "predicted"); {
	case name == "":
	case name == g.text(i, "true"):
		t.Kind = string(finding.FlipRightToWrong)
		if g.or(i, "difference") > 0 {
			t.Kind = string(finding.FlipWrongToRight)
		}
	default:
		if t.Label = b.class(name); t.Label == nil {
			return ""
		}
	}
	if s := g.text(i, "shift"); s != "" {
		t.Shift, named = s, true
	}
	if v := g.text(i, "variant"); v != "" && t.Variant == "" && b.c.population(v) != nil && v != b.c.baseline() {
		t.Variant, named = v, true
	}
	if !named || !exampleChecks(g.t.Check) {
		return ""
	}
	if g.t.Check == "pie" {
		t.Kind = "pie"
	}
	return b.link(t)
}

// exampleChecks reports whether a check's tables count examples.
func exampleChecks(check string) bool {
	return slices.Contains([]string{"pie", "flip", "confusion", "curve", "robust", "frontier"}, check)
}
