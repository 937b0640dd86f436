package corrupt

import (
	"math"
	"math/rand/v2"
	"slices"
)

// fog lays a plasma of height v[0] and decay v[1] over the image and dims the
// whole so that the brightest colour fits again.
func fog(v []float64, s scene) (effect, error) {
	size := 1
	for size < max(s.w, s.h) {
		size *= 2
	}
	return planar(func(p *picture, r *rand.Rand) {
		cloud := plasma(size, v[1], r)
		var brightest float32
		for _, pl := range p.planes {
			brightest = max(brightest, slices.Max(pl))
		}
		dim, height := brightest/(brightest+float32(255*v[0])), float32(255*v[0])
		for _, pl := range p.planes {
			for y := range p.h {
				row, over := pl[y*p.w:(y+1)*p.w], cloud[y*size:]
				for x := range row {
					row[x] = (row[x] + height*over[x]) * dim
				}
			}
		}
	}), nil
}

// plasma is a height map of size x size by the diamond-square algorithm on a
// torus, scaled to [0, 1]. At each level heights get a uniform number in
// (-w^2, w^2) more than the mean of their neighbours; w begins at 100 and is
// divided by decay from level to level.
func plasma(size int, decay float64, r *rand.Rand) plane {
	m, w := make(plane, size*size), 100.0
	mask := size - 1
	at := func(y, x int) float32 { return m[(y&mask)*size+x&mask] }
	for step := size; step >= 2; step /= 2 {
		half, spread := step/2, 2*w*w
		noise := func() float32 { return float32((r.Float64() - 0.5) * spread) }
		for y := half; y < size; y += step {
			for x := half; x < size; x += step {
				m[y*size+x] = (at(y-half, x-half)+at(y-half, x+half)+at(y+half, x-half)+at(y+half, x+half))/4 + noise()
			}
		}
		for y := 0; y < size; y += half {
			for x := half - y%step; x < size; x += step {
				m[y*size+x] = (at(y-half, x)+at(y+half, x)+at(y, x-half)+at(y, x+half))/4 + noise()
			}
		}
		w /= decay
	}
	low := slices.Min(m)
	scale := 1 / max(slices.Max(m)-low, math.SmallestNonzeroFloat32)
	for i, v := range m {
		m[i] = (v - low) * scale
	}
	return m
}

// snow whitens the image and lays flakes over it that a motion blur drew out,
// once as they are and once turned by half a turn.
func snow(v []float64, s scene) (effect, error) {
	factor := max(1, v[2]*s.scale())
	across, down := newZoom(s.w, factor), newZoom(s.h, factor)
	weights := motionWeights(v[4]*s.scale(), v[5]*s.scale())
	if err := s.fits(len(weights)); err != nil {
		return nil, err
	}
	share := float32(v[6])
	return coloured(planar(func(p *picture, r *rand.Rand) {
		flakes := newFlakes(p, v, across, down, r)
		flakes = move(flakes, p.w, p.h, weights, motionOffsets(-135+90*r.Float64(), len(weights)))
		red, green, blue, last := p.planes[0], p.planes[1], p.planes[2], len(flakes)-1
		for i, f := range flakes {
			white := (0.299*red[i]+0.587*green[i]+0.114*blue[i])*1.5 + 127.5
			both := f + flakes[last-i]
			for _, pl := range p.planes {
				pl[i] = share*pl[i] + (1-share)*max(pl[i], white) + both
			}
		}
	})), nil
}

// newFlakes is normal noise of mean v[0] and deviation v[1], enlarged, where
// it is at least v[3].
func newFlakes(p *picture, v []float64, across, down *zoom, r *rand.Rand) plane {
	noise, out := make(plane, p.w*p.h), make(plane, p.w*p.h)
	for i := range noise {
		noise[i] = float32(v[0] + v[1]*r.NormFloat64())
	}
	addZoomed(out, noise, p.w, across, down, make(plane, p.w))
	for i, x := range out {
		if x < float32(v[3]) {
			out[i] = 0
		} else {
			out[i] = float32(level(255 * x))
		}
	}
	return out
}

// frost lays a part of one of five textures over the image, with weights v[0]
// and v[1].
func frost(v []float64, s scene) (effect, error) {
	textures := newTextures(s)
	return coloured(planar(func(p *picture, r *rand.Rand) {
		t := textures[r.IntN(len(textures))]
		left, top := r.IntN(t.w-p.w), r.IntN(t.h-p.h)
		image, ice := float32(v[0]), float32(v[1])
		for k, pl := range p.planes {
			for y := range p.h {
				row, over := pl[y*p.w:(y+1)*p.w], t.planes[k][(top+y)*t.w+left:]
				for x := range row {
					row[x] = image*row[x] + ice*over[x]
				}
			}
		}
	})), nil
}
