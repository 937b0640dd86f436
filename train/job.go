package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine/grad"
	"github.com/lethe-audit/lethe/onnx"
)

// Version is the meaning of a [Job]: it grows when the same job comes to give
// other weights.
//
//	1  the first
const Version = 1

// Job is one member to train.
type Job struct {
	// Model has the weights to begin with and is not changed: a network of the
	// zoo, or any classifier of images that engine/grad can train.
	Model *onnx.Model
	// Network is what the model is called in the manifest.
	Network string
	// Train are the training images; Preprocess brings them to what the model
	// takes.
	Train      dataset.Dataset
	Preprocess dataset.Preprocess
	// Validation are images that accuracy is measured on after each epoch; nil:
	// those that the recipe holds out, if any.
	Validation dataset.Dataset

	Recipe   Recipe
	Sparsity float64 // share of each pruned layer's weights that are zero in the end, in [0, 1)
	Seed     uint64  // of the order of images, augmentation, and random masks

	// Output is the file of the model. Its manifest is Output.manifest.json, its
	// curve has .curve.jsonl in place of .onnx.
	Output string
	// Work is a folder for checkpoints.
	Work string
	// Tool is the program and its version, for the manifest.
	Tool string
	// Every is the least time between checkpoints, 0 for a minute. They are
	// rarer where they would take more than a hundredth of the time.
	Every time.Duration

	Threads int    // cores to compute on; 0 is all
	CPU     string // forces kernels, see engine.Options

	// Progress, if set, is called after every step.
	Progress func(Progress)
	// Note, if set, is told what people may want to know: that a checkpoint was
	// found, that training ended early.
	Note func(text string)
}

// Progress is how far a training is.
type Progress struct {
	Step, Steps    int
	Epoch, Epochs  int     // Epoch counts from 1
	Loss, Accuracy float64 // on the training images of the epoch so far
	// Validation is the accuracy after the last whole epoch, nil if it is not
	// measured.
	Validation      *float64
	Sparsity        float64       // asked for at present
	ImagesPerSecond float64       // since the start or the last resume, evaluation left out
	Left            time.Duration // by that rate
}

// Result is a member that is trained.
type Result struct {
	Manifest *Manifest
	Curve    []Epoch
	// Before reports whether it was there already and nothing was done.
	Before bool
}

// ErrJob is the reason of errors about a job whose parts do not fit together;
// nothing was trained.
var ErrJob = errors.New("train")

// Diverged says that the loss became NaN or infinite: another seed may do
// better.
type Diverged struct {
	Step, Epoch int // finished steps and the epoch, from 1
	What        string
}

// Error says where.
func (d *Diverged) Error() string {
	return fmt.Sprintf("train: diverged in epoch %d, at step %d: %s; a lower learning rate or a longer warm-up may help", d.Epoch, d.Step, d.What)
}

// Changed says that a folder holds the work of another job.
type Changed struct {
	Path    string
	Changes []string // "recipe.batch: 128, was 64"
}

// Error lists the changes.
func (c *Changed) Error() string {
	text := fmt.Sprintf("train: %s is of another training; choose another directory, or remove it to begin again. What differs:", c.Path)
	for _, s := range c.Changes {
		text += "\n  " + s
	}
	return text
}

// network is what a trainer wants of engine/grad.
type network interface {
	Params() []*grad.Param
	Buffers() []*grad.Buffer
	Step(ctx context.Context, x []float32, labels []int32) (grad.Result, error)
	Changed()
	Seek(step uint64)
	Notes() []string
	Model() *onnx.Model
}

// maker makes a network of a model.
type maker func(m *onnx.Model, o grad.Options) (network, error)

// Member trains one member, or goes on with it, and writes model, curve and
// manifest. It gives the same files however often it was interrupted. When ctx
// ends it writes a checkpoint and returns ctx's error. Other errors: [Diverged],
// [Changed], [ErrJob], [ErrState], and those of the data.
func Member(ctx context.Context, j Job) (*Result, error) {
	return member(ctx, &j, realNetwork)
}

func realNetwork(m *onnx.Model, o grad.Options) (network, error) { return grad.New(m, o) }

func member(ctx context.Context, j *Job, make maker) (*Result, error) {
	t, err := prepare(ctx, j)
	if err != nil {
		return nil, err
	}
	if r, err := t.finished(); r != nil || err != nil {
		return r, err
	}
	if err := t.open(make); err != nil {
		return nil, err
	}
	defer t.feed.close()
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	return t.finish()
}

// Takes is what a model takes and gives: one image of C x H x W, and classes.
// It fails if the model is no classifier of images.
func Takes(m *onnx.Model) (shape dataset.Shape, classes int, err error) {
	fail := func(format string, args ...any) (dataset.Shape, int, error) {
		return dataset.Shape{}, 0, fmt.Errorf("%w: %s: "+format, append([]any{ErrJob, m.Graph.Name}, args...)...)
	}
	in := m.Graph.DataInputs()
	if len(in) != 1 || len(m.Graph.Outputs) != 1 {
		return fail("%d inputs and %d outputs, want one image and one output of classes", len(in), len(m.Graph.Outputs))
	}
	dims := in[0].Type.Shape
	if len(dims) != 4 {
		return fail("input %s has the shape %v, want [N, channels, height, width]", in[0].Name, dims)
	}
	var size [4]int64
	for i := 1; i < 4; i++ {
		n, ok := dims[i].Size()
		if !ok || n < 1 {
			return fail("input %s has the shape %v, want a fixed size of the image", in[0].Name, dims)
		}
		size[i] = n
	}
	values, err := onnx.Infer(m, map[string]onnx.Shape{in[0].Name: onnx.MakeShape(2, size[1], size[2], size[3])})
	if err != nil {
		return dataset.Shape{}, 0, err
	}
	out := values[m.Graph.Outputs[0].Name].Shape
	sizes, ok := out.Sizes()
	if !ok || len(sizes) != 2 || sizes[0] != 2 || sizes[1] < 2 {
		return fail("output %s has the shape %v for two images, want [2, classes]", m.Graph.Outputs[0].Name, out)
	}
	return dataset.Shape{Channels: int(size[1]), Height: int(size[2]), Width: int(size[3]), Layout: dataset.NCHW}, int(sizes[1]), nil
}
