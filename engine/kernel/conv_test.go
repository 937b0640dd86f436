package kernel

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// convCase is a convolution with its operands.
type convCase struct {
	spec          ConvSpec
	shape         ConvShape
	weights, bias []float32
	x, res        []float32
	oh, ow        int
}

// randomConv draws a convolution; ok is false where the kernel does not fit.
func randomConv(r *rand.Rand) (c convCase, ok bool) {
	pick := func(from ...int) int { return from[r.IntN(len(from))] }
	s := ConvSpec{KH: 1 + r.IntN(4), KW: 1 + r.IntN(4), StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3)}
	s.DilationH, s.DilationW = pick(1, 1, 1, 2, 3), pick(1, 1, 1, 2, 3)
	switch r.IntN(5) {
	case 0: // depthwise
		s.In = 1 + r.IntN(40)
		s.Out, s.Groups = s.In, s.In
	case 1:
		s.Groups = 2 + r.IntN(5)
		s.In, s.Out = s.Groups*(1+r.IntN(9)), s.Groups*(1+r.IntN(40))
		if r.IntN(2) == 0 { // several groups in a vector
			g := pick(4, 8)
			s.Groups = 16 / g * (1 + r.IntN(4))
			s.In, s.Out = g*s.Groups, g*s.Groups
		}
	case 2: // pointwise
		s.KH, s.KW, s.StrideH, s.StrideW = 1, 1, 1, 1
		s.In, s.Out = pick(3, 17, 64, 512), 1+r.IntN(70)
	default:
		s.In, s.Out = 1+r.IntN(35), 1+r.IntN(70)
	}
	s.Act = []Activation{{}, Relu(), Clip(0, 6), {Kind: ActLeaky, Alpha: .2}, HardSwish()}[r.IntN(5)]
	h := ConvShape{N: 1 + r.IntN(3), H: 1 + r.IntN(20), W: 1 + r.IntN(34)}
	if s.KH*s.KW > 1 || r.IntN(2) == 0 {
		h.PadTop, h.PadLeft, h.PadBottom, h.PadRight = r.IntN(4), r.IntN(4), r.IntN(4), r.IntN(4)
	}
	if r.IntN(3) == 0 {
		h.XPitch, h.YPitch, h.ResPitch = s.In+r.IntN(5), s.Out+r.IntN(5), s.Out+r.IntN(5)
	}
	return newConvCase(r, s, h)
}

func newConvCase(r *rand.Rand, s ConvSpec, h ConvShape) (c convCase, ok bool) {
	oh, ow, err := s.OutSize(h)
	if err != nil {
		return c, false
	}
	s, _ = s.normalized()
	c = convCase{spec: s, shape: h, oh: oh, ow: ow}
	c.weights = randoms(r, s.Out*s.In/s.Groups*s.KH*s.KW)
	if r.IntN(2) == 0 {
		c.bias = randoms(r, s.Out)
	}
	c.x = randoms(r, h.N*h.H*h.W*max(h.XPitch, s.In))
	if r.IntN(2) == 0 {
		c.res = randoms(r, h.N*oh*ow*max(h.ResPitch, s.Out))
	}
	return c, true
}

// want is the definition of one output in float64 with a bound of its
// rounding error.
func (c *convCase) want(n, oy, ox, o int) (value, bound float64) {
	s, h := c.spec, c.shape
	cin, cout := s.In/s.Groups, s.Out/s.Groups
	var sum, mag float64
	for ky := range s.KH {
		for kx := range s.KW {
			iy, ix := oy*s.StrideH-h.PadTop+ky*s.DilationH, ox*s.StrideW-h.PadLeft+kx*s.DilationW
			if iy < 0 || iy >= h.H || ix < 0 || ix >= h.W {
				continue
			}
			for i := range cin {
				a := c.x[((n*h.H+iy)*h.W+ix)*max(h.XPitch, s.In)+o/cout*cin+i]
				w := c.weights[((o*cin+i)*s.KH+ky)*s.KW+kx]
				sum += float64(a) * float64(w)
				mag += math.Abs(float64(a) * float64(w))
			}
		}
	}
	if c.bias != nil {
		sum += float64(c.bias[o])
	}
	if c.res != nil {
		sum += float64(c.res[((n*c.oh+oy)*c.ow+ox)*max(h.ResPitch, s.Out)+o])
	}
	terms := float64(cin*s.KH*s.KW + 4)
	if s.Winograd { // tiles and weights are sums that may be larger than their terms
		terms *= 4
	}
	return activate64(s.Act, sum), terms * eps32 * (mag + 2)
}

