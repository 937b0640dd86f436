package kernel

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// The gradient of a pooling of any shape goes where its definition says: to the
// first largest value, or in equal parts to the values that are averaged.
func TestPoolGradDefinition(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for done := 0; done < 150; {
			spec, channels, s := randomPool(r)
			p, err := k.PlanPool(spec, channels, s)
			if errors.Is(err, ErrShape) {
				continue // the window is larger than the padded input
			}
			done++
			checkPoolGrad(t, p, spec, channels, s, r)
		}
	})
}

func checkPoolGrad(t *testing.T, p *Pool, spec PoolSpec, channels int, s ConvShape, r *rand.Rand) {
	t.Helper()
	oh, ow := p.OutSize()
	xp, yp := max(s.XPitch, channels), max(s.YPitch, channels)
	x, dy, y := randoms(r, s.N*s.H*s.W*xp), randoms(r, s.N*oh*ow*yp), make([]float32, s.N*oh*ow*yp)
	for i := range x { // many equal values
		x[i] = float32(r.IntN(4))
	}
	scratch := &Scratch{}
	for tile := range p.Tiles() {
		p.Run(tile, x, y, scratch)
	}
	start := randoms(r, len(x))
	want := make([]float64, len(x))
	for pix := range s.N * oh * ow {
		for c := range channels {
			poolGradWant(want, spec, s, x, xp, pix/(oh*ow), pix/ow%oh, pix%ow, c, float64(dy[pix*yp+c]), p)
		}
	}
	for _, add := range []bool{true, false} {
		dx := slices.Clone(start)
		for _, tile := range r.Perm(p.GradTiles()) {
			p.Grad(tile, x, y, dy, dx, add, scratch)
		}
		for i, v := range dx {
			exact := want[i]
			if add || i%xp >= channels {
				exact += float64(start[i])
			}
			closeTo(t, "dx", []float32{v}, []float64{exact}, 32, 8)
		}
	}
}

// poolGradWant adds the gradient of one output.
func poolGradWant(dx []float64, spec PoolSpec, s ConvShape, x []float32, pitch, n, oy, ox, c int, dy float64, p *Pool) {
	first, taps := -1, []int{}
	for t := range spec.KH * spec.KW {
		iy := oy*orOne(spec.StrideH) - s.PadTop + t/spec.KW*orOne(spec.DilationH)
		ix := ox*orOne(spec.StrideW) - s.PadLeft + t%spec.KW*orOne(spec.DilationW)
		if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
			continue
		}
		i := ((n*s.H+iy)*s.W+ix)*pitch + c
		taps = append(taps, i)
		if first < 0 || x[i] > x[first] {
			first = i
		}
	}
	if len(taps) == 0 {
		return
	}
	if !spec.Average {
		dx[first] += dy
		return
	}
	count := len(taps)
	if spec.CountIncludePad {
		count = p.down.counted(oy, s.PadBottom) * p.across.counted(ox, s.PadRight)
	}
	for _, i := range taps {
		dx[i] += dy / float64(count)
	}
}

// The gradient of a mean over pixels is the same everywhere; rows are copied or
// added.
func TestMeanPixelsGradAndAddRows(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 40 {
			pixels, channels := 1+r.IntN(20), 1+r.IntN(40)
			pitch, from := channels+r.IntN(3), channels+r.IntN(3)
			add := r.IntN(2) == 0
			dy, start := randoms(r, channels), randoms(r, pixels*pitch)
			src := randoms(r, pixels*from)
			dx, dst := slices.Clone(start), slices.Clone(start)
			k.MeanPixelsGrad(dx, dy, pixels, pitch, add, &Scratch{})
			k.AddRows(dst, src, pixels, channels, pitch, from, add)
			for i := range start {
				p, c := i/pitch, i%pitch
				mean, sum := float64(start[i]), float64(start[i])
				if c < channels {
					if !add {
						mean, sum = 0, 0
					}
					mean += float64(dy[c]) / float64(pixels)
					sum += float64(src[p*from+c])
				}
				closeTo(t, "mean", dx[i:i+1], []float64{mean}, 4, 1)
				closeTo(t, "rows", dst[i:i+1], []float64{sum}, 4, 1)
			}
		}
	})
}
