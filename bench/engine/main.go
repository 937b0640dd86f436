// Command engine measures images per second of the Go engine and of ONNX
// Runtime on the same models, the same images and the same number of threads,
// taking turns in one run. Weights are random: speed does not depend on them.
//
//	go run ./bench/engine [--threads 2] [--rounds 5] [--nets resnet8,...] [--batch 1,32] [--int8] [--markdown]
//
// Each figure is the median over all rounds. The Go engine runs in a process of
// its own, as ONNX Runtime does, so that peak memory can be compared too.
// scripts/ort.sh installs ONNX Runtime; without it only the Go engine is
// measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/engine:", err)
		os.Exit(2)
	}
}

type config struct {
	threads  int
	rounds   int
	seconds  float64
	nets     string
	batches  string
	int8     bool
	markdown bool
	self     string // a case for the Go engine's own process
}

func run(args []string, out io.Writer) error {
	var c config
	fs := flag.NewFlagSet("engine", flag.ContinueOnError)
	fs.IntVar(&c.threads, "threads", 2, "threads of either engine")
	fs.IntVar(&c.rounds, "rounds", 5, "turns that each engine takes")
	fs.Float64Var(&c.seconds, "seconds", 1, "seconds of a turn, about")
	fs.StringVar(&c.nets, "nets", "", "networks, comma separated (default all)")
	fs.StringVar(&c.batches, "batch", "1,32", "batch sizes, comma separated")
	fs.BoolVar(&c.int8, "int8", false, "quantize the networks (QDQ, weights by channel)")
	fs.BoolVar(&c.markdown, "markdown", false, "print the table as Markdown")
	fs.StringVar(&c.self, "self", "", "one case as JSON (used by the program itself)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if c.self != "" {
		return worker(c.self, out)
	}
	ort, err := enginetest.FindORT()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	t := newTable(out, c.markdown)
	for _, n := range enginetest.Nets() {
		if c.nets != "" && !slices.Contains(strings.Split(c.nets, ","), n.Name) {
			continue
		}
		for _, b := range strings.Split(c.batches, ",") {
			batch, err := strconv.Atoi(b)
			if err != nil || batch < 1 {
				return fmt.Errorf("batch %q is no number of images", b)
			}
			r, err := compare(context.Background(), ort, c, n, batch)
			if err != nil {
				return fmt.Errorf("%s, batch %d: %w", n.Name, batch, err)
			}
			name := n.Name
			if c.int8 {
				name += " int8"
			}
			t.row(name, batch, r)
		}
	}
	return nil
}

// result is what was measured of one network and batch.
type result struct{ goIPS, ortIPS, goMB, ortMB float64 }

// compare lets the engines take turns. The first turn of each finds out how
// many runs fill a turn, and does not count.
func compare(ctx context.Context, ort *enginetest.ORT, c config, n enginetest.Net, batch int) (r result, err error) {
	dir, err := os.MkdirTemp("", "lethe-bench")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	model := n.Make()
	if c.int8 {
		if model, err = quantize(ctx, model, int(n.Size)); err != nil {
			return r, err
		}
	}
	job := enginetest.Job{Model: model, Inputs: map[string]tensor.Tensor{"x": images(batch, int(n.Size))},
		Threads: c.threads, Optimize: true, Warmup: 2, Runs: 3}
	self := selfCase{Model: filepath.Join(dir, "go.onnx"), Size: int(n.Size), Batch: batch, Threads: c.threads, Warmup: 2, Runs: 3}
	if err := onnx.Save(job.Model, self.Model, onnx.DefaultSaveOptions()); err != nil {
		return r, err
	}
	var goTimes, ortTimes []float64
	for round := range c.rounds + 1 {
		a, err := self.run(ctx)
		if err != nil {
			return r, err
		}
		var b *enginetest.Result
		if ort != nil {
			if b, err = ort.Run(ctx, dir, job); err != nil {
				return r, err
			}
		}
		if round == 0 {
			self.Runs = runsFor(c.seconds, a.Seconds)
			if b != nil {
				job.Runs = runsFor(c.seconds, b.Seconds)
			}
			continue
		}
		goTimes, r.goMB = append(goTimes, a.Seconds...), max(r.goMB, float64(a.Peak)/(1<<20))
		if b != nil {
			ortTimes, r.ortMB = append(ortTimes, b.Seconds...), max(r.ortMB, float64(b.Peak)/(1<<20))
		}
	}
	r.goIPS = float64(batch) / median(goTimes)
	if ort != nil {
		r.ortIPS = float64(batch) / median(ortTimes)
	}
	return r, nil
}

func runsFor(seconds float64, took []float64) int {
	return min(max(3, int(seconds/median(took))), 5000)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// images is a batch of random images.
func images(n, size int) tensor.Tensor {
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]float32, n*3*size*size)
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return tensor.Must(tensor.New([]int{n, 3, size, size}, data))
}

// run measures the case in a process of its own.
func (s selfCase) run(ctx context.Context) (*selfResult, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, "--self", string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var r selfResult
	return &r, json.Unmarshal(out, &r)
}
