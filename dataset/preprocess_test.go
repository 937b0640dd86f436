package dataset

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

func preprocessor(t *testing.T, change func(*Preprocess)) *Preprocessor {
	t.Helper()
	p := DefaultPreprocess()
	change(&p)
	pp, err := NewPreprocessor(p)
	if err != nil {
		t.Fatal(err)
	}
	return pp
}

// Numbers are those of torchvision's ToTensor and Normalize in float32:
// Debian's python3-torch 1.13.0a0:
//
//	x = torch.tensor([0, 1, 127, 254, 255], dtype=torch.uint8).float().div(255)
//	x.sub(torch.tensor(.4914)).div(torch.tensor(.2471)).numpy().view("u4")
//
// numpy 1.24.2 gives the same in float32.
func TestNumbers(t *testing.T) {
	im := &Image{Width: 5, Height: 1, Channels: 1, Pix: []uint8{0, 1, 127, 254, 255}}
	pp := preprocessor(t, func(p *Preprocess) { p.Mean, p.Std = []float64{.4914}, []float64{.2471} })
	got := make([]float32, 5)
	if err := pp.Apply(got, im); err != nil {
		t.Fatal(err)
	}
	want := []uint32{0xbffe8cb1, 0xbffc84a7, 0x3cdc1b61, 0x4002b6c6, 0x4003bacb}
	for i := range got {
		if math.Float32bits(got[i]) != want[i] {
			t.Errorf("%d becomes %g (%#x), want %#x", im.Pix[i], got[i], math.Float32bits(got[i]), want[i])
		}
	}
}

func TestLayoutAndChannels(t *testing.T) {
	im := &Image{Width: 2, Height: 1, Channels: 3, Pix: []uint8{1, 2, 3, 4, 5, 6}}
	grey := &Image{Width: 2, Height: 1, Channels: 1, Pix: []uint8{7, 8}}
	for _, c := range []struct {
		in       *Image
		layout   Layout
		channels Channels
		want     []float32
	}{
		{im, NCHW, AsStored, []float32{1, 4, 2, 5, 3, 6}},
		{im, NHWC, AsStored, []float32{1, 2, 3, 4, 5, 6}},
		{im, NCHW, BGR, []float32{3, 6, 2, 5, 1, 4}},
		{im, NHWC, BGR, []float32{3, 2, 1, 6, 5, 4}},
		{im, NCHW, Gray, []float32{2, 5}},
		{grey, NCHW, AsStored, []float32{7, 8}},
		{grey, NHWC, RGB, []float32{7, 7, 7, 8, 8, 8}},
	} {
		pp := preprocessor(t, func(p *Preprocess) { p.Layout, p.Channels, p.Scale = c.layout, c.channels, 1 })
		got := make([]float32, len(c.want))
		if err := pp.Apply(got, c.in); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s %s: %v, want %v", c.layout, c.channels, got, c.want)
				break
			}
		}
	}
	// Mean and std follow the order of the channels: blue first.
	pp := preprocessor(t, func(p *Preprocess) {
		p.Layout, p.Channels, p.Scale, p.Mean, p.Std = NHWC, BGR, 1, []float64{3, 2, 1}, []float64{1, 2, 4}
	})
	got := make([]float32, 6)
	if err := pp.Apply(got, im); err != nil {
		t.Fatal(err)
	}
	if want := [6]float32{0, 0, 0, 3, 1.5, .75}; [6]float32(got) != want {
		t.Errorf("BGR with mean and std: %v, want %v", got, want)
	}
}

// Sizes worked by hand from torchvision's rules (transforms/functional.py,
// _compute_resized_output_size and center_crop; Python rounds halves to even).
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		w, h         int
		resize, crop Size
		want         Size
	}{
		{500, 375, Size{}, Size{}, Size{375, 500}},
		{500, 375, Size{256, 0}, Size{}, Size{256, 341}},
		{375, 500, Size{256, 0}, Size{}, Size{341, 256}},
		{500, 375, Size{256, 0}, Size{224, 224}, Size{224, 224}},
		{500, 375, Size{100, 200}, Size{}, Size{100, 200}},
		{10, 10, Size{}, Size{13, 12}, Size{13, 12}},
	} {
		pp := preprocessor(t, func(p *Preprocess) { p.Resize, p.Crop = c.resize, c.crop })
		got, err := pp.Fit(NewImage(c.w, c.h, 3))
		if err != nil {
			t.Fatal(err)
		}
		if (Size{got.Height, got.Width}) != c.want || pp.p.OutputSize(c.w, c.h) != c.want {
			t.Errorf("%dx%d becomes %dx%d, OutputSize says %v, want %v", c.h, c.w, got.Height, got.Width, pp.p.OutputSize(c.w, c.h), c.want)
		}
	}
	for n, want := range map[int]int{224: 0, 225: 0, 226: 1, 227: 2, 229: 2, 231: 4, 223: 0, 222: -1, 221: -1} {
		if got := middle(n, 224); got != want {
			t.Errorf("a crop of 224 from %d begins at %d, want %d", n, got, want)
		}
	}
}

