package prediction

import (
	"fmt"

	"github.com/lethe-audit/lethe/dataset"
)

// Table is what a set of models predicted for a set of examples. Every column
// has one entry per example, in the same order.
type Table struct {
	Classes    []string            // class names; the index is the class number
	IDs        []dataset.ExampleID // nil where the source has none: rows were joined by position
	Labels     Column              // true class of each example
	Subset     []int               // classes that models chose among, ascending; nil: all of them
	Splits     *Attribute          // split of each example, nil where unknown
	Attributes []Attribute         // groups that examples belong to
	Measures   []Measure           // numbers measured on each example's image
	People     *People             // labels that people gave the examples, nil where none are known
	Variants   []Variant           // in order of compression; the first is the baseline
	Training   *TrainCounts        // frequencies in the training set, nil where unknown
	Shift      *Shift              // what shifted data these are; nil for clean data
	Shifts     []Shifted           // the same models on shifted data (see [Table.AddShift])
	Join       JoinReport          // how rows of different sources were brought together
	Inputs     []Input             // the files that were read
	Notes      []string            // what a reader had to assume, in plain words, for the report
}

// Len is the number of examples.
func (t *Table) Len() int { return t.Labels.Len() }

// ID is the id of example i: its own where the source has ids, else its row
// number counted from 0.
func (t *Table) ID(i int) dataset.ExampleID {
	if t.IDs != nil {
		return t.IDs[i]
	}
	return dataset.ExampleID(fmt.Sprint(i))
}

// Baseline is the variant that all others are compared with.
func (t *Table) Baseline() *Variant { return &t.Variants[0] }

// Attribute is a categorical column over the examples, coded by a dictionary.
type Attribute struct {
	Name   string
	Values []string // dictionary, sorted unless the source gives an order
	Codes  []int32  // one per example: index into Values, or -1 where missing
}

// Kind is the way a variant was made.
type Kind string

// The kinds of variants. Other kinds in a file are kept as they are.
const (
	KindDense     Kind = "dense"     // trained without compression
	KindPruned    Kind = "pruned"    // Level is the sparsity in [0, 1)
	KindQuantized Kind = "quantized" // Level is the bit width of weights
	KindNull      Kind = "null"      // a second dense population: a measured noise floor
	KindRestored  Kind = "restored"  // a compressed model with one layer put back
	KindOther     Kind = "other"     // anything else, or not said
)

// Variant is one way to make a model, and the models made that way.
type Variant struct {
	Name    string
	Kind    Kind
	Level   *float64 // sparsity or bit width, by Kind; nil where it has no meaning
	Members []Member

	// Restored says what was put back, for KindRestored; nil for other kinds.
	Restored *Restored
}

// Restored is one layer of a compressed variant put back to the baseline, and
// how far compression had moved it. Distances are over all members and examples
// that were run; nil where one is not known.
type Restored struct {
	Of         string `json:"of"`    // name of the compressed variant
	Layer      string `json:"layer"` // node of the baseline that computes the layer; several joined by " + "
	Operator   string `json:"operator,omitempty"`
	Parameters int64  `json:"parameters,omitempty"` // weights of the layer
	// WeightSQNR is that ratio of the weights, in decibels, the baseline's being
	// the signal.
	WeightSQNR *float64 `json:"weight_sqnr,omitempty"`
	// WeightError is the largest difference of a weight, relative to the largest
	// weight of the baseline's layer.
	WeightError *float64 `json:"weight_error,omitempty"`
	// OwnSQNR and OutputSQNR are signal-to-quantization-noise ratios of the
	// layer's output in the compressed model, in decibels. The signal is the
	// output of the baseline's layer: with the compressed model's inputs for
	// OwnSQNR, so that the noise is the layer's own, and in the baseline itself
	// for OutputSQNR, so that all noise before it counts.
	OwnSQNR    *float64 `json:"own_sqnr,omitempty"`
	OutputSQNR *float64 `json:"output_sqnr,omitempty"`
}

// Member is one trained model and what it predicted.
type Member struct {
	Name    string
	Seed    *int64            // nil where unknown
	Lineage string            // digest or name of the checkpoint it was made from; "" where unknown
	Config  map[string]string // settings that may differ between members: epochs, learning rate, runtime
	Facts   *ModelFacts       // nil where the model file was not at hand

	Predicted  Column    // predicted class of each example, of the table's Subset where it has one
	Unmasked   *Column   // predicted class among all classes, where the table has a Subset; nil elsewhere or where not known
	Confidence []float32 // score of the predicted class in [0, 1], nil where absent
	TrueScore  []float32 // score of the true class in [0, 1], nil where absent
	TopK       []Column  // classes in order of score, the predicted class first; nil where absent
	Scores     Scores    // all scores, nil where absent; where the table has a Subset, probabilities of its classes and 0 elsewhere
}

// ScoreKind says what a score is.
type ScoreKind string

// The kinds of scores.
const (
	Probabilities ScoreKind = "probabilities" // each in [0, 1], rows sum to 1
	Logits        ScoreKind = "logits"        // any finite number; softmax gives probabilities
)

