package corrupt

import (
	"math/rand/v2"
	"slices"
)

// spatter throws drops of water (v[5] = 0) or mud (1) on the image. The drops
// are where normal noise of mean v[0] and deviation v[1], smoothed with sigma
// v[2], reaches v[3].
func spatter(v []float64, s scene) (effect, error) {
	d := drops{v: v, scale: s.scale(), smooth: gaussianWeights(v[2]*s.scale(), 4), mud: gaussianWeights(v[4]*s.scale(), 4)}
	if err := s.fits(2*max(len(d.smooth), len(d.mud)) - 1); err != nil {
		return nil, err
	}
	paint := d.water
	if v[5] == 1 {
		paint = d.earth
	}
	return coloured(planar(func(p *picture, r *rand.Rand) {
		layer := make(plane, p.w*p.h)
		for i := range layer {
			layer[i] = float32(v[0] + v[1]*r.NormFloat64())
		}
		smooth(layer, p.w, p.h, d.smooth, nearest)
		for i, x := range layer {
			if x < float32(v[3]) {
				layer[i] = 0
			}
		}
		paint(p, layer)
	})), nil
}

// drops are the numbers of a spatter.
type drops struct {
	v           []float64
	scale       float64
	smooth, mud []float32
}

// earth covers with brown what is well inside of a drop.
func (d drops) earth(p *picture, layer plane) {
	for i, x := range layer {
		layer[i] = 0
		if x > float32(d.v[3]) {
			layer[i] = 1
		}
	}
	smooth(layer, p.w, p.h, d.mud, nearest)
	brown := [3]float32{63, 42, 20}
	for i, m := range layer {
		if m < 0.8 {
			continue
		}
		for k, pl := range p.planes {
			pl[i] = brown[k]*m + pl[i]*(1-m)
		}
	}
}

// water adds pale turquoise where a drop lies, lit as if from one side.
func (d drops) water(p *picture, layer plane) {
	b := levels{p.w, p.h, make([]uint8, len(layer))}
	for i, x := range layer {
		b.pix[i] = level(255 * x)
	}
	light := b.light(float32(20 * d.scale))
	var top float32
	for i, l := range light.pix {
		layer[i] = float32(b.pix[i]) * float32(l)
		top = max(top, layer[i])
	}
	if top == 0 {
		return
	}
	turquoise := [3]float32{175, 238, 238}
	for i, m := range layer {
		for k, pl := range p.planes {
			pl[i] += turquoise[k] * float32(d.v[4]) * m / top
		}
	}
}

// levels is a plane of whole levels.
type levels struct {
	w, h int
	pix  []uint8
}

// light is the relief of the distance from the edges of drops, cut at most.
func (b levels) light(most float32) levels {
	dist := distances(b.edges(50, 150), b.w, b.h)
	for i, x := range dist {
		dist[i] = min(x, most)
	}
	return boxed(dist, b.w, b.h, 0).equalized().relief().blurred()
}

// at is the level at a place, borders mirrored.
func (b levels) at(x, y int) int {
	return int(b.pix[reflect101.at(y, b.h)*b.w+reflect101.at(x, b.w)])
}

// boxed is the mean of 3 x 3 neighbours plus a rounding term, cut to levels.
func boxed(p plane, w, h int, round float32) levels {
	out := levels{w, h, make([]uint8, len(p))}
	padded, wide := pad(p, w, h, 1, reflect101), w+2
	for y := range h {
		a, b, c := padded[y*wide:], padded[(y+1)*wide:], padded[(y+2)*wide:]
		for x := range w {
			sum := a[x] + a[x+1] + a[x+2] + b[x] + b[x+1] + b[x+2] + c[x] + c[x+1] + c[x+2]
			out.pix[y*w+x] = level(sum/9 + round)
		}
	}
	return out
}

// blurred is the rounded mean of 3 x 3 neighbours.
func (b levels) blurred() levels {
	p := make(plane, len(b.pix))
	for i, x := range b.pix {
		p[i] = float32(x)
	}
	return boxed(p, b.w, b.h, 0.5)
}

// equalized spreads the levels by their distribution function (OpenCV's
// equalizeHist).
func (b levels) equalized() levels {
	var count [256]int
	for _, x := range b.pix {
		count[x]++
	}
	first := slices.IndexFunc(count[:], func(n int) bool { return n > 0 })
	rest := len(b.pix) - count[first]
	out := levels{b.w, b.h, make([]uint8, len(b.pix))}
	if rest == 0 {
		copy(out.pix, b.pix)
		return out
	}
	var table [256]uint8
	sum := 0
	for l := first + 1; l < 256; l++ {
		sum += count[l]
		table[l] = level(float32(sum)*255/float32(rest) + 0.5)
	}
	for i, x := range b.pix {
		out.pix[i] = table[x]
	}
	return out
}

// relief correlates with a kernel that brightens slopes to the lower right.
func (b levels) relief() levels {
	kernel := [3][3]int{{-2, -1, 0}, {-1, 1, 1}, {0, 1, 2}}
	out := levels{b.w, b.h, make([]uint8, len(b.pix))}
	for y := range b.h {
		for x := range b.w {
			sum := 0
			for dy, row := range kernel {
				for dx, k := range row {
					sum += k * b.at(x+dx-1, y+dy-1)
				}
			}
			out.pix[y*b.w+x] = uint8(min(max(sum, 0), 255))
		}
	}
	return out
}
