package compress

import (
	"context"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
)

// Scheme turns a model into a compressed one.
type Scheme interface {
	// Name is what the scheme is called on the command line and in manifests:
	// "int8-static", "sparsity=0.7".
	Name() string
	// NeedsCalibration reports whether Apply needs examples.
	NeedsCalibration() bool
	// Apply compresses m, which is not changed. Bytes of tensors that stay are
	// shared with m. The model has been through [Check].
	Apply(ctx context.Context, m *onnx.Model, in Input) (*Result, error)
}

// Input is what a scheme may use beside the model.
type Input struct {
	// Calibration gives examples; nil if there are none.
	Calibration Batches
	// Data says what the examples are, for the manifest: name of the data set,
	// split and preprocessing, without paths.
	Data Data
	// Engine says how examples are run.
	Engine engine.Options
	// Seed of whatever a scheme draws.
	Seed uint64
	// Progress is told how much is done; nil for nobody.
	Progress func(done, total int)
}

// Data says where calibration examples are from.
type Data struct {
	Name   string `json:"name"`             // of the data set: "cifar10"
	Split  string `json:"split,omitempty"`  // "train"
	Digest string `json:"digest,omitempty"` // of the data set's examples (see dataset.Digest)
	// Preprocess is the options that images were prepared with, as on the
	// command line: "mean=0.5&std=0.25".
	Preprocess string `json:"preprocess,omitempty"`
	// Draw numbers the resampled sets of one population from 1; 0 for the
	// examples as they come. Seed is what they were drawn with.
	Draw int    `json:"draw,omitempty"`
	Seed uint64 `json:"seed,omitempty"`
}

// Batches gives preprocessed calibration examples: float32 tensors in the
// model's input layout, one batch at a time, with the ids of the examples.
// Calls may ask for any batch, again and again; a tensor is valid until the next
// call.
type Batches interface {
	Len() int // batches
	Batch(ctx context.Context, i int) (engine.Tensor, []dataset.ExampleID, error)
}

// Result is what a scheme made.
type Result struct {
	Model *onnx.Model
	// Options are the scheme's options that shape the result, by name, as text.
	Options map[string]string
	// Layers says what became of every layer with weights, in the graph's order.
	Layers []LayerNote
	// Notes are sentences for the user about the whole.
	Notes []string
	// Clamped counts values that lay outside of what the new type can hold and
	// became its largest.
	Clamped int64
	// Flushed counts values that were not zero and became zero by rounding.
	Flushed int64
	// Calibration lists the examples that were used, in their order.
	Calibration []dataset.ExampleID
}

// LayerNote says what became of a layer.
type LayerNote struct {
	Node     string `json:"node"` // as in the model it was made from; "#N" (from 0) for one without a name
	Operator string `json:"operator"`
	// Change is what was done: "int8 per channel", "216 of 432 weights removed".
	// It is "" for a layer that stays as it was; Reason says why.
	Change string `json:"change,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Compressed reports whether anything was done to the layer.
func (n LayerNote) Compressed() bool { return n.Change != "" }