// Scores gives the scores of one member for all classes, N examples by C
// classes, read in blocks so that they never need to be in memory at once.
// Implementations are safe for concurrent use.
type Scores interface {
	Kind() ScoreKind
	// Rows fills dst with the scores of consecutive examples starting at
	// from: len(dst) must be a multiple of the class count.
	Rows(from int, dst []float32) error
}

// DenseScores is [Scores] held in memory, row-major.
type DenseScores struct {
	ScoreKind ScoreKind
	Classes   int
	Data      []float32 // N*Classes
}

// Kind says what the scores are.
func (s *DenseScores) Kind() ScoreKind { return s.ScoreKind }

// Rows copies the scores of consecutive examples.
func (s *DenseScores) Rows(from int, dst []float32) error {
	lo := from * s.Classes
	if lo < 0 || lo+len(dst) > len(s.Data) {
		return fmt.Errorf("prediction: scores of rows %d to %d asked for, there are %d", from, from+len(dst)/s.Classes-1, len(s.Data)/s.Classes)
	}
	copy(dst, s.Data[lo:])
	return nil
}

// ModelFacts is what a model file really holds, read from the file itself.
type ModelFacts struct {
	File          string       `json:"file,omitempty"`           // base name of the model file
	Digest        string       `json:"digest,omitempty"`         // sha256 of the file
	WeightsDigest string       `json:"weights_digest,omitempty"` // sha256 of the weights alone
	Bytes         int64        `json:"bytes,omitempty"`          // size on disk
	BytesZstd     int64        `json:"bytes_zstd,omitempty"`     // size after zstd
	Parameters    int64        `json:"parameters,omitempty"`
	Layers        []LayerFacts `json:"layers,omitempty"`

	// CompressedParameters and CompressedMACs are the shares, in [0, 1], of the
	// parameters and of the multiply-accumulates that belong to layers whose
	// weights are narrower than 32 bits or pruned (see [LayerFacts.Compressed]);
	// nil where not known.
	CompressedParameters *float64 `json:"compressed_parameters,omitempty"`
	CompressedMACs       *float64 `json:"compressed_macs,omitempty"`

	// Claim is what the file says about how it was made; nil if it says nothing.
	Claim *Claim `json:"claim,omitempty"`
}

// Claim is what a model file says of itself in its metadata. Nothing of it is
// proof: package audit/compression looks for it in the weights.
type Claim struct {
	Source      string   `json:"source,omitempty"`      // weights digest of the model it was made from
	Schemes     []string `json:"schemes,omitempty"`     // in the order they were applied: "sparsity=0.7", "int8-static"
	Calibration string   `json:"calibration,omitempty"` // digest of what the calibration data were; "" for none
}

// LayerFacts is what one layer's weights hold.
type LayerFacts struct {
	Name       string  `json:"name"`
	Parameters int64   `json:"parameters"`
	Sparsity   float64 `json:"sparsity"`       // share of zero weights in [0, 1]
	Bits       int     `json:"bits,omitempty"` // bits a weight
	MACs       int64   `json:"macs,omitempty"`
}

// PrunedFrom is the share of zero weights from which a layer or a model counts
// as pruned: trained weights are hardly ever exactly zero.
const PrunedFrom = 0.05

// Compressed reports whether the layer's weights are stored in fewer than 32
// bits or are pruned.
func (l LayerFacts) Compressed() bool {
	return l.Parameters > 0 && (l.Bits > 0 && l.Bits < 32 || l.Sparsity >= PrunedFrom)
}

// TrainCounts is how often each class and each attribute value occurs in the
// training set.
type TrainCounts struct {
	Source     string                      `json:"source,omitempty"`     // where the counts come from
	Classes    []int64                     `json:"classes,omitempty"`    // by class number
	Attributes map[string]map[string]int64 `json:"attributes,omitempty"` // attribute name -> value -> count
}

// Input is one file that predictions were read from.
type Input struct {
	Path   string `json:"path"`   // as the user gave it
	Digest string `json:"digest"` // "sha256:" and 64 hex digits, of the file as stored
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows,omitempty"`
	Role   string `json:"role,omitempty"` // labels, attributes, predictions, ...
}

// JoinReport counts what happened when rows of different sources were brought
// together. Conflicting rows never get here: they stop the reader.
type JoinReport struct {
	ByPosition bool          `json:"by_position"`          // no ids: row i of each source is example i
	Examples   int           `json:"examples"`             // examples in the table
	Missing    int           `json:"missing,omitempty"`    // examples left out because a member has no prediction for them
	Unknown    int           `json:"unknown,omitempty"`    // predictions left out because the labels have no such id
	Duplicated int           `json:"duplicated,omitempty"` // rows that repeat an earlier row with the same content
	Details    []JoinProblem `json:"details,omitempty"`    // by source, worst first, at most 20
}

// JoinProblem is the share of one source in a [JoinReport].
type JoinProblem struct {
	Source   string   `json:"source"`
	What     string   `json:"what"` // "missing", "unknown" or "duplicated"
	Rows     int      `json:"rows"`
	Examples []string `json:"examples,omitempty"` // the first few ids
}
