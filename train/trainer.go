package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine/grad"
	"github.com/lethe-audit/lethe/train/gmp"
)

// trainer is a member being trained.
type trainer struct {
	job    *Job
	recipe Recipe // for the member's sparsity
	made   Made

	shape    dataset.Shape
	perEpoch int // steps
	steps    int
	rate     rate
	schedule gmp.Schedule // Frequency 0: nothing is pruned
	feed     *feed
	workers  int
	eval     *evaluator // nil: no images to measure on

	net     network
	opt     *optimizer
	pruner  *pruner
	average *average // nil: off

	step    int // finished steps
	curve   []Epoch
	running tally
	best    best

	clock clock
}

// prepare checks everything that can be wrong with a job before any training.
func prepare(ctx context.Context, j *Job) (*trainer, error) {
	r, err := j.Recipe.For(j.Sparsity)
	if err != nil {
		return nil, err
	}
	t := &trainer{job: j, recipe: r}
	if err := t.fit(ctx); err != nil {
		return nil, err
	}
	if t.made, err = identify(j, r); err != nil {
		return nil, err
	}
	train, held, err := split(j.Train, r.Holdout)
	if err != nil {
		return nil, err
	}
	if t.perEpoch = len(train) / r.Batch; t.perEpoch == 0 {
		return nil, fmt.Errorf("%w: a batch of %d images is more than the %d there are to train on", ErrJob, r.Batch, len(train))
	}
	if t.steps = r.Length.steps(t.perEpoch); t.steps < 1 {
		return nil, fmt.Errorf("%w: a length of %s is less than a step", ErrJob, r.Length)
	}
	if err := t.window(); err != nil {
		return nil, err
	}
	t.rate = newRate(r.Rate, t.perEpoch, t.steps)
	if t.rate.warmup > t.steps {
		return nil, fmt.Errorf("%w: a warm-up of %s, %d steps, is longer than the training, %d", ErrJob, r.Rate.Warmup, t.rate.warmup, t.steps)
	}
	t.makeFeed(train)
	return t, t.makeEvaluator(held)
}

// fit checks that the images are what the model takes.
func (t *trainer) fit(ctx context.Context) error {
	j := t.job
	shape, classes, err := Takes(j.Model)
	if err != nil {
		return err
	}
	if j.Preprocess.Layout != dataset.NCHW {
		return fmt.Errorf("%w: layout=%s: training takes images as nchw", ErrJob, j.Preprocess.Layout)
	}
	if n := len(j.Train.Classes()); n != classes {
		return fmt.Errorf("%w: the model has %d outputs, the data %d classes", ErrJob, classes, n)
	}
	if v := j.Validation; v != nil && len(v.Classes()) != classes {
		return fmt.Errorf("%w: the training images have %d classes, those for validation %d", ErrJob, classes, len(v.Classes()))
	}
	if j.Validation != nil && t.recipe.Holdout > 0 {
		return fmt.Errorf("%w: the recipe holds images out and images for validation are given: one of the two", ErrJob)
	}
	got, err := ImageShape(ctx, j.Train, j.Preprocess)
	if err != nil {
		return err
	}
	if got != shape {
		return fmt.Errorf("%w: the model takes %d channels of %d x %d pixels, the images have %d of %d x %d; options of the data (resize, crop, channels) bring them to size",
			ErrJob, shape.Channels, shape.Height, shape.Width, got.Channels, got.Height, got.Width)
	}
	t.shape = shape
	return nil
}

// ImageShape is the shape of the first image of d once it is preprocessed.
func ImageShape(ctx context.Context, d dataset.Dataset, p dataset.Preprocess) (dataset.Shape, error) {
	im, err := d.Image(ctx, 0)
	if err != nil {
		return dataset.Shape{}, fmt.Errorf("train: %w", err)
	}
	pp, err := dataset.NewPreprocessor(p)
	if err != nil {
		return dataset.Shape{}, fmt.Errorf("train: %w", err)
	}
	if im, err = pp.Fit(im); err != nil {
		return dataset.Shape{}, fmt.Errorf("train: %w", err)
	}
	return dataset.Shape{Channels: im.Channels, Height: im.Height, Width: im.Width, Layout: p.Layout}, nil
}

// window resolves when is pruned.
func (t *trainer) window() error {
	p := t.recipe.Pruning
	if t.job.Sparsity == 0 {
		return nil
	}
	t.schedule = gmp.Schedule{Sparsity: t.job.Sparsity, Begin: p.Begin.steps(t.perEpoch), End: p.End.steps(t.perEpoch), Frequency: max(1, p.Every.steps(t.perEpoch))}
	if err := t.schedule.Check(t.steps); err != nil {
		return fmt.Errorf("train: recipe %s: %w", t.recipe.title(), err)
	}
	return nil
}

