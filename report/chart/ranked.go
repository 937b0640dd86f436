package chart

import (
	"fmt"
	"math"
)

// Ranked shows differences with their intervals, one row each, around zero. A
// pale bar behind a row that found nothing is what could have been missed (its
// minimum detectable effect).
type Ranked struct {
	Name    string // what the picture is of, for Alt
	XLabel  string
	Rows    []RankedRow
	Gap     int     // rows before which rows were left out; 0 for none
	GapText string  // what is said there
	Margin  float64 // a vertical line at minus this share, 0 for none
	Percent bool    // differences of shares, shown in percentage points
	// Up is set where a positive difference is the bad one.
	Up bool
}

// RankedRow is one row of a [Ranked].
type RankedRow struct {
	Label     string
	Text      string // shown at the right end, such as "-3.2"
	X         float64
	Low, High *float64 // nil: no interval
	MDE       *float64 // nil: none
	Tone      Tone
	Tip       string
	Link      string // address of the row's examples; "": none
}

// rowHeight is the height of one row of a row chart in pixels.
const rowHeight = 22.0

// Alt says how many rows there are and which is first.
func (r *Ranked) Alt() string {
	s := fmt.Sprintf("%s: %d rows with intervals around zero, worst first.", r.Name, len(r.Rows))
	if len(r.Rows) > 0 {
		s += fmt.Sprintf(" First: %s, %s.", r.Rows[0].Label, r.Rows[0].Text)
	}
	return s
}

// SVG draws the rows.
func (r *Ranked) SVG(width int) string {
	w := float64(width)
	left, right := r.margins(w)
	extra := 0.0
	if r.Gap > 0 {
		extra = rowHeight
	}
	h := float64(len(r.Rows))*rowHeight + extra + 48
	c := newCanvas(w, h)
	lo, hi := r.domain()
	lo, hi, ticks := padded(lo, hi, int(math.Max(3, (w-left-right)/55)))
	x := scale{lo, hi, left, w - right}
	bottom := h - 40
	for _, t := range ticks {
		class := "grid"
		if math.Abs(t) < 1e-12 {
			class = "zero"
		}
		c.line(x.at(t), 4, x.at(t), bottom, class)
		c.text(x.at(t), bottom+16, "tick", middle, tickText(t, distance(ticks), r.factor()))
	}
	if m := r.margin(); m != 0 && m >= lo && m <= hi {
		c.line(x.at(m), 4, x.at(m), bottom, "margin")
	}
	c.text((x.from+x.to)/2, bottom+34, "axis", middle, r.XLabel)
	y := 4 + rowHeight/2
	for i, row := range r.Rows {
		if r.Gap > 0 && i == r.Gap {
			c.text((x.from+x.to)/2, y+4, "gap", middle, r.GapText)
			y += rowHeight
		}
		r.row(c, x, y, left, w, row)
		y += rowHeight
	}
	return c.finish("ranked", r.Alt())
}

func (r *Ranked) factor() float64 {
	if r.Percent {
		return 100
	}
	return 1
}

func (r *Ranked) margin() float64 {
	if r.Up {
		return r.Margin
	}
	return -r.Margin
}

// margins are the widths for labels and for the numbers at the right.
func (r *Ranked) margins(w float64) (left, right float64) {
	for _, row := range r.Rows {
		left = math.Max(left, textWidth(row.Label))
		right = math.Max(right, textWidth(row.Text))
	}
	return math.Min(left+10, w*0.34), math.Min(right+10, w*0.2)
}

// domain covers estimates and intervals; a few very wide intervals are cut at
// the frame rather than let them squeeze all others.
func (r *Ranked) domain() (lo, hi float64) {
	reach := 0.0
	for _, row := range r.Rows {
		lo, hi = math.Min(lo, row.X), math.Max(hi, row.X)
		reach = math.Max(reach, math.Abs(row.X))
	}
	reach = math.Max(reach, r.Margin) * 2.5
	for _, row := range r.Rows {
		if row.Low != nil && row.High != nil {
			lo, hi = math.Min(lo, math.Max(*row.Low, -reach)), math.Max(hi, math.Min(*row.High, reach))
		}
	}
	if m := r.margin(); m != 0 {
		lo, hi = math.Min(lo, m), math.Max(hi, m)
	}
	return lo, hi
}

func (r *Ranked) row(c *canvas, x scale, y, left, w float64, row RankedRow) {
	c.link(row.Link, "", func() { r.drawRow(c, x, y, left, w, row) })
}

func (r *Ranked) drawRow(c *canvas, x scale, y, left, w float64, row RankedRow) {
	c.b.WriteString("<g>" + title(row.Tip))
	c.rect(0, y-rowHeight/2, w, rowHeight, "hit", "", "")
	c.label(left-8, y+4, left-8, "name", end, row.Label)
	if row.MDE != nil {
		a, b := x.clamp(-math.Abs(*row.MDE)), x.clamp(math.Abs(*row.MDE))
		c.rect(a, y-5, b-a, 10, "mde", ` rx="2"`, "")
	}
	if row.Low != nil && row.High != nil {
		c.line(x.clamp(*row.Low), y, x.clamp(*row.High), y, "ci t-"+string(row.Tone))
	}
	c.mark(x.clamp(row.X), y, 4, row.Tone, "")
	c.text(w-2, y+4, "num", end, row.Text)
	c.b.WriteString("</g>")
}
