package report

import (
	"fmt"

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
	case finding.CalibrationOf:
		return "calibration noise: how far other calibrations of the same checkpoint could differ"
	default:
		return string(c)
	}
}

// said collects statements and the variants each holds for, in the order in
// which they first come.
type said struct {
	texts    []string
	variants map[string][]string
}

func (s *said) add(text, variant string) {
	if s.variants == nil {
		s.variants = map[string][]string{}
	}
	list, ok := s.variants[text]
	if !ok {
		s.texts = append(s.texts, text)
	}
	if n := len(list); n > 0 && list[n-1] == variant {
		return
	}
	s.variants[text] = append(list, variant)
}

// statements are the texts; one that does not hold for every variant names
// those it holds for.
func (s *said) statements(variants int, prefix, join string) []Text {
	var out []Text
	for _, t := range s.texts {
		p := prefix
		if names := s.variants[t]; len(s.texts) > 1 && variants > 1 && len(names) < variants && names[0] != "" {
			p += " (" + list(names) + ")"
		}
		out = append(out, Text{S: sentence(p + join + t)})
	}
	return out
}

// maxStatements is how many different intervals or tests a section names.
const maxStatements = 6

// method says once for a section what its intervals cover, and which tests
// were made and why.
func (b *builder) method(findings []*finding.Finding) []Text {
	var intervals, tests said
	for _, f := range findings {
		if i := f.Interval; i != nil {
			text := fmt.Sprintf("cover %s (%s)", coversText(i.Covers), i.Method)
			if i.Method == "" {
				text = "cover " + coversText(i.Covers)
			}
			intervals.add(text, f.Variant)
		}
		if t := f.Test; t != nil && t.Why != "" {
			tests.add(fmt.Sprintf("%s: %s", t.Name, t.Why), f.Variant)
		}
	}
	n := len(b.c.variants())
	level := num.Setting(b.c.config.Settings.Level*100) + " % intervals"
	out := append(intervals.statements(n, level, " "), tests.statements(n, "Test", ": ")...)
	if len(out) > 2*maxStatements {
		out = append(out[:2*maxStatements:2*maxStatements], Text{S: "More are named in findings.jsonl."})
	}
	if q := b.family(findings); q != "" {
		out = append(out, Text{S: q})
	}
	return out
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
