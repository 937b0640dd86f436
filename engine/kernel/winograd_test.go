package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomWinograd draws a convolution that Winograd's algorithm computes; ok is
// false where the kernel does not fit.
func randomWinograd(r *rand.Rand) (c convCase, ok bool) {
	s := ConvSpec{In: 16 + r.IntN(40), Out: 16 + r.IntN(60), KH: 3, KW: 3, Winograd: true}
	if r.IntN(8) == 0 {
		s.In = 512 // rows of operands that alias
	}
	s.Act = []Activation{{}, Relu(), Clip(0, 6), {Kind: ActLeaky, Alpha: .2}, HardSwish(), {Kind: ActSiLU}}[r.IntN(6)]
	h := ConvShape{N: 1 + r.IntN(3), H: 1 + r.IntN(20), W: 1 + r.IntN(34),
		PadTop: r.IntN(3), PadLeft: r.IntN(3), PadBottom: r.IntN(3), PadRight: r.IntN(3)}
	if s.In == 512 {
		h.N, h.H, h.W = 1, 1+r.IntN(8), 1+r.IntN(8)
	}
	if r.IntN(3) == 0 {
		h.XPitch, h.YPitch, h.ResPitch = s.In+r.IntN(5), s.Out+r.IntN(5), s.Out+r.IntN(5)
	}
	return newConvCase(r, s, h)
}

// Winograd's algorithm gives the convolution: odd sizes, columns that do not
// fill a vector, residuals, every activation.
func TestWinogradDefinition(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for done := 0; done < 60; {
			if c, ok := randomWinograd(r); ok {
				c.check(t, k, r)
				done++
			}
		}
	})
}

// The transforms of all levels, and the levels with fused multiply-add
// altogether, agree to the last bit; so do one image alone and in a batch.
func TestWinogradSameBits(t *testing.T) {
	r := newRand(t)
	for done := 0; done < 40; {
		c, ok := randomWinograd(r)
		if !ok {
			continue
		}
		done++
		var first []float32
		for _, l := range Levels() {
			k, err := For(l)
			if err != nil {
				t.Fatal(err)
			}
			if kind := c.spec.Act.Kind; l == Scalar && (kind == ActLeaky || kind == ActHardSwish) {
				continue // the scalar twins round their products
			}
			if l == Scalar { // its transforms, with the products of another level
				if k, err = For(Levels()[len(Levels())-1]); err != nil {
					t.Fatal(err)
				}
				scalarWinograd(k)
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
		one := c
		one.shape.N = 1
		k, err := For(Levels()[len(Levels())-1])
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range one.run(t, k, r) {
			if math.Float32bits(v) != math.Float32bits(first[i]) {
				t.Fatalf("%+v of %+v: y[%d] is %x alone, %x in a batch", c.spec, c.shape, i, v, first[i])
			}
		}
	}
}

// What cannot use it is computed directly.
func TestWinogradFits(t *testing.T) {
	good := ConvSpec{In: 16, Out: 16, KH: 3, KW: 3, Winograd: true}
	for name, change := range map[string]func(s *ConvSpec){
		"not asked for": func(s *ConvSpec) { s.Winograd = false }, "stride": func(s *ConvSpec) { s.StrideW = 2 },
		"dilation": func(s *ConvSpec) { s.DilationH = 2 }, "kernel": func(s *ConvSpec) { s.KW = 5 },
		"groups": func(s *ConvSpec) { s.Groups = 2 }, "few channels": func(s *ConvSpec) { s.In = 8 },
	} {
		s := good
		change(&s)
		if n, err := s.normalized(); err != nil || n.winogradFits() {
			t.Errorf("%s: fits %t, %v", name, n.winogradFits(), err)
		}
	}
	if n, err := good.normalized(); err != nil || !n.winogradFits() {
		t.Errorf("%+v does not fit", good)
	}
}

func FuzzWinograd(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	all := Levels()
	k, err := For(all[len(all)-1])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		if c, ok := randomWinograd(r); ok {
			c.check(t, k, r)
		}
	})
}

// BenchmarkWinograd measures the 3×3 layers of the speed table in the
// multiply-adds of the direct sum, which can exceed the processor's peak.
func BenchmarkWinograd(b *testing.B) {
	for _, l := range Levels()[1:] {
		k, err := For(l)
		if err != nil {
			b.Fatal(err)
		}
		peak := peakGFLOPS(k)
		for _, x := range convLayers {
			spec := ConvSpec{In: x.in, Out: x.out, KH: x.k, KW: x.k, StrideH: x.s, StrideW: x.s, Groups: x.groups, Act: Relu(), Winograd: true}
			if n, err := spec.normalized(); err != nil || !n.winogradFits() {
				continue
			}
			b.Run(l.String()+"/"+x.name, func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 1))
				w, err := k.PackConv(spec, randoms(r, x.in*x.out*9), randoms(r, x.out))
				if err != nil {
					b.Fatal(err)
				}
				plan, err := w.Plan(ConvShape{N: 1, H: x.size, W: x.size, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1})
				if err != nil {
					b.Fatal(err)
				}
				in, out, s := randoms(r, x.size*x.size*x.in), Aligned(x.size*x.size*x.out), new(Scratch)
				for b.Loop() {
					for tile := range plan.Tiles() {
						plan.Run(tile, in, nil, out, s)
					}
				}
				gflops := 2e-9 * float64(plan.MACs()) * float64(b.N) / b.Elapsed().Seconds()
				b.ReportMetric(gflops, "GFLOP/s")
				b.ReportMetric(100*gflops/peak, "%peak")
			})
		}
	}
}
