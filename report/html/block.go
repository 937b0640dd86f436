package html

import (
	"fmt"
	stdhtml "html"
	"html/template"
	"strings"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/chart"
)

// The widths at which figures are drawn, in CSS pixels.
const (
	wideWidth   = 900 // one panel over the page
	heatWidth   = 680
	tallWidth   = 520 // the right half of a duo
	smallWidth  = 380
	narrowWidth = 340 // every figure on a phone
	curveWidth  = 230
)

// esc escapes text for elements and attributes and replaces control
// characters.
func esc(s string) string { return stdhtml.EscapeString(texttab.Clean(s)) }

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
		return ""
	}
}

// chip is a verdict with its mark; the sign says what the color says.
func chip(m report.Mark, word string) template.HTML {
	return template.HTML(fmt.Sprintf(`<span class="chip %s"><i aria-hidden="true">%s</i>%s</span>`, m, sign(m), esc(word)))
}

// verdict is the chip of a cell; what follows the short answer stands under
// it: "cannot say", and why.
func verdict(c report.Cell) string {
	word, why, _ := strings.Cut(c.Text, ": ")
	if why == "" {
		word, why, _ = strings.Cut(c.Text, ", ")
	}
	text := string(chip(c.Mark, word))
	if why != "" {
		text += `<span class="why">` + esc(why) + `</span>`
	}
	return text
}

func refs(notes []int) string {
	if len(notes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<sup class="ref">`)
	for _, n := range notes {
		fmt.Fprintf(&b, `<a href="#note-%d" aria-label="note %d">%d</a>`, n, n, n)
	}
	b.WriteString("</sup>")
	return b.String()
}

// linkTo wraps markup in a link, if there is an address.
func linkTo(url, markup string) string {
	if url == "" {
		return markup
	}
	return fmt.Sprintf(`<a href="%s">%s</a>`, esc(url), markup)
}

// look lists links to examples.
func look(links []report.Link) template.HTML {
	if len(links) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<ul class="look">`)
	for _, l := range links {
		fmt.Fprintf(&b, `<li>%s</li>`, linkTo(l.URL, esc(l.Text)))
	}
	b.WriteString("</ul>")
	return template.HTML(b.String())
}

func textHTML(t report.Text) template.HTML { return template.HTML(esc(t.S) + refs(t.Notes)) }

// heading is the level of the titles inside a part: one below the part's own,
// or in its place.
func heading(p report.Part) string {
	if p.Title == "" {
		return "h3"
	}
	return "h4"
}

// block is a figure, a table or a gallery; its title is a heading of that level.
func (r *renderer) block(b report.Block, level string) template.HTML {
	var out strings.Builder
	r.level = level
	switch b := b.(type) {
	case *report.Table:
		r.standalone(&out, b)
	case *report.Gallery:
		r.gallery(&out, b)
	case *report.Specimens:
		r.specimens(&out, b)
	case *report.Figure:
		if r.plain {
			if b.Numbers != nil {
				r.standalone(&out, b.Numbers)
			}
			break
		}
		r.figure(&out, b)
	}
	return template.HTML(out.String())
}

func (r *renderer) figure(out *strings.Builder, f *report.Figure) {
	fmt.Fprintf(out, `<figure class="figure fig-%s" id="%s">`, f.Layout, esc(f.ID))
	words := fmt.Sprintf(`<figcaption class="words"><%[1]s>%[2]s</%[1]s><p class="caption">%[3]s</p>%[4]s</figcaption>`, r.level, esc(f.Title), esc(f.Caption), legend(f.Legend))
	switch f.Layout {
	case report.Duo:
		out.WriteString(words)
		fmt.Fprintf(out, `<div class="panels small">%s</div>`, f.Panels[0].Draw.SVG(smallWidth))
		fmt.Fprintf(out, `<div class="panels tall">%s</div>`, both(f.Panels[1].Draw, tallWidth))
	case report.Side:
		fmt.Fprintf(out, `%s<div class="panels">%s</div>`, words, f.Panels[0].Draw.SVG(smallWidth))
	case report.Wide:
		if _, ok := f.Panels[0].Draw.(*chart.Heat); ok {
			fmt.Fprintf(out, `%s<div class="panels">%s</div>`, words, both(f.Panels[0].Draw, heatWidth))
			break
		}
		fmt.Fprintf(out, `%s<div class="panels">%s</div>`, words, both(f.Panels[0].Draw, wideWidth))
	default:
		out.WriteString(words)
		r.multiples(out, f.Panels)
	}
	if f.Numbers != nil {
		fmt.Fprintf(out, `<details class="numbers"><summary>The numbers: %s (%s)</summary>`, esc(f.Numbers.Title), shown(f.Numbers))
		r.table(out, f.Numbers)
		out.WriteString("</details>")
	}
	out.WriteString("</figure>")
}

