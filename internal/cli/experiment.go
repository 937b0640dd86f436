package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/lethe-audit/lethe/internal/diskfree"
	"github.com/lethe-audit/lethe/internal/lockfile"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
	"github.com/lethe-audit/lethe/runner/local"
	"github.com/spf13/cobra"
)

// experimentOptions are the flags of lethe run.
type experimentOptions struct {
	data     string
	dir      string
	bundle   string
	members  int
	jobs     int
	dryRun   bool
	forceNew bool
	output   outputFlags
}

func (a *app) newRun() *cobra.Command {
	var o experimentOptions
	c := &cobra.Command{
		Use:   "run EXPERIMENT.yaml [--data SRC] [-o DIR]",
		Short: "Train, prune, quantize, predict, audit and report, all from one file",
		Long: `Run does what an experiment asks for: it trains populations of dense and pruned
networks, compresses members, runs all of them over the test data, audits the
predictions and writes the report (doc/experiments.md).

What is done is kept in DIR. A run that was killed, interrupted or that ran out
of disk space goes on where it stopped when it is started again, and ends with
the same bits. Members that lie in a folder beside the file, named as the file
without .yaml, count as done where their digest fits (--bundle names another).

DIR belongs to one experiment: if the file has changed, run says what is
different and stops; --force-new goes on and does anew only what has changed.
Shifts (shift: [fog:3, common]) are jobs of their own: asking for more of them
trains nothing anew.
` + exitHelp,
		Example: `  lethe run examples/smoke.yaml --data cifar10:cifar-10-batches-bin -o out/smoke
  lethe run examples/cifar10-resnet8.yaml --members 4 --dry-run`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, files []string) error { return a.runExperiment(c.Context(), files[0], &o) },
	}
	s := c.Flags()
	s.StringVar(&o.data, "data", "", "the images, instead of the file's: `KIND:PATH?options`; options that are not given stay")
	s.StringVarP(&o.dir, "output", "o", "", "keep everything in `DIR` (default: out/NAME)")
	s.StringVar(&o.bundle, "bundle", "", "take finished members from `DIR` (default: the file's name without .yaml)")
	s.IntVar(&o.members, "members", 0, "members of each population, instead of the file's")
	s.IntVar(&o.jobs, "jobs", 0, "members trained side by side (default: one for each core)")
	s.BoolVar(&o.dryRun, "dry-run", false, "print the jobs and what they will take, and stop; needs no data")
	s.BoolVar(&o.forceNew, "force-new", false, "go on though the experiment has changed: do anew what is different")
	o.output.add(c)
	_ = c.MarkFlagDirname("output")
	c.ValidArgsFunction = cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)
	return c
}

// experiment is an experiment that was read and planned.
type experiment struct {
	file string
	text []byte
	plan *plan.Plan
	e    *plan.Experiment
}

// readExperiment reads an experiment and plans it; data and members replace
// what the file says, unless they are empty.
func readExperiment(file, data string, members int) (*experiment, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	e, err := plan.Parse(file, text)
	if err != nil {
		return nil, err
	}
	if e.Data, err = replaceData(e.Data, data); err != nil {
		return nil, err
	}
	if members != 0 {
		e.Members = members
		if members < 1 {
			return nil, errUsage{fmt.Errorf("--members %d, want at least 1", members), "lethe run"}
		}
	}
	p, err := plan.Make(e, resolver(filepath.Dir(file)))
	if err != nil {
		return nil, err
	}
	return &experiment{file, text, p, e}, nil
}

// runError adds what to do about an error of a run.
func runError(err error) error {
	var held *lockfile.HeldError
	var changed *runner.ChangedError
	switch {
	case errors.As(err, &held):
		return fmt.Errorf("%w; wait for it ('lethe status %s'), or choose another directory", err, filepath.Dir(held.Path))
	case errors.As(err, &changed):
		return fmt.Errorf("%w\nchoose another directory, or --force-new to keep what is done and fits, and do the rest", err)
	}
	return err
}

func (a *app) runExperiment(ctx context.Context, file string, o *experimentOptions) error {
	format, err := o.output.chosen()
	if err != nil {
		return err
	}
	x, err := readExperiment(file, o.data, o.members)
	if err != nil {
		return err
	}
	jobs := &jobs{app: a, plan: x.plan, base: filepath.Dir(file), fault: x.e.Fault, dry: o.dryRun}
	err = jobs.open(ctx)
	if o.dryRun && errors.Is(err, fs.ErrNotExist) {
		return a.dryRun(ctx, x, jobs, o)
	}
	if err != nil {
		return err
	}
	defer jobs.close()
	if o.dryRun {
		return a.dryRun(ctx, x, jobs, o)
	}
	if o.dir == "" {
		o.dir = filepath.Join("out", x.plan.Name)
	}
	bundle, err := bundleDir(file, o.bundle)
	if err != nil {
		return err
	}
	if err := a.carryOut(ctx, x, jobs, bundle, o); err != nil {
		return runError(err)
	}
	report := filepath.Join(o.dir, plan.AuditDir, "clean")
	o.output.dir = report
	if err := a.render(filepath.Join(report, findingsFile), format, o.output, a.io.Out); err != nil {
		return err
	}
	a.log.Info("run finished", "report", filepath.Join(report, reportFile))
	return nil
}

// carryOut does all jobs that are not done.
func (a *app) carryOut(ctx context.Context, x *experiment, jobs *jobs, bundle string, o *experimentOptions) (err error) {
	store, err := runner.Open(o.dir, bundle)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Adopt(x.plan, x.text, o.forceNew); err != nil {
		return err
	}
	free, err := diskfree.Bytes(o.dir)
	if err != nil {
		return err
	}
	jobs.recorded = map[string]*runner.Record{}
	for _, j := range x.plan.Jobs {
		if r := store.Recorded(j); r != nil {
			jobs.recorded[j.ID] = r
		}
	}
	costs, err := jobs.Estimate(ctx, x.plan)
	if err != nil {
		return err
	}
	view := a.newRunView(x.plan, costs, o.jobs)
	defer view.end()
	opts := local.DefaultOptions()
	opts.SideBySide, opts.FreeBytes, opts.Watch = o.jobs, free, view.watcher()
	return local.Run(ctx, store, x.plan, jobs, opts)
}

// bundleDir is the folder of finished members: the one that was named, or the
// one beside the experiment's file if it is there.
func bundleDir(file, named string) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("--bundle: %w", err)
		}
		return named, nil
	}
	dir := strings.TrimSuffix(file, filepath.Ext(file))
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case dir == file || !info.IsDir():
		return "", nil
	}
	return dir, nil
}

// cores is the number of cores that a run uses.
func cores() int { return runtime.GOMAXPROCS(0) }
