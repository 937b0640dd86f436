package progress

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// boardEvery is the time between plain lines about all jobs.
const boardEvery = 30 * time.Second

// scale is the number of steps of a bar on a board.
const scale = 1000

// Board shows several jobs that run side by side and how far all of them are: a
// bar for each on a terminal, plain lines elsewhere. A nil Board shows nothing.
// It is used by one goroutine.
type Board struct {
	w     io.Writer
	last  time.Time
	bars  *mpb.Progress
	total *line
	jobs  map[string]*line
}

// line is one bar and the words beside it, which the drawing goroutine reads.
type line struct {
	bar  *mpb.Bar
	note atomic.Pointer[string]
}

// NewBoard starts a board on w; name is what the bar of all jobs is called.
func NewBoard(w io.Writer, name string) *Board {
	b := &Board{w: w, last: time.Now(), jobs: map[string]*line{}}
	if Terminal(w) {
		b.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(30))
		b.total = b.add(name, 1)
	}
	return b
}

// add adds a bar; those of lower priority stand higher.
func (b *Board) add(name string, priority int) *line {
	l := &line{}
	l.say("")
	l.bar = b.bars.AddBar(scale, mpb.BarRemoveOnComplete(), mpb.BarPriority(priority),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Percentage(decor.WCSyncSpace), decor.Any(func(decor.Statistics) string { return "  " + *l.note.Load() })))
	return l
}

func (l *line) say(note string) { l.note.Store(&note) }

// set moves a bar, which never ends by itself.
func (l *line) set(share float64, note string) {
	l.say(note)
	l.bar.SetCurrent(min(int64(share*scale), scale-1))
}

// Start begins a job.
func (b *Board) Start(job string) {
	if b != nil && b.bars != nil && b.jobs[job] == nil {
		b.jobs[job] = b.add(job, 0)
	}
}

// Set says how far a job is, in [0, 1], and in words.
func (b *Board) Set(job string, share float64, note string) {
	if b == nil {
		return
	}
	if l := b.jobs[job]; l != nil {
		l.set(share, note)
	}
}

// Finish ends a job and says what it took.
func (b *Board) Finish(job, took, notes string) {
	if b == nil {
		return
	}
	if notes != "" {
		notes = "; " + notes
	}
	text := fmt.Sprintf("lethe: %s done in %s%s\n", job, took, notes)
	if l := b.jobs[job]; l != nil {
		l.bar.Abort(true)
		fmt.Fprint(b.bars, text)
	} else {
		fmt.Fprint(b.w, text)
	}
	delete(b.jobs, job)
}

// Total says how far all jobs are, in [0, 1], what is done and what is left.
func (b *Board) Total(share float64, done, left string) {
	switch {
	case b == nil:
	case b.total != nil:
		b.total.set(share, done+"  "+left)
	case time.Since(b.last) >= boardEvery:
		b.last = time.Now()
		if left != "" {
			left = ", about " + left
		}
		fmt.Fprintf(b.w, "lethe: %s, %.0f %%%s\n", done, 100*share, left)
	}
}

// End takes the board away. It may be called more than once.
func (b *Board) End() {
	if b == nil || b.bars == nil {
		return
	}
	for _, l := range b.jobs {
		l.bar.Abort(true)
	}
	b.total.bar.Abort(true)
	b.bars.Wait()
	b.bars = nil
}
