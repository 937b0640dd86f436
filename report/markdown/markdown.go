// Package markdown is the report in GitHub-flavored Markdown, for comments on
// changes and for job summaries, which refuse more than 1 MiB.
package markdown

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report"
)

// Options are the settings of the Markdown report.
type Options struct {
	MaxBytes int // size of the report, at least 4096
	Rows     int // rows a table may have, at least 1; fewer where MaxBytes asks for it
}

// DefaultOptions stay under 1 MiB with 25 rows a table.
func DefaultOptions() Options { return Options{MaxBytes: 1 << 20, Rows: 25} }

// New returns a handler that writes the report to w when the stream is done.
func New(w io.Writer, o Options) report.Handler { return &handler{w: w, o: o} }

type handler struct {
	report.Collector
	w io.Writer
	o Options
}

// Done writes the report: with fewer rows a table, and at last with fewer
// sections, until it has the size it may have.
func (h *handler) Done(d *finding.Done) error {
	if err := h.Collector.Done(d); err != nil {
		return err
	}
	var out string
	for rows := max(h.o.Rows, 1); ; rows /= 2 {
		doc, err := report.Build(&h.Collector, report.Options{Rows: max(rows, 1)})
		if err != nil {
			return err
		}
		p := &printer{rows: max(rows, 1)}
		p.doc(doc)
		out = p.b.String()
		if len(out) < h.o.MaxBytes {
			break
		}
		if rows <= 1 {
			out = cut(p, h.o.MaxBytes)
			break
		}
	}
	if _, err := io.WriteString(h.w, out); err != nil {
		return fmt.Errorf("report: write markdown: %w", err)
	}
	return nil
}

const cutText = "\n\n---\n\n**Cut here to stay within the size that is shown. The whole report: `lethe report DIR --format html`; every finding: findings.jsonl.**\n"

// cut ends the report at the last section that fits, or in the middle of the
// first line that does not.
func cut(p *printer, limit int) string {
	out, room := p.b.String(), limit-len(cutText)-1
	end := 0
	for _, at := range p.ends {
		if at <= room {
			end = at
		}
	}
	if end == 0 {
		end = strings.LastIndexByte(out[:room], '\n') + 1
	}
	return out[:end] + cutText
}

// printer lays a document out.
type printer struct {
	b    strings.Builder
	rows int
	ends []int // where sections end
}

func (p *printer) f(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// escape makes text that Markdown, HTML, and GitHub's mentions and references
// leave as it is.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("\\`*_{}[]|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("&#64;")
		case r == '#':
			b.WriteString("&#35;")
		case unicode.IsControl(r):
			b.WriteRune('\ufffd')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapeHTML is for text inside an HTML block, where Markdown is not read.
func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "#", "&#35;", "\n", " ").Replace(s)
}

func refs(notes []int) string {
	if len(notes) == 0 {
		return ""
	}
	var s []string
	for _, n := range notes {
		s = append(s, num.Count(n))
	}
	return "<sup>" + strings.Join(s, ",") + "</sup>"
}

func sign(m report.Mark) string {
	switch m {
	case report.MarkWorse:
		return "🔻 "
	case report.MarkGood:
		return "🔷 "
	case report.MarkNone:
		return "⚪ "
	case report.MarkAsk:
		return "❔ "
	case report.MarkVoid:
		return "⛔ "
	default:
		return ""
	}
}

