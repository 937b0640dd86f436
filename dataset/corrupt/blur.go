package corrupt

import (
	"math"
	"math/rand/v2"
)

// gaussianBlur is a Gaussian of sigma v[0], cut at 4 sigma, borders repeated.
func gaussianBlur(v []float64, s scene) (effect, error) {
	weights := gaussianWeights(v[0]*s.scale(), 4)
	if err := s.fits(2*len(weights) - 1); err != nil {
		return nil, err
	}
	return planar(func(p *picture, _ *rand.Rand) {
		for _, pl := range p.planes {
			smooth(pl, p.w, p.h, weights, nearest)
		}
	}), nil
}

// defocusBlur correlates with a disk of radius v[0] whose edge is smoothed by
// a Gaussian of sigma v[1].
func defocusBlur(v []float64, s scene) (effect, error) {
	q, r := disk(v[0]*s.scale(), v[1])
	if err := s.fits(2*r + 1); err != nil {
		return nil, err
	}
	return planar(func(p *picture, _ *rand.Rand) {
		for k := range p.planes {
			p.planes[k] = correlateQuadrant(p.planes[k], p.w, p.h, q, r)
		}
	}), nil
}

// disk is the quadrant x, y >= 0 of the kernel, (r + 1) x (r + 1), rows below
// each other, without the empty margin.
func disk(radius, alias float64) (quadrant []float32, r int) {
	reach, half := 8, 1
	if radius > 8 {
		reach, half = int(math.Ceil(radius)), 2
	}
	n := 2*reach + 1
	k, total := make([]float64, n*n), 0.0
	for y := range n {
		for x := range n {
			if float64((x-reach)*(x-reach)+(y-reach)*(y-reach)) <= radius*radius {
				k[y*n+x] = 1
				total++
			}
		}
	}
	g := make([]float64, half+1) // of OpenCV's GaussianBlur with a kernel of 2 half + 1
	sum := 0.0
	for i := range g {
		g[i] = math.Exp(-float64(i*i) / (2 * alias * alias))
		sum += g[i] * float64(1+min(i, 1))
	}
	blurred := func(x, y int) float64 {
		var out float64
		for dy := -half; dy <= half; dy++ {
			for dx := -half; dx <= half; dx++ {
				out += g[max(dx, -dx)] * g[max(dy, -dy)] * k[reflect101.at(y+dy, n)*n+reflect101.at(x+dx, n)]
			}
		}
		return out / (sum * sum * total)
	}
	// The kernel is wide where its middle row is: shares below 1e-12 are none.
	for r = reach; r > 0 && blurred(reach+r, reach) < 1e-12; r-- {
	}
	for y := range r + 1 {
		for x := range r + 1 {
			quadrant = append(quadrant, float32(blurred(reach+x, reach+y)))
		}
	}
	return quadrant, r
}

// correlateQuadrant correlates with a kernel that is its own mirror image in
// both directions.
func correlateQuadrant(p plane, w, h int, q []float32, r int) plane {
	if r == 0 {
		return p
	}
	padded, wide := pad(p, w, h, r, reflect101), w+2*r
	out, both := make(plane, len(p)), make(plane, wide)
	for y := range h {
		dst := out[y*w : (y+1)*w]
		for dy := range r + 1 {
			line := plane(padded[(y+r+dy)*wide:][:wide])
			if dy > 0 {
				clear(both)
				addBoth(both, line, padded[(y+r-dy)*wide:], 1)
				line = both
			}
			row := q[dy*(r+1) : (dy+1)*(r+1)]
			add(dst, line[r:], row[0])
			for dx := 1; dx <= r; dx++ {
				if row[dx] != 0 {
					addBoth(dst, line[r-dx:], line[r+dx:], row[dx])
				}
			}
		}
	}
	return out
}

// motionBlur is ImageMagick's, of radius v[0] and sigma v[1], at an angle from
// -45 to 45 degrees.
func motionBlur(v []float64, s scene) (effect, error) {
	weights := motionWeights(v[0]*s.scale(), v[1]*s.scale())
	if err := s.fits(len(weights)); err != nil {
		return nil, err
	}
	return planar(func(p *picture, r *rand.Rand) {
		offsets := motionOffsets(-45+90*r.Float64(), len(weights))
		for k := range p.planes {
			p.planes[k] = move(p.planes[k], p.w, p.h, weights, offsets)
		}
	}), nil
}

