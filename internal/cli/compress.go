package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/spf13/cobra"
)

// compressOptions are the flags of lethe compress.
type compressOptions struct {
	to       []string
	out      string
	source   string
	examples int
	resample int
	seed     uint64
	threads  int
	force    bool
	verbose  bool
	schemes  schemeFlags
}

func (a *app) newCompress() *cobra.Command {
	var o compressOptions
	c := &cobra.Command{
		Use:   "compress MODEL --to SCHEME -o OUT",
		Short: "Quantize or prune an ONNX model and write down how",
		Long: `Compress writes a compressed copy of an ONNX model. Any runtime runs it: only
operators of the ONNX standard are used, inputs and outputs stay as they are.

Schemes:
  float16        weights and computation in half precision
  int8-dynamic   int8 weights, activations quantized as they come
  int8-static    int8 weights and activations, ranges from --calibrate images
  int4-weights   4-bit weights in blocks, computed in float
  sparsity=S     the share S of weights, those of least magnitude, becomes zero
  sparsity=2:4   2 of every 4 neighbouring weights stay
--to may be given several times; schemes are applied in that order.

The model says what it was made from: the digest of the original's weights (which
pairs the two in an audit), schemes, options, ids of the calibration images and
the program's version. The same stands in OUT.manifest.json, with what became of
each layer. Layers and operators that cannot be compressed are left as they are
and listed. If nothing was compressed nothing is written.

--resample N makes N models, OUT-01 and so on, each calibrated on images drawn
anew: a population that shows how much hangs on the choice of calibration images,
and nothing else of what retraining would vary.
` + exitHelp,
		Example: `  lethe compress model.onnx --to float16 -o model-fp16.onnx
  lethe compress fp32.onnx --to int8-static --calibrate cifar10:cifar-10-batches-bin -n 100 -o fp32-int8.onnx
  lethe compress fp32.onnx --to int8-static --calibrate cifar10:cifar-10-batches-bin --resample 3 -o fp32-int8.onnx
  lethe compress fp32.onnx --to sparsity=0.5 --prune-dense all --to int8-dynamic -o fp32-sparse-int8.onnx`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runCompress(c, list[0], &o) },
	}
	s := c.Flags()
	s.StringArrayVar(&o.to, "to", nil, "`SCHEME` to apply (repeatable)")
	s.StringVarP(&o.out, "output", "o", "", "write the model to `OUT`")
	s.StringVar(&o.source, "calibrate", "", "calibration images: `KIND:PATH?options` (split=train unless it says otherwise)")
	s.IntVarP(&o.examples, "examples", "n", 100, "calibrate on the first `N` images")
	s.IntVar(&o.resample, "resample", 0, "make `N` models on calibration images drawn anew")
	s.Uint64Var(&o.seed, "seed", 1, "seed of --resample")
	s.IntVar(&o.threads, "threads", 0, "cores to use (default: all)")
	s.BoolVar(&o.force, "force", false, "replace OUT if it is there")
	s.BoolVarP(&o.verbose, "verbose", "v", false, "list every layer")
	o.schemes.add(c)
	_ = c.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(completions(), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	return c
}

// completions are the schemes' names for shells.
func completions() []string {
	names := slices.Clone(compress.Names())
	names[len(names)-1] += "="
	return names
}

// parsed are the schemes that the flags name, checked before anything is read.
func (o *compressOptions) parsed(c *cobra.Command) ([]compress.Scheme, error) {
	switch {
	case len(o.to) == 0:
		return nil, fmt.Errorf("--to SCHEME is required: %s", strings.Join(completions(), ", ")+"S")
	case o.out == "":
		return nil, errors.New("-o OUT is required")
	case o.examples < 1:
		return nil, fmt.Errorf("--examples %d, want at least 1", o.examples)
	case o.resample < 0 || o.resample == 1 || o.resample > 999:
		return nil, fmt.Errorf("--resample %d, want 2 to 999 models", o.resample)
	}
	var specs []compress.Spec
	for _, text := range o.to {
		s, err := compress.Parse(text)
		if err != nil {
			return nil, err
		}
		specs = append(specs, s)
	}
	if err := o.schemes.check(c.Flags(), specs); err != nil {
		return nil, err
	}
	var schemes []compress.Scheme
	needs := ""
	for _, s := range specs {
		x, err := o.schemes.scheme(s)
		if err != nil {
			return nil, err
		}
		if schemes = append(schemes, x); x.NeedsCalibration() {
			needs = x.Name()
		}
	}
	switch {
	case needs != "" && o.source == "":
		return nil, fmt.Errorf("%s needs training images: --calibrate SRC", needs)
	case needs == "" && o.source != "":
		return nil, fmt.Errorf("--calibrate: %s uses no calibration images", strings.Join(o.to, ", "))
	case needs == "" && o.resample > 0:
		return nil, fmt.Errorf("--resample: %s uses no calibration images, so all models would be the same", strings.Join(o.to, ", "))
	}
	return schemes, nil
}

