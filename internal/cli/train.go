package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/lockfile"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/train"
	"github.com/lethe-audit/lethe/zoo"
	"github.com/spf13/cobra"
)

// The names in the folder of a training.
const (
	trainedFile = "model.onnx"
	trainLock   = "lock"
)

// trainFlags say how one member is trained.
type trainFlags struct {
	data, validation string
	recipe           string
	sparsity         float64
	seed             uint64
	dir              string
	threads          int
	every            time.Duration
	show             bool
}

func trainHelp() string {
	return `Train trains one classifier, dense or pruned while it trains, and writes
DIR/model.onnx with a manifest and a curve of losses and accuracies beside it
(doc/format/training.md). The model is a name of the zoo, with seeded initial
weights, or an ONNX file, whose weights training goes on from.

Networks: ` + wrapList(zoo.Names()) + `
or wrn-D-K for other depths and widths.

Recipes: ` + wrapList(train.RecipeNames()) + `
or a YAML file. --show-recipe prints one; a file may begin with 'base: NAME' and
say only what it changes.

The data's training split is read unless its options name another. Without
--validation, and unless the recipe holds images out, no accuracy on other images
is measured while training: the test split is for 'lethe predict'.

The same seed gives the same bits with any number of threads. A training that was
interrupted or killed goes on where it stopped when the command is given again
with the same arguments; a folder of another training is refused.

Exit codes:
  0    done, or it was done before
  2    usage, configuration or data error, or the training diverged
  130  interrupted; a checkpoint was written`
}

// wrapList joins names with commas into lines that fit beside a heading.
func wrapList(names []string) string {
	var b strings.Builder
	column := 10
	for i, n := range names {
		if i > 0 {
			b.WriteString(",")
			if column+len(n) > 76 {
				b.WriteString("\n")
				column = 0
			} else {
				b.WriteString(" ")
			}
		}
		b.WriteString(n)
		column += len(n) + 2
	}
	return b.String()
}

func (a *app) newTrain() *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train NETWORK|MODEL.onnx --data SRC --recipe NAME|FILE -o DIR",
		Short: "Train a classifier, dense or pruned while it trains",
		Long:  trainHelp(),
		Example: `  lethe train resnet8 --data cifar10:cifar-10-batches-bin --recipe smoke -o out/dense
  lethe train resnet8 --data cifar10:cifar-10-batches-bin --recipe smoke --sparsity 0.9 --seed 7 -o out/sparse
  lethe train --show-recipe --recipe cifar10-resnet8-quick`,
		Args: args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return zoo.Names(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, list []string) error {
			if f.show {
				return a.showRecipe(c, &f)
			}
			if len(list) == 0 || f.data == "" || f.recipe == "" || f.dir == "" {
				return errUsage{errors.New("a network or model, --data SRC, --recipe NAME and -o DIR are required"), c.CommandPath()}
			}
			return a.runTrain(c.Context(), list[0], &f)
		},
	}
	s := c.Flags()
	s.StringVar(&f.data, "data", "", "the training images: `KIND:PATH?options`")
	s.StringVar(&f.validation, "validation", "", "images to measure accuracy on after each epoch: `KIND:PATH?options`")
	s.StringVar(&f.recipe, "recipe", "", "how to train: a `NAME` or a YAML file")
	s.Float64Var(&f.sparsity, "sparsity", 0, "share of each layer's weights to prune while training, in [0, 1)")
	s.Uint64Var(&f.seed, "seed", 1, "of initial weights, order of images and augmentation")
	s.StringVarP(&f.dir, "output", "o", "", "`DIR` of the model and of checkpoints")
	s.IntVar(&f.threads, "threads", 0, "cores to use (default: all)")
	s.DurationVar(&f.every, "checkpoint", time.Minute, "least `TIME` between checkpoints")
	s.BoolVar(&f.show, "show-recipe", false, "print the recipe and do nothing else")
	_ = c.RegisterFlagCompletionFunc("recipe", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return train.RecipeNames(), cobra.ShellCompDirectiveDefault
	})
	return c
}

func (a *app) showRecipe(c *cobra.Command, f *trainFlags) error {
	if f.recipe == "" {
		return errUsage{errors.New("--show-recipe: --recipe NAME says which"), c.CommandPath()}
	}
	text, err := train.RecipeSource(f.recipe)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.io.Out, text)
	return err
}

// readRecipe reads a recipe by name or from a file.
func readRecipe(recipe string) (train.Recipe, error) {
	r, err := train.NamedRecipe(recipe)
	if !errors.Is(err, train.ErrNoRecipe) {
		return r, err
	}
	data, fileErr := os.ReadFile(recipe)
	switch {
	case errors.Is(fileErr, os.ErrNotExist) && !strings.ContainsAny(recipe, `/\.`):
		return r, err // it was meant as a name
	case fileErr != nil:
		return r, fmt.Errorf("recipe: %w", fileErr)
	}
	r, err = train.ParseRecipe(recipe, data)
	if r.Name == "" {
		r.Name = strings.TrimSuffix(filepath.Base(recipe), filepath.Ext(recipe))
	}
	return r, err
}

// openTraining opens the training split of a source, unless its options name
// another.
func openTraining(ctx context.Context, source string) (*dataset.Opened, error) {
	src, err := dataset.ParseSource(source)
	if err != nil {
		return nil, err
	}
	if _, given := src.Value("split"); !given {
		src = src.With("split", string(dataset.SplitTrain))
	}
	return dataKinds().Open(ctx, src.String())
}

