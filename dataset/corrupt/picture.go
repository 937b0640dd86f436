package corrupt

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/dataset"
)

// plane is one channel, row by row, values from 0 to 255.
type plane []float32

// picture is an image in planes.
type picture struct {
	w, h   int
	planes []plane
}

func newPicture(im *dataset.Image) *picture {
	n, c := im.Width*im.Height, im.Channels
	p := &picture{w: im.Width, h: im.Height, planes: split(make(plane, n*c), c)}
	for k, pl := range p.planes {
		for i := range pl {
			pl[i] = float32(im.Pix[i*c+k])
		}
	}
	return p
}

// split cuts a run of numbers into equal planes.
func split(all plane, count int) []plane {
	out, n := make([]plane, count), len(all)/count
	for k := range out {
		out[k] = all[k*n : (k+1)*n : (k+1)*n]
	}
	return out
}

// hair is added before values are cut to whole levels, so that one that is
// whole stays what it is though float32 fell short of it by rounding.
const hair = 1.0 / 1024

// image cuts values to whole levels from 0 to 255.
func (p *picture) image() *dataset.Image {
	c := len(p.planes)
	im := dataset.NewImage(p.w, p.h, c)
	for k, pl := range p.planes {
		for i, v := range pl {
			im.Pix[i*c+k] = level(v)
		}
	}
	return im
}

// level is a value cut to a whole level.
func level(v float32) uint8 { return uint8(min(max(v+hair, 0), 255)) }

// planar is an effect on planes.
func planar(f func(p *picture, r *rand.Rand)) effect {
	return func(im *dataset.Image, r *rand.Rand) (*dataset.Image, error) {
		p := newPicture(im)
		f(p, r)
		return p.image(), nil
	}
}

// coloured is an effect that needs three channels; grey images get it as
// colours and become grey again.
func coloured(e effect) effect {
	return func(im *dataset.Image, r *rand.Rand) (*dataset.Image, error) {
		out, err := e(im.RGB(), r)
		if err != nil || im.Channels == 3 {
			return out, err
		}
		return out.Gray(), nil
	}
}

// fits says whether a kernel that spans so many pixels fits into the image.
func (s scene) fits(span int) error {
	if span > s.side() {
		return fmt.Errorf("image of %dx%d pixels is %w: the kernel spans %d", s.w, s.h, ErrTooSmall, span)
	}
	return nil
}

// border is what lies outside of an image, named for a row a b c d.
type border int

const (
	nearest    border = iota // a a | a b c d | d d
	reflect                  // b a | a b c d | d c
	reflect101               // c b | a b c d | c b
)

// at is the place inside 0..n-1 that stands for place i.
func (b border) at(i, n int) int {
	if i >= 0 && i < n {
		return i
	}
	switch {
	case b == nearest || n == 1:
		return min(max(i, 0), n-1)
	case b == reflect:
		i = mod(i, 2*n)
		return min(i, 2*n-1-i)
	default:
		i = mod(i, 2*n-2)
		return min(i, 2*n-2-i)
	}
}

func mod(a, n int) int { return (a%n + n) % n }

// pad is a plane with r more pixels on every side.
func pad(p plane, w, h, r int, b border) plane {
	wide := w + 2*r
	out := make(plane, wide*(h+2*r))
	for y := range h + 2*r {
		row, src := out[y*wide:(y+1)*wide], p[b.at(y-r, h)*w:][:w]
		copy(row[r:], src)
		for k := range r {
			row[k], row[r+w+k] = src[b.at(k-r, w)], src[b.at(w+k, w)]
		}
	}
	return out
}

// gaussianWeights are the weights of a Gaussian at distances 0 to radius,
// where radius = int(truncate sigma + 1/2), and both sides sum to 1. This is
// scipy.ndimage's kernel.
func gaussianWeights(sigma, truncate float64) []float32 {
	if sigma <= 0 {
		return []float32{1}
	}
	radius := int(truncate*sigma + 0.5)
	all, sum := make([]float64, radius+1), 0.0
	for i := range all {
		all[i] = math.Exp(-0.5 * float64(i*i) / (sigma * sigma))
		sum += all[i]
		if i > 0 {
			sum += all[i]
		}
	}
	out := make([]float32, len(all))
	for i, v := range all {
		out[i] = float32(v / sum)
	}
	return out
}

// smooth convolves a plane with a symmetric kernel, down and across.
func smooth(p plane, w, h int, weights []float32, b border) {
	r := len(weights) - 1
	if r == 0 {
		return
	}
	down := make(plane, len(p))
	for y := range h {
		row := down[y*w : (y+1)*w]
		for x, v := range p[y*w : (y+1)*w] {
			row[x] = weights[0] * v
		}
		for j := 1; j <= r; j++ {
			addBoth(row, p[b.at(y-j, h)*w:], p[b.at(y+j, h)*w:], weights[j])
		}
	}
	line := make(plane, w+2*r)
	for y := range h {
		src, dst := down[y*w:(y+1)*w], p[y*w:(y+1)*w]
		copy(line[r:], src)
		for k := range r {
			line[k], line[r+w+k] = src[b.at(k-r, w)], src[b.at(w+k, w)]
		}
		for x, v := range src {
			dst[x] = weights[0] * v
		}
		for j := 1; j <= r; j++ {
			addBoth(dst, line[r-j:], line[r+j:], weights[j])
		}
	}
}

// addBoth adds weight times the sum of two runs to dst.
func addBoth(dst, a, b plane, weight float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += weight * (a[i] + b[i])
	}
}

// add adds weight times a run to dst.
func add(dst, a plane, weight float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] += weight * a[i]
	}
}
