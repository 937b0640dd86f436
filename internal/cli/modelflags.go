package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
	"github.com/spf13/cobra"
)

// modelFlags say how models are run over data.
type modelFlags struct {
	data     string
	baseline string
	paired   bool
	batch    int
	threads  int
	badLimit float64
	people   string
	runtime  runtimeFlags
}

const modelHelp = `
Models are ONNX files; NAME=FILE,FILE,... names a variant with several members.
Data is KIND:PATH?options, such as cifar10:DIR?mean=.491,.482,.447&std=.247,.244,.262
or imagenet:DIR?resize=256&crop=224 ('lethe data list' lists kinds and options).

A model that was computed before with the same data and settings is not computed
again: a run that was killed goes on where it stopped.

Models run in the program's own engine. What that lacks an operator for can run
in ONNX Runtime (--runtime, --ort-lib), if the program was made by 'make build-ort'.`

func (f *modelFlags) add(c *cobra.Command) {
	f.addData(c)
	f.runtime.add(c.Flags())
	c.Flags().StringVar(&f.people, "human-labels", "", humanLabelsHelp)
	_ = c.MarkFlagFilename("human-labels")
}

// addData adds all but the choice of what runs the models, which is the engine.
func (f *modelFlags) addData(c *cobra.Command) {
	f.runtime.runtime = runtimeGo
	s := c.Flags()
	s.StringVar(&f.data, "data", "", "the images: `KIND:PATH?options`")
	s.StringVar(&f.baseline, "baseline", "", "`NAME` of the variant that the others are compared with (default: the first)")
	s.BoolVar(&f.paired, "paired", false, "member k of each variant was made from member k of the baseline")
	s.IntVar(&f.batch, "batch", infer.DefaultOptions().Batch, "images computed at once; changes no prediction")
	s.IntVar(&f.threads, "threads", 0, "cores to use (default: all)")
	s.Float64Var(&f.badLimit, "bad-limit", infer.DefaultOptions().BadLimit, "share of images that may be damaged or missing")
}

// variants are the populations that the arguments name, the baseline first.
func (f *modelFlags) variants(models []string) ([]infer.Variant, error) {
	if err := f.runtime.check(); err != nil {
		return nil, err
	}
	var out []infer.Variant
	seen := map[string]bool{}
	for _, arg := range models {
		name, list, ok := strings.Cut(arg, "=")
		if !ok {
			list = arg
			name = strings.TrimSuffix(filepath.Base(arg), filepath.Ext(arg))
		}
		v := infer.Variant{Name: name}
		for file := range strings.SplitSeq(list, ",") {
			if file = strings.TrimSpace(file); file != "" {
				v.Files = append(v.Files, file)
			}
		}
		switch {
		case name == "" || len(v.Files) == 0:
			return nil, fmt.Errorf("%q: want a model, or a name and its models: NAME=MODEL,MODEL", arg)
		case seen[name]:
			return nil, fmt.Errorf("two variants are called %q; name them NAME=MODEL", name)
		}
		seen[name] = true
		out = append(out, v)
	}
	if f.baseline == "" {
		return out, nil
	}
	for i, v := range out {
		if v.Name == f.baseline {
			copy(out[1:i+1], out[:i])
			out[0] = v
			return out, nil
		}
	}
	return nil, fmt.Errorf("--baseline %q: no variant has that name", f.baseline)
}

