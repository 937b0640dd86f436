package infer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/infer/restore"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// BlameOptions say how layers are restored.
type BlameOptions struct {
	Block  int // examples after which what is done is kept, at least 1
	Sample int // examples over which the noise of a layer is measured, at least 0
	// WeightBytes is how many bytes of weights the models that run side by side
	// may have; layers beyond it are done in another pass over the images.
	WeightBytes int64
	// Naive computes every restored model from the images on. It is what the
	// reuse of everything before the layer is measured against.
	Naive bool
	// Progress is told how many restored models' images are done; nil is not
	// called.
	Progress func(done, total int)
}

// DefaultBlameOptions keep what is done every 1,024 examples, measure noise over
// 256, and run models with up to 2 GB of weights side by side.
func DefaultBlameOptions() BlameOptions {
	return BlameOptions{Block: 1024, Sample: 256, WeightBytes: 2 << 30}
}

// ErrMembers says that a baseline and a compressed variant cannot be compared
// layer by layer for their members.
var ErrMembers = errors.New("members do not match")

// Blame runs a baseline and a compressed variant, the two of the job, and the
// compressed variant with each layer in turn put back to the baseline; these are
// variants of kind restored in the table, in the order of the layers. Everything
// before a layer is computed once for all layers.
func Blame(ctx context.Context, job *Job, o BlameOptions) (*Result, error) {
	if len(job.Variants) != 2 {
		return nil, fmt.Errorf("infer: %d variants, want a baseline and a compressed one: %w", len(job.Variants), ErrMembers)
	}
	r, err := Predict(ctx, job)
	if err != nil {
		return nil, err
	}
	if err := Differ(job.Variants, r.Table.Variants); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	if err := r.blame(ctx, job, o); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, r.Table.Validate()
}

// partners are the baseline members that the members of the second variant were
// made from: by lineage where that is known of all, by order otherwise.
func partners(base, v *prediction.Variant) ([]int, error) {
	var out []int
	for _, m := range v.Members {
		i := slices.IndexFunc(base.Members, func(b prediction.Member) bool { return m.Lineage != "" && b.Lineage == m.Lineage })
		if i < 0 {
			out = nil
			break
		}
		out = append(out, i)
	}
	if out != nil {
		return out, nil
	}
	if len(base.Members) != len(v.Members) {
		return nil, fmt.Errorf("infer: %s has %d models and %s has %d, and their metadata do not say which was made from which: %w", base.Name, len(base.Members), v.Name, len(v.Members), ErrMembers)
	}
	for k := range v.Members {
		out = append(out, k)
	}
	return out, nil
}

// pairRun is one compressed member and the baseline member that it was made
// from.
type pairRun struct {
	base, cand *onnx.Model // cand as its file holds it
	plan       *restore.Plan
	key        string
	kind       prediction.ScoreKind
}

func (p *pairRun) close() error { return errors.Join(p.base.Close(), p.cand.Close()) }

