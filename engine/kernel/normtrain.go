package kernel

import (
	"fmt"
	"math"
)

// NormSpec is a batch normalization in training mode, with what follows it.
type NormSpec struct {
	Pixels, Channels int        // pixels of the whole batch: N·H·W
	Act              Activation // ActNone or ActClip (Relu, Relu6)
	Residual         bool       // a tensor is added between normalization and activation
}

// Norm is a batch normalization y = act((x - mean)/√(variance + ε)·gamma + beta + res)
// over tensors of Pixels by Channels without gaps, cut into tiles of pixels. It
// is read-only.
//
// Mean and variance are those of the batch, by the corrected two-pass algorithm over
// chunks of pixels that stay in cache; chunks are merged in float64 in a fixed order
// (Chan, Golub and LeVeque, 1983), so the result does not depend on threads.
type Norm struct {
	k      *Kernels
	spec   NormSpec
	tile   int // pixels
	chunk  int
	lo, hi float32
}

// NormState is what one normalization keeps from the forward pass for the
// backward pass. All slices are by channel.
type NormState struct {
	Mean, Var    []float32 // of the batch; Var divides by the number of pixels, as normalization does
	Inv          []float32 // 1/√(Var + ε)
	Scale, Shift []float32 // x·Scale + Shift is the normalized value times gamma plus beta
	a, b, c      []float32 // dx = a·dz + b·x + c
}

// NewNormState allocates a state.
func NewNormState(channels int) *NormState {
	buf := Aligned(8 * roundUp(channels, 16))
	next := func() []float32 {
		s := buf[:channels:channels]
		buf = buf[roundUp(channels, 16):]
		return s
	}
	return &NormState{next(), next(), next(), next(), next(), next(), next(), next()}
}

const (
	normTiles = 64      // at most
	normChunk = 1 << 14 // floats that are read twice from cache, and at least in a tile
)

// PlanNorm prepares a normalization.
func (k *Kernels) PlanNorm(spec NormSpec) (*Norm, error) {
	if spec.Pixels < 1 || spec.Channels < 1 {
		return nil, fmt.Errorf("kernel: batch norm: %w: %d pixels of %d channels", ErrShape, spec.Pixels, spec.Channels)
	}
	if err := spec.Act.valid(); err != nil || spec.Act.Kind > ActClip {
		return nil, fmt.Errorf("kernel: batch norm: activation %d is neither none nor clip", int(spec.Act.Kind))
	}
	n := &Norm{k: k, spec: spec, lo: float32(math.Inf(-1)), hi: float32(math.Inf(1))}
	if spec.Act.Kind == ActClip {
		n.lo, n.hi = spec.Act.Lo, spec.Act.Hi
	}
	n.chunk = max(1, normChunk/spec.Channels)
	n.tile = roundUp(max(n.chunk, ceilDiv(spec.Pixels, normTiles)), min(n.chunk, 16))
	return n, nil
}

// Tiles is the number of pieces that Stats, Forward, Reduce and Backward compute.
func (n *Norm) Tiles() int { return ceilDiv(n.spec.Pixels, n.tile) }

// Partials is the number of values that the partials of Stats and Reduce hold:
// working memory until the Finish that follows.
func (n *Norm) Partials() int { return n.Tiles() * 2 * n.spec.Channels }

// part is a tile's two rows of partials.
func (n *Norm) part(tile int, partials []float64) (a, b []float64) {
	c := n.spec.Channels
	p := partials[tile*2*c:][:2*c]
	return p[:c], p[c:]
}

// chunks visits the chunks of a tile with the operands' rows set.
func (n *Norm) chunks(tile int, p *normArgs, visit func(first, count int)) {
	p.setCols(n.spec.Channels, n.k.lanes)
	from, to := tile*n.tile, min((tile+1)*n.tile, n.spec.Pixels)
	for first := from; first < to; first += n.chunk {
		p.rows = min(n.chunk, to-first)
		visit(first*n.spec.Channels, p.rows)
	}
}

func (n *Norm) check(what string, slices ...[]float32) {
	for _, s := range slices {
		if len(s) < n.spec.Pixels*n.spec.Channels {
			panic(fmt.Sprintf("kernel: batch norm: %s: %d values for %d pixels of %d channels", what, len(s), n.spec.Pixels, n.spec.Channels))
		}
	}
}

