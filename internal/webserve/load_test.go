package webserve

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestThousand: 1,000 clients at once, on connections of their own, each with
// reads and a change, are all answered; meanwhile no more than MaxRequests are
// at work, so memory is theirs and what a thousand connections cost.
func TestThousand(t *testing.T) {
	const clients, rounds, work = 1000, 2, 512 << 10
	var now, most, changes atomic.Int64
	s := serve(t, Options{Token: secretToken}, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if r.Method == http.MethodPost {
			changes.Add(1)
		}
		b := bytes.Repeat([]byte("x"), work) // what a page of tiles may need
		time.Sleep(time.Millisecond)
		_, _ = w.Write(b[:len(b)/8])
	})
	before := heap()
	var peak atomic.Uint64
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			peak.Store(max(peak.Load(), heap()))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	var g sync.WaitGroup
	failed := make(chan error, clients)
	start := make(chan struct{})
	for range clients {
		g.Go(func() {
			<-start
			if err := tour(s, rounds, work/8); err != nil {
				failed <- err
			}
		})
	}
	close(start)
	g.Wait()
	close(stop)
	watch.Wait()
	close(failed)
	for err := range failed {
		t.Fatalf("%d of %d clients failed, the first: %v", len(failed)+1, clients, err)
	}
	if got := changes.Load(); got != clients {
		t.Errorf("%d changes, want %d", got, clients)
	}
	if most.Load() > int64(DefaultOptions().MaxRequests) {
		t.Errorf("%d requests at work at once", most.Load())
	}
	// 32 MiB at work, as much garbage again before the collector has run, and
	// 100 KiB for each of the two ends of a connection, which are both here.
	if grown, bound := peak.Load()-before, uint64(2*DefaultOptions().MaxRequests*work+2*clients*100<<10); grown > bound {
		t.Errorf("the heap grew by %d MiB, at most %d are expected", grown>>20, bound>>20)
	} else {
		t.Logf("%d at work at most; the heap grew by %d MiB", most.Load(), grown>>20)
	}
	if resp, err := http.Get(s.URL()); err != nil || resp.StatusCode != 200 {
		t.Errorf("afterwards: %v", err)
	} else {
		resp.Body.Close()
	}
}

// heap is the memory of objects, reachable or not yet collected.
func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// tour reads some pages and changes something, on a connection of its own.
func tour(s *Server, rounds, size int) error {
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr, Timeout: time.Minute}
	form := url.Values{csrfField: {s.CSRF()}}.Encode()
	for i := range rounds {
		r, err := http.NewRequest(http.MethodGet, s.URL(), nil)
		if i == rounds-1 {
			r, err = http.NewRequest(http.MethodPost, s.URL(), strings.NewReader(form))
		}
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.Do(r)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || n != int64(size) {
			return fmt.Errorf("%s: status %d, %d bytes: %w", r.Method, resp.StatusCode, n, err)
		}
	}
	return nil
}