// outputs are the files to write.
func (o *compressOptions) outputs() []string {
	if o.resample == 0 {
		return []string{o.out}
	}
	ext := filepath.Ext(o.out)
	width := max(2, len(fmt.Sprint(o.resample)))
	var out []string
	for k := range o.resample {
		out = append(out, fmt.Sprintf("%s-%0*d%s", strings.TrimSuffix(o.out, ext), width, k+1, ext))
	}
	return out
}

func manifestFile(model string) string { return model + ".manifest.json" }

// free refuses to write over the model, and over anything without --force.
func (o *compressOptions) free(model string) error {
	from, err := os.Stat(model)
	if err != nil {
		return err
	}
	for _, out := range o.outputs() {
		for _, name := range []string{out, manifestFile(out)} {
			to, err := os.Stat(name)
			switch {
			case errors.Is(err, os.ErrNotExist):
			case err != nil:
				return fmt.Errorf("output: %w", err)
			case os.SameFile(from, to):
				return fmt.Errorf("output: %s is the model itself; choose another file", name)
			case !o.force:
				return fmt.Errorf("output: %s is there; choose another file, or --force to replace it", name)
			}
		}
	}
	return nil
}

func (a *app) runCompress(c *cobra.Command, model string, o *compressOptions) (err error) {
	schemes, err := o.parsed(c)
	if err != nil {
		return errUsage{err, c.CommandPath()}
	}
	if err := o.free(model); err != nil {
		return err
	}
	ctx := c.Context()
	m, err := onnx.Load(model)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	in := compress.Input{Engine: engine.Options{Threads: o.threads, CPU: a.io.Env("LETHE_CPU")}, Seed: o.seed}
	var images *calibrationImages
	if o.source != "" {
		if images, err = a.openCalibration(ctx, o.source, o.examples); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, images.close()) }()
	}
	for k, out := range o.outputs() {
		if images != nil {
			if o.resample > 0 {
				if err := images.draw(k+1, o.seed); err != nil {
					return err
				}
			}
			in.Calibration, in.Data = images, images.info
		}
		if err := a.compressOne(ctx, m, schemes, in, out, o); err != nil {
			return err
		}
	}
	if o.resample > 0 {
		fmt.Fprintf(a.io.Out, "\nThese %d models differ in their calibration images only. As a population they cover\ncalibration noise: not what training again, or other data, would change.\n", o.resample)
	}
	return nil
}

// compressOne makes one model and writes it.
func (a *app) compressOne(ctx context.Context, m *onnx.Model, schemes []compress.Scheme, in compress.Input, out string, o *compressOptions) error {
	bar := a.bar("compressing "+filepath.Base(out), "steps")
	in.Progress = func(done, total int) { bar.Set(done, total) }
	r, err := compress.Run(ctx, m, schemes, in, a.tool())
	bar.End()
	switch {
	case errors.Is(err, compress.ErrNothing):
		return fmt.Errorf("%s is not written: %w", out, err)
	case errors.Is(err, compress.ErrCalibration):
		return fmt.Errorf("--calibrate %s: %w", o.source, err)
	case err != nil:
		return err
	}
	if err := onnx.Save(r.Model, out, onnx.DefaultSaveOptions()); err != nil {
		return err
	}
	if err := atomicfile.Write(manifestFile(out), r.Manifest.Write); err != nil {
		return errors.Join(err, os.Remove(out))
	}
	return a.printCompressed(r, out, o.verbose)
}
