package countboot

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Reasons a bootstrap or an interval cannot be made. ErrTooFew and
// ErrNotFinite are answers, to be reported as "not measurable".
var (
	ErrCells     = errors.New("countboot: impossible cells")
	ErrTooFew    = errors.New("countboot: too few replicates for the level")
	ErrNotFinite = errors.New("countboot: replicate is NaN or infinite")
)

// Cells are the joint counts of all strata, ready to be drawn anew. They do
// not change and may be used by several goroutines.
type Cells struct {
	counts []int // observed, stratum after stratum
	start  []int // first cell of each stratum, and the end
	steps  []step
}

// step draws one cell of a stratum given the ones before.
type step struct {
	cell     int
	kind     stepKind
	binom    sampler
	examples int // size of the stratum, set on its first step
}

type stepKind uint8

const (
	conditional stepKind = iota // binomial out of what is left
	remainder                   // all that is left; ends a stratum
)

// NewCells prepares the counts of the strata. Each stratum has its own cells
// and at least one example.
func NewCells(strata [][]int) (*Cells, error) {
	c := &Cells{start: []int{0}}
	recip := reciprocals()
	for s, counts := range strata {
		n := 0
		for i, v := range counts {
			if v < 0 {
				return nil, fmt.Errorf("%w: stratum %d, cell %d has %d examples", ErrCells, s, i, v)
			}
			n += v
		}
		if n == 0 {
			return nil, fmt.Errorf("%w: stratum %d has no examples", ErrCells, s)
		}
		first := len(c.counts)
		c.counts = append(c.counts, counts...)
		c.start = append(c.start, len(c.counts))
		c.addSteps(first, counts, n, recip)
	}
	return c, nil
}

// addSteps plans one stratum: non-zero cells from the rarest on, so that every
// conditional probability is at most ½ and most means are small.
func (c *Cells) addSteps(first int, counts []int, n int, recip *[maxCount + 1]float64) {
	var order []int
	for i, v := range counts {
		if v > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[a], counts[b]) })
	left := n
	for j, i := range order {
		s := step{cell: first + i, kind: remainder}
		if j == 0 {
			s.examples = n
		}
		if j < len(order)-1 {
			s.kind, s.binom = conditional, newSampler(float64(counts[i])/float64(left), n, recip)
			left -= counts[i]
		}
		c.steps = append(c.steps, s)
	}
}

// Strata returns the number of strata.
func (c *Cells) Strata() int { return len(c.start) - 1 }

// Len returns the number of cells over all strata.
func (c *Cells) Len() int { return len(c.counts) }

// Stratum returns the part of counts (in the layout of Draw) that belongs to
// stratum s.
func (c *Cells) Stratum(counts []int, s int) []int { return counts[c.start[s]:c.start[s+1]] }

// Observed returns a copy of the observed counts, stratum after stratum.
func (c *Cells) Observed() []int { return slices.Clone(c.counts) }

// Draw fills counts, of length Len, with one replicate, stratum after stratum.
func (c *Cells) Draw(src *rand.PCG, counts []int) {
	if len(counts) != len(c.counts) {
		panic(fmt.Sprintf("countboot: room for %d cells, need %d", len(counts), len(c.counts)))
	}
	clear(counts)
	left := 0
	for i := range c.steps {
		s := &c.steps[i]
		left += s.examples
		k := left
		if s.kind == conditional {
			k = s.binom.draw(src, left)
		}
		counts[s.cell] = k
		left -= k
	}
}

// Options set the number of replicates and their seed.
type Options struct {
	Replicates int    // at least 1
	Seed       uint64 // the same seed gives the same replicates at any GOMAXPROCS
}

// DefaultOptions returns 9,999 replicates: (B+1)·α/2 is whole at usual levels.
func DefaultOptions() Options { return Options{Replicates: 9_999, Seed: 1} }

// block is the number of replicates that share a random stream; it is part of
// what a seed means.
const block = 128

// Replicates computes dim statistics on every replicate and returns them as
// one slice per statistic, in replicate order. statistic fills out, of length
// dim, from counts in the layout of Draw; it is called from several
// goroutines at once and must keep neither slice.
func (c *Cells) Replicates(o Options, dim int, statistic func(counts []int, out []float64)) ([][]float64, error) {
	if o.Replicates < 1 || dim < 1 {
		return nil, fmt.Errorf("countboot: %d replicates of %d statistics", o.Replicates, dim)
	}
	result := make([][]float64, dim)
	for d := range result {
		result[d] = make([]float64, o.Replicates)
	}
	blocks := (o.Replicates + block - 1) / block
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		wg.Go(func() {
			counts := make([]int, len(c.counts))
			outs := make([]float64, block*dim)
			for {
				b := int(next.Add(1)) - 1
				if b >= blocks {
					return
				}
				c.runBlock(o, b, counts, outs, result, statistic)
			}
		})
	}
	wg.Wait()
	return result, nil
}

// runBlock computes block b with its own stream and stores it.
func (c *Cells) runBlock(o Options, b int, counts []int, outs []float64, result [][]float64, statistic func([]int, []float64)) {
	src := rand.NewPCG(o.Seed, uint64(b))
	from, to := b*block, min((b+1)*block, o.Replicates)
	dim := len(result)
	for r := range to - from {
		c.Draw(src, counts)
		statistic(counts, outs[r*dim:(r+1)*dim])
	}
	for d, row := range result {
		for r := range to - from {
			row[from+r] = outs[r*dim+d]
		}
	}
}