// blame adds the restored variants to the table.
func (r *Result) blame(ctx context.Context, job *Job, o BlameOptions) error {
	t := r.Table
	from, err := partners(&t.Variants[0], &t.Variants[1])
	if err != nil {
		return err
	}
	examples := goodExamples(t, job.Data)
	var restored []prediction.Variant
	moved := 0
	for k := range t.Variants[1].Members {
		err := r.pair(job, from[k], k, func(p *pairRun) error {
			w := &blameRun{job: job, o: o, pair: p, examples: examples, labels: t.Labels, members: len(from), member: k}
			answers, err := w.run(ctx)
			if err != nil {
				return err
			}
			if k == 0 {
				restored = restoredVariants(t.Variants[1].Name, p.plan)
				t.Notes = append(t.Notes, joinedNote(t.Variants[1].Name, p.plan)...)
			} else if err := sameLayers(restored, p.plan, t.Variants[1].Members[k].Name); err != nil {
				return err
			}
			moved += takeTapped(&t.Variants[1].Members[k], answers[0])
			for i := range restored {
				m := answers[i+1].member(&t.Variants[1].Members[k], restored[i].Restored.Layer)
				restored[i].Members = append(restored[i].Members, m)
			}
			if k == 0 {
				return w.measure(ctx, restored)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if moved > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %d answers differ by rounding from a run of the whole model, because the values before each layer were kept in float; what layers rescue is counted against the answers of that run.", t.Variants[1].Name, moved))
	}
	t.Variants = append(t.Variants, restored...)
	return nil
}

// pair opens compressed member k and the baseline member it was made from.
func (r *Result) pair(job *Job, base, k int, do func(*pairRun) error) (err error) {
	p := &pairRun{}
	if p.base, err = onnx.Load(job.Variants[0].Files[base]); err != nil {
		return err
	}
	if p.cand, err = onnx.Load(job.Variants[1].Files[k]); err != nil {
		return errors.Join(err, p.base.Close())
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if p.plan, err = restore.Match(p.base, single(p.cand)); err != nil {
		return matchHint(err)
	}
	if len(p.plan.Layers) == 0 {
		return fmt.Errorf("infer: %s computes every layer of %s as it is: there is nothing to restore: %w", job.Variants[1].Files[k], job.Variants[0].Files[base], restore.ErrNoMatch)
	}
	b, c := &r.Table.Variants[0].Members[base], &r.Table.Variants[1].Members[k]
	h := sha256.Sum256(fmt.Append(nil, "blame 1", b.Facts.Digest, c.Facts.Digest, dataset.Digest(job.Data), job.Source, job.Preprocess, job.Options.BadLimit, job.Tool, job.Engine.CPU, job.Engine.Reference))
	p.key, p.kind = hex.EncodeToString(h[:16]), c.Scores.Kind()
	return do(p)
}

// matchHint adds what to do where models do not match.
func matchHint(err error) error {
	if !errors.Is(err, restore.ErrNoMatch) {
		return err
	}
	return fmt.Errorf("%w; the compressed model must keep the baseline's inputs, outputs and names of the values between layers, as lethe compress does (int8-static: without --qoperator)", err)
}

// joinedNote says that layers were put back together, and what to do about it.
func joinedNote(of string, p *restore.Plan) []string {
	joined := 0
	for _, l := range p.Layers {
		if strings.Contains(l.Operator, " + ") {
			joined++
		}
	}
	if joined == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d of the %d parts that are put back hold several layers, because the compressed model has no float value of the baseline's between these. A model with QuantizeLinear and DequantizeLinear nodes (lethe compress --to int8-static without --qoperator) has them: there each layer is put back alone.", of, joined, len(p.Layers))}
}

// goodExamples are the numbers in the data set of the table's examples.
func goodExamples(t *prediction.Table, d dataset.Dataset) []int {
	out := make([]int, 0, t.Len())
	for i := range d.Len() {
		if len(out) < t.Len() && d.Example(i).ID == t.IDs[len(out)] {
			out = append(out, i)
		}
	}
	return out
}

func restoredVariants(of string, p *restore.Plan) []prediction.Variant {
	out := make([]prediction.Variant, len(p.Layers))
	for i, l := range p.Layers {
		out[i] = prediction.Variant{Name: of + " with " + l.Name + " restored", Kind: prediction.KindRestored,
			Restored: &prediction.Restored{Of: of, Layer: l.Name, Operator: l.Operator, Parameters: l.Weights}}
	}
	return out
}

func sameLayers(have []prediction.Variant, p *restore.Plan, member string) error {
	if len(have) != len(p.Layers) {
		return fmt.Errorf("infer: %s has %d compressed layers, the first member has %d: %w", member, len(p.Layers), len(have), ErrMembers)
	}
	for i, l := range p.Layers {
		if have[i].Restored.Layer != l.Name {
			return fmt.Errorf("infer: layer %d of %s is %s, of the first member it is %s: %w", i+1, member, l.Name, have[i].Restored.Layer, ErrMembers)
		}
	}
	return nil
}

// takeTapped gives a compressed member the answers of the run that the restored
// ones are compared with, and returns how many of them are others.
func takeTapped(m *prediction.Member, a *answers) (moved int) {
	for i := range m.Predicted.Len() {
		if m.Predicted.At(i) != a.predicted.At(i) {
			moved++
		}
	}
	if moved > 0 { // scores of another run would not go with these answers
		m.Predicted, m.Confidence, m.TrueScore, m.Scores = a.predicted, a.confidence, a.trueScore, nil
	}
	return moved
}

// answers are what one model says, without all its scores.
type answers struct {
	predicted             prediction.Column
	confidence, trueScore []float32
}

func newAnswers(rows, classes int) *answers {
	return &answers{prediction.NewColumn(rows, classes), make([]float32, rows), make([]float32, rows)}
}

// member is a restored model of the lineage of the compressed one.
func (a *answers) member(of *prediction.Member, layer string) prediction.Member {
	return prediction.Member{
		Name: of.Name + ":" + filepath.Base(layer), Seed: of.Seed, Lineage: of.Lineage,
		Config: of.Config, Predicted: a.predicted, Confidence: a.confidence, TrueScore: a.trueScore,
	}
}
