package gallery

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/internal/webui"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/html"
)

// report is the audit's report with links from its numbers to the wall. It is
// made once: findings do not change while the gallery runs.
func (s *server) report(w http.ResponseWriter, r *http.Request) error {
	if s.o.Report == nil {
		http.Redirect(w, r, "/wall", http.StatusFound)
		return nil
	}
	s.reportOnce.Do(func() {
		o := html.DefaultOptions()
		o.Link = s.link
		if s.o.Pictures != nil {
			o.Image = func(id string) string { return picture(id, "", "/thumb") }
		}
		o.Pages = []report.Link{{Text: "Examples", URL: "/wall"}, {Text: "Marks", URL: "/marks"}}
		var b bytes.Buffer
		s.reportErr = html.Render(&b, s.o.Report, o)
		s.reportPage = b.Bytes()
	})
	if s.reportErr != nil {
		return s.reportErr
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", webui.Policy(true)+"; frame-ancestors 'none'")
	_, err := w.Write(s.reportPage)
	_ = err // a client that has gone
	return nil
}

// link is the address of the examples that a number of the report counts, ""
// where the wall cannot show them.
func (s *server) link(t report.Target) string {
	variant := t.Variant
	if variant == "" {
		variant = s.o.Variant
	}
	if !slices.ContainsFunc(s.x.Variants(), func(v index.Variant) bool { return v.Name == variant }) {
		return ""
	}
	v := &view{s: s, q: index.Query{Variant: variant}}
	if t.Example != "" {
		if _, ok := s.x.Find(t.Example); !ok {
			return ""
		}
		v.q.PIE = true
		return v.example(t.Example)
	}
	switch t.Kind {
	case "", "all":
	case "pie":
		v.q.PIE = true
	case "changed":
		v.q.Changed = true
	case "certified":
		v.q.Certified = true
	case "ties":
		v.q.Tie = true
	case "flips":
		v.q.Flips = []finding.Flip{finding.FlipRightToWrong, finding.FlipWrongToRight}
	default:
		v.q.Flips = []finding.Flip{finding.Flip(t.Kind)}
	}
	if t.Truth != nil {
		v.q.Truth = []int{*t.Truth}
	}
	if t.Label != nil {
		v.q.Label = []int{*t.Label}
	}
	for _, g := range t.Groups {
		v.q.Attributes = append(v.q.Attributes, index.Value{Name: g.Attribute, Value: g.Value})
	}
	if b := t.BaseShare; b != nil {
		v.q.BaseShare = index.Range{Low: b.Low, High: b.High, Set: true}
	}
	if b := t.VariantShare; b != nil {
		v.q.VariantShare = index.Range{Low: b.Low, High: b.High, Set: true}
	}
	if t.Shift != "" {
		if v.q.Shift = s.shiftNamed(t.Shift); v.q.Shift == "" {
			return ""
		}
	}
	return v.link()
}

// shiftNamed is the shift of a name as the index knows it: the name itself, or
// the strongest severity of a corruption; "" if there is none.
func (s *server) shiftNamed(name string) string {
	best := ""
	for _, known := range s.x.Shifts() {
		if known == name {
			return known
		}
		if strings.HasPrefix(known, name+":") && known > best {
			best = known
		}
	}
	return best
}
