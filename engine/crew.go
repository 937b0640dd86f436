package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// How long a helper looks for work before it sleeps. Looks are a nanosecond
// apart, with a pause for other goroutines now and then: some tenths of a
// millisecond in all, which bridges the gap between two runs in a row.
const (
	looksInARow = 100
	idlePauses  = 1000
)

// crew is the goroutines of a session: who calls Run, worker 0, and helpers
// that wait for work. Handing out work takes well under a microsecond while
// helpers look for it, which is what a batch of one image needs; helpers that
// find nothing to do for long sleep, and are woken.
type crew struct {
	workers int
	job     atomic.Pointer[job]
	quit    atomic.Bool
	asleep  atomic.Int32  // helpers that sleep, or are about to
	wake    chan struct{} // has room for every helper
	done    sync.WaitGroup
}

// job is pieces of work. Each worker starts with its own share of them, the
// same share of every job: what a step has written stays in the cache of the
// core that reads it in the next. Workers that are through help the others.
type job struct {
	n        int
	do       func(piece, worker int)
	shares   []share // one for each worker
	finished atomic.Int64
}

// share is the pieces of one worker that have not been taken, on a cache line
// of its own.
type share struct {
	next atomic.Int64
	end  int64
	_    [6]int64
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
	for pauses := 0; !c.quit.Load(); {
		if j := c.look(last); j != nil {
			j.work(worker)
			last, pauses = j, 0
			continue
		}
		if pauses++; pauses < idlePauses {
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
		pauses = 0
	}
}

// look is a job that is not the last one, nil if none comes for a short time.
func (c *crew) look(last *job) *job {
	for range looksInARow {
		if j := c.job.Load(); j != last {
			return j
		}
	}
	return nil
}

// work takes pieces until there are none left: first the worker's own.
func (j *job) work(worker int) {
	for i := range j.shares {
		s := &j.shares[(worker+i)%len(j.shares)]
		for {
			piece := s.next.Add(1) - 1
			if piece >= s.end {
				break
			}
			j.do(int(piece), worker)
			j.finished.Add(1)
		}
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
	j := &job{n: n, do: do, shares: make([]share, c.workers)}
	for w := range j.shares {
		j.shares[w].next.Store(int64(w * n / c.workers))
		j.shares[w].end = int64((w + 1) * n / c.workers)
	}
	c.job.Store(j)
	c.rouse()
	j.work(0)
	for looks := 0; j.finished.Load() < int64(n); looks++ {
		if looks%looksInARow == looksInARow-1 {
			runtime.Gosched()
		}
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