// run computes the convolution, its tiles in a random order.
func (c *convCase) run(t testing.TB, k *Kernels, r *rand.Rand) []float32 {
	t.Helper()
	w, err := k.PackConv(c.spec, c.weights, c.bias)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := w.Plan(c.shape)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, c.shape.N*c.oh*c.ow*max(c.shape.YPitch, c.spec.Out))
	for i := range y {
		y[i] = untouched
	}
	scratch := &Scratch{}
	for _, tile := range r.Perm(plan.Tiles()) {
		plan.Run(tile, c.x, c.res, y, scratch)
	}
	return y
}

const untouched = 12345

func (c *convCase) check(t testing.TB, k *Kernels, r *rand.Rand) {
	t.Helper()
	y := c.run(t, k, r)
	pitch := max(c.shape.YPitch, c.spec.Out)
	for i, v := range y {
		pix, o := i/pitch, i%pitch
		if o >= c.spec.Out {
			if v != untouched {
				t.Fatalf("%+v of %+v: wrote between pixels", c.spec, c.shape)
			}
			continue
		}
		n, oy, ox := pix/(c.oh*c.ow), pix/c.ow%c.oh, pix%c.ow
		want, bound := c.want(n, oy, ox, o)
		if d := math.Abs(float64(v) - want); !(d <= bound) {
			t.Fatalf("%+v of %+v: y[%d,%d,%d,%d] = %g, want %g (allowed %g)", c.spec, c.shape, n, oy, ox, o, v, want, bound)
		}
	}
}

// A convolution of any shape is what its definition says.
func TestConvDefinition(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for done := 0; done < 150; {
			if c, ok := randomConv(r); ok {
				c.check(t, k, r)
				done++
			}
		}
	})
}

// Shapes of real networks: a stem, rows shorter than a tile, aliasing
// channels, 32 groups, several tiles of rows and of panels.
func TestConvLayers(t *testing.T) {
	same := ConvShape{PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}
	size := func(n, h, w int) ConvShape { s := same; s.N, s.H, s.W = n, h, w; return s }
	cases := []struct {
		spec  ConvSpec
		shape ConvShape
	}{
		{ConvSpec{In: 3, Out: 64, KH: 7, KW: 7, StrideH: 2, StrideW: 2}, ConvShape{N: 1, H: 40, W: 56, PadTop: 3, PadLeft: 3, PadBottom: 3, PadRight: 3}},
		{ConvSpec{In: 512, Out: 40, KH: 3, KW: 3}, size(1, 7, 7)},
		{ConvSpec{In: 256, Out: 33, KH: 3, KW: 3, StrideH: 2, StrideW: 2}, size(2, 14, 14)},
		{ConvSpec{In: 128, Out: 128, KH: 3, KW: 3, Groups: 32}, size(1, 14, 14)},
		{ConvSpec{In: 256, Out: 256, KH: 3, KW: 3, Groups: 32, StrideH: 2, StrideW: 2}, size(2, 15, 9)},
		{ConvSpec{In: 32, Out: 32, KH: 1, KW: 1, Groups: 8}, ConvShape{N: 2, H: 7, W: 7}},
		{ConvSpec{In: 48, Out: 48, KH: 2, KW: 3, Groups: 12, DilationH: 2, DilationW: 3, Act: HardSwish()}, ConvShape{N: 2, H: 9, W: 20, PadLeft: 2, XPitch: 50, YPitch: 51}},
		{ConvSpec{In: 16, Out: 200, KH: 3, KW: 3}, size(1, 32, 32)},
		{ConvSpec{In: 1024, Out: 100, KH: 1, KW: 1}, ConvShape{N: 3, H: 7, W: 7}},
		{ConvSpec{In: 64, Out: 64, KH: 3, KW: 3, Groups: 64, StrideH: 2, StrideW: 2}, size(2, 33, 33)},
	}
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, x := range cases {
			c, ok := newConvCase(r, x.spec, x.shape)
			if !ok {
				t.Fatalf("%+v does not fit", x)
			}
			c.check(t, k, r)
		}
	})
}

// The levels with fused multiply-add agree to the last bit.
func TestConvSameBits(t *testing.T) {
	r := newRand(t)
	for done := 0; done < 60; {
		c, ok := randomConv(r)
		if !ok {
			continue
		}
		done++
		var first []float32
		for _, l := range Levels() {
			if l == Scalar {
				continue
			}
			k, err := For(l)
			if err != nil {
				t.Fatal(err)
			}
			y := c.run(t, k, r)
			if first == nil {
				first = y
			}
			for i := range y {
				if math.Float32bits(y[i]) != math.Float32bits(first[i]) {
					t.Fatalf("%v: %+v of %+v: y[%d] = %x, other level %x", l, c.spec, c.shape, i, y[i], first[i])
				}
			}
		}
	}
}

