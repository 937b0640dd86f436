package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// coversText says in plain words what chance an interval covers.
func coversText(c finding.Covers) string {
	switch c {
	case finding.Members:
		return "members: how far other members, trained the same way, could differ on these same examples"
	case finding.ExamplesOnly:
		return "examples only: how far these same models could differ on other examples of the kind; nothing about retraining or the method"
	case finding.Both:
		return "members and examples: how far other members on other examples of the kind could differ"
	case finding.ImagesOnly:
		return "images only: what the same people would say about other images of the kind; nothing about other people"
	case finding.CalibrationOf:
		return "calibration noise: how far other calibrations of the same checkpoint could differ"
	default:
		return string(c)
	}
}

// claim is a statement that holds for some variants: heads are named together
// before what they share.
type claim struct {
	heads    []string
	body     string
	variants []string
}

// claims collects statements in the order in which they first come.
type claims struct {
	list []*claim
	at   map[[2]string]*claim
}

func (c *claims) add(head, body, variant string) {
	if c.at == nil {
		c.at = map[[2]string]*claim{}
	}
	key := [2]string{head, body}
	one := c.at[key]
	if one == nil {
		one = &claim{heads: []string{head}, body: body}
		c.at[key] = one
		c.list = append(c.list, one)
	}
	if n := len(one.variants); n == 0 || one.variants[n-1] != variant {
		one.variants = append(one.variants, variant)
	}
}

// merged are the statements; those that say the same of the same variants are
// one.
func (c *claims) merged() []*claim {
	var out []*claim
	for _, one := range c.list {
		same := slices.IndexFunc(out, func(o *claim) bool { return o.body == one.body && slices.Equal(o.variants, one.variants) })
		if same >= 0 {
			out[same].heads = append(out[same].heads, one.heads...)
			continue
		}
		merged := *one
		out = append(out, &merged)
	}
	return out
}

// of names the variants that a statement holds for, where not for all.
func (o *claim) of(variants int) string {
	if len(o.variants) >= variants || len(o.variants) == 1 && o.variants[0] == "" {
		return ""
	}
	return " (" + list(capped(o.variants, 6, "others")) + ")"
}

// maxStatements is how many different statements a section makes about its
// intervals and tests.
const maxStatements = 12

// method says once for a section what its intervals cover, and which tests
// were made and why.
func (b *builder) method(findings []*finding.Finding) []Text {
	var intervals, tests claims
	for _, f := range findings {
		if i := f.Interval; i != nil {
			intervals.add(i.Method, coversText(i.Covers), f.Variant)
		}
		if t := f.Test; t != nil && t.Why != "" {
			tests.add(t.Name, t.Why, f.Variant)
		}
	}
	n := len(b.c.variants())
	level := num.Setting(b.c.config.Settings.Level * 100)
	var out []Text
	for _, o := range intervals.merged() {
		s := fmt.Sprintf("%s %% intervals%s cover %s", level, o.of(n), o.body)
		if how := strings.Join(slices.DeleteFunc(o.heads, func(s string) bool { return s == "" }), "; "); how != "" {
			s += ". Method: " + how
		}
		out = append(out, Text{S: sentence(s)})
	}
	for _, o := range tests.merged() {
		out = append(out, Text{S: sentence(fmt.Sprintf("Test%s: %s. Why: %s", o.of(n), strings.Join(o.heads, "; "), o.body))})
	}
	if len(out) > maxStatements {
		out = append(out[:maxStatements:maxStatements], Text{S: "More are named in findings.jsonl."})
	}
	if tOverMembers(findings) {
		out = append(out, Text{S: "The t-test covers members only, the interval members and examples: a change can be certain for these examples and open for others like them."})
	}
	if q := b.family(findings); q != "" {
		out = append(out, Text{S: q})
	}
	return out
}

// tOverMembers reports whether a t-test over members stands beside an interval
// that covers examples too.
func tOverMembers(findings []*finding.Finding) bool {
	for _, f := range findings {
		if f.Test != nil && f.Interval != nil && f.Interval.Covers == finding.Both && (f.Test.Name == "Welch t" || f.Test.Name == "paired t") {
			return true
		}
	}
	return false
}

// family says how many tests were corrected together, and how.
func (b *builder) family(findings []*finding.Finding) string {
	size, several := 0, false
	for _, f := range findings {
		if f.Test != nil && f.Test.Family != nil {
			several = several || size != 0 && size != f.Test.Family.Size
			size = max(size, f.Test.Family.Size)
		}
	}
	s := &b.c.config.Settings
	switch {
	case size <= 1:
		return ""
	case s.FDR == "none":
		return fmt.Sprintf("Families of up to %s tests at level %s each, not corrected for their number.", num.Count(size), num.Setting(s.Alpha))
	case several:
		return fmt.Sprintf("Families of up to %s tests, corrected together (%s, level %s).", num.Count(size), correction(s.FDR), num.Setting(s.Alpha))
	default:
		return fmt.Sprintf("Each variant's %s tests are corrected together (%s, level %s).", num.Count(size), correction(s.FDR), num.Setting(s.Alpha))
	}
}
