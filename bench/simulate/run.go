package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"sync"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// chunk is the number of seeds that are summed together.
const chunk = 50

// state is what the study has done: scenario, first seed of a chunk, sums.
type state struct {
	Version int                         `json:"version"`
	Chunks  map[string]map[string]tally `json:"chunks"`
}

// stateVersion changes with the meaning of the stored numbers.
//
//	1  first version
const stateVersion = 1

func newState() *state { return &state{Version: stateVersion, Chunks: map[string]map[string]tally{}} }

// readState reads a state file; one that is not there is an empty state.
func readState(name string) (*state, error) {
	if name == "" {
		return newState(), nil
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("simulate: state: %w", err)
	}
	s := newState()
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("simulate: state %s: %w", name, err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("simulate: state %s has version %d, want %d; delete it to begin again", name, s.Version, stateVersion)
	}
	return s, nil
}

// write replaces the state file as a whole.
func (s *state) write(name string) error {
	if name == "" {
		return nil
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// tally adds up the chunks of a scenario's seeds, in order.
func (s *state) tally(name string, first, seeds uint64) tally {
	t := tally{}
	for from := first; from < first+seeds; from += chunk {
		t.merge(s.Chunks[name][strconv.FormatUint(from, 10)])
	}
	return t
}

// run fills in the chunks of a scenario that the state lacks. After each chunk
// it calls done with the number of seeds finished.
func (s *state) run(ctx context.Context, sc *scenario, e experiment, first, seeds uint64, done func(seeds uint64) error) error {
	for from := first; from < first+seeds; from += chunk {
		key := strconv.FormatUint(from, 10)
		if s.Chunks[sc.Name][key] == nil {
			t, err := runChunk(ctx, e, from, min(chunk, first+seeds-from))
			if err != nil {
				return fmt.Errorf("simulate: %s: %w", sc.Name, err)
			}
			if s.Chunks[sc.Name] == nil {
				s.Chunks[sc.Name] = map[string]tally{}
			}
			s.Chunks[sc.Name][key] = t
		}
		if err := done(min(from+chunk, first+seeds) - first); err != nil {
			return err
		}
	}
	return nil
}

// runChunk runs consecutive seeds in parallel and adds their numbers up in the
// order of the seeds.
func runChunk(ctx context.Context, e experiment, from, n uint64) (tally, error) {
	results := make([]values, n)
	errs := make([]error, n)
	next := make(chan uint64)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				results[i], errs[i] = e.Run(ctx, from+i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	t := tally{}
	for i, v := range results {
		if errs[i] != nil {
			return nil, fmt.Errorf("seed %d: %w", from+uint64(i), errs[i])
		}
		t.add(v)
	}
	return t, nil
}
