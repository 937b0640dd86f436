package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/engine/grad"
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/onnx"
)

// task is one measurement.
type task struct {
	Model                                 string // path
	Size, Classes, Batch, Threads, Warmup int
	Runs                                  int
}

// taken is what it gave.
type taken struct {
	Seconds []float64 // of each step
	Peak    int64     // largest resident memory, bytes
	Check   float64   // loss of the last step
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
	o := grad.DefaultOptions()
	o.Threads = s.Threads
	n, err := grad.New(m, o)
	if err != nil {
		return err
	}
	k, err := kernel.Detect("")
	if err != nil {
		return err
	}
	x, labels := images(s)
	velocity := make([][]float32, len(n.Params()))
	for i, p := range n.Params() {
		velocity[i] = kernel.Aligned(len(p.Value))
	}
	var r taken
	var scratch kernel.Scratch
	sgd := kernel.SGD{LR: 0.01, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4}
	for i := -s.Warmup; i < s.Runs; i++ {
		start := time.Now()
		got, err := n.Step(context.Background(), x, labels)
		if err != nil {
			return err
		}
		for i, p := range n.Params() {
			k.SGD(sgd, p.Value, p.Grad, velocity[i], p.Mask, &scratch)
		}
		n.Changed()
		if i >= 0 {
			r.Seconds = append(r.Seconds, time.Since(start).Seconds())
		}
		r.Check = got.Loss
	}
	if r.Peak, err = peakMemory(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// images is a batch of random images and labels.
func images(s task) (x []float32, labels []int32) {
	rng := rand.New(rand.NewPCG(1, 2))
	x = make([]float32, s.Batch*3*s.Size*s.Size)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for range s.Batch {
		labels = append(labels, rng.Int32N(int32(s.Classes)))
	}
	return x, labels
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
