package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// idleSpins is how often a helper looks for work before it sleeps. A look
// takes about a tenth of a microsecond; the steps of a small network take tens.
const idleSpins = 1000

// crew is the goroutines of one run: the caller, who is worker 0, and helpers
// that wait for work. Handing out work takes well under a microsecond while
// helpers spin, which is what a batch of one image needs; helpers that find
// nothing to do for long sleep, and are woken.
type crew struct {
	workers int
	job     atomic.Pointer[job]
	quit    atomic.Bool
	asleep  atomic.Int32  // helpers that sleep, or are about to
	wake    chan struct{} // has room for every helper
	done    sync.WaitGroup
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
	c := &crew{workers: workers, wake: make(chan struct{}, workers)}
	for w := 1; w < workers; w++ {
		c.done.Go(func() { c.help(w) })
	}
	return c
}

// dismiss ends the helpers and waits for them.
func (c *crew) dismiss() {
	c.quit.Store(true)
	c.rouse()
	c.done.Wait()
}

// rouse wakes the helpers that sleep. One that is woken without need goes back
// to sleep.
func (c *crew) rouse() {
	for range c.asleep.Load() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *crew) help(worker int) {
	var last *job
	for spins := 0; !c.quit.Load(); {
		if j := c.job.Load(); j != last {
			j.work(worker)
			last, spins = j, 0
			continue
		}
		if spins++; spins < idleSpins {
			runtime.Gosched()
			continue
		}
		// Either this sees the next job, or whoever hands it out sees that
		// there is somebody to wake.
		c.asleep.Add(1)
		if c.job.Load() == last && !c.quit.Load() {
			<-c.wake
		}
		c.asleep.Add(-1)
		spins = 0
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
	c.rouse()
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
