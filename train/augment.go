package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/dataset"
)

// Augment is what is done to training images, in this order: a crop of a random
// part (ResizedCrop) or of a random place (Crop), a flip, Jitter, and Cutout
// after the pixels have become numbers. What is zero is off.
type Augment struct {
	Crop        Crop        `yaml:"crop" json:"crop"`
	ResizedCrop ResizedCrop `yaml:"resized-crop" json:"resized-crop"`
	// Flip mirrors every second image, on average, from left to right.
	Flip   bool   `yaml:"flip" json:"flip"`
	Jitter Jitter `yaml:"jitter" json:"jitter"`
	// Cutout is the side in pixels of a square of zeros at a random centre; what
	// reaches over the border is cut (DeVries and Taylor 2017, arXiv:1708.04552).
	Cutout int `yaml:"cutout" json:"cutout"`
}

// Crop adds a border and cuts the size of the image out at a random place.
type Crop struct {
	Pad  int    `yaml:"pad" json:"pad"`   // pixels on each side
	Fill string `yaml:"fill" json:"fill"` // black, or reflect: mirrored about the outer pixels
}

// The fills of a crop's border.
const FillBlack, FillReflect = "black", "reflect"

// ResizedCrop cuts a random part of the stored image, before any resizing, and
// resizes it to the size that the network takes (Szegedy et al. 2015,
// torchvision's RandomResizedCrop).
type ResizedCrop struct {
	Area   []float64 `yaml:"area" json:"area"`     // least and greatest share of the image's area
	Aspect []float64 `yaml:"aspect" json:"aspect"` // least and greatest width over height; nil: 3/4 and 4/3
}

// Jitter changes colours, each by a random factor: from 1 - x to 1 + x, and hue
// by a turn from -x to x, in random order (torchvision's ColorJitter).
type Jitter struct {
	Brightness float64 `yaml:"brightness" json:"brightness"`
	Contrast   float64 `yaml:"contrast" json:"contrast"`
	Saturation float64 `yaml:"saturation" json:"saturation"`
	Hue        float64 `yaml:"hue" json:"hue"` // in turns, at most 0.5
}

// maxPad bounds borders and cutouts.
const maxPad = 1024

func (a *Augment) check(f fault) error {
	at := "$.augment"
	switch c := a.Crop; {
	case c.Pad < 0 || c.Pad > maxPad:
		return f(at+".crop.pad", "pad %d, want 0 to %d pixels", c.Pad, maxPad)
	case c.Fill != FillBlack && c.Fill != FillReflect && (c.Fill != "" || c.Pad > 0):
		return f(at+".crop.fill", "fill %q, want black or reflect", c.Fill)
	case a.Cutout < 0 || a.Cutout > maxPad:
		return f(at+".cutout", "cutout %d, want 0 to %d pixels", a.Cutout, maxPad)
	case a.Crop.Pad > 0 && a.ResizedCrop.Area != nil:
		return f(at+".resized-crop", "crop and resized-crop exclude one another")
	}
	r := a.ResizedCrop
	if r.Area == nil && r.Aspect != nil {
		return f(at+".resized-crop", "area is missing: the least and the greatest share of the image, such as [0.08, 1]")
	}
	if r.Area != nil && !interval(r.Area, 1) {
		return f(at+".resized-crop.area", "area %v, want two shares in (0, 1], the smaller first", r.Area)
	}
	if r.Aspect != nil && !interval(r.Aspect, 1000) {
		return f(at+".resized-crop.aspect", "aspect %v, want two ratios above 0, the smaller first", r.Aspect)
	}
	for _, j := range []struct {
		key    string
		v, max float64
	}{{"brightness", a.Jitter.Brightness, 10}, {"contrast", a.Jitter.Contrast, 10}, {"saturation", a.Jitter.Saturation, 10}, {"hue", a.Jitter.Hue, 0.5}} {
		if !(j.v >= 0 && j.v <= j.max) {
			return f(at+".jitter."+j.key, "%s %v, want 0 to %v", j.key, j.v, j.max)
		}
	}
	return nil
}

// interval reports whether v is two numbers in (0, most], in order.
func interval(v []float64, most float64) bool {
	return len(v) == 2 && v[0] > 0 && v[0] <= v[1] && v[1] <= most
}

// augmenter makes numbers of images. It has scratch memory: one a goroutine.
type augmenter struct {
	a       Augment
	size    dataset.Size          // that the network takes
	numbers *dataset.Preprocessor // of images that have that size
	resize  *dataset.Preprocessor // to that size; nil without ResizedCrop
	scratch [2]dataset.Image      // for the crop and what follows
	part    dataset.Image         // a resized crop before it is resized
	colours []float32             // for jitter
}

func newAugmenter(a Augment, size dataset.Size, p dataset.Preprocess) (*augmenter, error) {
	plain := p
	plain.Resize, plain.Crop = dataset.Size{}, dataset.Size{}
	numbers, err := dataset.NewPreprocessor(plain)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	out := &augmenter{a: a, size: size, numbers: numbers}
	if a.ResizedCrop.Area != nil {
		plain.Resize = size
		if out.resize, err = dataset.NewPreprocessor(plain); err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
	}
	return out, nil
}

