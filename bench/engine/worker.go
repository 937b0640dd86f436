package main

import (
	"context"
	"encoding/json"
	"io"
	"syscall"
	"time"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// selfCase is one measurement of the Go engine.
type selfCase struct {
	Model                        string // path of the model
	Size                         int    // of the square images
	Batch, Threads, Warmup, Runs int
}

// selfResult is what it gave.
type selfResult struct {
	Seconds []float64
	Peak    int64 // largest resident memory, bytes
}

// worker runs a case and prints its result. The model comes from a file, as
// ONNX Runtime's does, so that making it does not count as memory of the run.
func worker(text string, out io.Writer) error {
	var s selfCase
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	m, err := onnx.Load(s.Model)
	if err != nil {
		return err
	}
	defer m.Close()
	o := engine.DefaultOptions()
	o.Threads = s.Threads
	sess, err := engine.New(m, o)
	if err != nil {
		return err
	}
	defer sess.Close()
	in := map[string]tensor.Tensor{"x": images(s.Batch, s.Size)}
	var r selfResult
	for i := -s.Warmup; i < s.Runs; i++ {
		start := time.Now()
		if _, err := sess.Run(context.Background(), in); err != nil {
			return err
		}
		if i >= 0 {
			r.Seconds = append(r.Seconds, time.Since(start).Seconds())
		}
	}
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return err
	}
	r.Peak = use.Maxrss * 1024
	return json.NewEncoder(out).Encode(r)
}
