package grad

import (
	"sync"
	"sync/atomic"

	"github.com/lethe-audit/lethe/engine/kernel"
)

// crew runs pieces of work on a fixed number of goroutines and keeps the
// working memory that layers share: they run one after another.
type crew struct {
	kernels *kernel.Kernels
	scratch []kernel.Scratch // one for each worker
	floats  []float32
	doubles []float64
}

func newCrew(k *kernel.Kernels, threads int) *crew {
	return &crew{kernels: k, scratch: make([]kernel.Scratch, threads)}
}

// share is the pieces of one worker that have not been taken, on a cache line
// of its own.
type share struct {
	next atomic.Int64
	end  int64
	_    [6]int64
}

// each calls do for pieces 0 to n-1 and returns when all are done. Each worker
// starts with its own share of them, then helps the others; which worker does a
// piece must not matter.
func (c *crew) each(n int, do func(piece int, s *kernel.Scratch)) {
	workers := min(len(c.scratch), n)
	if workers <= 1 {
		for i := range n {
			do(i, &c.scratch[0])
		}
		return
	}
	shares := make([]share, workers)
	for w := range shares {
		shares[w].next.Store(int64(w * n / workers))
		shares[w].end = int64((w + 1) * n / workers)
	}
	work := func(worker int) {
		for i := range shares {
			s := &shares[(worker+i)%workers]
			for {
				piece := s.next.Add(1) - 1
				if piece >= s.end {
					break
				}
				do(int(piece), &c.scratch[worker])
			}
		}
	}
	var helpers sync.WaitGroup
	for w := 1; w < workers; w++ {
		helpers.Go(func() { work(w) })
	}
	work(0)
	helpers.Wait()
}

// chunk is how many values of an elementwise pass are one piece: they fit in
// the first-level cache with a few operands.
const chunk = 4096

// chunks calls do for runs of values that cover 0 to n-1.
func (c *crew) chunks(n int, do func(from, to int)) {
	c.each((n+chunk-1)/chunk, func(i int, _ *kernel.Scratch) { do(i*chunk, min(n, (i+1)*chunk)) })
}

// float32s is n values of working memory with undefined contents. The next call
// gives the same memory.
func (c *crew) float32s(n int) []float32 {
	if cap(c.floats) < n {
		c.floats = kernel.Aligned(n)
	}
	return c.floats[:n]
}

// float64s is n values of working memory beside those of float32s.
func (c *crew) float64s(n int) []float64 {
	if cap(c.doubles) < n {
		c.doubles = make([]float64, n)
	}
	return c.doubles[:n]
}
