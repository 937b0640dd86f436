package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/spf13/cobra"
)

// blameOptions are the flags of lethe blame.
type blameOptions struct {
	models   modelFlags
	settings auditFlags
	output   outputFlags
	dir      string
	force    bool
	title    string
	sample   int
}

// blameChecks are what blame asks where the user does not say.
var blameChecks = []string{"compression", "summary", "flip", "attribution"}

func (a *app) newBlame() *cobra.Command {
	var o blameOptions
	c := &cobra.Command{
		Use:   "blame BASE CANDIDATE --data SRC",
		Short: "Find the layers that a compressed model's changed answers come from",
		Long: `Blame answers which layer should stay in float. It puts one layer of the
candidate at a time back to the baseline, its weights and the quantization of
what it reads, runs all images, and counts the changed answers that this rescues
and those that it disturbs. Beside that stand how far compression moved the
layer's weights and output.

The candidate must be made from the baseline, by 'lethe compress' or a tool that
keeps the names of the values between layers: pruned, float16, quantized with
QuantizeLinear and DequantizeLinear, dynamically, or in its weights only. What
comes before a layer is computed once for all layers.

BASE and CANDIDATE are ONNX files; NAME=FILE,FILE,... names a population with
several members, and PIEs are counted too. Data is KIND:PATH?options ('lethe data
list' lists kinds and options). A run that was killed goes on where it stopped.
` + exitHelp,
		Example: `  lethe blame fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin
  lethe blame fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin -o blamed
  lethe blame dense=d0.onnx,d1.onnx int8=q0.onnx,q1.onnx --data cifar10:cifar-10-batches-bin`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, models []string) error { return a.runBlame(c, models, &o) },
	}
	o.models.addData(c)
	o.settings.add(c)
	o.output.add(c)
	s := c.Flags()
	s.Lookup("checks").Usage = "ask these `CHECKS` (default: compression, summary, flip, attribution, and pie for populations)"
	s.StringVarP(&o.dir, "output", "o", "", "write the audit to `DIR`, with the predictions of every restored model")
	s.BoolVar(&o.force, "force", false, "replace DIR if it is there")
	s.StringVar(&o.title, "title", "", "title of the report")
	s.IntVar(&o.sample, "sample", infer.DefaultBlameOptions().Sample, "images over which the noise of each layer is measured")
	_ = c.MarkFlagDirname("output")
	return c
}

func (a *app) runBlame(c *cobra.Command, models []string, o *blameOptions) error {
	variants, err := o.models.variants(models)
	switch {
	case err != nil:
	case o.models.data == "":
		err = errors.New("--data SRC is required")
	case o.sample < 0:
		err = fmt.Errorf("--sample %d: want 0 or more images", o.sample)
	}
	if err != nil {
		return errUsage{err, c.CommandPath()}
	}
	format, err := o.output.chosen()
	if err != nil {
		return err
	}
	names := o.settings.checks
	if len(names) == 0 {
		names = blameChecks
		if len(variants[1].Files) > 1 {
			names = append(names[:len(names):len(names)], "pie")
		}
	}
	checks, err := selectChecks(names)
	if err != nil {
		return err
	}
	options, err := o.settings.options(c)
	if err != nil {
		return err
	}
	if err := refuseExisting(o.dir, o.force); err != nil {
		return err
	}
	work := workDir(o.dir)
	if o.dir == "" {
		if work, err = os.MkdirTemp("", "lethe-blame-"); err != nil {
			return err
		}
		defer os.RemoveAll(work)
	}
	job := auditJob{checks: checks, title: o.title, dir: o.dir, force: o.force, copyPredictions: true}
	if err := a.blamed(c.Context(), o, variants, work, options, &job, format); err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// blamed restores layers and audits them; what is finished stays in work if it
// fails.
func (a *app) blamed(ctx context.Context, o *blameOptions, variants []infer.Variant, work string, options audit.Options, job *auditJob, f format) error {
	r, err := a.inferred(ctx, &o.models, variants, work, func(ctx context.Context, j *infer.Job) (*infer.Result, error) {
		b := infer.DefaultBlameOptions()
		b.Sample = o.sample
		var bar *progress.Bar
		b.Progress = func(done, total int) {
			if bar == nil { // after the bars of the two models
				bar = a.bar("layers put back", "images")
			}
			bar.Set(done, total)
		}
		defer func() { bar.End() }()
		return infer.Blame(ctx, j, b)
	})
	if err != nil {
		return err
	}
	defer r.Close()
	if job.view, err = audit.NewView(r.Table, options); err != nil {
		return err
	}
	return a.finish(ctx, job, f, o.output)
}
