// Package text is the report for terminals: alarms and headline first, then
// short tables, worst first.
package text

import (
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/report"
)

// Options are the settings of the text report.
type Options struct {
	All   bool   // all rows of every table, and all sections; else the worst Rows of each
	Rows  int    // rows a table may have unless All, at least 1
	Color bool   // terminal colors; the caller decides (a terminal, and no NO_COLOR)
	Width int    // columns of the terminal, 0: as wide as it gets
	Dir   string // the audit directory as the reader knows it, for hints
}

// DefaultOptions are 15 rows a table, 100 columns, no colors.
func DefaultOptions() Options { return Options{Rows: 15, Width: 100, Dir: "DIR"} }

// New returns a handler that writes the report to w when the stream is done.
func New(w io.Writer, o Options) report.Handler {
	return &handler{w: w, o: o}
}

type handler struct {
	report.Collector
	w io.Writer
	o Options
}

// Done writes the report.
func (h *handler) Done(d *finding.Done) error {
	if err := h.Collector.Done(d); err != nil {
		return err
	}
	rows := h.o.Rows
	if h.o.All {
		rows = 0
	}
	doc, err := report.Build(&h.Collector, report.Options{Rows: rows})
	if err != nil {
		return err
	}
	p := &printer{o: h.o}
	p.doc(doc)
	if _, err := io.WriteString(h.w, p.b.String()); err != nil {
		return fmt.Errorf("report: write text: %w", err)
	}
	return nil
}

// printer lays a document out.
type printer struct {
	b strings.Builder
	o Options
}

// Terminal colors, as select graphic rendition codes.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	void   = "1;7;31"
)

