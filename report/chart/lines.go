package chart

import (
	"fmt"
	"math"
	"strings"
)

// Curve is one group's value over ordered variants: a small multiple of a
// dose-response plot.
type Curve struct {
	Name   string
	X      []string   // variants in order, the baseline first
	Y      []*float64 // shares; nil where not known
	Break  []bool     // true where the line does not come from the variant before: another kind
	Lo, Hi float64    // the vertical range, shared by all panels
	Mark   int        // index in X to mark (first lost), 0 for none
	Tone   Tone
}

// Alt says the first and the last value.
func (l *Curve) Alt() string {
	s := l.Name + ":"
	for i, y := range l.Y {
		if y != nil && (i == 0 || i == len(l.Y)-1) {
			s += fmt.Sprintf(" %s %s%%", l.X[i], tickText(*y, 0.001, 100))
		}
	}
	return s
}

// SVG draws the panel.
func (l *Curve) SVG(width int) string {
	w, h := float64(width), 104.0
	c := newCanvas(w, h)
	x := scale{0, math.Max(float64(len(l.X)-1), 1), 34, w - 12}
	y := scale{l.Lo, l.Hi, h - 22, 10}
	for _, t := range inner(l.Lo, l.Hi, 3) {
		c.line(x.from, y.at(t), x.to, y.at(t), "grid")
		c.text(x.from-6, y.at(t)+4, "tick", end, tickText(t, step(l.Hi-l.Lo, 3), 100))
	}
	if len(l.Y) > 0 && l.Y[0] != nil {
		c.line(x.from, y.clamp(*l.Y[0]), x.to, y.clamp(*l.Y[0]), "diagonal")
	}
	var d strings.Builder
	pen := "M"
	for i, v := range l.Y {
		if v == nil {
			pen = "M"
			continue
		}
		if i < len(l.Break) && l.Break[i] {
			pen = "M"
		}
		d.WriteString(pen + px(x.at(float64(i))) + " " + px(y.clamp(*v)))
		pen = "L"
	}
	c.path(d.String(), "curve t-"+string(l.Tone))
	for i, v := range l.Y {
		if v == nil {
			continue
		}
		r := 2.5
		if i == l.Mark && i > 0 {
			r = 5
		}
		c.mark(x.at(float64(i)), y.clamp(*v), r, l.Tone, fmt.Sprintf("%s: %s %%", l.X[i], tickText(*v, 0.001, 100)))
	}
	if n := len(l.X); n > 0 {
		c.label(x.from, h-5, (x.to-x.from)/2, "tick", start, l.X[0])
		if n > 1 {
			c.label(x.to+8, h-5, (x.to-x.from)/2, "tick", end, l.X[n-1])
		}
	}
	return c.finish("curve", l.Alt())
}

// Reliability is accuracy against confidence in bins, with the baseline's
// bins behind it.
type Reliability struct {
	Name string
	Bins []ReliabilityBin
	Base []ReliabilityBin // nil where this is the baseline
}

// ReliabilityBin is one bin of a [Reliability].
type ReliabilityBin struct {
	Confidence, Accuracy float64
	Count                int64
}

// Alt says the largest gap.
func (r *Reliability) Alt() string {
	gap, at := 0.0, 0.0
	for _, b := range r.Bins {
		if g := math.Abs(b.Accuracy - b.Confidence); g > gap {
			gap, at = g, b.Confidence
		}
	}
	return fmt.Sprintf("%s: accuracy against confidence in %d bins; the largest gap is %s points, at confidence %s%%.", r.Name, len(r.Bins), tickText(gap, 0.001, 100), tickText(at, 0.01, 100))
}

// SVG draws the diagram as a square with the counts as bars under it.
func (r *Reliability) SVG(width int) string {
	w := float64(width)
	side := math.Min(w-52, 260)
	h := side + 54
	c := newCanvas(w, h)
	x := scale{0, 1, 42, 42 + side}
	y := scale{0, 1, 10 + side, 10}
	c.rect(x.from, y.to, side, side, "frame", "", "")
	most := int64(1)
	for _, b := range r.Bins {
		most = max(most, b.Count)
	}
	for _, b := range r.Bins {
		high := 40 * float64(b.Count) / float64(most)
		c.rect(x.at(b.Confidence)-4, y.from-high, 8, high, "floor", "", fmt.Sprintf("%d examples", b.Count))
	}
	c.line(x.from, y.from, x.to, y.to, "diagonal")
	drawBins(c, x, y, r.Base, Reference, 2.5)
	drawBins(c, x, y, r.Bins, "accent", 3.5)
	for _, t := range []float64{0, 0.25, 0.5, 0.75, 1} {
		c.text(x.at(t), y.from+16, "tick", middle, tickText(t, 0.25, 100))
		c.text(x.from-6, y.at(t)+4, "tick", end, tickText(t, 0.25, 100))
	}
	c.text((x.from+x.to)/2, y.from+36, "axis", middle, "confidence, %")
	fmt.Fprintf(&c.b, `<text class="axis" transform="translate(11 %s) rotate(-90)" text-anchor="middle">accuracy, %%</text>`, px((y.from+y.to)/2))
	return c.finish("reliability", r.Alt())
}

func drawBins(c *canvas, x, y scale, bins []ReliabilityBin, tone Tone, r float64) {
	var d strings.Builder
	for i, b := range bins {
		pen := "L"
		if i == 0 {
			pen = "M"
		}
		d.WriteString(pen + px(x.at(b.Confidence)) + " " + px(y.at(b.Accuracy)))
	}
	if d.Len() == 0 {
		return
	}
	c.path(d.String(), "curve t-"+string(tone))
	for _, b := range bins {
		c.mark(x.at(b.Confidence), y.at(b.Accuracy), r, tone, fmt.Sprintf("confidence %s %%, accuracy %s %%, %d examples",
			tickText(b.Confidence, 0.001, 100), tickText(b.Accuracy, 0.001, 100), b.Count))
	}
}
