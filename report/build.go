package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
)

// builder makes one document.
type builder struct {
	c     *Collector
	o     Options
	notes *notes
	used  map[*finding.Finding]bool // shown in some section
	rows  map[rowsKey][]*groupRow
}

// Build makes the document of a collected stream. Equal streams and options
// give equal documents.
func Build(c *Collector, o Options) (*Doc, error) {
	if c.config == nil || c.done == nil {
		return nil, fmt.Errorf("report: the stream is not complete")
	}
	b := &builder{c: c, o: o, notes: newNotes(), used: map[*finding.Finding]bool{}, rows: map[rowsKey][]*groupRow{}}
	d := &Doc{Tool: c.config.Tool, Title: c.config.Title, Checks: c.config.Checks}
	d.Subtitle = fmt.Sprintf("%s compared with %s", list(capped(c.variants(), 6, "others")), c.baseline())
	if d.Title == "" {
		d.Title = "Compression audit"
	}
	d.Alarms = b.alarms()
	d.Verdicts, d.Headline, d.Look = b.verdicts()
	d.How = b.how()
	if slices.Equal(c.config.Checks, []string{studyCheck}) { // a study by itself decides nothing about classes
		d.Verdicts, d.Headline, d.Look, d.How = nil, b.peopleHeadline(), nil, b.peopleHow()
	}
	d.Undecided = b.undecided()
	d.Facts = b.facts()
	for _, section := range []func() *Section{
		b.frontier, b.compression, b.accuracy, b.classes, b.groups, b.gallery, b.pies, b.triage, b.people, b.flips, b.layers, b.confusion, b.curves, b.longtail, b.calibration, b.robust, b.training, b.others, b.inputs,
	} {
		if s := section(); s != nil && len(s.Parts) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	d.Notes = b.notes.all()
	return d, nil
}

// take marks findings as shown, so that the last section lists only others.
func (b *builder) take(findings []*finding.Finding) []*finding.Finding {
	for _, f := range findings {
		b.used[f] = true
	}
	return findings
}

// anchor makes a stable id for links from texts.
func anchor(parts ...string) string {
	var out strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('-')
		}
		for _, r := range strings.ToLower(p) {
			switch {
			case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				out.WriteRune(r)
			case r == ' ' || r == '_' || r == '-' || r == '.':
				out.WriteByte('-')
			default:
				fmt.Fprintf(&out, "x%x", r)
			}
		}
	}
	return out.String()
}

// capped is at most n texts and "5 others" for the rest.
func capped(texts []string, n int, rest string) []string {
	if len(texts) <= n {
		return texts
	}
	return append(append([]string{}, texts[:n-1]...), fmt.Sprintf("%d %s", len(texts)-n+1, rest))
}

// columnName makes a heading from a column's name.
func columnName(s string) string { return strings.ReplaceAll(s, "_", " ") }
