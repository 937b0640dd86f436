package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// printCompressed says what became of a model.
func (a *app) printCompressed(r *compress.Output, out string, verbose bool) error {
	size, packed, err := sizesOf(out, out+".data")
	if err != nil {
		return err
	}
	var files []string
	for _, f := range r.Before.Files {
		files = append(files, f.Path)
	}
	was, wasPacked, err := sizesOf(files...)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.io.Out, "%s: %s\n", out, strings.Join(r.Manifest.Schemes(), ", "))
	t := texttab.Table{Columns: []texttab.Column{{Head: ""}, {Head: "before", Right: true}, {Head: "after", Right: true}}}
	row := func(name, before, after string) { t.Rows = append(t.Rows, []string{name, before, after}) }
	row("size", num.Bytes(was), num.Bytes(size)+" ("+num.Share(float64(size)/float64(was))+")")
	row("size after zstd", num.Bytes(wasPacked), num.Bytes(packed)+" ("+num.Share(float64(packed)/float64(wasPacked))+")")
	row("bits a weight", number(r.Before.BitsPerWeight), number(r.After.BitsPerWeight))
	row("zero weights", percentOf(r.Before.ZeroShare), percentOf(r.After.ZeroShare))
	row("compressed parameters", percentOf(compressedOf(&r.Before, false)), percentOf(compressedOf(&r.After, false)))
	row("compressed operations", percentOf(compressedOf(&r.Before, true)), percentOf(compressedOf(&r.After, true)))
	text, _ := t.Format("  ", 0)
	if _, err := fmt.Fprint(a.io.Out, text); err != nil {
		return err
	}
	for _, s := range newSteps(r) {
		if err := a.printStep(&s, verbose); err != nil {
			return err
		}
	}
	return nil
}

// newSteps are the steps of this run: those before it have no layers.
func newSteps(r *compress.Output) []compress.Step {
	for i, s := range r.Manifest.Steps {
		if len(s.Layers) > 0 {
			return r.Manifest.Steps[i:]
		}
	}
	return nil
}

// printStep lists layers that a scheme left, or all, and its notes.
func (a *app) printStep(s *compress.Step, verbose bool) error {
	done := 0
	t := texttab.Table{Columns: []texttab.Column{{Head: "layer", Min: 12}, {Head: "operator"}, {Head: s.Scheme}}}
	for _, l := range s.Layers {
		what := l.Change
		if l.Compressed() {
			done++
		} else {
			what = "left as it was: " + l.Reason
		}
		if verbose || !l.Compressed() {
			t.Rows = append(t.Rows, []string{texttab.Clean(l.Node), l.Operator, texttab.Clean(what)})
		}
	}
	if _, err := fmt.Fprintf(a.io.Out, "\n%s: %d of %s\n", s.Scheme, done, num.Plural(len(s.Layers), "layer", "layers")); err != nil {
		return err
	}
	if c := s.Calibration; c != nil {
		drawn := "the first"
		if c.Draw > 0 {
			drawn = fmt.Sprintf("drawn (%d, seed %d)", c.Draw, c.Seed)
		}
		fmt.Fprintf(a.io.Out, "  calibrated on %s of %s, %s\n", num.Plural(len(c.Examples), "image", "images"), texttab.Clean(strings.TrimSpace(c.Name+" "+c.Split)), drawn)
	}
	for _, note := range s.Notes {
		fmt.Fprintf(a.io.Out, "%s\n", texttab.Wrap(texttab.Clean(note), "  ", "    ", 100))
	}
	if len(t.Rows) > 0 {
		text, _ := t.Format("  ", 0)
		fmt.Fprint(a.io.Out, text)
	}
	return nil
}

// compressedOf is the share of the parameters, or of the multiply-accumulates,
// that are in compressed layers as infer's manifest counts them; nil where it
// cannot be said.
func compressedOf(f *onnx.Facts, macs bool) *float64 {
	var part, all int64
	for _, l := range f.Layers {
		facts := prediction.LayerFacts{Parameters: l.Weights, Bits: 32}
		if l.Quantized {
			facts.Bits = 8
		} else if strings.HasSuffix(l.Type, "float16") {
			facts.Bits = 16
		}
		if l.ZeroShare != nil {
			facts.Sparsity = *l.ZeroShare
		}
		n := l.Weights
		if macs {
			if l.MACs == nil {
				return nil
			}
			n = *l.MACs
			all += n
		}
		if facts.Compressed() {
			part += n
		}
	}
	if !macs {
		all = f.Parameters
	}
	if all == 0 {
		return nil
	}
	share := min(1, float64(part)/float64(all))
	return &share
}

func number(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return num.Number(*v)
}

func percentOf(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return num.Share(*v)
}

// sizesOf are the sizes of files, those that are there, as they are and after
// zstd, which is how models are often shipped.
func sizesOf(files ...string) (size, packed int64, err error) {
	count := &written{}
	z, err := zstd.NewWriter(count, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return 0, 0, err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		n, err := io.Copy(z, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", name, err)
		}
		size += n
	}
	err = z.Close()
	return size, count.n, err
}

// written counts bytes.
type written struct{ n int64 }

// Write counts.
func (w *written) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	return len(p), nil
}
