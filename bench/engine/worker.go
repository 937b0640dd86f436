package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
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
	if r.Peak, err = peakMemory(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// peakMemory is the largest resident memory that this process had. The usage
// that the system reports for processes would include that of the parent
// before it started this one.
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
		return 0, fmt.Errorf("/proc/self/status: %w", err)
	}
	return kib * 1024, nil
}
