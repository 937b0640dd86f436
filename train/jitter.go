package train

import (
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/dataset"
)

// jitter changes colours as torchvision's ColorJitter does with images of
// floating-point numbers; the result is rounded to 8 bits once. Grey images
// have no saturation and no hue.
func (g *augmenter) jitter(im *dataset.Image, r *rand.Rand) *dataset.Image {
	j := g.a.Jitter
	factor := func(x float64) float32 {
		low := max(0, 1-x)
		return float32(low + (1+x-low)*r.Float64())
	}
	order := [4]int{0, 1, 2, 3}
	r.Shuffle(4, func(a, b int) { order[a], order[b] = order[b], order[a] })
	brightness, contrast, saturation := factor(j.Brightness), factor(j.Contrast), factor(j.Saturation)
	hue := float32(j.Hue * (2*r.Float64() - 1))

	if cap(g.colours) < len(im.Pix) {
		g.colours = make([]float32, len(im.Pix))
	}
	p := g.colours[:len(im.Pix)]
	for i, v := range im.Pix {
		p[i] = float32(v) / 255
	}
	for _, o := range order {
		switch {
		case o == 0 && j.Brightness > 0:
			brighten(p, brightness)
		case o == 1 && j.Contrast > 0:
			contrasted(p, im.Channels, contrast)
		case o == 2 && j.Saturation > 0 && im.Channels == 3:
			saturate(p, saturation)
		case o == 3 && j.Hue > 0 && im.Channels == 3:
			turnHue(p, hue)
		}
	}
	out := g.room(im)
	for i, v := range p {
		out.Pix[i] = uint8(math.RoundToEven(float64(v) * 255))
	}
	return out
}

func unit(v float32) float32 { return min(1, max(0, v)) }

func brighten(p []float32, f float32) {
	for i, v := range p {
		p[i] = unit(f * v)
	}
}

// brightnessOf is the weight of colours in ITU-R 601-2, as torchvision rounds it.
func brightnessOf(r, g, b float32) float32 {
	return float32(0.2989*r) + float32(0.587*g) + float32(0.114*b)
}

// contrasted mixes with the mean brightness of the image.
func contrasted(p []float32, channels int, f float32) {
	var sum float64
	if channels == 3 {
		for i := 0; i+2 < len(p); i += 3 {
			sum += float64(brightnessOf(p[i], p[i+1], p[i+2]))
		}
	} else {
		for _, v := range p {
			sum += float64(v)
		}
	}
	mean := float32(sum / float64(len(p)/channels))
	for i, v := range p {
		p[i] = unit(float32(f*v) + float32((1-f)*mean))
	}
}

// saturate mixes each pixel with its brightness.
func saturate(p []float32, f float32) {
	for i := 0; i+2 < len(p); i += 3 {
		grey := (1 - f) * brightnessOf(p[i], p[i+1], p[i+2])
		for c := range 3 {
			p[i+c] = unit(float32(f*p[i+c]) + grey)
		}
	}
}

// turnHue turns the hue by a part of the circle.
func turnHue(p []float32, turn float32) {
	for i := 0; i+2 < len(p); i += 3 {
		h, s, v := toHSV(p[i], p[i+1], p[i+2])
		h += turn
		h -= float32(math.Floor(float64(h)))
		p[i], p[i+1], p[i+2] = fromHSV(h, s, v)
	}
}

// toHSV gives hue, saturation and value in [0, 1].
func toHSV(r, g, b float32) (h, s, v float32) {
	high, low := max(r, g, b), min(r, g, b)
	if high == low {
		return 0, 0, high
	}
	d := high - low
	switch high {
	case r:
		h = (g - b) / d
	case g:
		h = 2 + (b-r)/d
	default:
		h = 4 + (r-g)/d
	}
	h /= 6
	if h < 0 {
		h++
	}
	return h, d / high, high
}

func fromHSV(h, s, v float32) (r, g, b float32) {
	sector := float32(math.Floor(float64(h * 6)))
	f := float32(h*6) - sector
	p, q, t := unit(v*(1-s)), unit(v*(1-float32(s*f))), unit(v*(1-float32(s*(1-f))))
	switch int(sector) % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}
