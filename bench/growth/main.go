// Command growth measures how the time and memory of `lethe audit` grow with
// the number of predictions, from 1e6 to 1e9, and draws the times.
//
//	go run ./bench/growth --lethe bin/lethe --gen bin/gen --work out/growth --svg bench/growth.svg
//
// The predictions are 100 models (50 dense, 50 pruned to 95 %), ten classes,
// and 10,000 to 10,000,000 examples, read from Lethe's own directories. Each
// step runs in a process of its own. The last one needs about 2 GB of disk and
// a few GB of memory; --max 1e8 leaves it out.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lethe-audit/lethe/bench/timing"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// models is the number of models: 50 of each of two variants.
const models = 100

// step is one size and what it took.
type step struct {
	predictions float64
	seconds     float64
	peak        int64
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("growth", flag.ExitOnError)
	lethe := f.String("lethe", "bin/lethe", "the program")
	gen := f.String("gen", "bin/gen", "the built bench/gen")
	work := f.String("work", "out/growth", "folder for predictions and audits")
	svg := f.String("svg", "", "file for the picture")
	runs := f.Int("runs", 3, "runs of each size")
	most := f.Float64("max", 1e9, "largest number of predictions")
	resample := f.Bool("resample", false, "with noise floor, permutations and cross-fitting")
	if err := f.Parse(args); err != nil {
		return err
	}
	fmt.Println("| predictions | examples | median, s | ns a prediction | peak, MB |\n|---|---|---|---|---|")
	var steps []step
	for examples := 10_000; examples*models <= int(*most); examples *= 10 {
		s, err := measure(*lethe, *gen, *work, examples, *runs, *resample)
		if err != nil {
			return err
		}
		fmt.Printf("| %.0e | %d | %.2f | %.1f | %.0f |\n", s.predictions, examples, s.seconds, s.seconds/s.predictions*1e9, float64(s.peak)/1e6)
		steps = append(steps, s)
	}
	if len(steps) >= 2 {
		a, b := steps[len(steps)-2], steps[len(steps)-1]
		fmt.Printf("\nslope of the last two in logarithms: %.2f (1 is linear)\n",
			math.Log(b.seconds/a.seconds)/math.Log(b.predictions/a.predictions))
	}
	if *svg == "" {
		return nil
	}
	return draw(*svg, steps)
}

// measure generates predictions, audits them, and removes both.
func measure(lethe, gen, work string, examples, runs int, resample bool) (step, error) {
	dir := filepath.Join(work, strconv.Itoa(examples))
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "predictions"), filepath.Join(dir, "audit")
	if _, err := timing.Run([]string{gen, "--examples", strconv.Itoa(examples), "--classes", "10",
		"--members", strconv.Itoa(models / 2), "--candidates", "1", "-o", in}); err != nil {
		return step{}, err
	}
	argv := []string{lethe, "audit", in, "-o", out, "--force", "--no-copy", "--quiet"}
	if !resample {
		argv = append(argv, "--no-resample")
	}
	s, err := timing.Repeat(runs, argv)
	if err != nil {
		return step{}, err
	}
	return step{float64(examples * models), s.Median.Seconds(), s.PeakBytes}, nil
}

// draw plots seconds against predictions, both in logarithms, with a line of
// slope 1 through the last point.
func draw(name string, steps []step) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "predictions", "seconds"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	measured, linear := make(plotter.XYs, len(steps)), make(plotter.XYs, len(steps))
	last := steps[len(steps)-1]
	for i, s := range steps {
		measured[i] = plotter.XY{X: s.predictions, Y: s.seconds}
		linear[i] = plotter.XY{X: s.predictions, Y: last.seconds * s.predictions / last.predictions}
	}
	line, points, err := plotter.NewLinePoints(measured)
	if err != nil {
		return err
	}
	guide, err := plotter.NewLine(linear)
	if err != nil {
		return err
	}
	guide.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	p.Add(plotter.NewGrid(), guide, line, points)
	p.Legend.Add("lethe audit", line, points)
	p.Legend.Add("linear", guide)
	p.Legend.Top, p.Legend.Left = true, true
	return p.Save(14*vg.Centimeter, 9*vg.Centimeter, name)
}
