package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/train"
)

// task is one measurement.
type task struct {
	Model                  string // path
	Batch, Threads, Warmup int
	Runs                   int
}

// taken is what it gave.
type taken struct {
	Seconds []float64 // of each step
	Peak    int64     // largest resident memory, bytes
}

// worker trains in a process of its own and prints what was taken.
func worker(text string, out io.Writer) error {
	var s task
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	m, err := onnx.Load(s.Model)
	if err != nil {
		return err
	}
	defer m.Close()
	recipe := train.DefaultRecipe()
	recipe.Batch, recipe.Optimizer.Nesterov, recipe.Optimizer.WeightDecay = s.Batch, true, 5e-4
	times, err := train.StepTimes(context.Background(), m, recipe, s.Threads, s.Warmup, s.Runs)
	if err != nil {
		return err
	}
	var r taken
	for _, t := range times {
		r.Seconds = append(r.Seconds, t.Seconds())
	}
	if r.Peak, err = peakMemory(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// peakMemory is the largest resident memory that this process had.
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
