// Package html is the report as one HTML file that needs nothing beside it: no
// network, no script, light and dark, phone and print. It stays under a size
// however large the audit was.
package html

import (
	"bytes"
	"fmt"
	"html/template"
	"io"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/webui"
	"github.com/lethe-audit/lethe/report"
)

// Options are the settings of the HTML report.
type Options struct {
	MaxBytes int // size of the file; tables get fewer rows to keep to it
	Rows     int // rows a table may have, at least 1
	// Thumbnail gives a small image of an example by its id, as PNG or JPEG;
	// nil, or a nil image, shows none. Images count toward MaxBytes.
	Thumbnail func(id string) []byte
}

// DefaultOptions stay under 5 MB with 200 rows a table.
func DefaultOptions() Options { return Options{MaxBytes: 5_000_000, Rows: 200} }

// New returns a handler that writes the report to w when the stream is done.
func New(w io.Writer, o Options) report.Handler { return &handler{w: w, o: o} }

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
	page, err := h.fit()
	if err != nil {
		return err
	}
	if _, err := h.w.Write(page); err != nil {
		return fmt.Errorf("report: write html: %w", err)
	}
	return nil
}

// fit renders with fewer and fewer rows and at last without pictures until the
// page has the size it may have.
func (h *handler) fit() ([]byte, error) {
	r := &renderer{thumbnail: h.o.Thumbnail, room: h.o.MaxBytes / 4}
	for rows := max(h.o.Rows, 1); ; rows /= 2 {
		doc, err := report.Build(&h.Collector, report.Options{Rows: max(rows, 1)})
		if err != nil {
			return nil, err
		}
		page, err := r.page(doc)
		if err != nil {
			return nil, err
		}
		switch {
		case len(page) < h.o.MaxBytes:
			return page, nil
		case rows > 1:
		case !r.plain:
			r.plain, rows = true, max(h.o.Rows, 1)
		default:
			return nil, fmt.Errorf("report: the smallest HTML report has %d bytes, more than the %d it may have", len(page), h.o.MaxBytes)
		}
	}
}

// pageData is what the template is given.
type pageData struct {
	Doc    *pageDoc
	CSS    template.CSS
	JS     template.JS
	Policy string
}

// pageDoc is the document with links from verdicts to sections.
type pageDoc struct {
	*report.Doc
	Verdicts []linkedVerdict
}

type linkedVerdict struct {
	report.Verdict
	Link string
}

// renderer turns documents into pages.
type renderer struct {
	thumbnail func(id string) []byte
	room      int  // bytes that images may take
	spent     int  // bytes that images took
	plain     bool // leave pictures out
}

func (r *renderer) page(doc *report.Doc) ([]byte, error) {
	r.spent = 0
	t, err := template.New("report").Funcs(template.FuncMap{
		"draw": r.block, "chip": chip, "text": textHTML, "titled": titled,
	}).Parse(webui.ReportTemplate)
	if err != nil {
		return nil, fmt.Errorf("report: html template: %w", err)
	}
	data := pageData{Doc: linked(doc), CSS: template.CSS(webui.CSS), JS: template.JS(webui.JS), Policy: webui.Policy()}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("report: html: %w", err)
	}
	return b.Bytes(), nil
}

// linked adds to each verdict the link to its classes.
func linked(doc *report.Doc) *pageDoc {
	out := &pageDoc{Doc: doc}
	parts := map[string]string{}
	for _, s := range doc.Sections {
		if s.ID != "classes" && s.ID != "subgroups" {
			continue
		}
		for _, p := range s.Parts {
			if parts[p.Title] == "" {
				parts[p.Title] = p.ID
			}
		}
	}
	for _, v := range doc.Verdicts {
		out.Verdicts = append(out.Verdicts, linkedVerdict{v, parts[v.Variant]})
	}
	return out
}

// titled reports whether a section has parts to list in the contents.
func titled(s *report.Section) bool {
	n := 0
	for _, p := range s.Parts {
		if p.Title != "" {
			n++
		}
	}
	return n > 0 && n <= 12
}
