package corrupt

import (
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/dataset"
)

// gaussianNoise: x + N(0, sd), x in [0, 1], each colour by itself.
func gaussianNoise(v []float64, _ scene) (effect, error) {
	return normal(func(x uint8, n float64) float64 { return float64(x) + 255*v[0]*n }), nil
}

// speckleNoise: x + x N(0, sd).
func speckleNoise(v []float64, _ scene) (effect, error) {
	return normal(func(x uint8, n float64) float64 { return float64(x) + float64(x)*v[0]*n }), nil
}

// normal changes each value by a standard normal number of its own.
func normal(f func(x uint8, n float64) float64) effect {
	return func(im *dataset.Image, r *rand.Rand) (*dataset.Image, error) {
		out := dataset.NewImage(im.Width, im.Height, im.Channels)
		for i, x := range im.Pix {
			out.Pix[i] = uint8(min(max(f(x, r.NormFloat64())+hair, 0), 255))
		}
		return out, nil
	}
}

// impulseNoise makes each value 0 or 255, half each, with probability v[0]
// (scikit-image's random_noise, mode "s&p").
func impulseNoise(v []float64, _ scene) (effect, error) {
	return func(im *dataset.Image, r *rand.Rand) (*dataset.Image, error) {
		out := dataset.NewImage(im.Width, im.Height, im.Channels)
		for i, x := range im.Pix {
			switch u := r.Float64(); {
			case u < v[0]/2:
				x = 255
			case u < v[0]:
				x = 0
			}
			out.Pix[i] = x
		}
		return out, nil
	}, nil
}

// shotNoise: Poisson(x c) / c.
func shotNoise(v []float64, _ scene) (effect, error) {
	c := v[0]
	var tables [256]*poisson
	for x := range tables {
		tables[x] = newPoisson(float64(x)/255*c, int(c))
	}
	levels := make([]uint8, int(c)+1)
	for k := range levels {
		levels[k] = uint8(float64(k)/c*255 + hair)
	}
	return func(im *dataset.Image, r *rand.Rand) (*dataset.Image, error) {
		out := dataset.NewImage(im.Width, im.Height, im.Channels)
		for i, x := range im.Pix {
			out.Pix[i] = levels[tables[x].draw(r.Float64())]
		}
		return out, nil
	}, nil
}

// poisson draws min(K, most), K Poisson distributed, by the inverse of the
// distribution function.
type poisson struct {
	first int            // the value of upTo[0]
	upTo  []float64      // P(K <= first + i); the last one is 1
	guide [guides]uint16 // the first i whose upTo exceeds g / guides
}

const guides = 64

// negligible is a probability that 53 random bits do not show.
const negligible = 1e-17

func newPoisson(mean float64, most int) *poisson {
	p := &poisson{}
	sum := 0.0
	for k := range most + 1 {
		logged := -mean
		if k > 0 {
			lg, _ := math.Lgamma(float64(k) + 1)
			logged += float64(k)*math.Log(mean) - lg
		}
		sum += math.Exp(logged)
		if sum < negligible {
			p.first = k + 1
			continue
		}
		p.upTo = append(p.upTo, sum)
		if float64(k) > mean && math.Exp(logged) < negligible {
			break
		}
	}
	p.upTo[len(p.upTo)-1] = 1
	i := 0
	for g := range p.guide {
		for p.upTo[i] <= float64(g)/guides && i < len(p.upTo)-1 {
			i++
		}
		p.guide[g] = uint16(i)
	}
	return p
}

// draw is the value of a uniform u in [0, 1).
func (p *poisson) draw(u float64) int {
	i := int(p.guide[int(u*guides)])
	for i < len(p.upTo)-1 && u >= p.upTo[i] {
		i++
	}
	return p.first + i
}
