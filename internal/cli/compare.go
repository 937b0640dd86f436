package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/infer"
	"github.com/spf13/cobra"
)

// compareOptions are the flags of lethe compare.
type compareOptions struct {
	models   modelFlags
	settings auditFlags
	output   outputFlags
	dir      string
	force    bool
	positive string
	title    string
	policy   string
	ratchet  ratchetOptions
	ladder   ladderFlags
	gallery  galleryFlags
}

func (a *app) newCompare() *cobra.Command {
	var o compareOptions
	c := &cobra.Command{
		Use:   "compare BASE [CANDIDATE...] --data SRC",
		Short: "Run a baseline and compressed models over images and audit them",
		Long: `Compare runs every model over the data and audits the predictions: predict,
audit and report in one go.
` + modelHelp + `

Models that hold the same weights as the baseline are refused: nothing was
compressed.

With --ladder it makes the compressed models itself, one for each scheme, and
ends with the most compressed one without detected or undecided harm at the
margin: the smallest after zstd whose every class is shown to lose less. With -o
the models are kept in DIR/models. Schemes are float16, int8-dynamic,
int8-static (which needs --calibrate), int4-weights, and sparsity=S or a range,
sparsity=0.3:0.9:0.2.

With --policy the audit is judged as lethe gate does, after its report, and the
exit code is the gate's: 1 the gate failed, 3 not enough evidence to decide.
` + exitHelp,
		Example: `  lethe compare fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin -o audit
  lethe compare fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin -o audit --policy near-lossless
  lethe compare fp32.onnx int8.onnx --data cifar10:cifar-10-batches-bin -o audit --gallery 200
  lethe compare dense=d0.onnx,d1.onnx int8=q0.onnx,q1.onnx --paired --data cifar10:cifar-10-batches-bin -o audit
  lethe compare fp32.onnx --ladder float16,int8-dynamic,int4-weights --data cifar10:cifar-10-batches-bin -o audit`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, models []string) error { return a.runCompare(c, models, &o) },
	}
	o.models.add(c)
	o.ladder.add(c)
	o.settings.add(c)
	o.output.add(c)
	o.gallery.add(c, false)
	s := c.Flags()
	s.StringVarP(&o.dir, "output", "o", "", "write the audit to `DIR`")
	s.BoolVar(&o.force, "force", false, "replace DIR if it is there")
	s.StringVar(&o.positive, "positive", "", "positive `CLASS`, by name or number")
	s.StringVar(&o.title, "title", "", "title of the report")
	o.ratchet.add(c)
	s.StringVar(&o.policy, "policy", "", "judge the audit by a policy `FILE` or the name of a pack (lethe gate --help)")
	return c
}

func (a *app) runCompare(c *cobra.Command, models []string, o *compareOptions) (err error) {
	variants, err := o.models.variants(models)
	if err == nil && o.models.data == "" {
		err = errors.New("--data SRC is required")
	}
	var rungs []compress.Spec
	if err == nil {
		rungs, err = o.ladder.rungs(models)
	}
	if err != nil {
		return errUsage{err, c.CommandPath()}
	}
	format, err := o.output.chosen()
	if err != nil {
		return err
	}
	checks, err := selectChecks(o.settings.checks)
	if err == nil {
		o.gallery.data = o.models.data
		err = o.gallery.check(c.CommandPath())
	}
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
	if err := o.ratchet.check(c.CommandPath()); err != nil {
		return err
	}
	if o.ratchet.file != "" && o.policy == "" {
		return errUsage{errors.New("--ratchet goes with --policy"), c.CommandPath()}
	}
	if o.policy != "" {
		if o.dir == "" {
			return errUsage{errors.New("--policy needs -o DIR: a verdict without its audit cannot be redone"), c.CommandPath()}
		}
		if _, err := readPolicy(o.policy); err != nil {
			return err // before the models run
		}
	}
	work := workDir(o.dir)
	if o.dir == "" {
		if work, err = os.MkdirTemp("", "lethe-compare-"); err != nil {
			return err
		}
		defer os.RemoveAll(work)
	}
	job := auditJob{checks: checks, title: o.title, dir: o.dir, force: o.force, copyPredictions: true, gallery: o.gallery}
	if len(rungs) > 0 {
		if variants, err = a.climb(c.Context(), &o.ladder, variants[0], rungs, o.models.threads, work); err != nil {
			return err
		}
		job.extra = func(dir string) error { return keepModels(variants[1:], dir) }
	}
	if err := a.comparison(c.Context(), o, variants, work, options, &job, format); err != nil {
		return err
	}
	if len(rungs) > 0 {
		if err := a.printChoice(c.Context(), job.view, o.dir); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(work); err != nil || o.policy == "" {
		return err
	}
	return a.verdict(o)
}

// verdict judges the audit that was made.
func (a *app) verdict(o *compareOptions) error {
	g := &gateOptions{policy: o.policy, ratchet: o.ratchet}
	return a.decide(o.dir, g, func(r *gate.Result) error {
		if _, err := fmt.Fprintln(a.io.Out); err != nil {
			return err
		}
		return a.printGate(r, &gateOutput{format: "text", all: o.output.all, color: o.output.color})
	})
}

// comparison predicts and audits; finished models stay in work if it fails.
func (a *app) comparison(ctx context.Context, o *compareOptions, variants []infer.Variant, work string, options audit.Options, job *auditJob, f format) error {
	r, err := a.predictions(ctx, &o.models, variants, work)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := infer.Differ(variants, r.Table.Variants); err != nil {
		return err
	}
	nameKept(r.Table.Inputs, work, o.dir)
	if options.Positive, err = classNumber(r.Table, o.positive); err != nil {
		return err
	}
	if job.view, err = audit.NewView(r.Table, options); err != nil {
		return err
	}
	return a.finish(ctx, job, f, o.output)
}