// apply writes an augmented image as numbers, channel by channel. im is not
// changed. Everything random is drawn from r, in a fixed order.
func (g *augmenter) apply(dst []float32, im *dataset.Image, r *rand.Rand) error {
	if g.resize != nil {
		var err error
		if im, err = g.resize.Fit(g.randomPart(im, r)); err != nil {
			return err
		}
	}
	if g.a.Crop.Pad > 0 {
		im = g.shift(im, r)
	}
	if g.a.Flip && r.Uint64()&1 == 1 {
		im = g.mirror(im)
	}
	if g.a.Jitter != (Jitter{}) {
		im = g.jitter(im, r)
	}
	if err := g.numbers.Apply(dst, im); err != nil {
		return err
	}
	if n := g.a.Cutout; n > 0 {
		cutout(dst, im, n, r.IntN(im.Width), r.IntN(im.Height))
	}
	return nil
}

// room gives scratch memory for an image like im, other than im itself.
func (g *augmenter) room(im *dataset.Image) *dataset.Image {
	out := &g.scratch[0]
	if im == out {
		out = &g.scratch[1]
	}
	return reshape(out, im.Width, im.Height, im.Channels)
}

func reshape(out *dataset.Image, w, h, channels int) *dataset.Image {
	n := w * h * channels
	if cap(out.Pix) < n {
		out.Pix = make([]uint8, n)
	}
	out.Width, out.Height, out.Channels, out.Pix = w, h, channels, out.Pix[:n]
	return out
}

// shift moves the image by up to Pad pixels in each direction.
func (g *augmenter) shift(im *dataset.Image, r *rand.Rand) *dataset.Image {
	pad := g.a.Crop.Pad
	dx, dy := r.IntN(2*pad+1)-pad, r.IntN(2*pad+1)-pad
	out, c := g.room(im), im.Channels
	reflected := g.a.Crop.Fill == FillReflect
	for y := range im.Height {
		row := out.Pix[y*im.Width*c : (y+1)*im.Width*c]
		sy := y + dy
		if reflected {
			sy = mirrored(sy, im.Height)
		}
		if sy < 0 || sy >= im.Height {
			clear(row)
			continue
		}
		from := im.Pix[sy*im.Width*c : (sy+1)*im.Width*c]
		for x := range im.Width {
			sx := x + dx
			if reflected {
				sx = mirrored(sx, im.Width)
			}
			if px := row[x*c : (x+1)*c]; sx >= 0 && sx < im.Width {
				copy(px, from[sx*c:(sx+1)*c])
			} else {
				clear(px)
			}
		}
	}
	return out
}

// mirrored reflects a place outside of n pixels about the outer pixel's centre.
func mirrored(i, n int) int {
	for i < 0 || i >= n {
		if n == 1 {
			return 0
		}
		if i < 0 {
			i = -i
		} else {
			i = 2*(n-1) - i
		}
	}
	return i
}

func (g *augmenter) mirror(im *dataset.Image) *dataset.Image {
	out, c := g.room(im), im.Channels
	for y := range im.Height {
		from, to := im.Pix[y*im.Width*c:(y+1)*im.Width*c], out.Pix[y*im.Width*c:(y+1)*im.Width*c]
		for x := range im.Width {
			copy(to[x*c:(x+1)*c], from[(im.Width-1-x)*c:])
		}
	}
	return out
}

// randomPart cuts out torchvision's random resized crop: ten tries for an area
// and a shape that fit, then the largest middle part of an allowed shape.
func (g *augmenter) randomPart(im *dataset.Image, r *rand.Rand) *dataset.Image {
	x, y, w, h := g.choosePart(im.Width, im.Height, r)
	out := reshape(&g.part, w, h, im.Channels)
	c := im.Channels
	for row := range h {
		from := ((y+row)*im.Width + x) * c
		copy(out.Pix[row*w*c:(row+1)*w*c], im.Pix[from:])
	}
	return out
}

func (g *augmenter) choosePart(width, height int, r *rand.Rand) (x, y, w, h int) {
	area, aspect := g.a.ResizedCrop.Area, g.a.ResizedCrop.Aspect
	if aspect == nil {
		aspect = []float64{3.0 / 4, 4.0 / 3}
	}
	low, high := math.Log(aspect[0]), math.Log(aspect[1])
	for range 10 {
		size := float64(width) * float64(height) * (area[0] + (area[1]-area[0])*r.Float64())
		shape := math.Exp(low + (high-low)*r.Float64())
		w, h = int(math.RoundToEven(math.Sqrt(size*shape))), int(math.RoundToEven(math.Sqrt(size/shape)))
		if w >= 1 && w <= width && h >= 1 && h <= height {
			return r.IntN(width - w + 1), r.IntN(height - h + 1), w, h
		}
	}
	w, h = width, height
	switch shape := float64(width) / float64(height); {
	case shape < aspect[0]:
		h = min(height, max(1, int(math.RoundToEven(float64(w)/aspect[0]))))
	case shape > aspect[1]:
		w = min(width, max(1, int(math.RoundToEven(float64(h)*aspect[1]))))
	}
	return (width - w) / 2, (height - h) / 2, w, h
}

// cutout sets a square of n pixels about (x, y) to zero in every channel.
func cutout(dst []float32, im *dataset.Image, n, x, y int) {
	x0, x1 := max(0, x-n/2), min(im.Width, x-n/2+n)
	y0, y1 := max(0, y-n/2), min(im.Height, y-n/2+n)
	for c := range im.Channels {
		for row := y0; row < y1; row++ {
			at := (c*im.Height + row) * im.Width
			clear(dst[at+x0 : at+x1])
		}
	}
}