func (p *printer) style(code, s string) string {
	if !p.o.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func colorOf(m report.Mark) string {
	switch m {
	case report.MarkWorse:
		return red
	case report.MarkGood:
		return green
	case report.MarkAsk:
		return yellow
	case report.MarkVoid:
		return void
	default:
		return ""
	}
}

// sign is the mark of an outcome that does not need color.
func sign(m report.Mark) string {
	switch m {
	case report.MarkWorse:
		return "▼"
	case report.MarkGood:
		return "▲"
	case report.MarkNone:
		return "○"
	case report.MarkAsk:
		return "?"
	case report.MarkVoid:
		return "✕"
	default:
		return " "
	}
}

func (p *printer) line(s string) { p.b.WriteString(s + "\n") }

func (p *printer) wrap(code, indent, rest, s string) {
	text := texttab.Wrap(texttab.Clean(s), indent, rest, p.o.Width)
	if !p.o.Color || code == "" {
		p.b.WriteString(text)
		return
	}
	for line := range strings.Lines(text) {
		p.line(p.style(code, strings.TrimRight(line, "\n")))
	}
}

func refs(notes []int) string {
	if len(notes) == 0 {
		return ""
	}
	var s []string
	for _, n := range notes {
		s = append(s, num.Count(n))
	}
	return " [" + strings.Join(s, ",") + "]"
}

func (p *printer) doc(d *report.Doc) {
	for _, a := range d.Alarms {
		p.alarm(a)
	}
	p.wrap(bold, "", "", d.Title)
	p.wrap(dim, "", "", d.Subtitle)
	p.line("")
	p.wrap(bold, "", "", d.Headline)
	p.line("")
	for _, v := range d.Verdicts {
		p.verdict(v)
	}
	if len(d.Undecided) > 0 {
		p.line("")
		p.line(p.style(bold, "Not decided"))
		for _, t := range d.Undecided {
			p.wrap("", "  - ", "    ", t.S+refs(t.Notes))
		}
	}
	p.line("")
	p.wrap(dim, "", "", d.How)
	p.facts(d.Facts)
	for _, s := range d.Sections {
		p.section(s)
	}
	p.notes(d)
}

func (p *printer) alarm(a report.Alarm) {
	code, head := yellow, "WARNING"
	if a.Void {
		code, head = void, "VOID"
	}
	p.wrap(code, head+": ", "  ", a.Title+". "+a.Text)
	p.line("")
}

func (p *printer) verdict(v report.Verdict) {
	kind := ""
	if v.Kind != "" {
		kind = " (" + v.Kind + ")"
	}
	p.wrap(colorOf(v.Mark), sign(v.Mark)+" ", "  ", v.Variant+kind+": "+v.Word)
	for _, t := range v.Lines {
		p.wrap("", "    ", "    ", t.S+refs(t.Notes))
	}
}

func (p *printer) facts(facts []report.Fact) {
	var parts []string
	for _, f := range facts {
		parts = append(parts, strings.ToLower(f.Name)+" "+f.Value)
	}
	p.wrap(dim, "", "", "Audited: "+strings.Join(parts, " · "))
}

func (p *printer) section(s *report.Section) {
	p.line("")
	title := strings.ToUpper(s.Title)
	if len(s.Checks) > 0 {
		title += "  (lethe explain " + strings.Join(s.Checks, ", ") + ")"
	}
	p.wrap(bold, "", "", title)
	p.wrap("", "", "", s.Ask)
	for _, m := range s.Method {
		p.wrap(dim, "", "  ", m.S+refs(m.Notes))
	}
	var skipped []string
	for _, part := range s.Parts {
		skipped = append(skipped, p.part(&part)...)
	}
	if len(skipped) > 0 {
		more := ""
		if n := len(skipped) - 3; n > 1 {
			skipped, more = skipped[:3], fmt.Sprintf("; and %d more tables", n)
		}
		p.line("")
		p.wrap(dim, "  ", "  ", fmt.Sprintf("Also there: %s%s: lethe report %s --all", strings.Join(skipped, "; "), more, p.o.Dir))
	}
}

// part prints a part and returns the titles of the tables that it leaves out.
func (p *printer) part(part *report.Part) (skipped []string) {
	if part.Title != "" || len(part.Lead) > 0 {
		p.line("")
	}
	if part.Title != "" {
		p.wrap(bold, "  ", "  ", part.Title)
	}
	for _, t := range part.Lead {
		p.wrap("", "  ", "  ", t.S+refs(t.Notes))
	}
	for _, block := range part.Blocks {
		t, ok := block.(*report.Table)
		if f, is := block.(*report.Figure); is {
			t, ok = f.Numbers, f.Numbers != nil
		}
		switch {
		case !ok || len(t.Rows) == 0:
		case (t.Minor || t.Numbers) && !p.o.All:
			skipped = append(skipped, t.Title)
		default:
			p.table(t)
		}
	}
	return skipped
}

func (p *printer) table(t *report.Table) {
	p.line("")
	p.wrap("", "  ", "  ", t.Title)
	tab := &texttab.Table{}
	for _, c := range t.Columns {
		tab.Columns = append(tab.Columns, texttab.Column{Head: c.Name, Right: c.Right, Min: c.Min, Drop: c.Drop})
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for j, c := range row {
			cells[j] = c.Text + refs(c.Notes)
			if c.Mark != report.NoMark {
				cells[j] = sign(c.Mark) + " " + cells[j]
			}
		}
		tab.Rows = append(tab.Rows, cells)
	}
	tab.Style = func(row, col int, s string) string {
		if row < 0 {
			return p.style(dim, s)
		}
		return p.style(colorOf(t.Rows[row][col].Mark), s)
	}
	text, left := tab.Format("    ", p.o.Width)
	p.b.WriteString(text)
	if n := t.Total - len(t.Rows); n > 0 {
		p.wrap(dim, "    ", "    ", fmt.Sprintf("… %s more: %s", num.Count(n), p.where(t)))
	}
	if len(left) > 0 {
		p.wrap(dim, "    ", "    ", "not shown at this width: "+strings.Join(left, ", "))
	}
	if t.Note != "" {
		p.wrap(dim, "    ", "    ", t.Note)
	}
}

// where says how to see the rows that a table leaves out.
func (p *printer) where(t *report.Table) string {
	switch {
	case !p.o.All:
		return "lethe report " + p.o.Dir + " --all"
	case t.Examples:
		return "lethe report " + p.o.Dir + " --examples all"
	default:
		return "only the largest were stored"
	}
}

func (p *printer) notes(d *report.Doc) {
	if len(d.Notes) > 0 {
		p.line("")
		p.line(p.style(bold, "NOTES"))
		for _, n := range d.Notes {
			head := fmt.Sprintf("[%d] ", n.Number)
			p.wrap("", head, strings.Repeat(" ", len(head)), n.Text)
		}
	}
	p.line("")
	p.wrap(dim, "", "", d.Tool+". Every finding, with the evidence to decide it again: findings.jsonl.")
}