func FuzzConv(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	all := Levels()
	k, err := For(all[len(all)-1])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 2))
		if c, ok := randomConv(r); ok {
			c.check(t, k, r)
		}
	})
}

func TestConvErrors(t *testing.T) {
	k, _ := For(Scalar)
	good := ConvSpec{In: 4, Out: 6, KH: 3, KW: 3}
	for want, change := range map[string]func(*ConvSpec){
		"every size must be at least 1": func(s *ConvSpec) { s.KH = -1 },
		"do not divide":                 func(s *ConvSpec) { s.Groups = 3 },
		"weights, want":                 func(s *ConvSpec) { s.Out = 5 },
		"bounds out of order":           func(s *ConvSpec) { s.Act = Clip(1, 0) },
	} {
		s := good
		change(&s)
		_, err := k.PackConv(s, make([]float32, 216), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := k.PackConv(good, make([]float32, 216), make([]float32, 5)); !errors.Is(err, ErrShape) {
		t.Errorf("short bias: %v", err)
	}
	w, err := k.PackConv(good, make([]float32, 216), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []ConvShape{{N: 1, H: 2, W: 9}, {N: 0, H: 9, W: 9}, {N: 1, H: 9, W: 9, PadLeft: -1}, {N: 1, H: 9, W: 9, XPitch: 3}} {
		if _, err := w.Plan(s); !errors.Is(err, ErrShape) {
			t.Errorf("%+v: error %v", s, err)
		}
	}
}

// Levels of different processors agree as well: the bits of one convolution,
// written down from an AVX-512 run, which AVX2 and (under qemu-user) NEON repeat.
// The activation is a leaky one, which keeps the sign of zero on all of them.
func TestConvKnownBits(t *testing.T) {
	const want = 0x14784f59146b3ce2
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range Levels() {
		if l == Scalar {
			continue
		}
		k, err := For(l)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := newConvCase(rand.New(rand.NewPCG(3, 4)),
			ConvSpec{In: 19, Out: 37, KH: 3, KW: 3, Act: Activation{Kind: ActLeaky, Alpha: .1}},
			ConvShape{N: 2, H: 9, W: 11, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1})
		if !ok {
			t.Fatal("does not fit")
		}
		hash := uint64(14695981039346656037)
		for _, v := range c.run(t, k, r) {
			hash = (hash ^ uint64(math.Float32bits(v))) * 1099511628211
		}
		if hash != want {
			t.Errorf("%v: bits hash to %#x, want %#x", l, hash, uint64(want))
		}
	}
}

// Tiles on several goroutines, with the residual in the output's own memory,
// give the bits of one goroutine with the residual elsewhere.
func TestConvConcurrentInPlace(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, spec := range []ConvSpec{
			{In: 32, Out: 48, KH: 3, KW: 3, Act: Relu()},
			{In: 64, Out: 40, KH: 1, KW: 1, Act: Activation{Kind: ActSiLU}},
			{In: 40, Out: 40, KH: 3, KW: 3, Groups: 40, Act: HardSwish()},
		} {
			pad := spec.KH / 2
			c, ok := newConvCase(r, spec, ConvShape{N: 4, H: 24, W: 24, PadTop: pad, PadLeft: pad, PadBottom: pad, PadRight: pad})
			if !ok {
				t.Fatalf("%+v does not fit", spec)
			}
			c.res = randoms(r, 4*24*24*spec.Out)
			want := c.run(t, k, r)
			w, err := k.PackConv(c.spec, c.weights, c.bias)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := w.Plan(c.shape)
			if err != nil {
				t.Fatal(err)
			}
			y := slices.Clone(c.res)
			const workers = 3
			var wait sync.WaitGroup
			for i := range workers {
				wait.Go(func() {
					var s Scratch
					for tile := i; tile < plan.Tiles(); tile += workers {
						plan.Run(tile, c.x, y, y, &s)
					}
				})
			}
			wait.Wait()
			if plan.Tiles() < 2 {
				t.Errorf("%+v: one tile, nothing is concurrent", spec)
			}
			for i := range y {
				if math.Float32bits(y[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%+v: y[%d] = %g, want %g", spec, i, y[i], want[i])
				}
			}
		}
	})
}
