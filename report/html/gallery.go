package html

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report"
)

// data is the image of an example as a data URL, "" where there is none. Each
// is made once; the page may be rendered again with fewer rows.
func (r *renderer) data(id string) string {
	if url, made := r.made[id]; made {
		return url
	}
	url := ""
	b := r.o.Thumbnail(id)
	if kind := http.DetectContentType(b); len(b) > 0 && strings.HasPrefix(kind, "image/") {
		url = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b)
	}
	if r.made == nil {
		r.made = map[string]string{}
	}
	r.made[id] = url
	return url
}

// gallery shows examples while there is room for their pictures.
func (r *renderer) gallery(out *strings.Builder, g *report.Gallery) {
	fmt.Fprintf(out, `<ol class="tiles-wall" id="%s" aria-label="%s">`, esc(g.ID), esc(g.Title))
	shown := 0
	for i := range g.Tiles {
		var tile strings.Builder
		r.tile(&tile, &g.Tiles[i])
		if r.shown+tile.Len() > r.galleryRoom {
			break
		}
		r.shown += tile.Len()
		out.WriteString(tile.String())
		shown++
	}
	out.WriteString("</ol>")
	if n := len(g.Tiles) - shown; n > 0 {
		fmt.Fprintf(out, `<p class="more">%s left out to keep this file small.</p>`, num.Plural(n, "picture is", "pictures are"))
	}
}

// picture is the picture of a tile: an address of the live page, a data URL, or
// the id where there is no image.
func (r *renderer) picture(t *report.Tile) string {
	src := ""
	switch {
	case r.o.Image != nil:
		src = r.o.Image(t.ID)
	case r.o.Thumbnail != nil:
		src = r.data(t.ID)
	}
	if src == "" {
		return fmt.Sprintf(`<span class="no-image">no image of<br><code>%s</code></span>`, esc(t.ID))
	}
	return fmt.Sprintf(`<img alt="%s" title="%s" loading="lazy" width="160" height="160" src="%s">`, esc(alt(t)), esc(t.ID), esc(src))
}

// alt says what the tile shows to those who do not see it.
func alt(t *report.Tile) string {
	return fmt.Sprintf("%s, truly %s: %s says %s, %s says %s", t.ID, t.Truth, t.Sides[0].Who, t.Sides[0].Label, t.Sides[1].Who, t.Sides[1].Label)
}

func (r *renderer) tile(out *strings.Builder, t *report.Tile) {
	picture := r.picture(t)
	out.WriteString(`<li class="tile">`)
	if t.Link != "" {
		fmt.Fprintf(out, `<a class="open" href="%s">%s</a>`, esc(t.Link), picture)
	} else {
		fmt.Fprintf(out, `<span class="open">%s</span>`, picture)
	}
	fmt.Fprintf(out, `<p class="truth" title="true class">%s</p>`, esc(t.Truth))
	for _, s := range t.Sides {
		side(out, &s)
	}
	if t.Certified {
		out.WriteString(`<p class="more">certified</p>`)
	}
	out.WriteString("</li>")
}

// side is what one population says, with the share of its members that are
// right as a bar.
func side(out *strings.Builder, s *report.Answer) {
	class, sign, tone := "votes", "✓", "none"
	if !s.Right {
		class, sign, tone = "votes wrong", "✗", "worse"
	}
	share := 0.0
	if s.K > 0 {
		share = 100 * float64(s.Votes) / float64(s.K)
	}
	fmt.Fprintf(out, `<p class="%s"><span class="who">%s</span> <span class="label"><i aria-hidden="true">%s</i>%s</span> <span class="of" title="members that give the true class">%d/%d</span>`,
		class, esc(s.Who), sign, esc(s.Label), s.Votes, s.K)
	fmt.Fprintf(out, `<svg class="share t-%s" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="rest" width="100" height="4"/><rect class="part" width="%s" height="4"/></svg></p>`,
		tone, strconv.FormatFloat(share, 'f', 1, 64))
}