// predictions runs the models. work is where finished models are kept; each
// model's accuracy is printed.
func (a *app) predictions(ctx context.Context, f *modelFlags, variants []infer.Variant, work string) (*infer.Result, error) {
	if f.people != "" {
		if _, err := os.Stat(f.people); err != nil {
			return nil, fmt.Errorf("--human-labels: %w", err) // before the models run
		}
	}
	r, err := a.inferred(ctx, f, variants, work, infer.Predict)
	if err != nil || f.people == "" {
		return r, err
	}
	if err := importer.AddPeople(ctx, r.Table, f.people); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// inferred makes a job of the flags and has it run.
func (a *app) inferred(ctx context.Context, f *modelFlags, variants []infer.Variant, work string, run func(context.Context, *infer.Job) (*infer.Result, error)) (r *infer.Result, err error) {
	opened, err := dataKinds().Open(ctx, f.data)
	if err != nil {
		return nil, err
	}
	defer opened.Dataset.Close()
	data := opened.Dataset
	if _, corrupted := opened.Source.Value("corruption"); corrupted {
		data, work = keep(data, keptBytes), shiftWork(work, opened.Source)
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	for _, n := range opened.Notes {
		a.log.Info(n)
	}
	rt := a.newRuntimes(f.runtime)
	defer func() { err = errors.Join(err, rt.close()) }()
	job := &infer.Job{
		Variants: variants, Data: data, Preprocess: opened.Preprocess, Source: f.data,
		Paired: f.paired, Work: work, Tool: a.tool(),
		Options: infer.Options{Batch: f.batch, BadLimit: f.badLimit},
		Engine:  engine.Options{Threads: f.threads, CPU: a.io.Env("LETHE_CPU")},
		Runtime: rt.choose,
	}
	var bar *progress.Bar
	job.Start = func(file string, i, n int) {
		bar = a.bar(fmt.Sprintf("%s (%d of %d)", filepath.Base(file), i+1, n), "images")
	}
	job.Options.Progress = func(done, total int) { bar.Set(done, total) }
	job.Done = func(file string, correct, n int, resumed bool) {
		bar.End()
		note := ""
		if resumed {
			note = "  (computed before)"
		}
		fmt.Fprintf(a.io.Out, "%-40s %s %%%s\n", filepath.Base(file), percent(correct, n), note)
	}
	var looking *progress.Bar
	job.Looked = func(done, total int) {
		if looking == nil {
			looking = a.bar("contrast and sharpness", "images")
		}
		looking.Set(done, total)
	}
	r, err = run(ctx, job)
	bar.End()
	looking.End()
	if err == nil {
		a.unmasked(r.Table)
	}
	return r, err
}

// unmasked prints the accuracies among all classes where models chose among some.
func (a *app) unmasked(t *prediction.Table) {
	if t.Subset == nil {
		return
	}
	fmt.Fprintf(a.io.Out, "These are choices among the %s classes of the data. Among all %s:\n", num.Count(len(t.Subset)), num.Count(len(t.Classes)))
	for _, v := range t.Variants {
		for _, m := range v.Members {
			if m.Unmasked == nil {
				continue
			}
			right := 0
			for i := range t.Len() {
				if m.Unmasked.At(i) == t.Labels.At(i) {
					right++
				}
			}
			fmt.Fprintf(a.io.Out, "%-40s %s %%\n", m.Name, percent(right, t.Len()))
		}
	}
}

// percent is a share as NN.NN.
func percent(k, n int) string { return fmt.Sprintf("%.2f", 100*float64(k)/float64(n)) }

func (a *app) newPredict() *cobra.Command {
	var f modelFlags
	var dir, scores, asShift string
	var shifts shiftFlags
	c := &cobra.Command{
		Use:   "predict MODEL... --data SRC -o DIR",
		Short: "Run ONNX classifiers over images and write their predictions",
		Long: `Predict runs every model over the data, prints its accuracy, and writes a
directory of predictions that 'lethe audit' reads.

--shift runs them over corrupted copies of the images, too, made on the way: the
audit then asks whether compression costs more there. Data that a source corrupts
(?corruption=fog&severity=3) are written down as that shift.
` + modelHelp + "\n" + exitHelp,
		Example: `  lethe predict fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin -o predictions
  lethe predict dense=d0.onnx,d1.onnx int8=q0.onnx,q1.onnx --paired --data cifar10:cifar-10-batches-bin -o predictions
  lethe predict fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin --shift fog:3,contrast:3 -o predictions`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, models []string) error {
			variants, err := f.variants(models)
			if err == nil && (f.data == "" || dir == "") {
				err = fmt.Errorf("--data SRC and -o DIR are required")
			}
			if err != nil {
				return errUsage{err, c.CommandPath()}
			}
			o := prediction.DefaultWriteOptions()
			o.Tool = a.tool()
			if o.Scores = prediction.ScoreFormat(scores); scores == "none" {
				o.Scores = prediction.ScoresNone
			}
			if err := shifts.resolve(f.data, asShift); err != nil {
				return errUsage{err, c.CommandPath()}
			}
			return a.runPredict(c.Context(), &f, variants, dir, &shifts, o)
		},
	}
	f.add(c)
	c.Flags().StringVarP(&dir, "output", "o", "", "write the predictions to `DIR`, which must not exist")
	c.Flags().StringVar(&scores, "scores", string(prediction.DefaultWriteOptions().Scores), "keep full scores as: float32, float16 or none")
	c.Flags().StringVar(&asShift, "as-shift", "", asShiftHelp)
	shifts.add(c)
	return c
}

func (a *app) runPredict(ctx context.Context, f *modelFlags, variants []infer.Variant, dir string, shifts *shiftFlags, o prediction.WriteOptions) error {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("output: %s is already there; choose another directory", dir)
	}
	work := workDir(dir)
	r, err := a.predictions(ctx, f, variants, work)
	if err != nil {
		return err
	}
	defer r.Close()
	a.notes(r.Table.Notes)
	r.Table.Shift = shifts.of
	if err := a.predictShifts(ctx, f, variants, work, shifts, r.Table); err != nil {
		return err
	}
	if err := prediction.Write(dir, r.Table, o); err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// maxNotes is how many notes on predictions are shown; all are written with
// them.
const maxNotes = 10

// notes shows what there is to say about predictions: images that were left
// out, models that were run one image at a time.
func (a *app) notes(notes []string) {
	for i, n := range notes {
		if i == maxNotes {
			a.log.Info(fmt.Sprintf("and %d more notes, written with the predictions", len(notes)-i))
			return
		}
		a.log.Info(n)
	}
}

// workDir is where finished models are kept until the output is whole.
func workDir(dir string) string {
	clean := filepath.Clean(dir)
	return filepath.Join(filepath.Dir(clean), "."+filepath.Base(clean)+".work")
}