func (r *renderer) multiples(out *strings.Builder, panels []report.Panel) {
	width, class := curveWidth, "panels tiles"
	if _, ok := panels[0].Draw.(*chart.Curve); !ok {
		width, class = narrowWidth, "panels tiles large"
	}
	fmt.Fprintf(out, `<div class="%s">`, class)
	for _, p := range panels {
		fmt.Fprintf(out, `<div><p class="panel-title" title="%s">%s</p>%s</div>`, esc(p.Title), linkTo(p.Link, esc(p.Title)), p.Draw.SVG(width))
	}
	out.WriteString("</div>")
}

// both draws a figure for wide pages and for phones; the style sheet shows one.
func both(f chart.Figure, width int) string {
	return `<div class="at-wide">` + f.SVG(width) + `</div><div class="at-narrow">` + f.SVG(narrowWidth) + `</div>`
}

func legend(items []report.Legend) string {
	if len(items) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<ul class="legend">`)
	for _, l := range items {
		fmt.Fprintf(&b, "<li>%s%s</li>", chart.Swatch(l.Tone, l.Shape), esc(l.Text))
	}
	b.WriteString("</ul>")
	return b.String()
}

// shown says how many rows of a table there are to see.
func shown(t *report.Table) string {
	if n := max(t.Total, len(t.Rows)); n > len(t.Rows) {
		return fmt.Sprintf("%s of %s rows", num.Count(len(t.Rows)), num.Count(n))
	}
	return num.Plural(len(t.Rows), "row", "rows")
}

// foldRows is the length from which a table that stands alone is folded.
const foldRows = 12

// standalone is a table that belongs to no figure; long ones are folded.
func (r *renderer) standalone(out *strings.Builder, t *report.Table) {
	if len(t.Rows) == 0 {
		return
	}
	if len(t.Rows) <= foldRows && !t.Numbers {
		fmt.Fprintf(out, `<div class="list" id="%[1]s"><%[2]s class="table-title">%[3]s</%[2]s>`, esc(t.ID), r.level, esc(t.Title))
		r.table(out, t)
		out.WriteString("</div>")
		return
	}
	fmt.Fprintf(out, `<details class="list" id="%s"><summary>%s (%s)</summary>`, esc(t.ID), esc(t.Title), shown(t))
	r.table(out, t)
	out.WriteString("</details>")
}

func (r *renderer) table(out *strings.Builder, t *report.Table) {
	fmt.Fprintf(out, `<div class="scroll" tabindex="0" role="group" aria-label="%s"><table data-sort><thead><tr>`, esc(t.Title))
	for _, c := range t.Columns {
		class, doc := "", ""
		if c.Right {
			class = ` class="r"`
		}
		if c.Doc != "" {
			doc = ` title="` + esc(c.Doc) + `"`
		}
		fmt.Fprintf(out, `<th scope="col"%s%s>%s</th>`, class, doc, esc(c.Name))
	}
	out.WriteString("</tr></thead><tbody>")
	for _, row := range t.Rows {
		if len(row) > 0 && row[0].Link != "" {
			out.WriteString(`<tr class="go">`)
		} else {
			out.WriteString("<tr>")
		}
		for j, c := range row {
			r.cell(out, t, j, c)
		}
		out.WriteString("</tr>")
	}
	out.WriteString("</tbody></table></div>")
	if n := max(t.Total, len(t.Rows)); n > len(t.Rows) {
		fmt.Fprintf(out, `<p class="more">%s of %s shown; see findings.jsonl, or <code>lethe report DIR --all</code>.</p>`, num.Count(len(t.Rows)), num.Count(n))
	}
	if t.Note != "" {
		fmt.Fprintf(out, `<p class="more">%s</p>`, esc(t.Note))
	}
}

func (r *renderer) cell(out *strings.Builder, t *report.Table, j int, c report.Cell) {
	text := esc(c.Text)
	if c.Mark != report.NoMark {
		text = verdict(c)
	}
	text = linkTo(c.Link, text)
	text += refs(c.Notes)
	switch {
	case j == 0:
		fmt.Fprintf(out, `<th scope="row">%s%s</th>`, r.image(t, c.Text), text)
	case t.Columns[j].Right:
		fmt.Fprintf(out, `<td class="r">%s</td>`, text)
	case len(c.Text) > 24:
		fmt.Fprintf(out, `<td class="t">%s</td>`, text)
	default:
		fmt.Fprintf(out, `<td>%s</td>`, text)
	}
}

// image is the thumbnail of an example in a list of examples, while there is
// room for images.
func (r *renderer) image(t *report.Table, id string) string {
	if !t.Examples {
		return ""
	}
	if r.o.Image != nil {
		return fmt.Sprintf(`<img class="thumb" alt="" loading="lazy" width="48" height="48" src="%s">`, esc(r.o.Image(id)))
	}
	if r.o.Thumbnail == nil || r.o.Gallery != nil || r.spent > r.room {
		return ""
	}
	src := r.data(id)
	if src == "" {
		return ""
	}
	r.spent += len(src)
	return fmt.Sprintf(`<img class="thumb" alt="" src="%s">`, src)
}
