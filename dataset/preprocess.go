package dataset

import (
	"fmt"
	"math"
)

// Layout is the order of a batch's dimensions: N images, C channels, H rows,
// W columns.
type Layout string

// The layouts.
const (
	NCHW Layout = "nchw"
	NHWC Layout = "nhwc"
)

// Channels is what the channels of a batch are.
type Channels string

// The channels.
const (
	AsStored Channels = ""     // red, green, blue, or one of grey, as the data set has them
	RGB      Channels = "rgb"  // grey is repeated
	BGR      Channels = "bgr"  // blue first, as Caffe models want
	Gray     Channels = "gray" // colours become brightness, see [Image.Gray]
)

// Size is a size in pixels.
type Size struct{ Height, Width int }

// maxSide is the longest side that can be asked for.
const maxSide = 1 << 14

// Preprocess says how an image becomes the numbers that a model takes: resize,
// crop the middle, then y = (x / Scale - Mean) / Std for each channel, x from 0
// to 255, in float32 as torchvision's ToTensor and Normalize compute it.
type Preprocess struct {
	// Resize is the size to resize to. A Width of 0 makes the shorter side
	// Height pixels and keeps the shape; zero leaves images as they are.
	Resize Size
	// Crop is the size of the middle to keep, black where it is larger than
	// the image; zero keeps all.
	Crop Size
	// Filter is what images are resized with.
	Filter Filter
	// Channels of the result.
	Channels Channels
	// Scale is what values are divided by: 255 for models that take 0 to 1,
	// 1 for those that take 0 to 255.
	Scale float64
	// Mean and Std after scaling, in the order of Channels: one for all
	// channels or one for each; nil is 0 and 1.
	Mean, Std []float64
	// Layout of the batch.
	Layout Layout
}

// DefaultPreprocess scales to [0, 1] in NCHW and leaves the size as it is;
// images are resized bilinearly once a size is given.
func DefaultPreprocess() Preprocess {
	return Preprocess{Filter: Bilinear, Scale: 255, Layout: NCHW}
}

// Validate says what is wrong with p.
func (p *Preprocess) Validate() error {
	for _, s := range []struct {
		name string
		Size
	}{{"resize", p.Resize}, {"crop", p.Crop}} {
		if s.Height < 0 || s.Width < 0 || s.Height > maxSide || s.Width > maxSide || s.Height == 0 && s.Width > 0 {
			return fmt.Errorf("dataset: %s to %dx%d pixels, want 1 to %d", s.name, s.Height, s.Width, maxSide)
		}
	}
	if p.Crop.Height > 0 && p.Crop.Width == 0 {
		return fmt.Errorf("dataset: crop to a height of %d and no width", p.Crop.Height)
	}
	if _, _, err := p.Filter.kernel(); err != nil {
		return err
	}
	switch p.Channels {
	case AsStored, RGB, BGR, Gray:
	default:
		return fmt.Errorf("dataset: channels %q%s", string(p.Channels), Suggestion(string(p.Channels), channelNames()))
	}
	if p.Layout != NCHW && p.Layout != NHWC {
		return fmt.Errorf("dataset: layout %q%s", string(p.Layout), Suggestion(string(p.Layout), layoutNames()))
	}
	return p.validateNumbers()
}

func channelNames() []string { return []string{string(RGB), string(BGR), string(Gray)} }
func layoutNames() []string  { return []string{string(NCHW), string(NHWC)} }

func (p *Preprocess) validateNumbers() error {
	if !(math.Abs(p.Scale) > 0) || math.IsInf(p.Scale, 0) || float32(p.Scale) == 0 {
		return fmt.Errorf("dataset: scale %g, want what values are divided by, such as 255 or 1", p.Scale)
	}
	for _, v := range p.Mean {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("dataset: mean %g", v)
		}
	}
	for _, v := range p.Std {
		if !(v > 0) || math.IsInf(v, 0) || float32(v) == 0 {
			return fmt.Errorf("dataset: std %g, want a number above 0", v)
		}
	}
	return nil
}

// outputs is the number of channels of the result, for images that have in.
func (p *Preprocess) outputs(in int) int {
	switch p.Channels {
	case RGB, BGR:
		return 3
	case Gray:
		return 1
	default:
		return in
	}
}

// resized is the size that an image of w x h is resized to. The longer side is
// cut to whole pixels as torchvision's Resize does.
func (p *Preprocess) resized(w, h int) (outW, outH int) {
	switch s := p.Resize; {
	case s.Height == 0:
		return w, h
	case s.Width > 0:
		return s.Width, s.Height
	case w <= h:
		return s.Height, int(float64(s.Height*h) / float64(w))
	default:
		return int(float64(s.Height*w) / float64(h)), s.Height
	}
}

// OutputSize is the size of the result for an image of w x h pixels.
func (p *Preprocess) OutputSize(w, h int) Size {
	if p.Crop.Height > 0 {
		return p.Crop
	}
	w, h = p.resized(w, h)
	return Size{h, w}
}

