package chart

import (
	"fmt"
	"math"
)

// Heat is a matrix of differences of shares: rows are true classes and columns
// predicted ones, or what Axes says.
type Heat struct {
	Name       string
	RowAxis    string
	ColAxis    string
	Rows, Cols []string
	Cells      []HeatCell

	// Axes says what the rows and columns are, "corruptions by severities"; "" for
	// true by predicted classes.
	Axes string
}

// HeatCell is one cell that has a value.
type HeatCell struct {
	Row, Col int
	Value    float64 // difference of shares
	Text     string
	Tone     Tone
	Tip      string
	Link     string // address of the cell's examples; "": none
}

// Alt names the largest cell.
func (m *Heat) Alt() string {
	s := fmt.Sprintf("%s: %d true by %d predicted classes.", m.Name, len(m.Rows), len(m.Cols))
	between := " predicted as "
	if m.Axes != "" {
		s, between = fmt.Sprintf("%s: %s, %d by %d.", m.Name, m.Axes, len(m.Rows), len(m.Cols)), ", "+m.ColAxis+" "
	}
	best := -1
	for i, c := range m.Cells {
		if best < 0 || math.Abs(c.Value) > math.Abs(m.Cells[best].Value) {
			best = i
		}
	}
	if best >= 0 {
		c := m.Cells[best]
		s += fmt.Sprintf(" Largest: %s%s%s, %s pp.", m.Rows[c.Row], between, m.Cols[c.Col], c.Text)
	}
	return s
}

// SVG draws the matrix.
func (m *Heat) SVG(width int) string {
	w := float64(width)
	left, top := 0.0, 0.0
	for _, r := range m.Rows {
		left = math.Max(left, textWidth(r))
	}
	for _, r := range m.Cols {
		top = math.Max(top, textWidth(r))
	}
	slant := math.Min(top, 92) * 0.72 // of the column names, which lean to the right
	left, top = math.Min(math.Max(left, 100)+12, w*0.3), slant+24
	cell := math.Min((w-left-slant)/float64(max(len(m.Cols), 1)), 48)
	high := math.Min(cell, 30)
	h := top + high*float64(len(m.Rows)) + 8
	c := newCanvas(w, h)
	most := 1e-12
	for _, v := range m.Cells {
		most = math.Max(most, math.Abs(v.Value))
	}
	for i := range m.Rows {
		for j := range m.Cols {
			c.rect(left+float64(j)*cell+1, top+float64(i)*high+1, cell-2, high-2, "empty", "", "")
		}
	}
	for _, v := range m.Cells {
		x, y := left+float64(v.Col)*cell, top+float64(v.Row)*high
		name := v.Tip
		if cell >= textCell {
			name = ""
		}
		c.link(v.Link, name, func() { v.draw(c, x, y, cell, high, most) })
	}
	for i, r := range m.Rows {
		c.label(left-8, top+high*(float64(i)+0.5)+4, left-10, "name", end, r)
	}
	for j, r := range m.Cols {
		fmt.Fprintf(&c.b, `<text class="name" transform="translate(%s %s) rotate(-45)">%s%s</text>`,
			px(left+cell*(float64(j)+0.5)+2), px(top-6), title(r), escape(fit(r, 92)))
	}
	c.text(left-8, top-8, "axis", end, m.RowAxis+" ↓  "+m.ColAxis+" →")
	return c.finish("heat", m.Alt())
}

// textCell is how wide a cell is that has room for its number.
const textCell = 26

// draw fills the cell, the stronger the larger its value beside the largest.
func (v *HeatCell) draw(c *canvas, x, y, cell, high, most float64) {
	ink := 0.1 + 0.75*math.Abs(v.Value)/most
	c.rect(x+1, y+1, cell-2, high-2, "cell t-"+string(v.Tone), fmt.Sprintf(` fill-opacity="%.2f"`, ink), v.Tip)
	class := "celltext"
	if ink > 0.55 {
		class = "celltext on"
	}
	if cell >= textCell {
		c.text(x+cell/2, y+high/2+4, class, middle, v.Text)
	}
}
