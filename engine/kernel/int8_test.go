package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// quantCase is a random integer convolution.
type quantCase struct {
	spec  QuantSpec
	shape ConvShape
	zero  int32   // of the input
	wzero []int32 // of the weights
}

func randomQuantCase(rng *rand.Rand) quantCase {
	n := func(lo, hi int) int { return lo + rng.IntN(hi-lo+1) }
	c := quantCase{spec: QuantSpec{KH: n(1, 4), KW: n(1, 4), StrideH: n(1, 2), StrideW: n(1, 3), DilationH: n(1, 2), DilationW: n(1, 2),
		XSigned: rng.IntN(2) == 0, WSigned: rng.IntN(2) == 0}}
	switch rng.IntN(4) {
	case 0: // depthwise
		c.spec.In = n(2, 40)
		c.spec.Out, c.spec.Groups = c.spec.In, c.spec.In
	case 1:
		c.spec.Groups = n(2, 4)
		c.spec.In, c.spec.Out = c.spec.Groups*n(1, 9), c.spec.Groups*n(1, 9)
	default:
		c.spec.In, c.spec.Out, c.spec.Groups = n(1, 40), n(1, 80), 1
	}
	if rng.IntN(4) == 0 {
		c.spec.KH, c.spec.KW, c.spec.StrideH, c.spec.StrideW = 1, 1, 1, 1
	} else {
		c.shape = ConvShape{PadTop: n(0, 2), PadLeft: n(0, 2), PadBottom: n(0, 2), PadRight: n(0, 2)}
	}
	c.shape.N, c.shape.H, c.shape.W = n(1, 3), n(8, 14), n(8, 20)
	c.shape.XPitch, c.shape.YPitch = c.spec.In+rng.IntN(2)*3, c.spec.Out+rng.IntN(2)*5
	c.zero = int32(rng.IntN(256))
	if c.spec.XSigned {
		c.zero -= 128
	}
	switch rng.IntN(3) {
	case 0:
		c.wzero = []int32{map[bool]int32{true: 0, false: 128}[c.spec.WSigned]}
	case 1:
		for range c.spec.Out {
			c.wzero = append(c.wzero, int32(rng.IntN(100)))
		}
	}
	return c
}

// naive is the convolution by its definition.
func (c quantCase) naive(x, w []byte) []int32 {
	s, p := c.spec, c.shape
	value := func(b byte, signed bool) int32 { return ByteRange{Signed: signed}.value(b) }
	oh, ow, err := s.geometry().OutSize(p)
	if err != nil {
		panic(err)
	}
	cin, per := s.In/s.Groups, s.Out/s.Groups
	out := make([]int32, p.N*oh*ow*s.Out)
	for i := range out {
		m, ox, oy, n := i%s.Out, i/s.Out%ow, i/s.Out/ow%oh, i/s.Out/ow/oh
		var wz int32
		if len(c.wzero) > 0 {
			wz = c.wzero[m%len(c.wzero)]
		}
		for j := range cin * s.KH * s.KW {
			kx, ky, ch := j%s.KW, j/s.KW%s.KH, j/s.KW/s.KH
			iy, ix := oy*s.StrideH-p.PadTop+ky*s.DilationH, ox*s.StrideW-p.PadLeft+kx*s.DilationW
			if iy < 0 || iy >= p.H || ix < 0 || ix >= p.W {
				continue
			}
			a := value(x[((n*p.H+iy)*p.W+ix)*p.XPitch+m/per*cin+ch], s.XSigned) - c.zero
			out[i] += a * (value(w[m*cin*s.KH*s.KW+j], s.WSigned) - wz)
		}
	}
	return out
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.IntN(256))
		if rng.IntN(8) == 0 {
			b[i] = []byte{0, 127, 128, 255}[rng.IntN(4)] // where saturating sums would show
		}
	}
	return b
}

// Sums are exact, and bytes and floats follow from them, at every level.
func TestQuantConv(t *testing.T) {
	for _, level := range Levels() {
		k, err := For(level)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(level.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, uint64(level)))
			for range 300 {
				if c := randomQuantCase(rng); !checkQuantCase(t, k, c, rng) {
					t.Fatalf("%+v", c)
				}
			}
		})
	}
}

