package kernel

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func randomPool(r *rand.Rand) (PoolSpec, int, ConvShape) {
	spec := PoolSpec{Average: r.IntN(2) == 0, KH: 1 + r.IntN(4), KW: 1 + r.IntN(4), StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3),
		DilationH: 1 + r.IntN(2), DilationW: 1 + r.IntN(2), CountIncludePad: r.IntN(2) == 0, CeilMode: r.IntN(2) == 0}
	s := ConvShape{N: 1 + r.IntN(3), H: 1 + r.IntN(12), W: 1 + r.IntN(20),
		PadTop: r.IntN(spec.KH), PadBottom: r.IntN(spec.KH), PadLeft: r.IntN(spec.KW), PadRight: r.IntN(spec.KW)}
	channels := 1 + r.IntN(40)
	if r.IntN(3) == 0 {
		s.XPitch, s.YPitch = channels+r.IntN(4), channels+r.IntN(4)
	}
	return spec, channels, s
}

// poolSize is ONNX's output size of one axis.
func poolSize(in, k, stride, dilation, before, after int, ceil bool) int {
	span := float64(in + before + after - (k-1)*dilation - 1)
	if !ceil {
		return int(math.Floor(span/float64(stride))) + 1
	}
	n := int(math.Ceil(span/float64(stride))) + 1
	if (n-1)*stride >= in+before {
		n--
	}
	return n
}

// A pooling of any shape is what its definition says.
func TestPoolDefinition(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for done := 0; done < 300; {
			spec, channels, s := randomPool(r)
			p, err := k.PlanPool(spec, channels, s)
			if errors.Is(err, ErrShape) {
				continue // the window is larger than the padded input
			}
			done++
			checkPool(t, p, spec, channels, s, r)
		}
	})
}

func checkPool(t *testing.T, p *Pool, spec PoolSpec, channels int, s ConvShape, r *rand.Rand) {
	t.Helper()
	oh, ow := p.OutSize()
	wh := poolSize(s.H, spec.KH, spec.StrideH, spec.DilationH, s.PadTop, s.PadBottom, spec.CeilMode)
	ww := poolSize(s.W, spec.KW, spec.StrideW, spec.DilationW, s.PadLeft, s.PadRight, spec.CeilMode)
	if oh != wh || ow != ww {
		t.Fatalf("%+v of %+v: output %d×%d, want %d×%d", spec, s, oh, ow, wh, ww)
	}
	xp, yp := max(s.XPitch, channels), max(s.YPitch, channels)
	x, y := randoms(r, s.N*s.H*s.W*xp), make([]float32, s.N*oh*ow*yp)
	for i := range y {
		y[i] = untouched
	}
	scratch := &Scratch{}
	for _, tile := range r.Perm(p.Tiles()) {
		p.Run(tile, x, y, scratch)
	}
	for i, got := range y {
		pix, c := i/yp, i%yp
		want := float64(untouched)
		if c < channels {
			want = poolWant(spec, s, x, xp, pix/(oh*ow), pix/ow%oh, pix%ow, c)
		}
		if d := math.Abs(float64(got) - want); !(d <= 1e-6) && float64(got) != want {
			t.Fatalf("%+v of %+v: y[%d] channel %d = %g, want %g", spec, s, pix, c, got, want)
		}
	}
}

func poolWant(spec PoolSpec, s ConvShape, x []float32, pitch, n, oy, ox, c int) float64 {
	sum, most, inside, padded := 0.0, math.Inf(-1), 0, 0
	for ky := range spec.KH {
		for kx := range spec.KW {
			iy, ix := oy*spec.StrideH-s.PadTop+ky*spec.DilationH, ox*spec.StrideW-s.PadLeft+kx*spec.DilationW
			if iy < s.H+s.PadBottom && ix < s.W+s.PadRight {
				padded++
			}
			if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
				continue
			}
			v := float64(x[((n*s.H+iy)*s.W+ix)*pitch+c])
			sum, most, inside = sum+v, max(most, v), inside+1
		}
	}
	switch {
	case !spec.Average:
		return most
	case spec.CountIncludePad:
		return sum / float64(padded)
	case inside == 0:
		return 0
	}
	return sum / float64(inside)
}

func TestMeanAndMaxPixels(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, pixels := range []int{1, 7, 64, 65, 1000} {
			for _, channels := range []int{1, 3, 8, 17, 40} {
				pitch := channels + r.IntN(3)
				x := randoms(r, pixels*pitch)
				mean, most := make([]float32, channels), make([]float32, channels)
				s := &Scratch{}
				k.MeanPixels(mean, x, pixels, pitch, s)
				k.MaxPixels(most, x, pixels, pitch, s)
				for c := range channels {
					sum, high := 0.0, math.Inf(-1)
					for p := range pixels {
						sum, high = sum+float64(x[p*pitch+c]), max(high, float64(x[p*pitch+c]))
					}
					if d := math.Abs(float64(mean[c]) - sum/float64(pixels)); d > 2e-7 || float64(most[c]) != high {
						t.Fatalf("%d pixels, channel %d: mean off by %g, maximum %g want %g", pixels, c, d, most[c], high)
					}
				}
			}
		}
	})
}

// A mean over many values keeps its precision: 1 million values of 1.1.
func TestMeanPixelsPrecision(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		const n = 1 << 20
		x, mean := make([]float32, n), make([]float32, 1)
		for i := range x {
			x[i] = 1.1
		}
		k.MeanPixels(mean, x, n, 1, &Scratch{})
		if d := math.Abs(float64(mean[0]) - float64(float32(1.1))); d > 1e-3 {
			t.Errorf("mean %g", mean[0])
		}
	})
}

func TestReduceMean(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 200 {
			shape := make([]int, 1+r.IntN(5))
			total := 1
			for i := range shape {
				shape[i] = 1 + r.IntN(6)
				total *= shape[i]
			}
			var axes []int
			gone := make([]bool, len(shape))
			for _, a := range r.Perm(len(shape))[:r.IntN(len(shape)+1)] {
				axes, gone[a] = append(axes, a), true
			}
			x := randoms(r, total)
			sums, counts := meanWant(x, shape, gone, len(axes) == 0)
			dst := make([]float32, len(sums))
			if err := k.ReduceMean(dst, x, shape, axes, &Scratch{}); err != nil {
				t.Fatal(err)
			}
			for i := range dst {
				if d := math.Abs(float64(dst[i]) - sums[i]/counts[i]); d > 5e-7 {
					t.Fatalf("%v over %v: [%d] = %g, want %g", shape, axes, i, dst[i], sums[i]/counts[i])
				}
			}
		}
		if err := k.ReduceMean(make([]float32, 1), make([]float32, 4), []int{4}, []int{1}, &Scratch{}); !errors.Is(err, ErrShape) {
			t.Errorf("axis out of range: %v", err)
		}
	})
}

func meanWant(x []float32, shape []int, gone []bool, all bool) (sums, counts []float64) {
	size := 1
	for i, n := range shape {
		if !gone[i] && !all {
			size *= n
		}
	}
	sums, counts = make([]float64, size), make([]float64, size)
	for i, v := range x {
		out, step, rest := 0, 1, i
		for a := len(shape) - 1; a >= 0; a-- {
			if !gone[a] && !all {
				out += rest % shape[a] * step
				step *= shape[a]
			}
			rest /= shape[a]
		}
		sums[out] += float64(v)
		counts[out]++
	}
	return sums, counts
}
