// Command train measures images per second of a training step (forward,
// backward, SGD with Nesterov momentum) of the Go engine and of PyTorch on the
// CPU, on the same networks and batches, taking turns in one run.
//
//	go run ./bench/train [--threads 2] [--rounds 5] [--nets cnn-small,...] [--markdown] [--pairs]
//
// PyTorch runs in both memory layouts; the better one is in the table. Figures
// are medians over all steps of all rounds, the first steps of each process left
// out. Each measurement is a process of its own, so that peak memory can be
// compared. GFLOP/s counts three times the multiply-adds of the forward pass,
// times two; the share is of what fused multiply-adds on registers reach on as
// many threads in the same run. With --pairs two processes of one thread each
// run side by side and are compared with one alone.
//
// Without /usr/bin/python3 and its torch only the Go engine is measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/zoo"
)

const python, script = "/usr/bin/python3", "bench/train/torch_train.py"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/train:", err)
		os.Exit(2)
	}
}

type config struct {
	threads, rounds int
	seconds         float64
	nets            string
	markdown, pairs bool
	self            string
}

// net is a network with its input, batch, and the ratio to PyTorch that is
// asked.
type net struct {
	name                 string
	size, classes, batch int
	asked                float64
}

func nets() []net {
	return []net{{"cnn-small", 32, 10, 128, 1.3}, {"resnet8", 32, 10, 128, 1.3}, {"wrn-16-4", 32, 10, 128, 1}, {"resnet18", 224, 1000, 32, 0.9}}
}