func (p *printer) doc(d *report.Doc) {
	for _, a := range d.Alarms {
		kind := "WARNING"
		if a.Void {
			kind = "CAUTION"
		}
		p.f("> [!%s]\n> **%s.** %s\n\n", kind, escape(a.Title), escape(a.Text))
	}
	p.f("## %s\n\n%s\n\n**%s**\n\n", escape(d.Title), escape(d.Subtitle), escape(d.Headline))
	p.verdicts(d.Verdicts)
	if len(d.Undecided) > 0 {
		p.f("**Not decided**\n\n")
		for _, t := range d.Undecided {
			p.f("- %s%s\n", escape(t.S), refs(t.Notes))
		}
		p.f("\n")
	}
	p.f("%s\n\n", escape(d.How))
	var facts []string
	for _, f := range d.Facts {
		facts = append(facts, escape(strings.ToLower(f.Name)+" "+f.Value))
	}
	p.f("Audited: %s\n\n", strings.Join(facts, " · "))
	p.ends = append(p.ends, p.b.Len())
	for _, s := range d.Sections {
		p.section(s)
		p.ends = append(p.ends, p.b.Len())
	}
	if len(d.Notes) > 0 {
		p.f("### Notes\n\n")
		for _, n := range d.Notes {
			p.f("%d. %s\n", n.Number, escape(n.Text))
		}
		p.f("\n")
	}
	p.f("%s. Every finding, with the evidence to decide it again: findings.jsonl.\n", escape(d.Tool))
}

func (p *printer) verdicts(verdicts []report.Verdict) {
	p.f("| variant | verdict | accuracy | worst class | worst subgroup |\n|:--|:--|--:|:--|:--|\n")
	for _, v := range verdicts {
		facts := map[string]string{}
		for _, f := range v.Facts {
			facts[f.Name] = f.Value
		}
		p.f("| %s | %s%s | %s | %s | %s |\n", escape(v.Variant), sign(v.Mark), escape(v.Word), escape(facts["Accuracy"]), escape(facts["Worst class"]), escape(facts["Worst subgroup"]))
	}
	p.f("\n")
}

func (p *printer) section(s *report.Section) {
	p.f("### %s\n\n%s\n\n", escape(s.Title), escape(s.Ask))
	if len(s.Method) > 0 {
		p.f("<details><summary>Method: intervals and tests</summary>\n\n")
		for _, m := range s.Method {
			p.f("- %s%s\n", escape(m.S), refs(m.Notes))
		}
		for _, c := range s.Checks {
			p.f("- `lethe explain %s`\n", strings.ReplaceAll(c, "`", ""))
		}
		p.f("\n</details>\n\n")
	}
	for _, part := range s.Parts {
		if part.Title != "" {
			p.f("#### %s\n\n", escape(part.Title))
		}
		for _, t := range part.Lead {
			p.f("- %s%s\n", escape(t.S), refs(t.Notes))
		}
		if len(part.Lead) > 0 {
			p.f("\n")
		}
		for _, block := range part.Blocks {
			switch block := block.(type) {
			case *report.Table:
				p.table(block)
			case *report.Figure:
				if block.Numbers != nil {
					p.table(block.Numbers)
				}
			}
		}
	}
}

// table is folded away behind its title; a picture's raw numbers are left to
// the other formats.
func (p *printer) table(t *report.Table) {
	if t.Numbers || len(t.Rows) == 0 {
		return
	}
	p.f("<details><summary>%s</summary>\n\n", escapeHTML(t.Title))
	for _, c := range t.Columns {
		p.f("| %s ", escape(c.Name))
	}
	p.f("|\n")
	for _, c := range t.Columns {
		if c.Right {
			p.f("|--:")
		} else {
			p.f("|:--")
		}
	}
	p.f("|\n")
	for _, row := range t.Rows {
		for _, c := range row {
			p.f("| %s%s%s ", sign(c.Mark), escape(c.Text), refs(c.Notes))
		}
		p.f("|\n")
	}
	p.f("\n")
	if n := t.Total - len(t.Rows); n > 0 {
		p.f("%s of %s rows shown; all of them: `lethe report DIR --all`, findings.jsonl.\n\n", num.Count(len(t.Rows)), num.Count(t.Total))
	}
	if t.Note != "" {
		p.f("%s\n\n", escape(t.Note))
	}
	p.f("</details>\n\n")
}
