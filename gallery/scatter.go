package gallery

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/internal/num"
)

// The scatter's place in its picture, in pixels.
const (
	scatterSide = 200.0
	scatterX    = 40.0
	scatterY    = 9.0
)

// scatterBins is the finest grid along an axis: shares of more members than
// that are counted in bins.
const scatterBins = 40

// dot is what stands at one place of the scatter.
type dot struct{ base, now, n int }

// scatter draws the shares of the true class among the votes of the baseline
// and of the variant, with what the brush needs.
func (s *server) scatter(p *wallPage, v *view) error {
	q := v.query()
	g, err := s.x.Shares(q)
	if err != nil {
		return err
	}
	p.Votes = rangeForm{Hidden: v.hidden("base_low", "base_high", "share_low", "share_high"), Ranges: []rangeInput{v.input(v.ranges()[0]), v.input(v.ranges()[1])}}
	bx, by := min(g.BaseK, scatterBins), min(g.VariantK, scatterBins)
	dots, below, above := binned(g, bx, by)
	p.Scatter = s.drawScatter(v, dots, bx, by)
	p.ScatterWords = fmt.Sprintf("%s lost votes, %s gained some. Drag over the picture, or give a range.", num.Plural(below, "example", "examples"), count(above))
	return nil
}

// binned brings the cells to bx by by bins and counts the two sides of the
// diagonal.
func binned(g *index.Grid, bx, by int) (dots []dot, below, above int) {
	at := map[[2]int]int{}
	for _, c := range g.Cells {
		switch base, now := share(c.Base, g.BaseK), share(c.Variant, g.VariantK); {
		case now < base:
			below += c.N
		case now > base:
			above += c.N
		}
		place := [2]int{round(c.Base*bx, g.BaseK), round(c.Variant*by, g.VariantK)}
		i, ok := at[place]
		if !ok {
			i = len(dots)
			at[place], dots = i, append(dots, dot{base: place[0], now: place[1]})
		}
		dots[i].n += c.N
	}
	return dots, below, above
}

// round is a / b to the nearest whole number.
func round(a, b int) int { return (2*a + b) / (2 * max(b, 1)) }

func (s *server) drawScatter(v *view, dots []dot, bx, by int) template.HTML {
	most := 1
	for _, d := range dots {
		most = max(most, d.n)
	}
	base, now := html.EscapeString(s.x.Baseline().Name), html.EscapeString(v.q.Variant)
	link := html.EscapeString(v.link("base_low", "base_high", "share_low", "share_high"))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 250 250" role="img" aria-label="Share of votes for the true class: %s across, %s up" data-link="%s" data-side="%g" data-x="%g" data-y="%g" data-bx="%d" data-by="%d">`,
		base, now, link, scatterSide, scatterX, scatterY, max(bx, 1), max(by, 1))
	fmt.Fprintf(&b, `<rect class="frame" x="%g" y="%g" width="%g" height="%g"/><path class="diagonal" d="M%g %gL%g %g"/>`,
		scatterX, scatterY, scatterSide, scatterSide, scatterX, scatterY+scatterSide, scatterX+scatterSide, scatterY)
	widest := min(9, 0.62*scatterSide/float64(max(bx, by, 1)))
	for _, d := range dots {
		fx, fy := share(d.base, bx), share(d.now, by)
		// Counts span decades: the area grows with their logarithm.
		r := max(1.1, widest*math.Sqrt(math.Log1p(float64(d.n))/math.Log1p(float64(most))))
		fmt.Fprintf(&b, `<circle class="dot t-%s" cx="%.1f" cy="%.1f" r="%.1f"><title>%s %s, %s %s: %s</title></circle>`,
			tone(fx, fy), scatterX+fx*scatterSide, scatterY+(1-fy)*scatterSide, r, base, num.Share(fx), now, num.Share(fy), num.Plural(d.n, "example", "examples"))
	}
	if v.q.BaseShare.Set || v.q.VariantShare.Set {
		x, y := span01(v.q.BaseShare), span01(v.q.VariantShare)
		fmt.Fprintf(&b, `<rect class="brush" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`,
			scatterX+x[0]*scatterSide, scatterY+(1-y[1])*scatterSide, (x[1]-x[0])*scatterSide, (y[1]-y[0])*scatterSide)
	}
	for _, t := range []float64{0, .5, 1} {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%g</text><text x="%g" y="%.1f" text-anchor="end">%g</text>`,
			scatterX+t*scatterSide, scatterY+scatterSide+19, t, scatterX-10, scatterY+(1-t)*scatterSide+4, t)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%s share</text><text transform="translate(10 %g) rotate(-90)" text-anchor="middle">%s share</text></svg>`,
		scatterX+scatterSide/2, scatterY+scatterSide+34, cut(base), scatterY+scatterSide/2, cut(now))
	return template.HTML(b.String())
}

// span01 are the ends of a range, all of it where none is set.
func span01(r index.Range) [2]float64 {
	if !r.Set {
		return [2]float64{0, 1}
	}
	return [2]float64{max(0, r.Low), min(1, r.High)}
}

// cut shortens an escaped name for an axis; one that has escapes stays whole.
func cut(name string) string {
	if r := []rune(name); len(r) > 24 && !strings.Contains(name, "&") {
		return string(r[:23]) + "…"
	}
	return name
}
