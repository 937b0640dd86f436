package dataset

import "fmt"

// Image is an 8-bit picture: rows from top to bottom, pixels from left to
// right, the channels of a pixel side by side (red, green, blue, or grey).
type Image struct {
	Width, Height int
	Channels      int     // 1 or 3
	Pix           []uint8 // Height*Width*Channels
}

// NewImage returns a black image.
func NewImage(width, height, channels int) *Image {
	return &Image{Width: width, Height: height, Channels: channels, Pix: make([]uint8, width*height*channels)}
}

// row is the pixels of row y.
func (im *Image) row(y int) []uint8 {
	n := im.Width * im.Channels
	return im.Pix[y*n : (y+1)*n]
}

// check says what is wrong with an image that some code made by hand.
func (im *Image) check() error {
	switch {
	case im.Channels != 1 && im.Channels != 3:
		return fmt.Errorf("dataset: image of %d channels, want 1 or 3", im.Channels)
	case im.Width < 1 || im.Height < 1:
		return fmt.Errorf("dataset: image of %dx%d pixels", im.Width, im.Height)
	case len(im.Pix) != im.Width*im.Height*im.Channels:
		return fmt.Errorf("dataset: image of %dx%d pixels and %d channels has %d bytes", im.Width, im.Height, im.Channels, len(im.Pix))
	}
	return nil
}

// Gray is the image in one channel of brightness, by Pillow's integer weights
// of ITU-R 601-2: L = (19595 R + 38470 G + 7471 B + 32768) / 65536. An image
// that has one channel already is returned as it is.
func (im *Image) Gray() *Image {
	if im.Channels == 1 {
		return im
	}
	out := NewImage(im.Width, im.Height, 1)
	for i := range out.Pix {
		p := im.Pix[3*i : 3*i+3]
		out.Pix[i] = uint8((uint32(p[0])*19595 + uint32(p[1])*38470 + uint32(p[2])*7471 + 0x8000) >> 16)
	}
	return out
}

// RGB is the image in three channels. An image that has three already is
// returned as it is.
func (im *Image) RGB() *Image {
	if im.Channels == 3 {
		return im
	}
	out := NewImage(im.Width, im.Height, 3)
	for i, v := range im.Pix {
		out.Pix[3*i], out.Pix[3*i+1], out.Pix[3*i+2] = v, v, v
	}
	return out
}
