// Command decode measures whether lethe predict keeps all cores busy with
// decoding when images come as JPEG files, and how fast that is beside Pillow.
//
//	go build -o bin/lethe ./cmd/lethe && go run ./bench/decode [--images 2000] [--rounds 3] [--lethe bin/lethe] [--python /usr/bin/python3]
//
// It writes photographs of ImageNet's usual size (500 x 375 pixels, 4:2:0) and
// two networks with random weights, one for 32x32 and one for 224x224 images,
// and takes turns: lethe predict with each network, decoding and resizing alone
// in Go, and in Pillow with one and with two processes. Figures are medians;
// cores is processor time over wall time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lethe-audit/lethe/bench/timing"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/imagefolder"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench/decode:", err)
		}
		os.Exit(2)
	}
}

type config struct {
	images, rounds int
	lethe, python  string
	self           string // folder to decode in this process
}

func run(args []string, out io.Writer) error {
	var c config
	fs := flag.NewFlagSet("decode", flag.ContinueOnError)
	fs.IntVar(&c.images, "images", 2000, "JPEG files, at least 10")
	fs.IntVar(&c.rounds, "rounds", 3, "turns of each program")
	fs.StringVar(&c.lethe, "lethe", "bin/lethe", "the program to measure")
	fs.StringVar(&c.python, "python", "/usr/bin/python3", "Python with Pillow and NumPy; without it the yardstick is left out")
	fs.StringVar(&c.self, "decode", "", "decode a folder and end (used by the program itself)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if c.self != "" {
		return decodeAll(c.self)
	}
	if c.images < classes || c.rounds < 1 {
		return fmt.Errorf("%d images, %d rounds: want at least %d and 1", c.images, c.rounds, classes)
	}
	work, err := os.MkdirTemp("", "lethe-decode")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	return c.measure(work, out)
}

// turn is one program to measure.
type turn struct {
	name string
	argv []string
	used []timing.Usage
}

func (c config) measure(work string, out io.Writer) error {
	photos := filepath.Join(work, "photos")
	if err := writePhotos(photos, c.images); err != nil {
		return err
	}
	turns, err := c.turns(work, photos)
	if err != nil {
		return err
	}
	for range c.rounds {
		for i := range turns {
			if err := os.RemoveAll(filepath.Join(work, "out")); err != nil {
				return err
			}
			u, err := timing.Run(turns[i].argv)
			if err != nil {
				return err
			}
			turns[i].used = append(turns[i].used, u)
		}
	}
	fmt.Fprintln(out, "| program | images/s | cores busy | peak, MB |\n|---|--:|--:|--:|")
	for _, t := range turns {
		slices.SortFunc(t.used, func(a, b timing.Usage) int { return int(a.Wall - b.Wall) })
		u := t.used[len(t.used)/2]
		fmt.Fprintf(out, "| %s | %.0f | %.2f | %.0f |\n", t.name, float64(c.images)/u.Wall.Seconds(), u.CPU.Seconds()/u.Wall.Seconds(), float64(u.PeakBytes)/1e6)
	}
	return nil
}

func (c config) turns(work, photos string) ([]turn, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var turns []turn
	for _, n := range networks() {
		path := filepath.Join(work, n.name+".onnx")
		if err := n.save(path); err != nil {
			return nil, err
		}
		macs, err := n.macs()
		if err != nil {
			return nil, err
		}
		source := fmt.Sprintf("imagefolder:%s?resize=%d&crop=%d", photos, n.resize, n.size)
		turns = append(turns, turn{name: fmt.Sprintf("lethe predict, %s (%.0f million multiply-adds)", n.title, macs/1e6),
			argv: []string{c.lethe, "predict", path, "--data", source, "-o", filepath.Join(work, "out"), "--quiet"}})
	}
	turns = append(turns, turn{name: "Go, decode and resize only", argv: []string{self, "--decode", photos}})
	yardstick := filepath.Join("bench", "yardstick", "pillow_decode.py")
	if _, err := timing.Run([]string{c.python, "-c", "import PIL, numpy"}); err != nil {
		fmt.Fprintf(os.Stderr, "Pillow is left out: %v\n", err)
		return turns, nil
	}
	for _, n := range []string{"1", "2"} {
		turns = append(turns, turn{name: "Pillow, decode and resize only, processes: " + n, argv: []string{c.python, yardstick, photos, n}})
	}
	return turns, nil
}

// decodeAll decodes, resizes and crops all images of a folder as lethe predict
// does, and throws them away.
func decodeAll(dir string) error {
	ctx := context.Background()
	d, err := imagefolder.Kind().Open(ctx, dataset.Request{Path: dir})
	if err != nil {
		return err
	}
	defer d.Close()
	o := dataset.DefaultLoaderOptions()
	o.Preprocess.Resize, o.Preprocess.Crop = dataset.Size{Height: 256}, dataset.Size{Height: 224, Width: 224}
	l, err := dataset.NewLoader(ctx, d, o)
	if err != nil {
		return err
	}
	n, start := 0, time.Now()
	for b, err := range l.Batches(ctx) {
		if err != nil {
			return err
		}
		n += len(b.Index)
	}
	fmt.Printf("%d images in %v\n", n, time.Since(start))
	return nil
}
