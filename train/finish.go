package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lethe-audit/lethe/engine/grad"
	"github.com/lethe-audit/lethe/onnx"
)

// The metadata keys of a model that was trained here. None of them is a key by
// which a compressed model names its source (doc/format/compress.md): a model
// that was pruned while it trained was made from no other model, and what is
// made from it has it as the source.
const (
	metaTool       = "lethe.tool"
	metaSparsity   = "lethe.sparsity"
	metaNetwork    = "lethe.network"
	metaRecipe     = "lethe.recipe"
	metaSeed       = "lethe.seed"
	metaData       = "lethe.data"
	metaPreprocess = "lethe.preprocess"
)

// finish writes the model, its curve and its manifest, and removes the
// checkpoint.
func (t *trainer) finish() (*Result, error) {
	if t.average != nil {
		t.average.swap(t.net)
	}
	layers, err := t.layers()
	if err != nil {
		return nil, err
	}
	m := t.net.Model()
	t.describe(m)
	facts, err := onnx.Inspect(m, nil)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	out := t.job.Output
	if err := onnx.Save(m, out, onnx.DefaultSaveOptions()); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	digest, err := fileDigest(out)
	if err != nil {
		return nil, err
	}
	if err := writeCurve(out, t.curve); err != nil {
		return nil, err
	}
	manifest := &Manifest{
		Schema: manifestSchema, Tool: t.job.Tool, Made: t.made,
		File: filepath.Base(out), Digest: digest, WeightsDigest: facts.WeightsDigest,
		Steps: t.step, Epochs: len(t.curve), Last: t.curve[len(t.curve)-1],
		Sparsity: sparsityOf(layers), Layers: layers,
	}
	if err := writeManifest(out, manifest); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(t.job.Work, checkpointDir)); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	return &Result{Manifest: manifest, Curve: t.curve}, nil
}

// describe writes into the model what it was made of.
func (t *trainer) describe(m *onnx.Model) {
	m.SetMeta(metaTool, t.job.Tool)
	m.SetMeta(metaNetwork, t.made.Network)
	m.SetMeta(metaRecipe, t.recipe.Name)
	m.SetMeta(metaSeed, strconv.FormatUint(t.job.Seed, 10))
	m.SetMeta(metaData, t.made.Data.Name+" "+t.made.Data.Digest)
	m.SetMeta(metaPreprocess, t.made.Data.Preprocess)
	if t.job.Sparsity > 0 {
		m.SetMeta(metaSparsity, strconv.FormatFloat(t.job.Sparsity, 'g', -1, 64))
	}
}

// layers counts the zeros of every layer, and refuses a model that holds
// numbers that are none.
func (t *trainer) layers() ([]Layer, error) {
	diverged := func(name string) error {
		return &Diverged{Step: t.step, Epoch: len(t.curve), What: name + " holds a number that is not finite"}
	}
	for _, b := range t.net.Buffers() {
		if !finite(b.Value) {
			return nil, diverged(b.Name)
		}
	}
	var out []Layer
	for _, p := range t.net.Params() {
		if !finite(p.Value) {
			return nil, diverged(p.Name)
		}
		if p.Kind != grad.ConvWeight && p.Kind != grad.DenseWeight {
			continue
		}
		l := Layer{Node: p.Node, Weight: p.Name, Weights: len(p.Value), Pruned: p.Mask != nil}
		for i, v := range p.Value {
			if v == 0 || p.Mask != nil && p.Mask[i] == 0 {
				l.Zeros++
			}
		}
		out = append(out, l)
	}
	return out, nil
}

func finite(v []float32) bool {
	for _, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return false
		}
	}
	return true
}

// sparsityOf is the share of zeros over the layers that were pruned.
func sparsityOf(layers []Layer) *float64 {
	zeros, all := 0, 0
	for _, l := range layers {
		if l.Pruned {
			zeros, all = zeros+l.Zeros, all+l.Weights
		}
	}
	if all == 0 {
		return nil
	}
	s := float64(zeros) / float64(all)
	return &s
}
