package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/spf13/cobra"
)

// auditOptions are the flags of lethe audit.
type auditOptions struct {
	input    inputFlags
	settings auditFlags
	output   outputFlags
	dir      string
	force    bool
	noCopy   bool
	title    string
	shifted  []string
	gallery  galleryFlags
}

func (a *app) newAudit() *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use:   "audit [PREDICTIONS...]",
		Short: "Audit predictions: which classes, subgroups and examples pay for compression",
		Long: `Audit compares the predictions of compressed classifiers with those of a
baseline and says which classes, subgroups and examples pay, how sure that is,
and what could not be decided.
` + inputHelp + `

With -o, the directory holds findings.jsonl, examples.parquet (every example
and variant), report.html and predictions/ (what was read, in Lethe's own
format). Without it only the report is printed. With --gallery N and --data SRC
the HTML report shows the pictures of the examples that are forgotten most.
` + exitHelp,
		Example: `  lethe audit --labels labels.npy --baseline dense=fp32.npy --candidate int8=int8.npy -o audit
  lethe audit --labels y.npy --baseline dense=a.npy,b.npy --candidate int8=c.npy,d.npy --paired \
      --attributes attrs.csv --class-names names.txt -o audit
  lethe audit predictions.csv -o audit
  lethe audit preds.csv --baseline fp32=resnet_fp32 --candidate int8=resnet_int8 --format markdown
  lethe audit predictions/ --paper -o paper
  lethe audit predictions/ --gallery 200 --data cifar10:cifar-10-batches-bin -o audit
  lethe audit predictions.csv --shifted fog:3=predictions.csv --shifted frost:5=predictions.csv -o audit`,
		Args: args(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, sources []string) error { return a.runAudit(c, sources, &o) },
	}
	o.input.add(c)
	o.settings.add(c)
	o.output.add(c)
	o.gallery.add(c, true)
	s := c.Flags()
	s.StringVarP(&o.dir, "output", "o", "", "write the audit to `DIR`")
	s.BoolVar(&o.force, "force", false, "replace DIR if it is there")
	s.BoolVar(&o.noCopy, "no-copy", false, "keep only the digests of the predictions in DIR, not a copy")
	s.StringVar(&o.title, "title", "", "title of the report")
	s.StringArrayVar(&o.shifted, "shifted", nil, shiftedHelp)
	_ = c.MarkFlagDirname("output")
	return c
}

func (a *app) runAudit(c *cobra.Command, sources []string, o *auditOptions) error {
	req, err := o.input.request(sources)
	if err != nil {
		return errUsage{err, c.CommandPath()}
	}
	format, err := o.output.chosen()
	if err != nil {
		return err
	}
	checks, err := selectChecks(o.settings.checks)
	if err == nil {
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
	ctx := c.Context()
	done := a.step("reading predictions")
	table, err := o.input.predictions(ctx, req)
	if err == nil {
		err = addShifts(ctx, table, o.shifted)
	}
	if err == nil {
		err = needsShifts(o.settings.checks, table)
	}
	done()
	if err != nil {
		return err
	}
	if options.Positive, err = classNumber(table, o.input.req.Positive); err != nil {
		return err
	}
	view, err := audit.NewView(table, options)
	if err != nil {
		return err
	}
	job := auditJob{view: view, checks: checks, title: o.title, dir: o.dir, force: o.force, copyPredictions: !o.noCopy, gallery: o.gallery}
	return a.finish(ctx, &job, format, o.output)
}

// auditJob is an audit that is ready to run.
type auditJob struct {
	view            *audit.View
	checks          []audit.Check
	title           string
	dir             string // "" keeps nothing
	force           bool
	copyPredictions bool
	extra           func(dir string) error // writes more into the audit's folder; nil for nothing
	tables          []finding.Table        // that no check makes, such as training curves
	gallery         galleryFlags           // pictures in the HTML report
}

// finish runs the audit in a folder of its own, prints the report, and moves
// the folder to its place: an audit that fails or is killed leaves nothing.
func (a *app) finish(ctx context.Context, job *auditJob, f format, o outputFlags) error {
	if job.dir == "" {
		tmp, err := os.MkdirTemp("", "lethe-audit-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		if err := a.writeAudit(ctx, job, tmp); err != nil {
			return err
		}
		return a.renderPage(ctx, job, tmp, f, o, a.io.Out)
	}
	err := atomicfile.Dir(job.dir, true, func(tmp string) error {
		if err := a.writeAudit(ctx, job, tmp); err != nil {
			return err
		}
		if err := a.writeExtras(ctx, job, tmp); err != nil {
			return err
		}
		if err := keepMarks(job.dir, tmp); err != nil {
			return err
		}
		return refuseExisting(job.dir, job.force) // it may have appeared meanwhile
	})
	if err != nil {
		return err
	}
	o.dir = job.dir
	if err := a.renderPage(ctx, job, job.dir, f, o, a.io.Out); err != nil {
		return err
	}
	a.log.Info("audit written", "report", filepath.Join(job.dir, reportFile))
	return nil
}

// renderPage renders the findings in an audit's folder, with the job's pictures
// where the format has any.
func (a *app) renderPage(ctx context.Context, job *auditJob, dir string, f format, o outputFlags, w io.Writer) error {
	if f == formatHTML {
		page, done, err := a.galleryPage(ctx, &job.gallery, dir)
		if err != nil {
			return err
		}
		defer done()
		o.page = page
	}
	return a.render(filepath.Join(dir, findingsFile), f, o, w)
}

// writeExtras adds the HTML report and the predictions to the audit's folder.
func (a *app) writeExtras(ctx context.Context, job *auditJob, dir string) error {
	done := a.step("writing the report and the predictions")
	defer done()
	err := atomicfile.Write(filepath.Join(dir, reportFile), func(w io.Writer) error {
		return a.renderPage(ctx, job, dir, formatHTML, outputFlags{}, w)
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if job.extra != nil {
		if err := job.extra(dir); err != nil {
			return err
		}
	}
	to := filepath.Join(dir, predictionsDir)
	if job.copyPredictions {
		err = prediction.Write(to, job.view.Table, prediction.DefaultWriteOptions())
	} else {
		err = prediction.WriteReference(to, job.view.Table)
	}
	if err != nil {
		return fmt.Errorf("writing predictions: %w", err)
	}
	return a.writeEvidence(job.view.Table, dir)
}
