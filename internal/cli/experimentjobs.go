package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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

// Estimate measures a step of training once and reckons from it, or from what
// training took where no member is left to train.
func (x *jobs) Estimate(ctx context.Context, p *plan.Plan) (map[string]runner.Cost, error) {
	x.once.Do(func() { x.costs, x.err = x.estimate(ctx, p) })
	return x.costs, x.err
}

// Rough figures for what is not measured: a forward pass is about a third of a
// training step, and a checkpoint holds weights, momentum and masks.
const (
	forwardShare    = 1.0 / 3
	checkpointTimes = 4
	measuredSteps   = 2
)

func (x *jobs) estimate(ctx context.Context, p *plan.Plan) (map[string]runner.Cost, error) {
	out := map[string]runner.Cost{}
	trained, tested := x.images()
	steps := map[string]time.Duration{} // by recipe
	left := slices.ContainsFunc(p.Jobs, func(j *plan.Job) bool { return j.Kind == plan.Train && x.recorded[j.ID] == nil })
	var forward float64 // seconds an image
	var size int64      // bytes of a model
	for _, j := range p.Jobs {
		switch j.Kind {
		case plan.Train:
			var s plan.TrainSpec
			if err := j.Decode(&s); err != nil {
				return nil, err
			}
			r, err := train.RecipeFromJSON(s.Recipe)
			if err != nil {
				return nil, err
			}
			count := train.StepsOf(r, trained)
			step, seen := steps[string(s.Recipe)]
			switch {
			case !left:
				step, size = x.took(j, count)
				step = max(step, steps[string(s.Recipe)]) // some went on where others had stopped
			case !seen:
				if step, size, err = x.measure(ctx, s, r); err != nil {
					return nil, err
				}
			}
			steps[string(s.Recipe)] = step
			forward = forwardShare * step.Seconds() / float64(r.Batch)
			out[j.ID] = runner.Cost{Seconds: step.Seconds() * float64(count), Bytes: checkpointTimes * size}
		case plan.Compress:
			var s plan.CompressSpec
			if err := j.Decode(&s); err != nil {
				return nil, err
			}
			out[j.ID] = runner.Cost{Seconds: forward * float64(s.Images), Bytes: size}
		case plan.Predict:
			var s plan.PredictSpec
			if err := j.Decode(&s); err != nil {
				return nil, err
			}
			out[j.ID] = x.predictCost(&s, len(j.Needs)*tested, forward)
		case plan.Audit:
		}
	}
	return out, nil
}

// predictCost reckons what it takes to run models over images, as many as their
// product, at a time for each. The audit copies what is left.
func (x *jobs) predictCost(s *plan.PredictSpec, images int, forward float64) runner.Cost {
	row := 1 + 4*x.classes() // the class and all scores
	if s.Shift != nil {
		row = 20 // no scores: classes of the highest, two probabilities
	}
	return runner.Cost{Seconds: forward * float64(images) / float64(cores()), Bytes: 2 * int64(images) * int64(row)}
}

// took is the time of a step and the size of the model of a member that is
// trained, as its record says.
func (x *jobs) took(j *plan.Job, steps int) (time.Duration, int64) {
	r := x.recorded[j.ID]
	step := time.Duration(r.Seconds / float64(max(steps, 1)) * float64(time.Second))
	if len(r.Outputs) == 0 {
		return step, 0 // no record of ours
	}
	return step, r.Outputs[0].Bytes
}

// measure measures a step of training and the size of a model.
func (x *jobs) measure(ctx context.Context, s plan.TrainSpec, r train.Recipe) (time.Duration, int64, error) {
	var m *onnx.Model
	var err error
	name, ok := strings.CutPrefix(s.Model, zooPrefix)
	switch {
	case x.train != nil || !ok:
		m, err = x.network(ctx, s, 0)
	default: // without data: as the network's source has it
		var a zoo.Architecture
		if a, err = zoo.Find(name); err == nil {
			m, err = zoo.Build(name, a.Config())
		}
	}
	if err != nil {
		return 0, 0, err
	}
	defer m.Close()
	facts, err := onnx.Inspect(m, nil)
	if err != nil {
		return 0, 0, err
	}
	step, err := train.StepTime(ctx, m, r, 1, measuredSteps)
	return step, 4 * facts.Parameters, err
}

// Numbers of images that are assumed where the data are not at hand: those of
// CIFAR-10.
const (
	assumedTraining = 50_000
	assumedTest     = 10_000
)

// images are the numbers of training and test images.
func (x *jobs) images() (trained, tested int) {
	if x.train != nil {
		return x.train.Dataset.Len(), x.test.Dataset.Len()
	}
	return limited(x.plan.TrainData, assumedTraining), limited(x.plan.TestData, assumedTest)
}

// limited is n, or what the source's limit says if that is less.
func limited(source string, n int) int {
	s, err := dataset.ParseSource(source)
	if err != nil {
		return n
	}
	if text, ok := s.Value("limit"); ok {
		if limit, err := strconv.Atoi(text); err == nil {
			return min(limit, n)
		}
	}
	return n
}

// classes is the number of classes; without data, CIFAR-10's.
func (x *jobs) classes() int {
	if x.train == nil {
		return 10
	}
	return len(x.train.Dataset.Classes())
}