// Stats computes the mean and the sum of squared distances of one tile's pixels.
func (n *Norm) Stats(tile int, x []float32, partials []float64, s *Scratch) {
	n.check("statistics", x)
	mean, m2 := n.part(tile, partials)
	channels := n.spec.Channels
	pitch := roundUp(channels, 16)
	buf := s.floats(3 * pitch)
	center, squares, rest := buf[:channels], buf[pitch:][:channels], buf[2*pitch:][:channels]
	p := &s.norm
	*p = normArgs{}
	seen := 0
	n.chunks(tile, p, func(first, count int) {
		clear(buf)
		p.x, p.s0 = ptr(x, first), ptr(center, 0)
		n.k.train.colSum(p)
		for c, v := range center {
			center[c] = v / float32(count)
		}
		p.s0, p.s1, p.a = ptr(squares, 0), ptr(rest, 0), ptr(center, 0)
		n.k.train.colSquares(p)
		for c := range mean {
			d := float64(rest[c]) / float64(count) // what rounding left of the mean
			mergeMoments(&mean[c], &m2[c], seen, float64(center[c])+d, float64(squares[c])-d*float64(rest[c]), count)
		}
		seen += count
	})
}

// mergeMoments adds count values of the given mean and squares about it to seen
// values.
func mergeMoments(mean, m2 *float64, seen int, mean2, squares float64, count int) {
	if seen == 0 {
		*mean, *m2 = mean2, squares
		return
	}
	n, d := float64(seen+count), mean2-*mean
	*mean += d * float64(count) / n
	*m2 += squares + d*d*float64(seen)*float64(count)/n
}

// StatsFinish merges the tiles' partials, which it overwrites, into the state.
func (n *Norm) StatsFinish(partials []float64, gamma, beta []float32, epsilon float64, st *NormState) {
	mean, m2 := n.part(0, partials)
	for tile := 1; tile < n.Tiles(); tile++ {
		b, b2 := n.part(tile, partials)
		count := min(n.tile, n.spec.Pixels-tile*n.tile)
		for c := range mean {
			mergeMoments(&mean[c], &m2[c], tile*n.tile, b[c], b2[c], count)
		}
	}
	for c := range mean {
		variance := m2[c] / float64(n.spec.Pixels)
		inv := 1 / math.Sqrt(variance+epsilon)
		scale := inv * float64(gamma[c])
		st.Mean[c], st.Var[c], st.Inv[c] = float32(mean[c]), float32(variance), float32(inv)
		st.Scale[c], st.Shift[c] = float32(scale), float32(float64(beta[c])-mean[c]*scale)
	}
}

// operands sets what the passes after StatsFinish share.
func (n *Norm) operands(p *normArgs, st *NormState) {
	*p = normArgs{lo: n.lo, hi: n.hi, scale: ptr(st.Scale, 0), shift: ptr(st.Shift, 0)}
}

// Forward computes one tile of y; res is nil unless the spec has a residual. y
// may be res, or x where Backward is not to follow.
func (n *Norm) Forward(tile int, x, res, y []float32, st *NormState, s *Scratch) {
	n.check("forward", x, y)
	f := n.k.train.normForward[0]
	if n.spec.Residual {
		n.check("residual", res)
		f = n.k.train.normForward[1]
	}
	p := &s.norm
	n.operands(p, st)
	n.chunks(tile, p, func(first, _ int) {
		p.x, p.dx = ptr(x, first), ptr(y, first)
		if n.spec.Residual {
			p.y = ptr(res, first)
		}
		f(p)
	})
}

// mask says how the gradient is masked.
func (n *Norm) mask() int {
	switch {
	case n.spec.Act.Kind == ActNone:
		return normPlain
	case n.spec.Residual:
		return normOutput
	}
	return normInput
}

