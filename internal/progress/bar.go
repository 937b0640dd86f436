package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// every is the time between plain lines about a long step.
const every = 10 * time.Second

// Bar shows how much of a known amount of work is done, with rate and time
// left: a bar on a terminal, plain lines every few seconds elsewhere. A nil Bar
// shows nothing. It is used by one goroutine.
type Bar struct {
	w     io.Writer
	name  string
	unit  string
	start time.Time
	last  time.Time
	bars  *mpb.Progress
	bar   *mpb.Bar
}

// NewBar starts a bar on w. unit is what is counted: "images".
func NewBar(w io.Writer, name, unit string) *Bar {
	b := &Bar{w: w, name: name, unit: unit, start: time.Now(), last: time.Now()}
	if Terminal(w) {
		b.bars = mpb.New(mpb.WithOutput(w), mpb.WithWidth(30))
		b.bar = b.bars.AddBar(0, mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(name+" ")),
			mpb.AppendDecorators(decor.CountersNoUnit("%d / %d "+unit+" "), decor.AverageSpeed(0, "%.0f/s "), decor.AverageETA(decor.ET_STYLE_GO)))
	}
	return b
}

// Set says that done of total are done.
func (b *Bar) Set(done, total int) {
	switch {
	case b == nil:
	case b.bar != nil:
		b.bar.SetTotal(int64(total), false)
		b.bar.SetCurrent(int64(done))
	case time.Since(b.last) >= every && done > 0:
		b.last = time.Now()
		spent := time.Since(b.start)
		left := time.Duration(float64(spent) / float64(done) * float64(total-done)).Round(time.Second)
		fmt.Fprintf(b.w, "lethe: %s: %d of %d %s, %.0f/s, %v left\n", b.name, done, total, b.unit, float64(done)/spent.Seconds(), left)
	}
}

// End takes the bar away. It may be called more than once.
func (b *Bar) End() {
	if b == nil || b.bar == nil {
		return
	}
	b.bar.Abort(true)
	b.bars.Wait()
	b.bar = nil
	b.last = time.Now()
}
