package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// trainCase is a convolution with the gradient of its output.
type trainCase struct {
	convCase
	dy []float32
}

func newTrainCase(r *rand.Rand, c convCase) *trainCase {
	c.spec.Act = Activation{}
	return &trainCase{c, randoms(r, c.shape.N*c.oh*c.ow*max(c.shape.YPitch, c.spec.Out))}
}

// gradients are the definition in float64, with the sums of magnitudes of their
// terms and the number of terms.
type gradients struct {
	dx, dw, magX, magW []float64
	nx, nw             []int
}

func (c *trainCase) want() *gradients {
	s, h := c.spec, c.shape
	xp, yp := max(h.XPitch, s.In), max(h.YPitch, s.Out)
	cin, cout := s.In/s.Groups, s.Out/s.Groups
	g := &gradients{dx: make([]float64, len(c.x)), magX: make([]float64, len(c.x)), nx: make([]int, len(c.x)),
		dw: make([]float64, len(c.weights)), magW: make([]float64, len(c.weights)), nw: make([]int, len(c.weights))}
	for pix := range h.N * c.oh * c.ow {
		n, oy, ox := pix/(c.oh*c.ow), pix/c.ow%c.oh, pix%c.ow
		for t := range s.KH * s.KW {
			iy, ix := oy*s.StrideH-h.PadTop+t/s.KW*s.DilationH, ox*s.StrideW-h.PadLeft+t%s.KW*s.DilationW
			if iy < 0 || iy >= h.H || ix < 0 || ix >= h.W {
				continue
			}
			in := ((n*h.H+iy)*h.W + ix) * xp
			for o := range s.Out {
				dy := float64(c.dy[pix*yp+o])
				for i := range cin {
					xi, wi := in+o/cout*cin+i, (o*cin+i)*s.KH*s.KW+t
					g.add(xi, wi, dy*float64(c.weights[wi]), dy*float64(c.x[xi]))
				}
			}
		}
	}
	return g
}

func (g *gradients) add(xi, wi int, x, w float64) {
	g.dx[xi] += x
	g.magX[xi] += math.Abs(x)
	g.nx[xi]++
	g.dw[wi] += w
	g.magW[wi] += math.Abs(w)
	g.nw[wi]++
}

// results of one level, computed in a random order of tiles.
type trainResults struct{ y, dx, dw []float32 }

func (c *trainCase) run(t testing.TB, k *Kernels, add []float32, each func(tiles int, f func(tile int, s *Scratch))) trainResults {
	t.Helper()
	w, err := k.NewTrainWeights(c.spec, c.bias != nil)
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(c.weights)
	slices.Reverse(other)
	for tile := range w.PackTiles() { // what was packed before leaves no trace
		w.Pack(tile, other, c.bias)
	}
	each(w.PackTiles(), func(tile int, _ *Scratch) { w.Pack(tile, c.weights, c.bias) })
	plan, err := w.Plan(c.shape)
	if err != nil {
		t.Fatal(err)
	}
	out := trainResults{y: make([]float32, len(c.dy)), dx: make([]float32, len(c.x)), dw: make([]float32, len(c.weights))}
	for i := range out.dx {
		out.dx[i] = untouched
	}
	if add != nil {
		copy(out.dx, add)
	}
	f := plan.Forward()
	each(f.Tiles(), func(tile int, s *Scratch) { f.Run(tile, c.x, c.res, out.y, s) })
	each(plan.DataTiles(), func(tile int, s *Scratch) { plan.Data(tile, c.dy, out.dx, add != nil, s) })
	partials := make([]float32, plan.WeightPartials())
	for i := range partials {
		partials[i] = float32(math.NaN())
	}
	each(plan.WeightTiles(), func(tile int, s *Scratch) { plan.Weight(tile, c.x, c.dy, partials, s) })
	each(plan.WeightSumTiles(), func(tile int, _ *Scratch) { plan.WeightSum(tile, partials, out.dw) })
	return out
}

// inRandomOrder runs tiles one after the other.
func inRandomOrder(r *rand.Rand) func(int, func(int, *Scratch)) {
	return func(tiles int, f func(int, *Scratch)) {
		s := &Scratch{}
		for _, tile := range r.Perm(tiles) {
			f(tile, s)
		}
	}
}

// onWorkers runs tiles on some goroutines, whichever comes first.
func onWorkers(workers int) func(int, func(int, *Scratch)) {
	return func(tiles int, f func(int, *Scratch)) {
		next := make(chan int)
		var wait sync.WaitGroup
		for range workers {
			wait.Go(func() {
				s := &Scratch{}
				for tile := range next {
					f(tile, s)
				}
			})
		}
		for tile := range tiles {
			next <- tile
		}
		close(next)
		wait.Wait()
	}
}