// firstModel is the model that training begins with and its name: the network
// of the zoo for these images, or a model file. The caller closes it.
func firstModel(ctx context.Context, network string, data *dataset.Opened, seed uint64) (m *onnx.Model, name string, err error) {
	if filepath.Ext(network) == ".onnx" {
		m, err = onnx.Load(network)
		return m, filepath.Base(network), err
	}
	shape, err := train.ImageShape(ctx, data.Dataset, data.Preprocess)
	if err != nil {
		return nil, "", err
	}
	if shape.Height != shape.Width {
		return nil, "", fmt.Errorf("%s takes square images, those of %s are %d x %d; resize= and crop= make them square", network, data.Source, shape.Width, shape.Height)
	}
	m, err = zoo.Build(network, zoo.Config{Classes: len(data.Dataset.Classes()), Size: shape.Height, Channels: shape.Channels, Seed: seed})
	return m, network, err
}

func (a *app) runTrain(ctx context.Context, network string, f *trainFlags) (err error) {
	recipe, err := readRecipe(f.recipe)
	if err != nil {
		return err
	}
	if _, err := recipe.For(f.sparsity); err != nil {
		return err
	}
	if filepath.Ext(network) != ".onnx" {
		if _, err := zoo.Find(network); err != nil {
			return err
		}
	}
	data, err := openTraining(ctx, f.data)
	if err != nil {
		return err
	}
	defer data.Dataset.Close()
	model, name, err := firstModel(ctx, network, data, f.seed)
	if err != nil {
		return err
	}
	defer model.Close()
	job := train.Job{
		Model: model, Network: name, Train: data.Dataset, Preprocess: data.Preprocess, Recipe: recipe,
		Sparsity: f.sparsity, Seed: f.seed, Output: filepath.Join(f.dir, trainedFile), Work: f.dir,
		Tool: a.tool(), Every: f.every, Threads: f.threads, CPU: a.io.Env("LETHE_CPU"),
		Note: func(text string) { a.log.Info(text) },
	}
	if f.validation != "" {
		v, err := dataKinds().Open(ctx, f.validation)
		if err != nil {
			return err
		}
		defer v.Dataset.Close()
		job.Validation = v.Dataset
		data.Notes = append(data.Notes, v.Notes...)
	}
	for _, n := range data.Notes {
		a.log.Info(n)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(f.dir, trainLock))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return a.trainOne(ctx, job)
}

// trainOne trains with a bar and says what came of it.
func (a *app) trainOne(ctx context.Context, job train.Job) error {
	var board *progress.Board
	if !a.quiet && a.logFormat != "json" {
		board = progress.NewBoard(a.io.Err, "left")
		board.Start(job.Network)
	}
	shown := time.Time{}
	job.Progress = func(p train.Progress) {
		if now := time.Now(); now.Sub(shown) >= time.Second/5 || p.Step == p.Steps {
			shown = now
			share := float64(p.Step) / float64(p.Steps)
			board.Set(job.Network, share, trainNote(p))
			board.Total(share, fmt.Sprintf("%d of %d steps", p.Step, p.Steps), p.Left.Round(time.Second).String())
		}
	}
	r, err := train.Member(ctx, job)
	board.End()
	if err != nil {
		if ctx.Err() != nil {
			a.log.Info("a checkpoint was written; the same command goes on from there")
		}
		return err
	}
	return a.printTrained(job, r)
}

// trainNote says in words how far a training is.
func trainNote(p train.Progress) string {
	text := fmt.Sprintf("epoch %d of %d, loss %.3f, accuracy %.1f %%", p.Epoch, p.Epochs, p.Loss, 100*p.Accuracy)
	if p.Validation != nil {
		text += fmt.Sprintf(", on others %.1f %%", 100**p.Validation)
	}
	if p.Sparsity > 0 {
		text += fmt.Sprintf(", sparsity %.2f", p.Sparsity)
	}
	return text + fmt.Sprintf(", %.0f images/s", p.ImagesPerSecond)
}

func (a *app) printTrained(job train.Job, r *train.Result) error {
	note := ""
	if r.Before {
		note = "  (trained before)"
	}
	m := r.Manifest
	text := fmt.Sprintf("%s: %s, recipe %s, seed %d%s\n", job.Output, m.Made.Network, job.Recipe.Name, m.Made.Seed, note)
	text += fmt.Sprintf("trained    %d epochs, %d steps: loss %.4f, accuracy %.2f %% on the training images as augmented\n", m.Epochs, m.Steps, m.Last.Loss, 100*m.Last.Accuracy)
	if m.Last.ValidationAccuracy != nil {
		text += fmt.Sprintf("measured   loss %.4f, accuracy %.2f %% on images that were not trained on\n", *m.Last.ValidationLoss, 100**m.Last.ValidationAccuracy)
	}
	if m.Sparsity != nil {
		zeros, weights, layers := 0, 0, 0
		for _, l := range m.Layers {
			if l.Pruned {
				zeros, weights, layers = zeros+l.Zeros, weights+l.Weights, layers+1
			}
		}
		text += fmt.Sprintf("pruned     %d of %d layers: %d of %d weights are zero (%.4f)\n", layers, len(m.Layers), zeros, weights, *m.Sparsity)
	}
	_, err := fmt.Fprint(a.io.Out, text)
	return err
}
