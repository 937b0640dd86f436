package dataset

import (
	"fmt"
	"math"
)

// Filter is a kernel that images are resized with. All are antialiased: when an
// image shrinks, the kernel widens with it.
type Filter string

// The filters, as Pillow names them.
const (
	Box      Filter = "box"      // every source pixel under the target pixel counts the same
	Bilinear Filter = "bilinear" // triangle, reaches 1 pixel
	Bicubic  Filter = "bicubic"  // Keys' cubic with a = -1/2, reaches 2
	Lanczos  Filter = "lanczos"  // windowed sinc, reaches 3
)

// filterNames are the filters in the order they are listed to users.
func filterNames() []string {
	return []string{string(Bilinear), string(Bicubic), string(Box), string(Lanczos)}
}

// kernel is the weight at distance x and how far it reaches, both in source
// pixels at scale 1.
func (f Filter) kernel() (weight func(x float64) float64, reach float64, err error) {
	switch f {
	case Box:
		return boxWeight, 0.5, nil
	case Bilinear:
		return bilinearWeight, 1, nil
	case Bicubic:
		return bicubicWeight, 2, nil
	case Lanczos:
		return lanczosWeight, 3, nil
	}
	return nil, 0, fmt.Errorf("dataset: filter %q%s", string(f), Suggestion(string(f), filterNames()))
}

func boxWeight(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func bilinearWeight(x float64) float64 { return max(1-math.Abs(x), 0) }

func bicubicWeight(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64((float64((x-5)*x)+8)*x) - 4) * a)
	}
	return 0
}

