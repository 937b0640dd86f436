package chart

import (
	"fmt"
	"strings"
)

// Training is a quantity over the epochs of training, a line for each member of
// a population.
type Training struct {
	Name    string
	Lines   []TrainingLine
	Lo, Hi  float64 // the vertical range, shared by the panels of a figure
	Percent bool    // values are shares
}

// TrainingLine is one member.
type TrainingLine struct {
	Member string
	Epoch  []float64
	Y      []float64
}

// Alt says where the lines end.
func (t *Training) Alt() string {
	if len(t.Lines) == 0 {
		return t.Name + ": no members"
	}
	lo, hi, any := 0.0, 0.0, false
	for _, l := range t.Lines {
		if len(l.Y) == 0 {
			continue
		}
		last := l.Y[len(l.Y)-1]
		if !any {
			lo, hi, any = last, last, true
		}
		lo, hi = min(lo, last), max(hi, last)
	}
	return fmt.Sprintf("%s: %d members, ending between %s and %s", t.Name, len(t.Lines), t.text(lo), t.text(hi))
}

// text is a value with three significant digits or so.
func (t *Training) text(v float64) string {
	if t.Percent {
		return tickText(v, 0.001, 100) + "%"
	}
	return tickText(v, 0.001, 1)
}

// SVG draws the panel.
func (t *Training) SVG(width int) string {
	w, h := float64(width), 132.0
	c := newCanvas(w, h)
	most := 1.0
	for _, l := range t.Lines {
		for _, e := range l.Epoch {
			most = max(most, e)
		}
	}
	x := scale{0, most, 38, w - 10}
	y := scale{t.Lo, t.Hi, h - 34, 10}
	factor := 1.0
	if t.Percent {
		factor = 100
	}
	for _, v := range inner(t.Lo, t.Hi, 3) {
		c.line(x.from, y.at(v), x.to, y.at(v), "grid")
		c.text(x.from-6, y.at(v)+4, "tick", end, tickText(v, step(t.Hi-t.Lo, 3), factor))
	}
	for _, v := range inner(0, most, 4) {
		c.text(x.at(v), h-20, "tick", middle, tickText(v, step(most, 4), 1))
	}
	c.text((x.from+x.to)/2, h-4, "axis", middle, "epoch")
	for _, l := range t.Lines {
		var d strings.Builder
		pen := "M"
		for i, v := range l.Y {
			d.WriteString(pen + px(x.at(l.Epoch[i])) + " " + px(y.clamp(v)))
			pen = "L"
		}
		if d.Len() == 0 {
			continue
		}
		c.path(d.String(), "curve t-accent")
		last := len(l.Y) - 1
		c.mark(x.at(l.Epoch[last]), y.clamp(l.Y[last]), 2, "accent", fmt.Sprintf("%s: %s", l.Member, t.text(l.Y[last])))
	}
	return c.finish("training", t.Alt())
}