// Cropping while resizing gives what resizing and then cropping gives.
func TestWindowIsExact(t *testing.T) {
	im := source(97, 61, 3)
	for _, f := range filterNames() {
		whole := preprocessor(t, func(p *Preprocess) { p.Filter, p.Resize = Filter(f), Size{40, 0} })
		all, err := whole.Fit(im)
		if err != nil {
			t.Fatal(err)
		}
		for _, crop := range []Size{{32, 32}, {40, 7}, {64, 20}, {64, 80}, {1, 1}} {
			part := preprocessor(t, func(p *Preprocess) { p.Filter, p.Resize, p.Crop = Filter(f), Size{40, 0}, crop })
			got, err := part.Fit(im)
			if err != nil {
				t.Fatal(err)
			}
			want := all.cut(window{middle(all.Width, crop.Width), middle(all.Height, crop.Height), crop.Width, crop.Height})
			if !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%s, crop %v: not the same as cropping after", f, crop)
			}
		}
	}
}

// A flat picture stays flat under every filter, and the image that came in is
// not touched.
func TestFlatStaysFlat(t *testing.T) {
	im := NewImage(33, 21, 3)
	for i := range im.Pix {
		im.Pix[i] = 201
	}
	for _, f := range filterNames() {
		for _, size := range []Size{{7, 5}, {100, 77}} {
			got, err := preprocessor(t, func(p *Preprocess) { p.Filter, p.Resize = Filter(f), size }).Fit(im)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range got.Pix {
				if v != 201 {
					t.Fatalf("%s to %v: %d, want 201", f, size, v)
				}
			}
		}
	}
	for _, v := range im.Pix {
		if v != 201 {
			t.Fatal("the source image has changed")
		}
	}
}

func TestPreprocessRefused(t *testing.T) {
	for want, change := range map[string]func(*Preprocess){
		"did you mean bicubic?":  func(p *Preprocess) { p.Filter = "bicubik" },
		"did you mean nchw?":     func(p *Preprocess) { p.Layout = "NHCW" },
		"did you mean gray?":     func(p *Preprocess) { p.Channels = "grey" },
		"scale 0":                func(p *Preprocess) { p.Scale = 0 },
		"scale NaN":              func(p *Preprocess) { p.Scale = math.NaN() },
		"scale 1e-50":            func(p *Preprocess) { p.Scale = 1e-50 },
		"mean +Inf":              func(p *Preprocess) { p.Mean = []float64{math.Inf(1)} },
		"std 0":                  func(p *Preprocess) { p.Std = []float64{1, 0, 1} },
		"std -1":                 func(p *Preprocess) { p.Std = []float64{-1} },
		"resize to 100000x0":     func(p *Preprocess) { p.Resize = Size{100000, 0} },
		"crop to a height of 24": func(p *Preprocess) { p.Crop = Size{24, 0} },
	} {
		p := DefaultPreprocess()
		change(&p)
		if _, err := NewPreprocessor(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	pp := preprocessor(t, func(p *Preprocess) { p.Mean = []float64{1, 2, 3} })
	if err := pp.Apply(make([]float32, 4), NewImage(2, 2, 1)); err == nil || !strings.Contains(err.Error(), "mean has 3 numbers, images have 1 channels") {
		t.Errorf("three means for one channel: %v", err)
	}
	var s *SizeError
	if err := pp.Apply(make([]float32, 5), NewImage(2, 2, 3)); !errors.As(err, &s) {
		t.Errorf("too little room: %v", err)
	}
	long := preprocessor(t, func(p *Preprocess) { p.Resize = Size{16000, 0} })
	if _, err := long.Fit(NewImage(maxImageSide, 1, 1)); !errors.Is(err, errTooLarge) {
		t.Errorf("resized beyond all bounds: %v", err)
	}
}
