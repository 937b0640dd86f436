package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// crew is the goroutines of one run: the caller, who is worker 0, and helpers
// that wait for work. Handing out work takes well under a microsecond while
// helpers spin, which is what a batch of one image needs: its steps take tens
// of microseconds each.
type crew struct {
	workers int
	job     atomic.Pointer[job]
	done    sync.WaitGroup
	wake    chan struct{} // closed when the run ends
}

// job is pieces of work that workers take one after another.
type job struct {
	n        int
	do       func(piece, worker int)
	next     atomic.Int64
	finished atomic.Int64
}

// newCrew starts workers-1 helpers; dismiss ends them.
func newCrew(workers int) *crew {
	c := &crew{workers: workers, wake: make(chan struct{})}
	for w := 1; w < workers; w++ {
		c.done.Go(func() { c.help(w) })
	}
	return c
}

// dismiss ends the helpers and waits for them.
func (c *crew) dismiss() {
	close(c.wake)
	c.done.Wait()
}

func (c *crew) help(worker int) {
	var last *job
	for {
		j := c.job.Load()
		if j != nil && j != last {
			j.work(worker)
			last = j
			continue
		}
		select {
		case <-c.wake:
			return
		default:
			runtime.Gosched()
		}
	}
}

// work takes pieces until there are none left.
func (j *job) work(worker int) {
	for {
		i := int(j.next.Add(1)) - 1
		if i >= j.n {
			return
		}
		j.do(i, worker)
		j.finished.Add(1)
	}
}

// each calls do for pieces 0 to n-1 and returns when all are done. Which
// worker does a piece varies from run to run.
func (c *crew) each(n int, do func(piece, worker int)) {
	if n <= 1 || c.workers == 1 {
		for i := range n {
			do(i, 0)
		}
		return
	}
	j := &job{n: n, do: do}
	c.job.Store(j)
	j.work(0)
	for j.finished.Load() < int64(n) {
		runtime.Gosched()
	}
}

// parallel is the crew as operators want it; nil if it is only the caller.
func (c *crew) parallel() func(n int, f func(i int)) {
	if c.workers == 1 {
		return nil
	}
	return func(n int, f func(i int)) {
		c.each(n, func(i, _ int) { f(i) })
	}
}