func (t *trainer) makeFeed(train []int) {
	j := t.job
	var fit *dataset.Preprocess
	if t.recipe.Augment.ResizedCrop.Area == nil {
		fit = &j.Preprocess
	}
	t.workers = max(1, cores(j.Threads)/4)
	if fit == nil { // decoding whole photographs
		t.workers = cores(j.Threads)
	}
	t.feed = &feed{
		from: newImages(j.Train, train, fit), seed: j.Seed, augment: t.recipe.Augment,
		size: dataset.Size{Height: t.shape.Height, Width: t.shape.Width}, numbers: j.Preprocess,
		batch: t.recipe.Batch, image: t.shape.Len(),
	}
}

func (t *trainer) makeEvaluator(held []int) error {
	j := t.job
	d := j.Validation
	if len(held) > 0 {
		d = dataset.Select(j.Train, held)
	}
	if d == nil {
		if t.recipe.Patience > 0 {
			return fmt.Errorf("%w: recipe %s ends early by the loss on images that are not trained on, and there are none: hold some out, or give images for validation", ErrJob, t.recipe.title())
		}
		return nil
	}
	t.eval = &evaluator{data: d, preprocess: j.Preprocess, threads: j.Threads, cpu: j.CPU}
	return nil
}

// open makes the network and takes up a checkpoint, if there is one.
func (t *trainer) open(make maker) error {
	j := t.job
	o := grad.DefaultOptions()
	o.Threads, o.LabelSmoothing, o.Seed = j.Threads, float32(t.recipe.LabelSmoothing), j.Seed
	if j.CPU != "" {
		o.CPU = j.CPU
	}
	var err error
	if t.net, err = make(j.Model, o); err != nil {
		return err
	}
	for _, n := range t.net.Notes() {
		t.note("%s", n)
	}
	params := t.net.Params()
	t.opt = newOptimizer(t.recipe.Optimizer, params)
	if t.pruner, err = newPruner(t.recipe.Pruning, j.Seed, j.Model, params); err != nil {
		return err
	}
	if t.recipe.Average > 0 {
		t.average = newAverage(t.recipe.Average, params, t.net.Buffers())
	}
	if err := os.MkdirAll(j.Work, 0o755); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(j.Output), 0o755); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	sweep(j.Work)
	s, err := loadCheckpoint(j.Work)
	if err != nil || s == nil {
		return err
	}
	if d := differences(t.made, s.Made); len(d) > 0 {
		return &Changed{Path: filepath.Join(j.Work, checkpointDir), Changes: d}
	}
	if err := t.restore(s); err != nil {
		return fmt.Errorf("train: %s: %w", filepath.Join(j.Work, checkpointDir), err)
	}
	t.note("goes on at step %d of %d", t.step, t.steps)
	return nil
}

// sweep removes what a kill in the middle of a checkpoint left.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // nothing to sweep; what is wrong shows when it is written to
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+checkpointDir+".tmp-") {
			_ = os.RemoveAll(filepath.Join(dir, e.Name())) // in the way of nothing
		}
	}
}

func (t *trainer) note(format string, args ...any) {
	if t.job.Note != nil {
		t.job.Note(fmt.Sprintf(format, args...))
	}
}

// run does the steps that are left.
func (t *trainer) run(ctx context.Context) error {
	t.clock.start(t.job.Every)
	t.feed.start(ctx, t.step, t.steps, t.workers)
	for t.step < t.steps {
		if err := t.one(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.Join(ctx.Err(), t.checkpoint())
			}
			return err
		}
		if t.endOfEpoch() {
			done, err := t.closeEpoch(ctx)
			if err != nil {
				return err
			}
			if done {
				break
			}
		}
		if t.clock.due() {
			if err := t.checkpoint(); err != nil {
				return err
			}
		}
	}
	return nil
}

// one does one step, whole or not at all.
func (t *trainer) one(ctx context.Context) error {
	b, err := t.feed.next(ctx)
	if err != nil {
		return err
	}
	params := t.net.Params()
	if t.schedule.Frequency > 0 && t.schedule.Due(t.step) {
		t.pruner.prune(params, t.schedule.At(t.step))
		t.net.Changed()
	}
	r, err := t.net.Step(context.WithoutCancel(ctx), b.x, b.labels)
	if err != nil {
		return err
	}
	if math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0) {
		return &Diverged{Step: t.step, Epoch: t.step/t.perEpoch + 1, What: fmt.Sprintf("the loss is %v", r.Loss)}
	}
	t.opt.update(params, t.rate.of(t.step))
	t.net.Changed()
	if t.average != nil {
		t.average.add(params, t.net.Buffers())
	}
	t.step++
	t.running.Loss += exact(r.Loss * float64(len(b.labels)))
	t.running.Correct += r.Correct
	t.running.Images += len(b.labels)
	t.clock.step()
	t.report()
	return nil
}
