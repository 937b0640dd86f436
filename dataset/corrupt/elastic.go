package corrupt

import (
	"math"
	"math/rand/v2"
)

// elastic moves three points of the image by up to v[2] pixels, which gives an
// affine map, and then every pixel by v[0] times smoothed uniform noise of
// sigma v[1]. Both steps interpolate linearly.
func elastic(v []float64, s scene) (effect, error) {
	height, shift := float32(v[0]*s.scale()), v[2]*s.scale()
	field := newField(v[1]*s.scale(), s)
	return planar(func(p *picture, r *rand.Rand) {
		back := randomAffine(p.w, p.h, shift, r)
		warp(p, reflect101, func(x, y int) (float32, float32) {
			return float32(back[0]*float64(x) + back[1]*float64(y) + back[2]), float32(back[3]*float64(x) + back[4]*float64(y) + back[5])
		})
		if height == 0 {
			return
		}
		dx, dy := field.draw(r), field.draw(r)
		warp(p, reflect, func(x, y int) (float32, float32) {
			i := y*p.w + x
			return float32(x) + height*dx[i], float32(y) + height*dy[i]
		})
	}), nil
}

// randomAffine moves three points around the middle by up to shift in each
// direction. The result leads back: from a place in the new image, x and y, to
// the one it shows, by rows (a b c), (d e f).
func randomAffine(w, h int, shift float64, r *rand.Rand) [6]float64 {
	cx, cy, q := float64(w/2), float64(h/2), float64(min(w, h)/3)
	old := [3][2]float64{{cx + q, cy + q}, {cx + q, cy - q}, {cx - q, cy - q}}
	moved := old
	for k := range moved {
		for j := range 2 {
			moved[k][j] += (2*r.Float64() - 1) * shift
		}
	}
	// The map that takes moved to old: differences to point 1 solve it.
	ax, ay := moved[0][0]-moved[1][0], moved[0][1]-moved[1][1]
	bx, by := moved[2][0]-moved[1][0], moved[2][1]-moved[1][1]
	det := ax*by - ay*bx
	var out [6]float64
	for j := range 2 {
		a, b := old[0][j]-old[1][j], old[2][j]-old[1][j]
		mx, my := (a*by-b*ay)/det, (b*ax-a*bx)/det
		out[3*j], out[3*j+1] = mx, my
		out[3*j+2] = old[1][j] - mx*moved[1][0] - my*moved[1][1]
	}
	return out
}

// warp makes every pixel what lies at from(x, y), linearly interpolated.
func warp(p *picture, b border, from func(x, y int) (float32, float32)) {
	out := split(make(plane, p.w*p.h*len(p.planes)), len(p.planes))
	for y := range p.h {
		for x := range p.w {
			fx, fy := from(x, y)
			x0, y0 := int(math.Floor(float64(fx))), int(math.Floor(float64(fy)))
			px, py := fx-float32(x0), fy-float32(y0)
			left, right := b.at(x0, p.w), b.at(x0+1, p.w)
			top, low := b.at(y0, p.h)*p.w, b.at(y0+1, p.h)*p.w
			for k, pl := range p.planes {
				a := pl[top+left] + px*(pl[top+right]-pl[top+left])
				c := pl[low+left] + px*(pl[low+right]-pl[low+left])
				out[k][y*p.w+x] = a + py*(c-a)
			}
		}
	}
	p.planes = out
}

// field draws uniform noise in (-1, 1), smoothed by a Gaussian that is cut at
// 3 sigma, borders mirrored.
type field struct {
	w, h         int
	weights      []float32
	across, down [][]float32 // for kernels about as wide as the image: what pixel j adds to pixel i; nil else
}

func newField(sigma float64, s scene) *field {
	f := &field{w: s.w, h: s.h, weights: gaussianWeights(sigma, 3)}
	if len(f.weights) > s.side()/2 {
		f.across, f.down = folded(f.weights, s.w), folded(f.weights, s.h)
	}
	return f
}

// folded is convolution with mirrored borders as a matrix.
func folded(weights []float32, n int) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, n)
		for j, w := range weights {
			out[i][reflect.at(i+j, n)] += w
			if j > 0 {
				out[i][reflect.at(i-j, n)] += w
			}
		}
	}
	return out
}

func (f *field) draw(r *rand.Rand) plane {
	p := make(plane, f.w*f.h)
	for i := range p {
		p[i] = float32(2*r.Float64() - 1)
	}
	if f.across == nil {
		smooth(p, f.w, f.h, f.weights, reflect)
		return p
	}
	half, out := make(plane, len(p)), make(plane, len(p))
	for y := range f.h {
		for j, w := range f.down[y] {
			add(half[y*f.w:(y+1)*f.w], p[j*f.w:], w)
		}
	}
	for y := range f.h {
		for j, v := range half[y*f.w : (y+1)*f.w] {
			add(out[y*f.w:(y+1)*f.w], f.across[j], v) // the matrix is symmetric
		}
	}
	return out
}
