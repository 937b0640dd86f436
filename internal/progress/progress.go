// Package progress shows how far long work is: a bar that redraws itself on a
// terminal, and elsewhere plain lines, but only when a step takes long enough
// that somebody may wonder.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// patience is how long a step may take before a plain line mentions it.
const patience = 3 * time.Second

// Terminal reports whether w is a terminal.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Step says that one piece of work runs; the returned function ends it and may
// be called more than once. On a terminal a spinner with the time spent is
// shown, elsewhere a line after [patience].
func Step(w io.Writer, name string) (done func()) {
	if Terminal(w) {
		return spinner(w, name)
	}
	timer := time.AfterFunc(patience, func() { fmt.Fprintf(w, "lethe: %s ...\n", name) })
	return func() { timer.Stop() }
}

func spinner(w io.Writer, name string) func() {
	p := mpb.New(mpb.WithOutput(w), mpb.WithWidth(1))
	bar := p.New(1, mpb.SpinnerStyle(), mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(decor.Name(" "+name+" "), decor.Elapsed(decor.ET_STYLE_GO)))
	var once sync.Once
	return func() {
		once.Do(func() {
			bar.Increment()
			p.Wait()
		})
	}
}