func checkQuantCase(t *testing.T, k *Kernels, c quantCase, rng *rand.Rand) bool {
	oh, ow, err := c.spec.geometry().OutSize(c.shape)
	if err != nil {
		return true // the kernel is larger than the input
	}
	p, out := c.shape, c.spec.Out
	x := randomBytes(rng, p.N*p.H*p.W*p.XPitch)
	w := randomBytes(rng, out*c.spec.In/c.spec.Groups*c.spec.KH*c.spec.KW)
	packed, err := k.PackQuant(c.spec, w, c.wzero)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := packed.Plan(c.shape)
	if err != nil {
		t.Fatal(err)
	}
	want := c.naive(x, w)
	pixels := p.N * oh * ow
	y := QuantOut{Bias: make([]int32, out), Scale: make([]float32, out), Zero: int32(rng.IntN(256)), Lo: 0, Hi: 255}
	shift := make([]float32, out)
	for i := range out {
		y.Bias[i], y.Scale[i], shift[i] = int32(rng.IntN(2000)-1000), rng.Float32()*0.01, rng.Float32()
	}
	if rng.IntN(2) == 0 {
		y.Zero, y.Lo, y.Hi = y.Zero-128, -128, 127
	}
	ints, bytes, floats := y, y, y
	ints.Int32, bytes.Bytes, floats.Floats = make([]int32, pixels*p.YPitch), make([]byte, pixels*p.YPitch), make([]float32, pixels*p.YPitch)
	floats.Shift = shift
	for _, o := range []*QuantOut{&ints, &bytes, &floats} {
		for tile := range plan.Tiles() {
			plan.Run(tile, x, c.zero, o, new(Scratch))
		}
	}
	for i, v := range want {
		at, ch := i/out*p.YPitch+i%out, i%out
		v += y.Bias[ch]
		f := float32(float32(v) * y.Scale[ch])
		b := roundByte(f, float32(y.Lo-y.Zero), float32(y.Hi-y.Zero), y.Zero)
		g := f + shift[ch]
		if ints.Int32[at] != v || floats.Floats[at] != g || bytes.Bytes[at] != b {
			t.Errorf("result %d: sum %d, float %g, byte %d; want %d, %g, %d", i, ints.Int32[at], floats.Floats[at], bytes.Bytes[at], v, g, b)
			return false
		}
	}
	for i := range ints.Int32 { // gaps between pixels stay as they were
		if i%p.YPitch >= out && (ints.Int32[i] != 0 || bytes.Bytes[i] != 0 || floats.Floats[i] != 0) {
			t.Errorf("element %d of a gap was written", i)
			return false
		}
	}
	return true
}

// The elementwise functions of bytes give at every level what one element
// alone gives, and quantization follows its definition.
func TestByteFunctions(t *testing.T) {
	scalar, err := For(Scalar)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range Levels() {
		k, err := For(level)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(5, uint64(level)))
		for range 200 {
			n := rng.IntN(100)
			r := func() ByteRange {
				b := ByteRange{Scale: 0.001 + rng.Float32(), Zero: int32(rng.IntN(256)), Signed: rng.IntN(2) == 0}
				if b.Signed {
					b.Zero -= 128
				}
				return b
			}
			ra, rb, rd := r(), r(), r()
			if rng.IntN(4) > 0 {
				rb.Signed, rb.Zero = ra.Signed, ra.Zero
			}
			a, b := randomBytes(rng, n), randomBytes(rng, n)
			x := make([]float32, n)
			for i := range x {
				x[i] = (float32(rng.IntN(700)) - 350) / 2 * rd.Scale // halves among them
				if rng.IntN(50) == 0 {
					x[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 1e30}[rng.IntN(4)]
				}
			}
			lo, hi := rd.limits()
			run := func(k *Kernels) string {
				q, s, m := make([]byte, n), make([]byte, n), append([]byte(nil), a...)
				d, acc := make([]float32, n), make([]int32, n)
				k.Quantize(q, x, rd)
				k.Dequantize(d, a, ra)
				k.AddBytes(s, a, b, ra, rb, rd, int32(lo)+rd.Zero+3, int32(hi)+rd.Zero)
				k.SumBytes(acc, a, ra.Signed)
				k.SumBytes(acc, b, ra.Signed)
				k.MaxBytes(m, b, ra.Signed)
				return fmt.Sprint(q, s, m, d, acc)
			}
			if got, want := run(k), run(scalar); got != want {
				t.Fatalf("%v, %d bytes, %+v %+v %+v:\n%s\nscalar:\n%s", level, n, ra, rb, rd, got, want)
			}
		}
	}
	r := ByteRange{Scale: 0.5, Zero: 10}
	x := []float32{0.25, 0.75, -0.25, -5.3, -1000, 1000, 1.3}
	got := make([]byte, len(x))
	scalar.Quantize(got, x, r)
	if want := "[10 12 10 0 0 255 13]"; fmt.Sprint(got) != want {
		t.Errorf("Quantize(%v) = %v, want %s", x, got, want)
	}
}

func BenchmarkQuantConv(b *testing.B) {
	for _, level := range Levels()[1:] {
		k, err := For(level)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name              string
			size, in, out, kk int
		}{{"32x32x16", 32, 16, 16, 3}, {"32x32x64", 32, 64, 64, 3}, {"8x8x256", 8, 256, 256, 3}, {"56x56x64", 56, 64, 64, 3}, {"14x14x1024-256", 14, 1024, 256, 1}} {
			b.Run(fmt.Sprintf("%v/%s", level, c.name), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				spec := QuantSpec{In: c.in, Out: c.out, KH: c.kk, KW: c.kk, WSigned: true}
				w, err := k.PackQuant(spec, randomBytes(rng, c.in*c.out*c.kk*c.kk), nil)
				if err != nil {
					b.Fatal(err)
				}
				pad := c.kk / 2
				plan, err := w.Plan(ConvShape{N: 1, H: c.size, W: c.size, PadTop: pad, PadLeft: pad, PadBottom: pad, PadRight: pad})
				if err != nil {
					b.Fatal(err)
				}
				x := randomBytes(rng, c.size*c.size*c.in)
				y := QuantOut{Bytes: make([]byte, c.size*c.size*c.out), Scale: make([]float32, c.out), Hi: 255}
				s := new(Scratch)
				for b.Loop() {
					for tile := range plan.Tiles() {
						plan.Run(tile, x, 3, &y, s)
					}
				}
				macs := float64(c.size*c.size*c.in*c.out*c.kk*c.kk) * float64(b.N)
				b.ReportMetric(macs/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
	}
}
