package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// normCase is a batch normalization with what follows it and the gradient of
// the result.
type normCase struct {
	spec                    NormSpec
	x, res, dy, gamma, beta []float32
}

const normEpsilon = 1e-5

func randomNorm(r *rand.Rand) *normCase {
	s := NormSpec{Pixels: 2 + r.IntN(60), Channels: 1 + r.IntN(70), Residual: r.IntN(2) == 0}
	s.Act = []Activation{{}, Relu(), Clip(0, 6)}[r.IntN(3)]
	if r.IntN(4) == 0 { // several tiles
		s.Pixels, s.Channels = 3000+r.IntN(3000), []int{16, 19, 40}[r.IntN(3)]
	}
	c := &normCase{spec: s, x: randoms(r, s.Pixels*s.Channels), dy: randoms(r, s.Pixels*s.Channels)}
	c.gamma, c.beta = randoms(r, s.Channels), randoms(r, s.Channels)
	for i := range c.x {
		c.x[i] += 3 * float32(i%s.Channels) // means far from 0
	}
	if s.Residual {
		c.res = randoms(r, len(c.x))
	}
	return c
}

// normResults of one level.
type normResults struct{ y, dx, dres, mean, variance, dgamma, dbeta []float32 }

func (c *normCase) run(t *testing.T, k *Kernels, add []float32, each func(int, func(int, *Scratch))) normResults {
	t.Helper()
	n, err := k.PlanNorm(c.spec)
	if err != nil {
		t.Fatal(err)
	}
	st := NewNormState(c.spec.Channels)
	part := make([]float64, n.Partials())
	out := normResults{y: make([]float32, len(c.x)), dx: make([]float32, len(c.x)), dres: slices.Clone(c.dy),
		dgamma: make([]float32, c.spec.Channels), dbeta: make([]float32, c.spec.Channels)}
	copy(out.dx, add)
	each(n.Tiles(), func(tile int, s *Scratch) { n.Stats(tile, c.x, part, s) })
	n.StatsFinish(part, c.gamma, c.beta, normEpsilon, st)
	each(n.Tiles(), func(tile int, s *Scratch) { n.Forward(tile, c.x, c.res, out.y, st, s) })
	each(n.Tiles(), func(tile int, s *Scratch) { n.Reduce(tile, c.x, out.y, out.dres, part, st, s) })
	n.ReduceFinish(part, st, out.dgamma, out.dbeta)
	each(n.Tiles(), func(tile int, s *Scratch) { n.Backward(tile, c.x, out.dres, out.dx, add != nil, st, s) })
	out.mean, out.variance = st.Mean, st.Var
	return out
}

// forward64 is channel ch of the result in float64, for given x of that channel.
func (c *normCase) forward64(ch int, x []float64, gamma, beta float64) (y []float64, mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	y = make([]float64, len(x))
	for p, v := range x {
		y[p] = (v-mean)/math.Sqrt(variance+normEpsilon)*gamma + beta
		if c.res != nil {
			y[p] += float64(c.res[p*c.spec.Channels+ch])
		}
		if c.spec.Act.Kind == ActClip {
			y[p] = min(max(y[p], float64(c.spec.Act.Lo)), float64(c.spec.Act.Hi))
		}
	}
	return y, mean, variance
}

// column is one channel in float64.
func (c *normCase) column(x []float32, ch int) []float64 {
	out := make([]float64, c.spec.Pixels)
	for p := range out {
		out[p] = float64(x[p*c.spec.Channels+ch])
	}
	return out
}

// objective is Σ dy·y of a channel, whose slopes are the gradients. The activation
// is fixed where it was, so that no finite difference steps over a kink.
func (c *normCase) objective(ch int, open []bool, x []float64, gamma, beta float64) float64 {
	free := *c
	free.spec.Act = Activation{}
	y, _, _ := free.forward64(ch, x, gamma, beta)
	sum := 0.0
	for p, g := range c.column(c.dy, ch) {
		if open[p] {
			sum += g * y[p]
		}
	}
	return sum
}

// Batch normalization and its gradients are what float64 and its finite
// differences say.
func TestNormDefinition(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 40 {
			c := randomNorm(r)
			add := randoms(r, len(c.x))
			got := c.run(t, k, add, inRandomOrder(r))
			for _, ch := range []int{0, r.IntN(c.spec.Channels), c.spec.Channels - 1} {
				c.check(t, r, got, add, ch)
			}
		}
	})
}

