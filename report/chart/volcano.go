package chart

import (
	"fmt"
	"math"
	"sort"
)

// maxLogP is where the vertical axis of a volcano ends: p = 1e-15, below which
// reports say only that p is smaller.
const maxLogP = 15

// Volcano shows each group's change against how sure it is: x is a difference
// of shares, y is -log10 of its p-value.
type Volcano struct {
	XLabel string
	Points []VolcanoPoint
	Margin float64  // a vertical line at minus this share, 0 for none
	Cut    *float64 // a horizontal line at this p-value: the largest that was found; nil for none
	Name   string   // what the picture is of, for Alt
}

// VolcanoPoint is one group of a [Volcano].
type VolcanoPoint struct {
	Label string
	X     float64 // difference of shares
	P     float64 // p-value in [0, 1]
	Tone  Tone
	Tip   string
	Link  string // address of the group's examples; "": none
}

// Alt says how many groups lie where.
func (v *Volcano) Alt() string {
	worse, better := 0, 0
	for _, p := range v.Points {
		switch p.Tone {
		case Worse:
			worse++
		case Better:
			better++
		}
	}
	return fmt.Sprintf("%s: %d points, change against -log10 p; %d worse, %d better, %d others.", v.Name, len(v.Points), worse, better, len(v.Points)-worse-better)
}

func logP(p float64) float64 {
	if p <= 0 {
		return maxLogP
	}
	return math.Min(math.Max(-math.Log10(p), 0), maxLogP)
}

// SVG draws the volcano.
func (v *Volcano) SVG(width int) string {
	w, h := float64(width), 300.0
	c := newCanvas(w, h)
	lo, hi, top := 0.0, 0.0, 2.0
	for _, p := range v.Points {
		lo, hi, top = math.Min(lo, p.X), math.Max(hi, p.X), math.Max(top, logP(p.P))
	}
	if v.Margin > 0 {
		lo = math.Min(lo, -v.Margin)
	}
	lo, hi, xt := padded(lo, hi, 5)
	x := scale{lo, hi, 34, w - 14}
	y := scale{0, top * 1.06, h - 40, 20}
	v.axes(c, x, y, xt)
	v.points(c, x, y)
	v.labels(c, x, y)
	return c.finish("volcano", v.Alt())
}

func (v *Volcano) axes(c *canvas, x, y scale, xt []float64) {
	for _, t := range xt {
		class := "grid"
		if math.Abs(t) < 1e-12 {
			class = "zero"
		}
		c.line(x.at(t), y.to, x.at(t), y.from, class)
		c.text(x.at(t), y.from+16, "tick", middle, tickText(t, distance(xt), 100))
	}
	for _, t := range inner(0, y.hi, 4) {
		if t > maxLogP {
			break
		}
		text := tickText(t, step(y.hi, 4), 1)
		if t == maxLogP {
			text = "≥" + text
		}
		c.text(x.from-8, y.at(t)+4, "tick", end, text)
	}
	c.text((x.from+x.to)/2, y.from+34, "axis", middle, v.XLabel)
	c.text(4, 9, "axis", start, "-log10 p")
	if v.Margin > 0 {
		c.line(x.at(-v.Margin), y.to, x.at(-v.Margin), y.from, "margin")
	}
	if v.Cut != nil {
		c.line(x.from, y.at(logP(*v.Cut)), x.to, y.at(logP(*v.Cut)), "cut")
	}
}

// points draws what was not detected first and once per pixel, so that many
// classes stay small, and what was found on top of it.
func (v *Volcano) points(c *canvas, x, y scale) {
	seen := map[[2]int]bool{}
	for _, p := range v.Points {
		if p.Tone == Worse || p.Tone == Better {
			continue
		}
		px, py := x.at(p.X), y.at(logP(p.P))
		key := [2]int{int(math.Round(px / 2)), int(math.Round(py / 2))}
		if seen[key] {
			continue
		}
		seen[key] = true
		tip, link := p.Tip, p.Link
		if len(v.Points) > 300 {
			tip, link = "", ""
		}
		c.link(link, p.Label, func() { c.mark(px, py, 3, p.Tone, tip) })
	}
	for _, p := range v.Points {
		if p.Tone == Worse || p.Tone == Better {
			c.link(p.Link, p.Label, func() { c.mark(x.at(p.X), y.at(logP(p.P)), 4, p.Tone, p.Tip) })
		}
	}
}

// labels names the most extreme findings where there is room.
func (v *Volcano) labels(c *canvas, x, y scale) {
	found := make([]VolcanoPoint, 0, len(v.Points))
	for _, p := range v.Points {
		if p.Tone == Worse || p.Tone == Better {
			found = append(found, p)
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return math.Abs(found[i].X) > math.Abs(found[j].X) })
	type box struct{ x0, y0, x1, y1 float64 }
	var taken []box // by labels, and by marks while they are few
	if len(found) <= 40 {
		for _, p := range found {
			px, py := x.at(p.X), y.at(logP(p.P))
			taken = append(taken, box{px - 4, py - 4, px + 4, py + 4})
		}
	}
	named := 0
	for _, p := range found {
		if named == 8 {
			return
		}
		text := fit(p.Label, 110)
		px, py, tw := x.at(p.X), y.at(logP(p.P)), textWidth(text)
		right := box{px + 7, py - 8, px + 7 + tw, py + 6}
		left := box{px - 7 - tw, py - 8, px - 7, py + 6}
		b, anchor, at := right, start, px+7
		if p.X < 0 && left.x0 >= x.from || right.x1 > x.to+10 {
			b, anchor, at = left, end, px-7
		}
		clash := b.x0 < x.from-20
		for _, t := range taken {
			clash = clash || b.x0 < t.x1 && t.x0 < b.x1 && b.y0 < t.y1 && t.y0 < b.y1
		}
		if !clash {
			taken = append(taken, b)
			named++
			c.text(at, py+4, "name halo", anchor, text)
		}
	}
}