func (c *trainCase) check(t testing.TB, k *Kernels, r *rand.Rand) {
	t.Helper()
	var add []float32
	if r.IntN(2) == 0 {
		add = randoms(r, len(c.x))
	}
	got, want := c.run(t, k, add, inRandomOrder(r)), c.want()
	slack := 1.0
	if c.spec.Winograd {
		slack = 4 // tiles and weights are sums that may be larger than their terms
	}
	pitch := max(c.shape.XPitch, c.spec.In)
	for i, v := range got.dx {
		exact, start := want.dx[i], 0.0
		if add != nil {
			start = float64(add[i])
		}
		if i%pitch >= c.spec.In {
			if add == nil && v != untouched || add != nil && v != add[i] {
				t.Fatalf("%+v of %+v: wrote between pixels of dx", c.spec, c.shape)
			}
			continue
		}
		bound := slack * float64(want.nx[i]+4) * eps32 * (want.magX[i] + math.Abs(start) + 1)
		if d := math.Abs(float64(v) - start - exact); !(d <= bound) {
			t.Fatalf("%v: %+v of %+v: dx[%d] = %g, want %g (allowed %g)", k.Level(), c.spec, c.shape, i, v, start+exact, bound)
		}
	}
	for i, v := range got.dw {
		n, mag := want.nw[i], want.magW[i]
		if c.spec.Winograd {
			// All taps of a kernel come from the same 16 sums: a tap that meets
			// padding only has the rounding of the others.
			for j := i - i%9; j < i-i%9+9; j++ {
				n, mag = max(n, want.nw[j]), math.Max(mag, want.magW[j])
			}
		}
		bound := slack * float64(n+4) * eps32 * (mag + 1)
		if d := math.Abs(float64(v) - want.dw[i]); !(d <= bound) {
			t.Fatalf("%v: %+v of %+v: dw[%d] = %g, want %g (allowed %g)", k.Level(), c.spec, c.shape, i, v, want.dw[i], bound)
		}
	}
	forward := c.convCase.run(t, k, r)
	for i, v := range got.y {
		if forward[i] != untouched && math.Float32bits(v) != math.Float32bits(forward[i]) {
			t.Fatalf("%+v of %+v: y[%d] = %g, engine %g", c.spec, c.shape, i, v, forward[i])
		}
	}
}

// The gradients of a convolution of any shape are the derivatives of its
// definition, which is linear in either operand.
func TestConvGradients(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for done := 0; done < 100; {
			if c, ok := randomConv(r); ok {
				newTrainCase(r, c).check(t, k, r)
				done++
			}
		}
	})
}

func TestWinogradGradients(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for done := 0; done < 24; {
			if c, ok := randomWinograd(r); ok {
				newTrainCase(r, c).check(t, k, r)
				done++
			}
		}
	})
}

// trainShapes are of real networks: stems, chunks of several images, several
// groups of images, blocks of channels, aliasing channels, strides.
var trainShapes = []struct {
	spec  ConvSpec
	shape ConvShape
}{
	{ConvSpec{In: 3, Out: 16, KH: 3, KW: 3}, ConvShape{N: 18, H: 12, W: 12, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{ConvSpec{In: 3, Out: 32, KH: 7, KW: 7, StrideH: 2, StrideW: 2}, ConvShape{N: 2, H: 30, W: 30, PadTop: 3, PadLeft: 3, PadBottom: 3, PadRight: 3}},
	{ConvSpec{In: 128, Out: 70, KH: 3, KW: 3, StrideH: 2, StrideW: 2}, ConvShape{N: 3, H: 14, W: 14, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{ConvSpec{In: 64, Out: 128, KH: 1, KW: 1, StrideH: 2, StrideW: 2}, ConvShape{N: 5, H: 15, W: 15}},
	{ConvSpec{In: 96, Out: 130, KH: 3, KW: 3, Winograd: true}, ConvShape{N: 9, H: 8, W: 8, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{ConvSpec{In: 64, Out: 64, KH: 3, KW: 3, Winograd: true}, ConvShape{N: 3, H: 15, W: 15, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{ConvSpec{In: 40, Out: 40, KH: 3, KW: 3, Groups: 40, StrideH: 2, StrideW: 2}, ConvShape{N: 20, H: 9, W: 9, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1}},
	{ConvSpec{In: 8, Out: 8, KH: 5, KW: 1}, ConvShape{N: 2, H: 3, W: 4, PadTop: 9, PadLeft: 2, PadBottom: 1, PadRight: 0}},
}

func TestConvGradientsOfLayers(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, x := range trainShapes {
			c, ok := newConvCase(r, x.spec, x.shape)
			if !ok {
				t.Fatalf("%+v does not fit", x)
			}
			newTrainCase(r, c).check(t, k, r)
		}
	})
}

// Any number of goroutines, and AVX2 and AVX-512, give the same bits.
func TestConvGradientsSameBits(t *testing.T) {
	r := newRand(t)
	for _, x := range trainShapes {
		c, ok := newConvCase(r, x.spec, x.shape)
		if !ok {
			t.Fatalf("%+v does not fit", x)
		}
		tc := newTrainCase(r, c)
		tc.res = nil
		first := map[bool]*trainResults{}
		for _, l := range Levels() {
			k, err := For(l)
			if err != nil {
				t.Fatal(err)
			}
			for workers := 1; workers <= 3; workers++ {
				got := tc.run(t, k, nil, onWorkers(workers))
				scalar := l == Scalar
				if first[scalar] == nil {
					first[scalar] = &got
				}
				want := first[scalar]
				for i, pair := range [][2][]float32{{got.y, want.y}, {got.dx, want.dx}, {got.dw, want.dw}} {
					if !slices.EqualFunc(pair[0], pair[1], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
						t.Fatalf("%v, %d goroutines: %+v of %+v: result %d differs", l, workers, x.spec, x.shape, i)
					}
				}
			}
		}
	}
}

func FuzzConvGradients(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	all := Levels()
	k, err := For(all[len(all)-1])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 5))
		draw := randomConv
		if seed%3 == 0 {
			draw = randomWinograd
		}
		if c, ok := draw(r); ok {
			newTrainCase(r, c).check(t, k, r)
		}
	})
}