func (c *normCase) check(t *testing.T, r *rand.Rand, got normResults, add []float32, ch int) {
	t.Helper()
	x, gamma, beta := c.column(c.x, ch), float64(c.gamma[ch]), float64(c.beta[ch])
	y, mean, variance := c.forward64(ch, x, gamma, beta)
	near := func(what string, got float32, want, scale float64) {
		t.Helper()
		if d := math.Abs(float64(got) - want); !(d <= 64*eps32*scale) {
			t.Fatalf("%+v: channel %d: %s is %g, want %g (allowed %g)", c.spec, ch, what, got, want, 64*eps32*scale)
		}
	}
	spread := math.Abs(mean)/math.Sqrt(variance+normEpsilon) + 4
	near("mean", got.mean[ch], mean, math.Abs(mean)+1)
	near("variance", got.variance[ch], variance, variance*spread)
	open := make([]bool, len(x))
	lo, hi := math.Inf(-1), math.Inf(1)
	if c.spec.Act.Kind == ActClip {
		lo, hi = float64(c.spec.Act.Lo), float64(c.spec.Act.Hi)
	}
	for p := range x {
		v := got.y[p*c.spec.Channels+ch]
		near("y", v, y[p], spread*(math.Abs(gamma)+1))
		open[p] = lo < float64(v) && float64(v) < hi
	}
	mag := 0.0
	for _, g := range c.column(c.dy, ch) {
		mag += math.Abs(g)
	}
	near("dgamma", got.dgamma[ch], slope(func(g float64) float64 { return c.objective(ch, open, x, g, beta) }, gamma), spread*mag)
	near("dbeta", got.dbeta[ch], slope(func(b float64) float64 { return c.objective(ch, open, x, gamma, b) }, beta), mag+1)
	for range 3 {
		p := r.IntN(len(x))
		i := p*c.spec.Channels + ch
		want := slope(func(v float64) float64 {
			moved := slices.Clone(x)
			moved[p] = v
			return c.objective(ch, open, moved, gamma, beta)
		}, x[p])
		scale := spread * (math.Abs(gamma)/math.Sqrt(variance+normEpsilon)*4 + 1)
		near("dx", got.dx[i], want+float64(add[i]), scale+1e-7/eps32*math.Abs(gamma))
		if c.spec.Residual {
			dz := 0.0
			if open[p] {
				dz = float64(c.dy[i])
			}
			near("gradient of the residual", masked(c, got, i), dz, 0)
		}
	}
}

// masked is the gradient of the residual: what Reduce left in dy.
func masked(_ *normCase, got normResults, i int) float32 { return got.dres[i] }

// Any number of goroutines, and AVX2 and AVX-512, give the same bits.
func TestNormSameBits(t *testing.T) {
	r := newRand(t)
	for range 20 {
		c := randomNorm(r)
		first := map[bool]*normResults{}
		for _, l := range Levels() {
			k, err := For(l)
			if err != nil {
				t.Fatal(err)
			}
			for workers := 1; workers <= 3; workers++ {
				got := c.run(t, k, nil, onWorkers(workers))
				if first[l == Scalar] == nil {
					first[l == Scalar] = &got
				}
				want := first[l == Scalar]
				sameBits(t, "y", got.y, want.y)
				sameBits(t, "dx", got.dx, want.dx)
				sameBits(t, "dgamma", got.dgamma, want.dgamma)
				sameBits(t, "dbeta", got.dbeta, want.dbeta)
			}
		}
	}
}

// Values far from 0 keep their variance: the sum of squares minus the square of the
// sum would lose it altogether.
func TestNormVarianceFarFromZero(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		n, err := k.PlanNorm(NormSpec{Pixels: 1 << 16, Channels: 1})
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, 1<<16)
		for i := range x {
			x[i] = 1e5 + float32(i%2) // variance 1/4
		}
		st, part := NewNormState(1), make([]float64, n.Partials())
		for tile := range n.Tiles() {
			n.Stats(tile, x, part, &Scratch{})
		}
		n.StatsFinish(part, []float32{1}, []float32{0}, normEpsilon, st)
		if d := math.Abs(float64(st.Var[0]) - .25); d > 1e-3 {
			t.Errorf("variance %g, want 0.25", st.Var[0])
		}
	})
}

// Column sums are sums.
func TestColumnSums(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 20 {
			rows, cols := 1+r.IntN(3000), 1+r.IntN(40)
			x, dst, want := randoms(r, rows*cols), make([]float32, cols), make([]float64, cols)
			for i, v := range x {
				want[i%cols] += float64(v)
			}
			c, err := k.PlanColumnSums(rows, cols)
			if err != nil {
				t.Fatal(err)
			}
			part := make([]float64, c.Partials())
			inRandomOrder(r)(c.Tiles(), func(tile int, s *Scratch) { c.Run(tile, x, part, s) })
			c.Finish(part, dst)
			closeTo(t, "sums", dst, want, 64, float64(rows))
		}
	})
}
