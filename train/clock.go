package train

import (
	"runtime"
	"slices"
	"time"
)

// clock measures the steps and says when a checkpoint is due.
type clock struct {
	every time.Duration // least time between checkpoints
	began time.Time     // of the measurement
	away  time.Duration // spent on other things than steps since
	steps int
	saved time.Time     // end of the last checkpoint
	cost  time.Duration // of the last checkpoint
}

// costly is how many times as long as a checkpoint takes is trained before the
// next.
const costly = 150

func (c *clock) start(every time.Duration) {
	if every == 0 {
		every = time.Minute
	}
	now := time.Now()
	*c = clock{every: every, began: now, saved: now}
}

func (c *clock) step() { c.steps++ }

// pause leaves out the time until the returned function is called.
func (c *clock) pause() (resume func()) {
	at := time.Now()
	return func() { c.away += time.Since(at) }
}

func (c *clock) perStep() time.Duration {
	if c.steps == 0 {
		return 0
	}
	return (time.Since(c.began) - c.away) / time.Duration(c.steps)
}

func (c *clock) due() bool { return time.Since(c.saved) >= max(c.every, costly*c.cost) }

// savedIn says how long a checkpoint took that has just been written.
func (c *clock) savedIn(cost time.Duration) {
	c.cost, c.saved = cost, time.Now()
	c.away += cost
}

// cores is a number of threads, all for 0.
func cores(threads int) int {
	if threads > 0 {
		return threads
	}
	return runtime.GOMAXPROCS(0)
}

// median is the middle of times, the later of two.
func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