// Reduce computes one tile of the sums over dz, the gradient dy of y where the
// activation passes it on. With a residual and an activation it reads y and
// overwrites dy with dz, which is then also the gradient of the residual; else
// y may be nil.
func (n *Norm) Reduce(tile int, x, y, dy []float32, partials []float64, st *NormState, s *Scratch) {
	n.check("reduction", x, dy)
	channels, mask := n.spec.Channels, n.mask()
	d0, d1 := n.part(tile, partials)
	clear(d0)
	clear(d1)
	buf := s.floats(2 * roundUp(channels, 16))
	s0, s1 := buf[:channels], buf[roundUp(channels, 16):][:channels]
	p := &s.norm
	n.operands(p, st)
	p.s0, p.s1, p.a = ptr(s0, 0), ptr(s1, 0), ptr(st.Mean, 0)
	n.chunks(tile, p, func(first, _ int) {
		clear(s0)
		clear(s1)
		p.x, p.dy = ptr(x, first), ptr(dy, first)
		if mask == normOutput {
			p.y, p.dx = ptr(y, first), p.dy
		}
		n.k.train.normReduce[mask](p)
		for c := range d0 {
			d0[c] += float64(s0[c])
			d1[c] += float64(s1[c])
		}
	})
}

// ReduceFinish adds the tiles' partials up to the gradients of gamma and beta
// and prepares the state for Backward.
func (n *Norm) ReduceFinish(partials []float64, st *NormState, dgamma, dbeta []float32) {
	s0, s1 := n.part(0, partials)
	for tile := 1; tile < n.Tiles(); tile++ {
		t0, t1 := n.part(tile, partials)
		for c := range s0 {
			s0[c] += t0[c]
			s1[c] += t1[c]
		}
	}
	count := float64(n.spec.Pixels)
	for c := range s0 {
		inv, scale, mean := float64(st.Inv[c]), float64(st.Scale[c]), float64(st.Mean[c])
		dg := s1[c] * inv
		dgamma[c], dbeta[c] = float32(dg), float32(s0[c])
		b := -scale * inv * dg / count
		st.a[c], st.b[c] = st.Scale[c], float32(b)
		st.c[c] = float32(-scale*s0[c]/count - b*mean)
	}
}

// Backward computes one tile of dx, or with add of dx plus the gradient, from dy
// as Reduce left it. dx may be dy.
func (n *Norm) Backward(tile int, x, dy, dx []float32, add bool, st *NormState, s *Scratch) {
	n.check("backward", x, dy, dx)
	masked, added := 0, 0
	if n.mask() == normInput {
		masked = 1
	}
	if add {
		added = 1
	}
	p := &s.norm
	n.operands(p, st)
	p.a, p.b, p.c = ptr(st.a, 0), ptr(st.b, 0), ptr(st.c, 0)
	n.chunks(tile, p, func(first, _ int) {
		p.x, p.dy, p.dx = ptr(x, first), ptr(dy, first), ptr(dx, first)
		n.k.train.normBackward[masked][added](p)
	})
}

// ColumnSums adds up the rows of a matrix in an order that does not depend on
// threads: the gradient of a bias.
type ColumnSums struct{ n Norm }

// PlanColumnSums prepares the sums over rows of cols values without gaps.
func (k *Kernels) PlanColumnSums(rows, cols int) (*ColumnSums, error) {
	n, err := k.PlanNorm(NormSpec{Pixels: rows, Channels: cols})
	if err != nil {
		return nil, fmt.Errorf("kernel: column sums: %w", err)
	}
	return &ColumnSums{*n}, nil
}

// Tiles is the number of pieces that Run computes.
func (c *ColumnSums) Tiles() int { return c.n.Tiles() }

// Partials is the number of values that partials hold.
func (c *ColumnSums) Partials() int { return c.n.Tiles() * c.n.spec.Channels }

// Run adds up one tile's rows.
func (c *ColumnSums) Run(tile int, x []float32, partials []float64, s *Scratch) {
	c.n.check("column sums", x)
	cols := c.n.spec.Channels
	part := partials[tile*cols:][:cols]
	clear(part)
	sum := s.floats(cols)
	p := &s.norm
	*p = normArgs{}
	c.n.chunks(tile, p, func(first, _ int) {
		clear(sum)
		p.x, p.s0 = ptr(x, first), ptr(sum, 0)
		c.n.k.train.colSum(p)
		for i, v := range sum {
			part[i] += float64(v)
		}
	})
}

// Finish adds the tiles' sums up in order.
func (c *ColumnSums) Finish(partials []float64, dst []float32) {
	cols := c.n.spec.Channels
	for i := range dst[:cols] {
		sum := 0.0
		for tile := range c.n.Tiles() {
			sum += partials[tile*cols+i]
		}
		dst[i] = float32(sum)
	}
}
