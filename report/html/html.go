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
	// Gallery are examples to show with their images, of every variant worst
	// first; as many as fit in two fifths of MaxBytes. Tables then have no images.
	Gallery []finding.TopExamples

	// Specimen is the id of an example that is shown under the audit's corruptions;
	// "": none. Shifted gives its picture under one ("fog:3"), or as it is (""), as
	// PNG or JPEG. Pictures take no more than an eighth of MaxBytes.
	Specimen string
	Shifted  func(id, shift string) []byte

	// Of a live page, see [Render]; nil in a file.

	// Link gives the address that shows the examples of a target, "" where there
	// is none. Numbers of the report link there.
	Link func(report.Target) string
	// Image gives the address of a small image of an example, instead of Thumbnail.
	Image func(id string) string
	// Pages are other pages of the site, listed before the contents.
	Pages []report.Link
}

// DefaultOptions stay under 5 MB with 200 rows a table.
func DefaultOptions() Options { return Options{MaxBytes: 5_000_000, Rows: 200} }

// New returns a handler that writes the report to w when the stream is done.
func New(w io.Writer, o Options) report.Handler { return &handler{w: w, o: o} }

// Render writes the page of a collected stream that is complete, such as a live
// server does at every request; c is only read, so that requests may run at
// once. With [Options].Image the page's policy allows images of its own server.
func Render(w io.Writer, c *report.Collector, o Options) error {
	page, err := fit(c, o)
	if err != nil {
		return err
	}
	if _, err := w.Write(page); err != nil {
		return fmt.Errorf("report: write html: %w", err)
	}
	return nil
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
	return Render(h.w, &h.Collector, h.o)
}

// fit renders with fewer and fewer rows and at last without pictures until the
// page has the size it may have.
func fit(c *report.Collector, o Options) ([]byte, error) {
	r := &renderer{o: o, room: o.MaxBytes / 4, galleryRoom: o.MaxBytes / 5 * 2}
	for rows := max(o.Rows, 1); ; rows /= 2 {
		doc, err := report.Build(c, report.Options{Rows: max(rows, 1), Link: o.Link, Specimen: o.Specimen, Gallery: o.Gallery})
		if err != nil {
			return nil, err
		}
		page, err := r.page(doc)
		if err != nil {
			return nil, err
		}
		switch {
		case len(page) < o.MaxBytes:
			return page, nil
		case rows > 1:
		case !r.plain:
			r.plain, rows = true, max(o.Rows, 1)
		default:
			return nil, fmt.Errorf("report: the smallest HTML report has %d bytes, more than the %d it may have", len(page), o.MaxBytes)
		}
	}
}

// pageData is what the template is given.
type pageData struct {
	Doc    *pageDoc
	CSS    template.CSS
	JS     template.JS
	Policy string
	Pages  []report.Link
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
	o     Options
	plain bool   // leave figures out
	level string // of the headings of blocks

	room, spent        int // bytes that images in tables may take and took
	galleryRoom, shown int // the same of the gallery
	made               map[string]string
}

func (r *renderer) page(doc *report.Doc) ([]byte, error) {
	r.spent, r.shown = 0, 0
	t, err := template.New("report").Funcs(template.FuncMap{
		"draw": r.block, "heading": heading, "chip": chip, "text": textHTML, "titled": titled, "look": look,
	}).Parse(webui.ReportTemplate)
	if err != nil {
		return nil, fmt.Errorf("report: html template: %w", err)
	}
	data := pageData{Doc: linked(doc), CSS: template.CSS(webui.CSS), JS: template.JS(webui.JS), Policy: webui.Policy(r.o.Image != nil), Pages: r.o.Pages}
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
