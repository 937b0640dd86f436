package chart

// Swatch is a small picture of a mark for a legend: shape "mark", "bar" or
// "line".
func Swatch(tone Tone, shape string) string {
	c := newCanvas(14, 14)
	switch shape {
	case "bar":
		class := "cell t-" + string(tone)
		if tone == Reference {
			class = "floor"
		}
		c.rect(1, 3, 12, 8, class, "", "")
	case "line":
		c.line(0, 7, 14, 7, "ci t-"+string(tone))
	default:
		c.mark(7, 7, 4, tone, "")
	}
	return `<svg class="chart-swatch chart" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">` + c.b.String() + `</svg>`
}