// middle is where a crop of size pixels begins in a side of n: torchvision's
// CenterCrop, which pads what is too small and else rounds halves to even.
func middle(n, size int) int {
	if size > n {
		return -((size - n) / 2)
	}
	return int(math.RoundToEven(float64(n-size) / 2))
}

// Preprocessor does what a [Preprocess] says. It keeps scratch memory and is
// not safe for concurrent use: each goroutine makes its own.
type Preprocessor struct {
	p     Preprocess
	size  resizer
	table map[int]*[3][256]float32 // by channels of the image: value -> number, by channel of the result
}

// NewPreprocessor checks p and makes a Preprocessor.
func NewPreprocessor(p Preprocess) (*Preprocessor, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Preprocessor{p: p, size: resizer{filter: p.Filter}, table: map[int]*[3][256]float32{}}, nil
}

// Fit resizes and crops im and brings it to the asked channels (red first even
// for BGR): what the model sees, as a picture. The result may be im itself.
func (pp *Preprocessor) Fit(im *Image) (*Image, error) {
	if err := im.check(); err != nil {
		return nil, err
	}
	w, h := pp.p.resized(im.Width, im.Height)
	part := window{0, 0, w, h}
	if c := pp.p.Crop; c.Height > 0 {
		part = window{middle(w, c.Width), middle(h, c.Height), c.Width, c.Height}
	} else if w > MaxPixels/max(h, 1) {
		return nil, fmt.Errorf("%w: resized to %dx%d pixels", errTooLarge, w, h)
	}
	if w < 1 || h < 1 {
		return nil, fmt.Errorf("dataset: image of %dx%d pixels cannot be resized to %dx%d", im.Width, im.Height, w, h)
	}
	// The window that the image reaches; the black border is added after.
	inside := window{max(part.x, 0), max(part.y, 0), 0, 0}
	inside.w = min(part.x+part.w, w) - inside.x
	inside.h = min(part.y+part.h, h) - inside.y
	out, err := pp.size.resize(im, w, h, inside)
	if err != nil {
		return nil, err
	}
	if inside != part {
		out = out.cut(window{part.x - inside.x, part.y - inside.y, part.w, part.h})
	}
	switch pp.p.outputs(im.Channels) {
	case 1:
		return out.Gray(), nil
	default:
		return out.RGB(), nil
	}
}

// Apply writes im as numbers into dst, which must have the room: channels x
// height x width of the result, without gaps, in the layout of the
// [Preprocess].
func (pp *Preprocessor) Apply(dst []float32, im *Image) error {
	fit, err := pp.Fit(im)
	if err != nil {
		return err
	}
	return pp.fill(dst, fit)
}

// fill writes an image that [Preprocessor.Fit] made.
func (pp *Preprocessor) fill(dst []float32, fit *Image) error {
	if len(dst) != len(fit.Pix) {
		return &SizeError{Got: Size{fit.Height, fit.Width}, Channels: fit.Channels, Room: len(dst)}
	}
	t, err := pp.numbers(fit.Channels)
	if err != nil {
		return err
	}
	n := fit.Width * fit.Height
	for c := range fit.Channels {
		from := c
		if pp.p.Channels == BGR {
			from = 2 - c
		}
		values := &t[c]
		if pp.p.Layout == NHWC {
			for i := range n {
				dst[i*fit.Channels+c] = values[fit.Pix[i*fit.Channels+from]]
			}
			continue
		}
		out := dst[c*n : (c+1)*n]
		for i := range out {
			out[i] = values[fit.Pix[i*fit.Channels+from]]
		}
	}
	return nil
}

// SizeError says that an image does not have the size of the others in its
// batch.
type SizeError struct {
	Got      Size
	Channels int
	Room     int // numbers that were expected
}

// Error names the sizes and the way out.
func (e *SizeError) Error() string {
	return fmt.Sprintf("image becomes %d channels of %dx%d (%d numbers), the batch has room for %d: images differ in size, so resize and crop are needed (?resize=256&crop=224)",
		e.Channels, e.Got.Height, e.Got.Width, e.Channels*e.Got.Height*e.Got.Width, e.Room)
}

// numbers are the results for all 256 values of each channel.
func (pp *Preprocessor) numbers(channels int) (*[3][256]float32, error) {
	if t := pp.table[channels]; t != nil {
		return t, nil
	}
	t := new([3][256]float32)
	for c := range channels {
		mean, err := perChannel("mean", pp.p.Mean, c, channels, 0)
		if err != nil {
			return nil, err
		}
		std, err := perChannel("std", pp.p.Std, c, channels, 1)
		if err != nil {
			return nil, err
		}
		for v := range t[c] {
			x := float32(v) / float32(pp.p.Scale)
			t[c][v] = float32(x-mean) / std
		}
	}
	pp.table[channels] = t
	return t, nil
}

func perChannel(name string, list []float64, c, channels int, none float32) (float32, error) {
	switch len(list) {
	case 0:
		return none, nil
	case 1:
		return float32(list[0]), nil
	case channels:
		return float32(list[c]), nil
	}
	return 0, fmt.Errorf("dataset: %s has %d numbers, images have %d channels", name, len(list), channels)
}
