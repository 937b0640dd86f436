package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Frontier shows variants by size and by the largest loss of a class, with the
// front of those that no other one beats in both.
type Frontier struct {
	Name   string // what the picture is of, for Alt
	XLabel string
	YLabel string
	Points []FrontierPoint
	Margin float64 // a horizontal line at this loss, a share; 0 for none
}

// FrontierPoint is one variant of a [Frontier].
type FrontierPoint struct {
	Label  string
	Size   float64  // in the unit of XLabel
	Loss   float64  // a share, positive is worse
	Bound  *float64 // upper bound of the loss, drawn as a whisker; nil: none
	Pareto bool
	Chosen bool
	Tone   Tone
	Tip    string
}

// Alt says how many variants there are and which one was chosen.
func (f *Frontier) Alt() string {
	s := fmt.Sprintf("%s: %d variants by size and by largest loss of a class.", f.Name, len(f.Points))
	var front []string
	for _, p := range f.front() {
		front = append(front, p.Label)
	}
	if len(front) > 0 {
		s += " Pareto front: " + strings.Join(front, ", ") + "."
	}
	for _, p := range f.Points {
		if p.Chosen {
			s += " Chosen: " + p.Label + "."
		}
	}
	return s
}

// front are the points of the front from the smallest to the largest.
func (f *Frontier) front() []FrontierPoint {
	var out []FrontierPoint
	for _, p := range f.Points {
		if p.Pareto {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b FrontierPoint) int {
		switch {
		case a.Size < b.Size:
			return -1
		case a.Size > b.Size:
			return 1
		}
		return 0
	})
	return out
}

// SVG draws the variants. Losses of many margins stand at the frame rather than
// squeeze all others.
func (f *Frontier) SVG(width int) string {
	w, h := float64(width), 320.0
	c := newCanvas(w, h)
	right := 0.0
	for _, p := range f.Points {
		right = math.Max(right, p.Size)
	}
	lo, hi := f.losses()
	lo, hi, _ = padded(lo, hi, 5)
	x := scale{0, right * 1.05, 44, w - 14}
	y := scale{lo, hi, h - 44, 22}
	d := step(x.hi, int(math.Max(3, (x.to-x.from)/80)))
	for _, t := range inner(0, x.hi, int(math.Max(3, (x.to-x.from)/80))) {
		c.line(x.at(t), y.to, x.at(t), y.from, "grid")
		c.text(x.at(t), y.from+16, "tick", middle, tickText(t, d, 1))
	}
	e := step(hi-lo, 5)
	for _, t := range inner(lo, hi, 5) {
		class := "grid"
		if math.Abs(t) < 1e-12 {
			class = "zero"
		}
		c.line(x.from, y.at(t), x.to, y.at(t), class)
		c.text(x.from-8, y.at(t)+4, "tick", end, tickText(t, e, 100))
	}
	c.text((x.from+x.to)/2, h-8, "axis", middle, f.XLabel)
	c.text(4, 10, "axis", start, f.YLabel)
	if f.Margin > 0 {
		c.line(x.from, y.clamp(f.Margin), x.to, y.clamp(f.Margin), "margin")
	}
	f.line(c, x, y)
	f.points(c, x, y)
	return c.finish("frontier", f.Alt())
}

// shownMargins is how many margins the vertical range covers; larger losses stand
// at its upper edge with their number.
const shownMargins = 6

// losses is the vertical range: all losses and bounds, up to a few margins.
func (f *Frontier) losses() (lo, hi float64) {
	hi = f.Margin
	for _, p := range f.Points {
		lo, hi = math.Min(lo, p.Loss), math.Max(hi, p.Loss)
		if p.Bound != nil {
			hi = math.Max(hi, *p.Bound)
		}
	}
	if f.Margin > 0 {
		hi = math.Min(hi, shownMargins*f.Margin)
	}
	return lo, hi
}

// line draws the front as steps: what the smallest loss is at each size.
func (f *Frontier) line(c *canvas, x, y scale) {
	var d strings.Builder
	for i, p := range f.front() {
		if i == 0 {
			d.WriteString("M" + px(x.at(p.Size)) + " " + px(y.clamp(p.Loss)))
			continue
		}
		d.WriteString("H" + px(x.at(p.Size)) + "V" + px(y.clamp(p.Loss)))
	}
	if d.Len() > 0 {
		c.path(d.String(), "curve t-accent")
	}
}

func (f *Frontier) points(c *canvas, x, y scale) {
	type box struct{ x0, y0, x1, y1 float64 }
	var taken []box
	for _, p := range f.Points {
		px, py := x.at(p.Size), y.clamp(p.Loss)
		taken = append(taken, box{px - 6, py - 6, px + 6, py + 6})
	}
	for _, p := range f.Points {
		px, py := x.at(p.Size), y.clamp(p.Loss)
		if p.Bound != nil && *p.Bound > p.Loss {
			c.line(px, py, px, y.clamp(*p.Bound), "ci t-"+string(p.Tone))
		}
		r := 4.0
		if p.Chosen {
			r = 7
		}
		c.mark(px, py, r, p.Tone, p.Tip)
		text := fit(p.Label, 140)
		if p.Loss > y.hi {
			text += " ↑ " + tickText(p.Loss, 0.001, 100)
		}
		tw := textWidth(text)
		for _, at := range []struct {
			x, y   float64
			anchor string
		}{{px + 10, py + 4, start}, {px - 10, py + 4, end}, {px + 10, py - 8, start}, {px - 10, py - 8, end}, {px + 10, py + 16, start}} {
			b := box{at.x, at.y - 10, at.x + tw, at.y + 3}
			if at.anchor == end {
				b.x0, b.x1 = at.x-tw, at.x
			}
			clash := b.x0 < x.from-30 || b.x1 > x.to+14
			for _, t := range taken {
				clash = clash || b.x0 < t.x1 && t.x0 < b.x1 && b.y0 < t.y1 && t.y0 < b.y1
			}
			if !clash {
				taken = append(taken, b)
				c.text(at.x, at.y, "name halo", at.anchor, text)
				break
			}
		}
	}
}