func lanczosWeight(x float64) float64 {
	if x >= -3 && x < 3 {
		return sinc(x) * sinc(x/3)
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// precision is the number of fraction bits of a coefficient: a sum of products
// with 8-bit pixels, of either sign, fits 32 bits.
const precision = 32 - 8 - 2

// taps are the source pixels and weights of consecutive target pixels along
// one axis.
type taps struct {
	first, count []int   // of target pixel i: its first source pixel and how many
	weight       []int32 // size a target pixel
	size         int
}

// newTaps computes the taps of target pixels from to from+n-1, when in pixels
// become out. It follows Pillow's Resample.c (precompute_coeffs and
// normalize_coeffs_8bpc), so that the integers are the same; explicit
// conversions keep compilers from fusing a multiplication with an addition.
func newTaps(in, out, from, n int, f Filter) (*taps, error) {
	weight, reach, err := f.kernel()
	if err != nil {
		return nil, err
	}
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	reach *= stretch
	t := &taps{first: make([]int, n), count: make([]int, n), size: int(math.Ceil(reach))*2 + 1}
	t.weight = make([]int32, n*t.size)
	w := make([]float64, t.size)
	for i := range n {
		center := float64((float64(from+i) + 0.5) * scale)
		first := max(int(center-reach+0.5), 0)
		count := min(int(center+reach+0.5), in) - first
		sum := 0.0
		for x := range count {
			w[x] = weight(float64((float64(x+first) - center + 0.5) * (1 / stretch)))
			sum += w[x]
		}
		for x := range count {
			if sum != 0 {
				w[x] /= sum
			}
			t.weight[i*t.size+x] = fixedPoint(w[x])
		}
		t.first[i], t.count[i] = first, count
	}
	return t, nil
}

// fixedPoint rounds halves away from zero, by adding a half as Pillow does.
func fixedPoint(w float64) int32 {
	if w < 0 {
		return int32(w*(1<<precision) - 0.5)
	}
	return int32(w*(1<<precision) + 0.5)
}

// of are the weights of target pixel i.
func (t *taps) of(i int) []int32 { return t.weight[i*t.size : i*t.size+t.count[i]] }

// window is a part of a target image: columns x to x+w-1, rows y to y+h-1.
type window struct{ x, y, w, h int }

// resizer resizes images to one size, keeping a window of the result. It keeps
// the taps of the last source size, since images of one set often agree.
// It is not safe for concurrent use.
type resizer struct {
	filter      Filter
	key         resizeKey
	across      *taps
	down        *taps
	between     []uint8 // rows that were resized across
	taken, rows int     // first row of between, number of rows
}

type resizeKey struct {
	inW, inH, outW, outH int
	part                 window
}

func (r *resizer) prepare(k resizeKey) error {
	if r.key == k {
		return nil
	}
	across, err := newTaps(k.inW, k.outW, k.part.x, k.part.w, r.filter)
	if err != nil {
		return err
	}
	down, err := newTaps(k.inH, k.outH, k.part.y, k.part.h, r.filter)
	if err != nil {
		return err
	}
	last := k.part.h - 1
	r.across, r.down, r.key = across, down, k
	r.taken = down.first[0]
	r.rows = down.first[last] + down.count[last] - r.taken
	return nil
}

// resize is the part of im that remains when im becomes outW x outH pixels and
// is cut to the window. Pillow's resize rounds to 8 bits after each direction,
// across first; a direction whose size does not change is left alone.
func (r *resizer) resize(im *Image, outW, outH int, part window) (*Image, error) {
	if im.Width == outW && im.Height == outH {
		return im.cut(part), nil
	}
	if err := r.prepare(resizeKey{im.Width, im.Height, outW, outH, part}); err != nil {
		return nil, err
	}
	mid := &Image{Width: part.w, Height: r.rows, Channels: im.Channels}
	if im.Width == outW {
		mid = im.cut(window{part.x, r.taken, part.w, r.rows})
	} else {
		n := part.w * r.rows * im.Channels
		if cap(r.between) < n {
			r.between = make([]uint8, n)
		}
		mid.Pix = r.between[:n]
		for y := range mid.Height {
			resizeRow(mid.row(y), im.row(r.taken+y), r.across, im.Channels)
		}
	}
	out := NewImage(part.w, part.h, im.Channels)
	if im.Height == outH {
		copy(out.Pix, mid.Pix)
		return out, nil
	}
	sums := make([]int32, part.w*im.Channels)
	for y := range out.Height {
		resizeColumn(out.row(y), mid, r.down.first[y]-r.taken, r.down.of(y), sums)
	}
	return out, nil
}

// resizeRow writes one row, target pixel by target pixel.
func resizeRow(dst, src []uint8, t *taps, channels int) {
	const half = 1 << (precision - 1)
	for i := range t.first {
		w := t.of(i)
		if channels == 1 {
			sum := int32(half)
			for x, v := range src[t.first[i] : t.first[i]+len(w)] {
				sum += int32(v) * w[x]
			}
			dst[i] = clamp8(sum >> precision)
			continue
		}
		s0, s1, s2 := int32(half), int32(half), int32(half)
		p := src[3*t.first[i] : 3*(t.first[i]+len(w))]
		for x, k := range w {
			q := p[3*x : 3*x+3 : 3*x+3]
			s0 += int32(q[0]) * k
			s1 += int32(q[1]) * k
			s2 += int32(q[2]) * k
		}
		dst[3*i], dst[3*i+1], dst[3*i+2] = clamp8(s0>>precision), clamp8(s1>>precision), clamp8(s2>>precision)
	}
}

// resizeColumn writes one row as the weighted sum of rows of src.
func resizeColumn(dst []uint8, src *Image, first int, w []int32, sums []int32) {
	for x := range sums {
		sums[x] = 1 << (precision - 1)
	}
	for i, k := range w {
		row := src.row(first + i)[:len(sums)]
		for x, v := range row {
			sums[x] += int32(v) * k
		}
	}
	for x, s := range sums {
		dst[x] = clamp8(s >> precision)
	}
}

// cut is the window of im as an image of its own; what lies outside im is
// black.
func (im *Image) cut(part window) *Image {
	if part == (window{0, 0, im.Width, im.Height}) {
		return im
	}
	out := NewImage(part.w, part.h, im.Channels)
	left, right := max(part.x, 0), min(part.x+part.w, im.Width)
	for y := max(part.y, 0); y < min(part.y+part.h, im.Height); y++ {
		if left < right {
			copy(out.row(y - part.y)[(left-part.x)*im.Channels:], im.row(y)[left*im.Channels:right*im.Channels])
		}
	}
	return out
}
