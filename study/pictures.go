package study

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"golang.org/x/image/draw"
)

// The sizes of pictures, in pixels of the longer side: those below smallSide
// are enlarged by a whole number to at least shownSide, smoothly, for people make
// out more in a smooth picture than in large squares; those above largeSide are made smaller; up to photoSide they are sent as PNG,
// pixel by pixel.
const (
	smallSide = 128
	shownSide = 384
	photoSide = 512
	largeSide = 1600
)

// NotInDataError says that images of a study are not in the data.
type NotInDataError struct {
	Data    string
	Missing int
	Images  int
	First   []string
}

// Error counts them and names the first ones.
func (e *NotInDataError) Error() string {
	return fmt.Sprintf("study: %d of %d images are not in %s: %s; it must be the data that was audited, the same split",
		e.Missing, e.Images, e.Data, strings.Join(e.First, ", "))
}

// FromData gives the pictures of a study from a data set. An image that is not
// in it is a [*NotInDataError].
func FromData(s *Study, d dataset.Dataset) (Pictures, error) {
	wanted := make(map[string]int, len(s.Images))
	for _, im := range s.Images {
		wanted[im.ID] = -1
	}
	for i := range d.Len() {
		id := string(d.Example(i).ID)
		if _, ok := wanted[id]; ok {
			wanted[id] = i
		}
	}
	e := &NotInDataError{Data: d.Name(), Images: len(s.Images)}
	for _, im := range s.Images {
		if wanted[im.ID] < 0 {
			if e.Missing++; e.Missing <= 3 {
				e.First = append(e.First, fmt.Sprintf("%q", im.ID))
			}
		}
	}
	if e.Missing > 0 {
		return nil, e
	}
	return func(ctx context.Context, id string) ([]byte, string, error) {
		i, ok := wanted[id]
		if !ok {
			return nil, "", fmt.Errorf("study: %q is no image of the study", id)
		}
		im, err := d.Image(ctx, i)
		if err != nil {
			return nil, "", err
		}
		return encodePicture(im)
	}, nil
}

// encodePicture makes a picture for a browser.
func encodePicture(im *dataset.Image) ([]byte, string, error) {
	var src image.Image = picture{im}
	side := max(im.Width, im.Height)
	if side == 0 {
		return nil, "", fmt.Errorf("study: an image without pixels")
	}
	switch {
	case side <= smallSide:
		n := (shownSide + side - 1) / side
		src = scaled(src, im.Width*n, im.Height*n, draw.CatmullRom)
	case side > largeSide:
		src = scaled(src, max(1, im.Width*largeSide/side), max(1, im.Height*largeSide/side), draw.CatmullRom)
	}
	var b bytes.Buffer
	if side <= photoSide {
		e := png.Encoder{CompressionLevel: png.BestSpeed}
		err := e.Encode(&b, src)
		return b.Bytes(), "image/png", err
	}
	err := jpeg.Encode(&b, src, &jpeg.Options{Quality: 95})
	return b.Bytes(), "image/jpeg", err
}

func scaled(src image.Image, w, h int, by draw.Scaler) image.Image {
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	by.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return dst
}

// picture is a dataset's image as Go's image package sees it.
type picture struct{ *dataset.Image }

// ColorModel is opaque RGB.
func (picture) ColorModel() color.Model { return color.RGBAModel }

// Bounds begin at 0.
func (p picture) Bounds() image.Rectangle { return image.Rect(0, 0, p.Width, p.Height) }

// At is the colour of a pixel.
func (p picture) At(x, y int) color.Color {
	at := (y*p.Width + x) * p.Channels
	if p.Channels < 3 {
		v := p.Pix[at]
		return color.RGBA{v, v, v, 255}
	}
	return color.RGBA{p.Pix[at], p.Pix[at+1], p.Pix[at+2], 255}
}
