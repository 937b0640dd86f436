// Command compress measures how fast schemes without calibration turn one file
// into another, beside a plain copy of that file that is synced just as models
// are: the speed of the disk. All take turns, so that what else the machine does
// meets all alike.
//
//	go run ./bench/compress -rounds 9
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/float16"
	"github.com/lethe-audit/lethe/compress/int8dynamic"
	"github.com/lethe-audit/lethe/compress/magnitude"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
)

func main() {
	rounds := flag.Int("rounds", 9, "times each is measured")
	dir := flag.String("dir", "", "folder on the disk to measure (default: the system's temporary one)")
	flag.Parse()
	if err := measure(*rounds, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "compress:", err)
		os.Exit(2)
	}
}

// job is one way to make a file of another.
type job struct {
	name string
	run  func(from, to string) error
}

func jobs() ([]job, error) {
	global := magnitude.DefaultOptions(0.7)
	global.Global = true
	two := magnitude.DefaultOptions(0.5)
	two.Pattern = magnitude.Pattern24
	out := []job{{"copy", copyFile}}
	for _, o := range []magnitude.Options{magnitude.DefaultOptions(0.7), global, two} {
		s, err := magnitude.New(o)
		if err != nil {
			return nil, err
		}
		name := s.Name()
		if o.Global {
			name += " --global"
		}
		out = append(out, job{name, compressWith(s)})
	}
	return append(out, job{"float16", compressWith(float16.New(float16.DefaultOptions()))},
		job{"int8-dynamic", compressWith(int8dynamic.New(int8dynamic.DefaultOptions()))}), nil
}

// compressWith loads, compresses, checks and saves, as lethe compress does.
func compressWith(s compress.Scheme) func(from, to string) error {
	return func(from, to string) error {
		m, err := onnx.Load(from)
		if err != nil {
			return err
		}
		defer m.Close()
		r, err := compress.Run(context.Background(), m, []compress.Scheme{s}, compress.Input{}, "bench")
		if err != nil {
			return err
		}
		return onnx.Save(r.Model, to, onnx.DefaultSaveOptions())
	}
}

func copyFile(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return atomicfile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

func measure(rounds int, dir string) error {
	work, err := os.MkdirTemp(dir, "lethe-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	from := filepath.Join(work, "resnet50.onnx")
	if err := onnx.Save(enginetest.ResNet50(), from, onnx.DefaultSaveOptions()); err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	list, err := jobs()
	if err != nil {
		return err
	}
	seconds := make([][]float64, len(list))
	for range max(1, rounds) {
		for i, j := range list {
			to := filepath.Join(work, "out.onnx")
			start := time.Now()
			if err := j.run(from, to); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
			seconds[i] = append(seconds[i], time.Since(start).Seconds())
		}
	}
	mb := float64(info.Size()) / 1e6
	fmt.Printf("ResNet-50, %.0f MB, %d rounds taking turns\n\n| what | median, s | least, s | MB/s read | times a copy |\n|---|---|---|---|---|\n", mb, rounds)
	base := median(seconds[0])
	for i, j := range list {
		m := median(seconds[i])
		fmt.Printf("| %s | %.3f | %.3f | %.0f | %.2f |\n", j.name, m, slices.Min(seconds[i]), mb/m, m/base)
	}
	return nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
