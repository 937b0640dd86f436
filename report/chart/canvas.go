package chart

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// canvas collects the elements of one svg element.
type canvas struct {
	b      strings.Builder
	w, h   float64
	linked bool // something in it is a link
}

func newCanvas(w, h float64) *canvas { return &canvas{w: w, h: h} }

// finish wraps the elements and gives them their accessible name. A picture
// with links is a group: the content of an image would be hidden from screen
// readers.
func (c *canvas) finish(kind, alt string) string {
	role := "img"
	if c.linked {
		role = "group"
	}
	return fmt.Sprintf(`<svg class="chart chart-%s" viewBox="0 0 %s %s" width="%s" height="%s" role="%s" aria-label="%s">%s</svg>`,
		kind, px(c.w), px(c.h), px(c.w), px(c.h), role, escape(alt), c.b.String())
}

// link draws elements inside a link; without an address it only draws them. A
// name is for links that show no text.
// Links of pictures are left out of the order of the tab key: the table of the
// picture's numbers has the same ones.
func (c *canvas) link(to, name string, draw func()) {
	if to == "" {
		draw()
		return
	}
	c.linked = true
	label := ""
	if name != "" {
		label = ` aria-label="` + escape(name) + `"`
	}
	fmt.Fprintf(&c.b, `<a href="%s" tabindex="-1"%s>`, escape(to), label)
	draw()
	c.b.WriteString("</a>")
}

// px formats a coordinate with at most one decimal.
func px(v float64) string {
	s := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	return s
}

// escape makes text safe inside an element or an attribute and drops control
// characters.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\ufffd'
		}
		return r
	}, s))
}

func title(s string) string {
	if s == "" {
		return ""
	}
	return "<title>" + escape(s) + "</title>"
}

// Anchors of text.
const (
	start  = ""
	middle = ` text-anchor="middle"`
	end    = ` text-anchor="end"`
)

func (c *canvas) text(x, y float64, class, anchor, s string) {
	fmt.Fprintf(&c.b, `<text x="%s" y="%s"%s%s>%s</text>`, px(x), px(y), classOf(class), anchor, escape(s))
}

// label writes text shortened to room pixels; the whole text is its tooltip
// where it was cut.
func (c *canvas) label(x, y, room float64, class, anchor, s string) {
	short := fit(s, room)
	tip := ""
	if short != s {
		tip = title(s)
	}
	fmt.Fprintf(&c.b, `<text x="%s" y="%s"%s%s>%s%s</text>`, px(x), px(y), classOf(class), anchor, tip, escape(short))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&c.b, `<path%s d="M%s %sL%s %s"/>`, classOf(class), px(x1), px(y1), px(x2), px(y2))
}

func (c *canvas) path(d, class string) {
	fmt.Fprintf(&c.b, `<path%s d="%s"/>`, classOf(class), d)
}

func (c *canvas) rect(x, y, w, h float64, class, extra, tip string) {
	fmt.Fprintf(&c.b, `<rect%s x="%s" y="%s" width="%s" height="%s"%s`, classOf(class), px(x), px(y), px(w), px(h), extra)
	c.close("rect", tip)
}

// mark draws the shape of a tone centered at x, y.
func (c *canvas) mark(x, y, r float64, tone Tone, tip string) {
	class := classOf("m t-" + string(tone))
	switch tone {
	case Better:
		fmt.Fprintf(&c.b, `<path%s d="M%s %sl%s %sl-%s %sl-%s -%sz"`, class, px(x), px(y-r*1.25), px(r*1.25), px(r*1.25), px(r*1.25), px(r*1.25), px(r*1.25), px(r*1.25))
		c.close("path", tip)
	case Unknown:
		fmt.Fprintf(&c.b, `<path%s d="M%s %sl%s %sm0 -%sl-%s %s"`, class, px(x-r), px(y-r), px(2*r), px(2*r), px(2*r), px(2*r), px(2*r))
		c.close("path", tip)
	default:
		fmt.Fprintf(&c.b, `<circle%s cx="%s" cy="%s" r="%s"`, class, px(x), px(y), px(r))
		c.close("circle", tip)
	}
}

func (c *canvas) close(element, tip string) {
	if tip == "" {
		c.b.WriteString("/>")
		return
	}
	c.b.WriteString(">" + title(tip) + "</" + element + ">")
}

func classOf(class string) string {
	if class == "" {
		return ""
	}
	return ` class="` + class + `"`
}

// textWidth estimates the width of text at the charts' font size of 12 px:
// wide characters take an em, others six tenths of it.
func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= 0x1100 && (unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0x1f300):
			w += 12
		case strings.ContainsRune("ijlI.,:;|!'()[] ft", r):
			w += 4.2
		case unicode.IsUpper(r) || r == 'm' || r == 'w' || r == '&' || r == '%' || r == '=':
			w += 8.6
		default:
			w += 6.9
		}
	}
	return w
}

// fit shortens s to room pixels and marks the cut with "…".
func fit(s string, room float64) string {
	if textWidth(s) <= room {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 && textWidth(string(runes))+9 > room {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}