func run(args []string, out io.Writer) error {
	var c config
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	fs.IntVar(&c.threads, "threads", 2, "threads of either")
	fs.IntVar(&c.rounds, "rounds", 5, "turns that each takes")
	fs.Float64Var(&c.seconds, "seconds", 3, "seconds of a turn, about")
	fs.StringVar(&c.nets, "nets", "", "networks, comma separated (default all)")
	fs.BoolVar(&c.markdown, "markdown", false, "print the table as Markdown")
	fs.BoolVar(&c.pairs, "pairs", false, "measure two processes of one thread beside one alone instead")
	fs.StringVar(&c.self, "self", "", "one case as JSON (used by the program itself)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if c.self != "" {
		return worker(c.self, out)
	}
	torch := exec.Command(python, "-c", "import torch").Run() == nil
	if !torch {
		fmt.Fprintln(os.Stderr, "no torch for", python)
	}
	c.heading(out)
	for _, n := range nets() {
		if c.nets != "" && !slices.Contains(strings.Split(c.nets, ","), n.name) {
			continue
		}
		if err := c.measure(context.Background(), out, n, torch); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

func (c config) heading(out io.Writer) {
	cells := []string{"network", "batch", "Lethe images/s", "PyTorch", "ratio", "asked", "GFLOP/s", "of peak", "Lethe MB", "PyTorch MB", "layout"}
	if c.pairs {
		cells = []string{"network", "batch", "one of one thread, images/s", "two side by side", "ratio", "asked"}
	}
	c.row(out, cells...)
	if c.markdown {
		c.row(out, slices.Repeat([]string{"---"}, len(cells))...)
	}
}

func (c config) row(out io.Writer, cells ...string) {
	if c.markdown {
		fmt.Fprintln(out, "| "+strings.Join(cells, " | ")+" |")
		return
	}
	for i, s := range cells {
		cells[i] = fmt.Sprintf("%-14s", s)
	}
	fmt.Fprintln(out, strings.TrimRight(strings.Join(cells, " "), " "))
}

// measure takes turns on one network and prints its row.
func (c config) measure(ctx context.Context, out io.Writer, n net, torch bool) (err error) {
	dir, err := os.MkdirTemp("", "lethe-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := zoo.Build(n.name, zoo.Config{Classes: n.classes, Size: n.size, Channels: 3, Seed: 1})
	if err != nil {
		return err
	}
	t := task{Model: filepath.Join(dir, "m.onnx"), Batch: n.batch, Threads: c.threads, Warmup: 2, Runs: 2}
	if err := onnx.Save(m, t.Model, onnx.DefaultSaveOptions()); err != nil {
		return err
	}
	if c.pairs {
		return c.pair(ctx, out, n, t)
	}
	facts, err := onnx.Inspect(m, nil)
	if err != nil || facts.MACs == nil {
		return errors.Join(err, errors.New("multiply-adds are not known"))
	}
	layouts := []string{"nchw", "nhwc"}
	if !torch {
		layouts = nil
	}
	own, theirs, peak, err := c.turns(ctx, n, t, layouts)
	if err != nil {
		return err
	}
	ips := own.rate(n.batch)
	gflops := ips * 6 * float64(*facts.MACs) / 1e9
	cells := []string{n.name, strconv.Itoa(n.batch), fmt.Sprintf("%.1f", ips), "", "", fmt.Sprint(n.asked), fmt.Sprintf("%.0f", gflops),
		fmt.Sprintf("%.0f %%", 100*gflops/peak), own.mb(), "", ""}
	best := ""
	for _, l := range layouts {
		if best == "" || theirs[l].rate(n.batch) > theirs[best].rate(n.batch) {
			best = l
		}
	}
	if best != "" {
		r := theirs[best]
		cells[3], cells[4], cells[9], cells[10] = fmt.Sprintf("%.1f", r.rate(n.batch)), fmt.Sprintf("%.2f", ips/r.rate(n.batch)), r.mb(), best
	}
	c.row(out, cells...)
	return nil
}

// turns measures each side and the peak of fused multiply-adds round by round.
// The first turn finds out how many steps fill a turn.
func (c config) turns(ctx context.Context, n net, t task, layouts []string) (own *taken, theirs map[string]*taken, peak float64, err error) {
	own, theirs = &taken{}, map[string]*taken{}
	runs := map[string]int{"": 2}
	for _, l := range layouts {
		theirs[l], runs[l] = &taken{}, 2
	}
	for round := range c.rounds + 1 {
		for _, l := range append([]string{""}, layouts...) {
			var r *taken
			into := own
			if l == "" {
				t.Runs = runs[l]
				r, err = t.run(ctx)
			} else {
				into = theirs[l]
				r, err = n.torch(ctx, l, c.threads, runs[l])
			}
			if err != nil {
				return nil, nil, 0, err
			}
			if round == 0 {
				runs[l] = min(max(2, int(c.seconds/median(r.Seconds))), 1000)
				continue
			}
			into.Seconds, into.Peak = append(into.Seconds, r.Seconds...), max(into.Peak, r.Peak)
		}
		p, err := flops(c.threads)
		if err != nil {
			return nil, nil, 0, err
		}
		peak = max(peak, p)
	}
	return own, theirs, peak, nil
}

func (r *taken) rate(batch int) float64 { return float64(batch) / median(r.Seconds) }

func (r *taken) mb() string { return fmt.Sprintf("%.0f", float64(r.Peak)/(1<<20)) }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// pair compares one process of one thread with two side by side.
func (c config) pair(ctx context.Context, out io.Writer, n net, t task) error {
	t.Threads, t.Warmup = 1, 1
	first, err := t.run(ctx)
	if err != nil {
		return err
	}
	t.Runs = min(max(3, int(c.seconds/median(first.Seconds))), 1000)
	var alone taken
	var sum []float64
	for range c.rounds {
		r, err := t.run(ctx)
		if err != nil {
			return err
		}
		alone.Seconds = append(alone.Seconds, r.Seconds...)
		var two [2]*taken
		var errs [2]error
		var both sync.WaitGroup
		for i := range two {
			both.Go(func() { two[i], errs[i] = t.run(ctx) })
		}
		both.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		sum = append(sum, two[0].rate(n.batch)+two[1].rate(n.batch))
	}
	one := alone.rate(n.batch)
	c.row(out, n.name, strconv.Itoa(n.batch), fmt.Sprintf("%.1f", one), fmt.Sprintf("%.1f", median(sum)), fmt.Sprintf("%.2f", median(sum)/one), "1.8")
	return nil
}

// run measures the Go engine in a process of its own.
func (t task) run(ctx context.Context) (*taken, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return answer(exec.CommandContext(ctx, exe, "--self", string(text)))
}

// torch measures PyTorch.
func (n net) torch(ctx context.Context, layout string, threads, runs int) (*taken, error) {
	return answer(exec.CommandContext(ctx, python, script, n.name, strconv.Itoa(n.batch), strconv.Itoa(threads), layout, "2", strconv.Itoa(runs)))
}

func answer(cmd *exec.Cmd) (*taken, error) {
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	var r taken
	return &r, json.Unmarshal(out, &r)
}

// flops is the most GFLOP/s of fused multiply-adds on registers in some short
// bursts: other work on the machine does not hit them all.
func flops(threads int) (float64, error) {
	k, err := kernel.Detect("")
	if err != nil {
		return 0, err
	}
	const bursts, rounds = 20, 1_000_000
	best := 0.0
	done := make([]int, threads)
	for range bursts {
		var all sync.WaitGroup
		start := time.Now()
		for i := range done {
			all.Go(func() { done[i] = k.FMA(rounds) })
		}
		all.Wait()
		total := 0
		for _, d := range done {
			total += d
		}
		best = max(best, float64(total)/time.Since(start).Seconds()/1e9)
	}
	return best, nil
}
