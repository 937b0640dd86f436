package chart

import (
	"fmt"
	"math"
)

// Floors shows shares beside the share that no effect would give: a gray bar
// up to the floor, a mark at what was observed with its interval.
type Floors struct {
	Name   string
	XLabel string
	Rows   []FloorRow
}

// FloorRow is one row of a [Floors].
type FloorRow struct {
	Label     string
	Text      string
	Observed  float64
	Floor     *float64 // nil: not measurable
	Low, High *float64 // interval of Observed around the floor
	Tone      Tone
	Tip       string
	Link      string // address of the row's examples; "": none
}

// Alt says each row's numbers.
func (f *Floors) Alt() string {
	s := f.Name + ":"
	for i, r := range f.Rows {
		if i == 8 {
			s += fmt.Sprintf(" and %d more.", len(f.Rows)-i)
			break
		}
		s += fmt.Sprintf(" %s %s%%", r.Label, tickText(r.Observed, 0.0001, 100))
		if r.Floor != nil {
			s += fmt.Sprintf(" (floor %s%%)", tickText(*r.Floor, 0.0001, 100))
		}
		s += ";"
	}
	return s
}

// SVG draws the rows.
func (f *Floors) SVG(width int) string {
	w := float64(width)
	left, right, hi := 0.0, 0.0, 0.0
	for _, r := range f.Rows {
		left, right = math.Max(left, textWidth(r.Label)), math.Max(right, textWidth(r.Text))
		hi = math.Max(hi, r.Observed)
		for _, v := range []*float64{r.Floor, r.High} {
			if v != nil {
				hi = math.Max(hi, *v)
			}
		}
	}
	left, right = math.Min(left+10, w*0.34), math.Min(right+12, w*0.22)
	h := float64(len(f.Rows))*floorHeight + 48
	c := newCanvas(w, h)
	hi = math.Max(hi, 0.001) * 1.04
	ticks := inner(0, hi, int(math.Max(3, (w-left-right)/90)))
	x := scale{0, hi, left, w - right}
	bottom := h - 40
	for _, t := range ticks {
		class := "grid"
		if t == 0 {
			class = "zero"
		}
		c.line(x.at(t), 4, x.at(t), bottom, class)
		c.text(x.at(t), bottom+16, "tick", middle, tickText(t, distance(ticks), 100))
	}
	c.text((x.from+x.to)/2, bottom+34, "axis", middle, f.XLabel)
	for i, r := range f.Rows {
		y := 4 + floorHeight*(float64(i)+0.5)
		c.link(r.Link, "", func() { r.draw(c, x, y, left, w) })
	}
	return c.finish("floors", f.Alt())
}

// floorHeight is the height of one row in pixels.
const floorHeight = 30.0

func (r *FloorRow) draw(c *canvas, x scale, y, left, w float64) {
	c.b.WriteString("<g>" + title(r.Tip))
	c.rect(0, y-floorHeight/2, w, floorHeight, "hit", "", "")
	c.label(left-8, y+4, left-8, "name", end, r.Label)
	if r.Floor != nil {
		c.rect(x.at(0), y-8, x.at(*r.Floor)-x.at(0), 16, "floor", "", "")
		c.line(x.at(*r.Floor), y-10, x.at(*r.Floor), y+10, "floorline")
	}
	if r.Low != nil && r.High != nil {
		c.line(x.clamp(*r.Low), y, x.clamp(*r.High), y, "ci t-"+string(r.Tone))
	}
	c.mark(x.at(r.Observed), y, 5, r.Tone, "")
	c.text(w-2, y+4, "num", end, r.Text)
	c.b.WriteString("</g>")
}