// motionWeights is half a Gaussian, 2 ceil(radius) + 1 long, that sums to 1.
func motionWeights(radius, sigma float64) []float32 {
	w, sum := make([]float64, 2*int(math.Ceil(radius))+1), 0.0
	for i := range w {
		w[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
		sum += w[i]
	}
	out := make([]float32, len(w))
	for i := range w {
		out[i] = float32(w[i] / sum)
	}
	return out
}

// motionOffsets are the places, right and down, that weights 0, 1, ... are for.
func motionOffsets(degrees float64, n int) [][2]int {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	out := make([][2]int, n)
	for i := range out {
		out[i] = [2]int{int(math.Ceil(float64(i)*cos - 0.5)), int(math.Ceil(float64(i)*sin - 0.5))}
	}
	return out
}

// move sums shifted copies of a plane, borders repeated, rounded to levels.
func move(p plane, w, h int, weights []float32, offsets [][2]int) plane {
	r := len(weights)
	padded, wide := pad(p, w, h, r, nearest), w+2*r
	out := make(plane, len(p))
	for y := range h {
		dst := out[y*w : (y+1)*w]
		for i, o := range offsets {
			add(dst, padded[(y+r+o[1])*wide+r+o[0]:], weights[i])
		}
		for x, v := range dst {
			dst[x] = float32(int(v + 0.5))
		}
	}
	return out
}

// zoomBlur is the mean of the image and of its middle, enlarged by the factors
// 1, 1 + v[0], ...: v[1] of them.
func zoomBlur(v []float64, s scene) (effect, error) {
	var across, down []*zoom
	one := 1.0
	step := one + v[0] - one // as numpy.arange has it: the last bit decides where factors round
	for i := range int(v[1]) {
		factor := 1 + float64(i)*step
		across, down = append(across, newZoom(s.w, factor)), append(down, newZoom(s.h, factor))
	}
	return planar(func(p *picture, _ *rand.Rand) {
		line := make(plane, p.w)
		for k, pl := range p.planes {
			sum := append(plane(nil), pl...)
			for i := range across {
				addZoomed(sum, pl, p.w, across[i], down[i], line)
			}
			share := 1 / float32(len(across)+1)
			for i := range sum {
				sum[i] *= share
			}
			p.planes[k] = sum
		}
	}), nil
}

// zoom says from where the pixels of an enlarged side come: between places
// from and from + 1, part of the way.
type zoom struct {
	from []int
	part []float32
}

// newZoom enlarges the middle n/factor of n pixels and keeps the middle n:
// scipy.ndimage.zoom of order 1, whose end points stay end points.
func newZoom(n int, factor float64) *zoom {
	crop := min(int(math.Ceil(float64(n)/factor)), n)
	size := int(math.RoundToEven(float64(crop) * factor))
	first, trim := (n-crop)/2, (size-n)/2
	z := &zoom{make([]int, n), make([]float32, n)}
	for i := range n {
		at := 0.0
		if size > 1 {
			at = float64(i+trim) * float64(crop-1) / float64(size-1)
		}
		whole := min(int(at), crop-1)
		z.from[i], z.part[i] = first+whole, float32(at-float64(whole))
		if whole == crop-1 { // the last one: nothing follows
			z.part[i] = 0
		}
	}
	return z
}

// addZoomed adds the enlarged middle of src to dst.
func addZoomed(dst, src plane, w int, across, down *zoom, line plane) {
	for y, from := range down.from {
		a := src[from*w : (from+1)*w]
		copy(line, a)
		if part := down.part[y]; part != 0 {
			b := src[(from+1)*w:][:w]
			for x := range line {
				line[x] = a[x] + part*(b[x]-a[x])
			}
		}
		row := dst[y*w : (y+1)*w]
		parts := across.part[:len(row)]
		for x, f := range across.from[:len(row)] {
			v := line[f]
			if f+1 < len(line) {
				v += parts[x] * (line[f+1] - v)
			}
			row[x] += v
		}
	}
}

// glassBlur blurs with sigma v[0], moves pixels by up to v[1] in v[2] rounds,
// and blurs again.
func glassBlur(v []float64, s scene) (effect, error) {
	weights := gaussianWeights(v[0]*s.scale(), 4)
	shift, rounds := max(1, int(math.Round(v[1]*s.scale()))), int(v[2])
	if err := s.fits(max(2*len(weights)-1, 2*shift+2)); err != nil {
		return nil, err
	}
	blur := func(p *picture) {
		for _, pl := range p.planes {
			smooth(pl, p.w, p.h, weights, nearest)
		}
	}
	return planar(func(p *picture, r *rand.Rand) {
		blur(p)
		for _, pl := range p.planes {
			for i, x := range pl {
				pl[i] = float32(level(x))
			}
		}
		for range rounds {
			shuffle(p, shift, r)
		}
		blur(p)
	}), nil
}

// shuffle gives each pixel the colours of one that is -d to d - 1 away in each
// direction, from the last to the first.
func shuffle(p *picture, d int, r *rand.Rand) {
	for y := p.h - d; y > d; y-- {
		for x := p.w - d; x > d; x-- {
			dx, dy := r.IntN(2*d)-d, r.IntN(2*d)-d
			to, from := y*p.w+x, (y+dy)*p.w+x+dx
			for _, pl := range p.planes {
				pl[to] = pl[from]
			}
		}
	}
}
