package kernel

import (
	"errors"
	"math"
	"testing"
)

func TestLayouts(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 200 {
			n, c, p := 1+r.IntN(3), 1+r.IntN(40), 1+r.IntN(200)
			x := randoms(r, n*c*p)
			y, back := make([]float32, len(x)), make([]float32, len(x))
			k.ToNHWC(y, x, n, c, p)
			for i := range n {
				for j := range c {
					for q := range p {
						if y[(i*p+q)*c+j] != x[(i*c+j)*p+q] {
							t.Fatalf("%d×%d×%d: image %d, channel %d, pixel %d", n, c, p, i, j, q)
						}
					}
				}
			}
			k.ToNCHW(back, y, n, c, p)
			for i := range x {
				if back[i] != x[i] {
					t.Fatalf("%d×%d×%d: there and back differs at %d", n, c, p, i)
				}
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 400 {
			rank := r.IntN(6)
			shape, perm := make([]int, rank), r.Perm(rank)
			for i := range shape {
				shape[i] = []int{1, 2, 3, 8, 11}[r.IntN(5)]
			}
			x := randoms(r, product(shape))
			y := make([]float32, len(x))
			if err := k.Transpose(y, x, shape, perm); err != nil {
				t.Fatal(err)
			}
			for i, got := range y {
				rest, at := i, 0
				for j := rank - 1; j >= 0; j-- {
					n := shape[perm[j]]
					at += rest % n * product(shape[perm[j]+1:])
					rest /= n
				}
				if got != x[at] {
					t.Fatalf("%v by %v: [%d] = %g, want %g", shape, perm, i, got, x[at])
				}
			}
		}
		for _, perm := range [][]int{{0}, {0, 0}, {0, 2}} {
			if err := k.Transpose(make([]float32, 6), make([]float32, 6), []int{2, 3}, perm); !errors.Is(err, ErrShape) {
				t.Errorf("%v: error %v", perm, err)
			}
		}
	})
}

// Every binary16 value converts exactly, and back to itself.
func TestHalfExhaustive(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		const n = 1<<16 + 3 // a tail of three
		src, f, back := make([]uint16, n), make([]float32, n), make([]uint16, n)
		for i := range src {
			src[i] = uint16(i)
		}
		k.HalfToFloat(f, src)
		k.FloatToHalf(back, f)
		for i, h := range src {
			sign, exp, mant := 1-2*float64(h>>15), int(h>>10&31), float64(h&0x3ff)
			want := sign * math.Ldexp(1024+mant, exp-25)
			switch {
			case exp == 0:
				want = sign * math.Ldexp(mant, -24)
			case exp == 31 && mant == 0:
				want = sign * math.Inf(1)
			case exp == 31:
				if f[i] == f[i] || math.Float32bits(f[i]) != math.Float32bits(halfToFloat(h)) || back[i] != h|0x200 {
					t.Fatalf("NaN %#x: %#x, back %#x", h, math.Float32bits(f[i]), back[i])
				}
				continue
			}
			if float64(f[i]) != want || math.Signbit(float64(f[i])) != (h>>15 == 1) || back[i] != h {
				t.Fatalf("%#x = %g, want %g; back %#x", h, f[i], want, back[i])
			}
		}
	})
}

// Rounding is to nearest, ties to even: every boundary between two binary16
// values, the float32 before it and the one after; and every 7,976th float32
// against the scalar twin.
func TestFloatToHalfRounding(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		src, want := make([]float32, 0, 3*0x7c00), make([]uint16, 0, 3*0x7c00)
		for h := range uint16(0x7bff) {
			mid := (halfToFloat(h) + halfToFloat(h+1)) / 2 // exact in float32
			src = append(src, math.Nextafter32(mid, 0), mid, math.Nextafter32(mid, 1e9))
			want = append(want, h, h+h&1, h+1)
		}
		got := make([]uint16, len(src))
		k.FloatToHalf(got, src)
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%g: %#x, want %#x", src[i], got[i], want[i])
			}
		}
		src = src[:0]
		for bits := uint64(0); bits < 1<<32; bits += 997 * 8 {
			src = append(src, math.Float32frombits(uint32(bits)))
		}
		got = make([]uint16, len(src))
		k.FloatToHalf(got, src)
		for i, f := range src {
			if w := floatToHalf(f); got[i] != w {
				t.Fatalf("%#x: %#x, scalar %#x", math.Float32bits(f), got[i], w)
			}
		}
	})
}
