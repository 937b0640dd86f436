package corrupt

import (
	"math"
	"math/rand/v2"
)

// textureCount is how many of the authors' pictures of frost are in use.
const textureCount = 5

// textureSeed makes the textures the same on every run.
const textureSeed = 0xf105

// newTextures draws pictures of frost on glass for images of a size: a cloudy
// ground, bluish where it is thin, and feathers of ice that branch at 60
// degrees. They are twice as wide as the image, so that parts differ.
func newTextures(s scene) []*picture {
	out := make([]*picture, textureCount)
	for k := range out {
		out[k] = newTexture(2*s.w, 2*s.h, float64(s.side()), rand.New(rand.NewPCG(textureSeed, uint64(k))))
	}
	return out
}

// newTexture draws one; unit is the length that sizes go by.
func newTexture(w, h int, unit float64, r *rand.Rand) *picture {
	size := 1
	for size < max(w, h) {
		size *= 2
	}
	ground := plasma(size, 1.6, r)
	ice := make(plane, w*h)
	for y := range h {
		copy(ice[y*w:(y+1)*w], ground[y*size:])
	}
	for i, v := range ice {
		ice[i] = 0.1 + 0.6*v*v
	}
	c := canvas{ice, w, h}
	for range 150 {
		x, y := r.Float64()*float64(w), r.Float64()*float64(h)
		c.feather(x, y, r.Float64()*2*math.Pi, unit*(0.15+0.35*r.Float64()), 2, r)
	}
	smooth(ice, w, h, gaussianWeights(unit/320, 4), reflect)
	p := &picture{w: w, h: h, planes: split(make(plane, 3*w*h), 3)}
	for i, v := range ice {
		v = min(v, 1)
		p.planes[0][i], p.planes[1][i], p.planes[2][i] = 255*v*(0.75+0.25*v), 255*v*(0.88+0.12*v), 255*v
	}
	return p
}

// canvas is what feathers are drawn on.
type canvas struct {
	p    plane
	w, h int
}

// feather draws a needle and its branches.
func (c canvas) feather(x, y, angle, length float64, depth int, r *rand.Rand) {
	sin, cos := math.Sincos(angle)
	bright := float32(0.35 + 0.3*r.Float64())
	gap := max(3, length/12)
	next := gap
	for t := 0.0; t < length; t++ {
		c.dot(x+t*cos, y+t*sin, bright*float32(1-0.6*t/length))
		if depth > 0 && t >= next {
			next += gap
			for _, turn := range []float64{-math.Pi / 3, math.Pi / 3} {
				c.feather(x+t*cos, y+t*sin, angle+turn, (length-t)*0.4*r.Float64(), depth-1, r)
			}
		}
	}
}

// dot brightens one pixel; what is outside comes in on the other side.
func (c canvas) dot(x, y float64, v float32) {
	i := mod(int(y), c.h)*c.w + mod(int(x), c.w)
	c.p[i] = min(c.p[i]+v, 1)
}
