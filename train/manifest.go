package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// Manifest says how a model was made and what it turned out to be. It is
// written last: a model with a manifest is complete.
type Manifest struct {
	Schema string `json:"schema"` // "lethe-training"
	Tool   string `json:"tool"`
	Made   Made   `json:"made"`

	File          string `json:"file"`   // base name of the model
	Digest        string `json:"digest"` // of the file
	WeightsDigest string `json:"weights_digest"`

	Steps  int   `json:"steps"`
	Epochs int   `json:"epochs"` // begun
	Last   Epoch `json:"last"`   // the last line of the curve

	// Sparsity is the share of zeros over the layers that were pruned, nil if
	// none was.
	Sparsity *float64 `json:"sparsity"`
	Layers   []Layer  `json:"layers"`
}

// Layer is a weight of a convolution or fully connected layer.
type Layer struct {
	Node    string `json:"node"`
	Weight  string `json:"weight"`
	Weights int    `json:"weights"`
	Zeros   int    `json:"zeros"`
	Pruned  bool   `json:"pruned"`
}

const manifestSchema = "lethe-training"

// Epoch is a line of the curve. Training numbers are over the images of the
// epoch, as they were augmented, while the weights changed.
type Epoch struct {
	Epoch    int     `json:"epoch"` // from 1
	Step     int     `json:"step"`  // finished steps
	Rate     float64 `json:"rate"`  // of the last step
	Loss     float64 `json:"loss"`
	Accuracy float64 `json:"accuracy"`
	// On images that are not trained on; nil where there are none.
	ValidationLoss     *float64 `json:"validation_loss,omitempty"`
	ValidationAccuracy *float64 `json:"validation_accuracy,omitempty"`
	Sparsity           float64  `json:"sparsity"` // asked for at the end of the epoch
}

// ManifestFile is where the manifest of a model lies.
func ManifestFile(model string) string { return model + ".manifest.json" }

// CurveFile is where the curve of a model lies.
func CurveFile(model string) string { return strings.TrimSuffix(model, ".onnx") + ".curve.jsonl" }

// ReadManifest reads the manifest of a model.
func ReadManifest(model string) (*Manifest, error) {
	name := ManifestFile(model)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("train: %s: %w", name, err)
	}
	if m.Schema != manifestSchema {
		return nil, fmt.Errorf("train: %s: schema %q, want %q", name, m.Schema, manifestSchema)
	}
	return m, nil
}

func writeManifest(model string, m *Manifest) error {
	return atomicfile.Write(ManifestFile(model), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		e.SetEscapeHTML(false)
		return e.Encode(m)
	})
}

// ReadCurve reads a curve, one epoch a line.
func ReadCurve(r io.Reader) ([]Epoch, error) {
	var out []Epoch
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		var e Epoch
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("train: curve: line %d: %w", n, err)
		}
		out = append(out, e)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("train: curve: %w", err)
	}
	return out, nil
}

func writeCurve(model string, curve []Epoch) error {
	return atomicfile.Write(CurveFile(model), func(w io.Writer) error {
		e := json.NewEncoder(w)
		for _, l := range curve {
			if err := e.Encode(l); err != nil {
				return err
			}
		}
		return nil
	})
}

// fileDigest is the SHA-256 of a file.
func fileDigest(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("train: %w", err)
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("train: %s: %w", name, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// finished looks for what an earlier run of the same job left, complete.
func (t *trainer) finished() (*Result, error) {
	out := t.job.Output
	if _, err := os.Stat(ManifestFile(out)); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(out); err == nil {
			return nil, fmt.Errorf("%w: %s is there and no manifest says how it was made; choose another output", ErrJob, out)
		}
		return nil, nil
	}
	m, err := ReadManifest(out)
	if err != nil {
		return nil, err
	}
	if d := differences(t.made, m.Made); len(d) > 0 {
		return nil, &Changed{Path: filepath.Clean(out), Changes: d}
	}
	digest, err := fileDigest(out)
	if err != nil {
		return nil, err
	}
	if digest != m.Digest {
		return nil, fmt.Errorf("%w: %s is not the file that its manifest describes; remove both to train again", ErrJob, out)
	}
	f, err := os.Open(CurveFile(out))
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	defer f.Close()
	curve, err := ReadCurve(f)
	return &Result{Manifest: m, Curve: curve, Before: true}, err
}
