// Package chart draws the pictures of a report as SVG elements that stand
// inside an HTML page, in one house theme.
//
// Every color comes from the page through CSS custom properties (see
// internal/webui), so that one drawing is right in light and dark mode and in
// print; text uses the page's font. Marks carry a <title>, which browsers show
// as a tooltip and screen readers read. Meaning is never in the color alone:
// worse is a filled circle, better a filled diamond, not detected a hollow
// circle, not measurable a cross. doc/decisions/charts.md says why the package
// writes SVG itself.
//
// Coordinates are CSS pixels. A figure is drawn at a given width and chooses
// its height; equal figures give equal bytes.
package chart

// Figure is a picture that can be drawn at a width in CSS pixels.
type Figure interface {
	// SVG is the svg element, with Alt as its accessible name.
	SVG(width int) string
	// Alt says what the picture shows, for people who do not see it.
	Alt() string
}

// Tone is what a mark means; the page gives it a color, the package a shape.
type Tone string

// The tones.
const (
	Worse     Tone = "worse"
	Better    Tone = "better"
	Undetect  Tone = "none"    // no difference detected
	Unknown   Tone = "unknown" // cannot say
	Reference Tone = "ref"     // the baseline, a floor, a diagonal
)
