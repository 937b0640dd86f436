package compress

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/onnx"
)

// ManifestVersion is the version of the manifest file.
//
//	1  first
const ManifestVersion = 1

// The metadata keys by which a compressed model says how it was made
// (doc/format/compress.md). All but MetaCalibration are in every such model.
const (
	MetaSource      = "lethe.source"      // weights digest of the first original: the lineage
	MetaScheme      = "lethe.scheme"      // schemes in order, separated by spaces
	MetaOptions     = "lethe.options"     // JSON: an object of options for each scheme
	MetaCalibration = "lethe.calibration" // JSON: the calibration of each scheme, null for none
	MetaTool        = "lethe.tool"        // program and version of the last step
)

// Manifest says what a compressed model was made from and how. It stands in
// whole beside the model, and in the model's metadata without notes and sizes.
type Manifest struct {
	Version int    `json:"version"`
	Tool    string `json:"tool"`
	// Source is the weights digest of the first original (onnx.Facts.WeightsDigest).
	Source string `json:"source"`
	// WeightsDigest is that of the model itself.
	WeightsDigest string `json:"weights_digest"`
	Steps         []Step `json:"steps"` // in order, oldest first
}

// Step is one scheme applied.
type Step struct {
	Scheme      string            `json:"scheme"`
	Options     map[string]string `json:"options"`
	Calibration *Calibration      `json:"calibration"` // null: none was used
	// The rest is not in the model's metadata, and so not known of steps that
	// an earlier run made.
	Layers  []LayerNote `json:"layers,omitempty"`
	Notes   []string    `json:"notes,omitempty"`
	Clamped int64       `json:"clamped,omitempty"`
	Flushed int64       `json:"flushed,omitempty"`
}

// Calibration is the examples that a step used.
type Calibration struct {
	Data
	Examples []dataset.ExampleID `json:"examples"`
	// IDs is the SHA-256 of the ids, each followed by a newline.
	IDs string `json:"ids_digest"`
}

func newCalibration(d Data, ids []dataset.ExampleID) *Calibration {
	h := sha256.New()
	for _, id := range ids {
		fmt.Fprintln(h, id)
	}
	return &Calibration{Data: d, Examples: ids, IDs: "sha256:" + hex.EncodeToString(h.Sum(nil))}
}

// Schemes are the names of the steps.
func (f *Manifest) Schemes() []string {
	var out []string
	for _, s := range f.Steps {
		out = append(out, s.Scheme)
	}
	return out
}

// Write writes the manifest as indented JSON.
func (f *Manifest) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return fmt.Errorf("compress: manifest: %w", err)
	}
	return nil
}

// ReadManifest reads what Write wrote, of this version or an older one.
func ReadManifest(r io.Reader) (*Manifest, error) {
	var f Manifest
	if err := json.NewDecoder(r).Decode(&f); err != nil {
		return nil, fmt.Errorf("compress: manifest: %w", err)
	}
	if f.Version < 1 || f.Version > ManifestVersion {
		return nil, fmt.Errorf("compress: manifest: version %d, want 1 to %d; it was written by a newer program", f.Version, ManifestVersion)
	}
	return &f, nil
}

// ManifestOf reads how a model was made from its metadata; nil if it does not
// say. What metadata does not hold is empty.
func ManifestOf(m *onnx.Model) (*Manifest, error) {
	source, ok := m.Meta(MetaSource)
	scheme, _ := m.Meta(MetaScheme)
	names := strings.Fields(scheme)
	if !ok && len(names) == 0 {
		return nil, nil
	}
	f := &Manifest{Version: ManifestVersion, Source: source}
	f.Tool, _ = m.Meta(MetaTool)
	options := make([]map[string]string, len(names))
	calibration := make([]*Calibration, len(names))
	if err := metaJSON(m, MetaOptions, &options); err != nil {
		return nil, err
	}
	if err := metaJSON(m, MetaCalibration, &calibration); err != nil {
		return nil, err
	}
	if len(options) != len(names) || len(calibration) != len(names) {
		return nil, &onnx.Error{File: m.Path, Msg: fmt.Sprintf("metadata %s names %d schemes, %s has options of %d and %s the data of %d",
			MetaScheme, len(names), MetaOptions, len(options), MetaCalibration, len(calibration)), Reason: onnx.ErrMalformed}
	}
	for i, name := range names {
		f.Steps = append(f.Steps, Step{Scheme: name, Options: options[i], Calibration: calibration[i]})
	}
	return f, nil
}

func metaJSON(m *onnx.Model, key string, into any) error {
	text, ok := m.Meta(key)
	if !ok {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return &onnx.Error{File: m.Path, Msg: fmt.Sprintf("metadata %s: %v", key, err), Reason: onnx.ErrMalformed}
	}
	return nil
}

// mark writes the manifest into a model's metadata.
func (f *Manifest) mark(m *onnx.Model) error {
	var options []map[string]string
	var calibration []*Calibration
	used := false
	for _, s := range f.Steps {
		options, calibration = append(options, s.Options), append(calibration, s.Calibration)
		used = used || s.Calibration != nil
	}
	m.SetMeta(MetaSource, f.Source)
	m.SetMeta(MetaScheme, strings.Join(f.Schemes(), " "))
	m.SetMeta(MetaTool, f.Tool)
	if err := setJSON(m, MetaOptions, options); err != nil || !used {
		return err
	}
	return setJSON(m, MetaCalibration, calibration)
}

func setJSON(m *onnx.Model, key string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("compress: metadata %s: %w", key, err)
	}
	m.SetMeta(key, strings.TrimSpace(b.String()))
	return nil
}
