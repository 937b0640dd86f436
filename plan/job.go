package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Kind is what a job does.
type Kind string

// The kinds of jobs.
const (
	Train    Kind = "train"    // makes one member from data
	Compress Kind = "compress" // makes one member from another
	Predict  Kind = "predict"  // runs all members over data
	Audit    Kind = "audit"    // compares the predictions
)

// Job is one piece of work. Jobs that need nothing of one another may run at
// the same time, in any order, on any machine.
type Job struct {
	// ID names the job in its plan: "train/dense/03".
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Needs are the jobs whose outputs this one reads.
	Needs []string `json:"needs,omitempty"`
	// Spec is a TrainSpec, CompressSpec, PredictSpec or AuditSpec.
	Spec json.RawMessage `json:"spec"`
	// Outputs are the files and folders that the job leaves, relative to the
	// folder of the run.
	Outputs []string `json:"outputs"`
	// Narrow says that the job uses one core well, so that several run side by
	// side.
	Narrow bool `json:"narrow,omitempty"`
	// Digest is "sha256:" and hexadecimal digits.
	Digest string `json:"digest"`
}

// TrainSpec says how one member is trained.
type TrainSpec struct {
	Variant  string          `json:"variant"`
	Member   int             `json:"member"`
	Model    string          `json:"model"`  // what the resolver made of the experiment's
	Data     string          `json:"data"`   // the data's identity, without path
	Recipe   json.RawMessage `json:"recipe"` // all settings
	Sparsity *float64        `json:"sparsity,omitempty"`
	Base     uint64          `json:"base_seed"` // the experiment's
}

// Seed is the seed of an attempt to train the member, counted from 0. Members
// of different variants never share one: twins until pruning begins would be
// counted as independent.
func (s TrainSpec) Seed(attempt int) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "lethe seed\x00%d\x00%s\x00%d\x00%d", s.Base, s.Variant, s.Member, attempt)
	return binary.BigEndian.Uint64(h.Sum(nil)) >> 1 // fits a signed integer
}

// CompressSpec says how one member is made from another.
type CompressSpec struct {
	Variant string   `json:"variant"`
	Member  int      `json:"member"`
	From    string   `json:"from"` // the file, an output of the job needed
	Schemes []string `json:"schemes"`
	Data    string   `json:"data"` // identity of the data to calibrate on
	Images  int      `json:"images,omitempty"`
}

// PredictSpec says which models are run over which data.
type PredictSpec struct {
	Data     string       `json:"data"` // the data's identity, without path
	Variants []Population `json:"variants"`
	Shift    *ShiftSpec   `json:"shift,omitempty"` // nil for the test data as they are
}

// Population is one variant of a PredictSpec.
type Population struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind,omitempty"` // "null", or empty where the models tell
	Files []string `json:"files"`          // outputs of the jobs needed
	From  string   `json:"from,omitempty"` // the variant they were made from
}

// AuditSpec says how predictions are compared.
type AuditSpec struct {
	Title       string   `json:"title"`
	Predictions string   `json:"predictions"`       // an output of the job needed
	Shifted     []string `json:"shifted,omitempty"` // predictions for shifted data, outputs of jobs needed
	Curves      []string `json:"curves"`            // training curves, outputs of jobs needed
	Flags       []string `json:"flags,omitempty"`
	Reports     []string `json:"reports,omitempty"`
}

// Decode reads the specification into v, a pointer to the type of the kind.
func (j *Job) Decode(v any) error {
	d := json.NewDecoder(bytes.NewReader(j.Spec))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("plan: job %s: %w", j.ID, err)
	}
	return nil
}

// seal computes the digest from the digests of what the job needs.
func (j *Job) seal(digests map[string]string) {
	h := sha256.New()
	// Every piece is preceded by its length: no two lists give the same bytes.
	piece := func(s string) { fmt.Fprintf(h, "%d\x00", len(s)); _, _ = io.WriteString(h, s) }
	piece(fmt.Sprintf("lethe job %d", Version))
	piece(string(j.Kind))
	piece(string(j.Spec))
	for _, n := range j.Needs {
		piece(digests[n])
	}
	for _, o := range j.Outputs {
		piece(o)
	}
	j.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
}
