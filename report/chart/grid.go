package chart

import (
	"fmt"
	"math"
)

// Grid is a scatter plot whose points were counted in square bins over
// [0, 1] x [0, 1]: the darker, the more. Bins under the diagonal lost votes,
// bins above it gained some.
type Grid struct {
	Name           string
	XLabel, YLabel string
	Bins           int // bins along an axis, at least 1
	Cells          []GridCell
}

// GridCell is one bin that is not empty.
type GridCell struct {
	X, Y  int // bin, from 0
	Count int64
	Tip   string
	Link  string // address of the bin's examples; "": none
}

// Sides counts the points under, above and on the diagonal.
func (g *Grid) Sides() (under, above, on int64) {
	for _, c := range g.Cells {
		switch {
		case c.Y < c.X:
			under += c.Count
		case c.Y > c.X:
			above += c.Count
		default:
			on += c.Count
		}
	}
	return under, above, on
}

// Alt says how many points lie under, on and above the diagonal.
func (g *Grid) Alt() string {
	under, above, on := g.Sides()
	return fmt.Sprintf("%s: %d examples under the diagonal, %d on it, %d above it.", g.Name, under, on, above)
}

// SVG draws the bins as a square.
func (g *Grid) SVG(width int) string {
	w := float64(width)
	side := math.Min(w-52, 300)
	h := side + 54
	c := newCanvas(w, h)
	x0, y0 := 42.0, 10.0
	cell := side / float64(max(g.Bins, 1))
	most := int64(1)
	for _, b := range g.Cells {
		most = max(most, b.Count)
	}
	c.rect(x0, y0, side, side, "frame", "", "")
	for _, b := range g.Cells {
		tone := Reference
		switch {
		case b.Y < b.X:
			tone = Worse
		case b.Y > b.X:
			tone = Better
		}
		// Counts span decades: the ink grows with their logarithm.
		ink := 0.12 + 0.88*math.Log1p(float64(b.Count))/math.Log1p(float64(most))
		c.link(b.Link, b.Tip, func() {
			c.rect(x0+float64(b.X)*cell, y0+side-float64(b.Y+1)*cell, cell, cell, "cell t-"+string(tone), fmt.Sprintf(` fill-opacity="%.2f"`, ink), b.Tip)
		})
	}
	c.line(x0, y0+side, x0+side, y0, "diagonal")
	for _, t := range []float64{0, 0.25, 0.5, 0.75, 1} {
		c.text(x0+t*side, y0+side+16, "tick", middle, tickText(t, 0.25, 100))
		c.text(x0-6, y0+side-t*side+4, "tick", end, tickText(t, 0.25, 100))
	}
	c.text(x0+side/2, y0+side+36, "axis", middle, g.XLabel)
	fmt.Fprintf(&c.b, `<text class="axis" transform="translate(11 %s) rotate(-90)" text-anchor="middle">%s</text>`, px(y0+side/2), escape(g.YLabel))
	return c.finish("grid", g.Alt())
}
