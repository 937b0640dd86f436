package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
	"github.com/lethe-audit/lethe/train"
	"github.com/lethe-audit/lethe/zoo"
)

// jobs carries out the jobs of an experiment.
type jobs struct {
	app  *app
	plan *plan.Plan
	base string // folder of the experiment's file

	train, test *dataset.Opened // nil before open
	// fault is an error about a place of the experiment's file.
	fault func(at, format string, args ...any) error
	dry   bool // nothing is run: shifted data may be missing
	// recorded are the jobs whose records say that they are done, by ID.
	recorded map[string]*runner.Record

	once  sync.Once
	costs map[string]runner.Cost
	err   error
}

// open opens the data, so that what is wrong with it is said before anything
// is trained. Data are open all or none.
func (x *jobs) open(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close())
		}
	}()
	if x.train, err = dataKinds().Open(ctx, x.plan.TrainData); err != nil {
		return err
	}
	if x.test, err = dataKinds().Open(ctx, x.plan.TestData); err != nil {
		return err
	}
	for _, n := range append(x.train.Notes, x.test.Notes...) {
		x.app.log.Info(n)
	}
	if err := sameClasses(x.train.Dataset, x.test.Dataset); err != nil {
		return err
	}
	if err := x.fits(ctx); err != nil {
		return err
	}
	return x.checkShifts(ctx)
}

// fits compares what the model takes and gives with the data. All members have
// one model.
func (x *jobs) fits(ctx context.Context) error {
	var s plan.TrainSpec
	if err := x.plan.Jobs[0].Decode(&s); err != nil { // the baseline's first member
		return err
	}
	m, err := x.network(ctx, s, 0)
	if err != nil {
		return err
	}
	defer m.Close()
	takes, classes, err := train.Takes(m)
	if err != nil {
		return err
	}
	has, err := train.ImageShape(ctx, x.train.Dataset, x.train.Preprocess)
	switch {
	case err != nil:
		return err
	case takes.Channels != has.Channels || takes.Height != has.Height || takes.Width != has.Width:
		return fmt.Errorf("the model %s takes images of %d x %d x %d, the data have %d x %d x %d (channels, height, width)",
			x.plan.Model, takes.Channels, takes.Height, takes.Width, has.Channels, has.Height, has.Width)
	case classes != len(x.train.Dataset.Classes()):
		return fmt.Errorf("the model %s has %d classes, the data %d", x.plan.Model, classes, len(x.train.Dataset.Classes()))
	}
	return nil
}

func (x *jobs) close() error {
	var errs []error
	for _, d := range []**dataset.Opened{&x.train, &x.test} {
		if *d != nil {
			errs = append(errs, (*d).Dataset.Close())
		}
		*d = nil
	}
	return errors.Join(errs...)
}

// sameClasses compares the classes of two splits.
func sameClasses(a, b dataset.Dataset) error {
	if p, q := strings.Join(a.Classes(), "\n"), strings.Join(b.Classes(), "\n"); p != q {
		return fmt.Errorf("the training data have %d classes (%s), the test data %d (%s)",
			len(a.Classes()), strings.Join(a.Classes(), ", "), len(b.Classes()), strings.Join(b.Classes(), ", "))
	}
	return nil
}

// Run does a job.
func (x *jobs) Run(ctx context.Context, j *plan.Job, env runner.Env) (runner.Report, error) {
	switch j.Kind {
	case plan.Train:
		return x.trainMember(ctx, j, env)
	case plan.Compress:
		return x.compressMember(ctx, j, env)
	case plan.Predict:
		return x.predict(ctx, j, env)
	case plan.Audit:
		return x.audit(ctx, j, env)
	}
	return runner.Report{}, fmt.Errorf("no such kind of job: %q", j.Kind)
}

// network is the model that a member begins with.
func (x *jobs) network(ctx context.Context, s plan.TrainSpec, attempt int) (*onnx.Model, error) {
	if name, ok := strings.CutPrefix(s.Model, zooPrefix); ok {
		shape, err := train.ImageShape(ctx, x.train.Dataset, x.train.Preprocess)
		if err != nil {
			return nil, err
		}
		if shape.Height != shape.Width {
			return nil, fmt.Errorf("images of %d x %d pixels: the network %s wants square ones (crop=N)", shape.Width, shape.Height, name)
		}
		return zoo.Build(name, zoo.Config{Classes: len(x.train.Dataset.Classes()), Size: shape.Height, Channels: shape.Channels, Seed: s.Seed(attempt)})
	}
	return onnx.Load(x.modelFile())
}

// modelFile is the ONNX file that the experiment names.
func (x *jobs) modelFile() string {
	if filepath.IsAbs(x.plan.Model) {
		return x.plan.Model
	}
	return filepath.Join(x.base, x.plan.Model)
}

// trainMember trains a member in the job's work folder and puts the files where
// the run has them.
func (x *jobs) trainMember(ctx context.Context, j *plan.Job, env runner.Env) (runner.Report, error) {
	var s plan.TrainSpec
	if err := j.Decode(&s); err != nil {
		return runner.Report{}, err
	}
	recipe, err := train.RecipeFromJSON(s.Recipe)
	if err != nil {
		return runner.Report{}, err
	}
	m, err := x.network(ctx, s, env.Attempt)
	if err != nil {
		return runner.Report{}, err
	}
	defer m.Close()
	var notes []string
	job := train.Job{
		Model: m, Network: strings.TrimPrefix(s.Model, zooPrefix), Train: x.train.Dataset, Preprocess: x.train.Preprocess,
		Recipe: recipe, Seed: s.Seed(env.Attempt), Output: filepath.Join(env.Work, "model.onnx"), Work: filepath.Join(env.Work, "checkpoint"),
		Tool: x.app.tool(), Threads: env.Threads, CPU: x.app.io.Env("LETHE_CPU"),
		Progress: func(p train.Progress) { env.Progress(p.Step, p.Steps, trainNote(p)) },
		Note:     func(text string) { notes = append(notes, text) },
	}
	if s.Sparsity != nil {
		job.Sparsity = *s.Sparsity
	}
	r, err := train.Member(ctx, job)
	var diverged *train.Diverged
	if errors.As(err, &diverged) {
		return runner.Report{}, &runner.Retry{Reason: diverged.Error()}
	}
	if err != nil {
		return runner.Report{}, err
	}
	for from, to := range map[string]string{
		job.Output: j.Outputs[0], train.ManifestFile(job.Output): j.Outputs[1], train.CurveFile(job.Output): j.Outputs[2],
	} {
		to = filepath.Join(env.Dir, filepath.FromSlash(to))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), atomicfile.Copy(to, from)); err != nil {
			return runner.Report{}, err
		}
	}
	return runner.Report{Notes: append(notes, memberNote(r))}, nil
}

// memberNote is what came of a training.
func memberNote(r *train.Result) string {
	last := r.Manifest.Last
	text := fmt.Sprintf("loss %.3f, training accuracy %.1f %%", last.Loss, 100*last.Accuracy)
	if last.ValidationAccuracy != nil {
		text += fmt.Sprintf(", validation accuracy %.1f %%", 100**last.ValidationAccuracy)
	}
	if r.Manifest.Sparsity != nil {
		text += fmt.Sprintf(", sparsity %.4f", *r.Manifest.Sparsity)
	}
	return text
}
