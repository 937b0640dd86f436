package corrupt

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/dataset"
)

// brightness adds v[0] to V of HSV. With hue and saturation as they are, all
// colours grow in proportion to V.
func brightness(v []float64, _ scene) (effect, error) {
	return pixelwise(func(px []uint8) {
		top := max(px[0], px[1], px[2])
		value := min(float32(top)+255*float32(v[0]), 255)
		if top == 0 {
			px[0], px[1], px[2] = level(value), level(value), level(value)
			return
		}
		grow := value / float32(top)
		for k, x := range px {
			px[k] = level(float32(x) * grow)
		}
	}), nil
}

// saturate makes S of HSV v[0] S + v[1]. With hue and value as they are, the
// distances of colours from V grow in proportion to S. Grey has hue 0: with
// S above 0 it becomes red.
func saturate(v []float64, _ scene) (effect, error) {
	factor, offset := float32(v[0]), float32(v[1])
	return pixelwise(func(px []uint8) {
		top, low := float32(max(px[0], px[1], px[2])), float32(min(px[0], px[1], px[2]))
		if top == low {
			s := min(offset, 1)
			px[1], px[2] = level(top*(1-s)), level(top*(1-s))
			return
		}
		s := (top - low) / top
		grow := min(s*factor+offset, 1) / s
		for k, x := range px {
			px[k] = level(top - (top-float32(x))*grow)
		}
	}), nil
}

// pixelwise changes the colours of each pixel by themselves.
func pixelwise(f func(px []uint8)) effect {
	return coloured(func(im *dataset.Image, _ *rand.Rand) (*dataset.Image, error) {
		out := dataset.NewImage(im.Width, im.Height, 3)
		copy(out.Pix, im.Pix)
		for i := 0; i < len(out.Pix); i += 3 {
			f(out.Pix[i : i+3 : i+3])
		}
		return out, nil
	})
}

// contrast draws colours towards the mean of their channel.
func contrast(v []float64, _ scene) (effect, error) {
	return planar(func(p *picture, _ *rand.Rand) {
		for _, pl := range p.planes {
			var sum float64
			for _, x := range pl {
				sum += float64(x)
			}
			mean, keep := float32(sum/float64(len(pl))), float32(v[0])
			for i, x := range pl {
				pl[i] = (x-mean)*keep + mean
			}
		}
	}), nil
}

// pixelate shrinks the image to v[0] of the preset's side with a box filter,
// and enlarges it again.
func pixelate(v []float64, s scene) (effect, error) {
	cells := func(n int) int {
		whole := int(float64(s.preset.side()) * v[0])
		return min(max(whole*n/s.side(), 1), n)
	}
	small := dataset.Size{Height: cells(s.h), Width: cells(s.w)}
	return func(im *dataset.Image, _ *rand.Rand) (*dataset.Image, error) {
		for _, size := range []dataset.Size{small, {Height: s.h, Width: s.w}} {
			set := dataset.DefaultPreprocess()
			set.Resize, set.Filter = size, dataset.Box
			pp, err := dataset.NewPreprocessor(set)
			if err != nil {
				return nil, err
			}
			if im, err = pp.Fit(im); err != nil {
				return nil, err
			}
		}
		return im, nil
	}, nil
}

// jpegCompression stores the image as JPEG of quality v[0] and reads it again.
func jpegCompression(v []float64, _ scene) (effect, error) {
	return coloured(func(im *dataset.Image, _ *rand.Rand) (*dataset.Image, error) {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, subsampled(im), &jpeg.Options{Quality: int(v[0])}); err != nil {
			return nil, err
		}
		return dataset.Decode(b.Bytes())
	}), nil
}

// subsampled is an image in the components that libjpeg encodes: JFIF's
// integers, and chroma as means of 2 x 2 that round up and down by turns. The
// encoder's own means always round up, which moves coarsely quantized chroma.
func subsampled(im *dataset.Image) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, im.Width, im.Height), image.YCbCrSubsampleRatio420)
	blue, red := make([]int32, len(m.Y)), make([]int32, len(m.Y))
	for i := range m.Y {
		r, g, b := int32(im.Pix[3*i]), int32(im.Pix[3*i+1]), int32(im.Pix[3*i+2])
		m.Y[i] = uint8((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
		blue[i] = (-11058*r - 21710*g + 32768*b + 128<<16 + 1<<15 - 1) >> 16
		red[i] = (32768*r - 27439*g - 5329*b + 128<<16 + 1<<15 - 1) >> 16
	}
	for y := 0; y < im.Height; y += 2 {
		top, low := y*im.Width, min(y+1, im.Height-1)*im.Width
		for x := 0; x < im.Width; x += 2 {
			right, round := min(x+1, im.Width-1), int32(1+x/2%2)
			mean := func(c []int32) uint8 {
				return uint8((c[top+x] + c[top+right] + c[low+x] + c[low+right] + round) >> 2)
			}
			i := m.COffset(x, y)
			m.Cb[i], m.Cr[i] = mean(blue), mean(red)
		}
	}
	return m
}
