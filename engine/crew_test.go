package engine

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/engine/enginetest"
)

// Every piece is done once, by a worker that exists, whether helpers spin,
// sleep or are about to.
func TestCrew(t *testing.T) {
	for workers := 1; workers <= 4; workers++ {
		c := newCrew(workers)
		for round := range 300 {
			n := round % 17
			done := make([]atomic.Int32, n)
			c.each(n, func(piece, worker int) {
				if worker < 0 || worker >= workers {
					t.Errorf("worker %d of %d", worker, workers)
				}
				done[piece].Add(1)
			})
			for i := range done {
				if k := done[i].Load(); k != 1 {
					t.Fatalf("%d workers, %d pieces: piece %d done %d times", workers, n, i, k)
				}
			}
			if round%100 == 50 {
				time.Sleep(2 * time.Millisecond) // helpers fall asleep
			}
		}
		c.dismiss()
	}
}

// Helpers that have slept take part again.
func TestCrewWakes(t *testing.T) {
	c := newCrew(2)
	defer c.dismiss()
	for c.asleep.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var helped atomic.Bool
	deadline := time.Now().Add(5 * time.Second)
	for !helped.Load() && time.Now().Before(deadline) {
		c.each(4, func(_, worker int) {
			if worker == 1 {
				helped.Store(true)
			}
			time.Sleep(time.Millisecond)
		})
	}
	if !helped.Load() {
		t.Error("a helper that slept never took part again")
	}
}

// A session that nobody closes lets its helpers go when it is collected.
func TestForgottenSession(t *testing.T) {
	p, err := Compile(enginetest.ResNet8(), Options{Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	c := p.NewSession().(*session).crew
	for i := 0; !c.quit.Load(); i++ {
		if i > 500 {
			t.Fatal("the helpers are still there")
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	c.done.Wait()
}
