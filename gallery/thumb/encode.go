package thumb

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lethe-audit/lethe/dataset"
	"golang.org/x/image/draw"
)

// The media types of pictures.
const (
	KindPNG  = "image/png"
	KindJPEG = "image/jpeg"
	KindSVG  = "image/svg+xml"
)

// Pictures of up to lossless pixels a side are stored without loss, and
// enlarged up to enlarged pixels.
const (
	lossless = 128
	enlarged = 320
)

// encode brings an image to a size, the longest side in pixels. Images that are
// larger shrink; small ones grow by a whole number, so that their pixels stay
// squares.
func encode(im *dataset.Image, size, quality int) (made, error) {
	pic, err := view(im)
	if err != nil {
		return made{}, err
	}
	w, h := im.Width, im.Height
	long := max(w, h)
	var b bytes.Buffer
	if long > size {
		tw, th := max(1, (w*size+long/2)/long), max(1, (h*size+long/2)/long)
		small := image.NewRGBA(image.Rect(0, 0, tw, th))
		draw.CatmullRom.Scale(small, small.Bounds(), pic, pic.Bounds(), draw.Src, nil)
		err := jpeg.Encode(&b, small, &jpeg.Options{Quality: quality})
		return made{b.Bytes(), KindJPEG}, err
	}
	if long > lossless {
		err := jpeg.Encode(&b, pic, &jpeg.Options{Quality: quality})
		return made{b.Bytes(), KindJPEG}, err
	}
	if n := min(size, enlarged) / long; n > 1 {
		big := image.NewRGBA(image.Rect(0, 0, w*n, h*n))
		draw.NearestNeighbor.Scale(big, big.Bounds(), pic, pic.Bounds(), draw.Src, nil)
		pic = big
	}
	err = png.Encode(&b, pic)
	return made{b.Bytes(), KindPNG}, err
}

// view is an image as package image knows it.
func view(im *dataset.Image) (image.Image, error) {
	if im.Width < 1 || im.Height < 1 || len(im.Pix) != im.Width*im.Height*im.Channels {
		return nil, fmt.Errorf("thumb: an image of %d x %d x %d with %d bytes", im.Width, im.Height, im.Channels, len(im.Pix))
	}
	r := image.Rect(0, 0, im.Width, im.Height)
	switch im.Channels {
	case 1:
		return &image.Gray{Pix: im.Pix, Stride: im.Width, Rect: r}, nil
	case 3:
		out := image.NewRGBA(r)
		for i, j := 0, 0; i < len(im.Pix); i, j = i+3, j+4 {
			out.Pix[j], out.Pix[j+1], out.Pix[j+2], out.Pix[j+3] = im.Pix[i], im.Pix[i+1], im.Pix[i+2], 0xff
		}
		return out, nil
	default:
		return nil, fmt.Errorf("thumb: an image of %d channels, want 1 or 3", im.Channels)
	}
}

// kindOf is the media type of a whole cached file; ok is false for one that
// was cut short or is something else.
func kindOf(data []byte) (kind string, ok bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) && bytes.HasSuffix(data, []byte("IEND\xaeB`\x82")):
		return KindPNG, true
	case bytes.HasPrefix(data, []byte{0xff, 0xd8}) && bytes.HasSuffix(data, []byte{0xff, 0xd9}):
		return KindJPEG, true
	}
	return "", false
}

// idLine is how many characters of an id a line of a placeholder has; idLines
// is how many lines.
const (
	idLine  = 18
	idLines = 4
)

// Placeholder is a picture, image/svg+xml, that says an id and why there is
// nothing to see. What is not printable in them is replaced.
func Placeholder(id, reason string) []byte {
	lines := chop(clean(id))
	var b bytes.Buffer
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160" viewBox="0 0 160 160" role="img">`)
	b.WriteString(`<rect width="160" height="160" fill="#8a9097" fill-opacity=".16"/><path d="M8 8L152 152M152 8L8 152" stroke="#8a9097" stroke-opacity=".25"/>`)
	b.WriteString(`<g font-family="ui-monospace,Menlo,Consolas,monospace" font-size="13" text-anchor="middle" fill="#7a8087">`)
	y := 84 - 8*len(lines)
	for _, l := range lines {
		fmt.Fprintf(&b, `<text x="80" y="%d">%s</text>`, y, html.EscapeString(l))
		y += 17
	}
	reason = clean(reason)
	if r := []rune(reason); len(r) > 26 {
		reason = string(r[:25]) + "…"
	}
	fmt.Fprintf(&b, `<text x="80" y="%d" font-size="10.5">%s</text></g></svg>`, y+4, html.EscapeString(reason))
	return b.Bytes()
}

// chop breaks an id into lines; the middle of a long one is left out.
func chop(id string) []string {
	r := []rune(id)
	if most := idLine * idLines; len(r) > most {
		r = append(append(r[:most/2-1:most/2-1], '…'), r[len(r)-most/2+1:]...)
	}
	var lines []string
	for len(r) > idLine {
		lines, r = append(lines, string(r[:idLine])), r[idLine:]
	}
	return append(lines, string(r))
}

// clean replaces what cannot stand in XML or would not be seen.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}
