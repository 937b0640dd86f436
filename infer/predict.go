package infer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// Variant names the model files of one population.
type Variant struct {
	Name  string
	Files []string // ONNX files, one a member
}

// Job is what to predict.
type Job struct {
	Variants   []Variant // the baseline first
	Data       dataset.Dataset
	Preprocess dataset.Preprocess
	Source     string // the data as the user named it, for the report
	Paired     bool   // member k of each variant was made from member k of the first
	Work       string // folder for finished models; it must exist
	Tool       string // name and version of the program, part of the key
	Options    Options
	Engine     engine.Options
	// Runtime chooses what runs a model; nil is the engine ([GoRuntime]).
	Runtime func(m *onnx.Model, o engine.Options) (Runtime, error)
	// Start is told which model runs next, Done what came of it; nil members
	// are not called.
	Start func(file string, index, total int)
	Done  func(file string, correct, examples int, resumed bool)
	// Looked is told how many images were measured (contrast and sharpness) once
	// all models have run; nil is not called. Corrupted images are not measured.
	Looked func(done, total int)
}

// Result is the table of predictions. Its scores are read from the work folder
// until Close.
type Result struct {
	Table *prediction.Table
	files []*os.File
}

// Close closes the score files; the table's scores cannot be read afterwards.
func (r *Result) Close() error {
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// ErrSameWeights says that two variants hold the same weights: nothing was
// compressed.
var ErrSameWeights = errors.New("the same weights")

// Predict runs every model over the data and joins what they predict.
func Predict(ctx context.Context, job *Job) (r *Result, err error) {
	r = &Result{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
			r = nil
		}
	}()
	data := sha256.Sum256(fmt.Append(nil, dataset.Digest(job.Data), job.Source, job.Preprocess, job.Options.BadLimit))
	total, index := 0, 0
	for _, v := range job.Variants {
		total += len(v.Files)
	}
	for _, v := range job.Variants {
		out := prediction.Variant{Name: v.Name}
		for k, file := range v.Files {
			if job.Start != nil {
				job.Start(file, index, total)
			}
			index++
			m, err := r.one(ctx, job, file, data[:], &out)
			if err != nil {
				return r, inFile(file, err)
			}
			if job.Paired {
				m.Lineage = fmt.Sprintf("%s #%d", job.Variants[0].Name, k+1)
			}
			out.Members = append(out.Members, m)
		}
		r.Table.Variants = append(r.Table.Variants, out)
	}
	if !dataset.Corrupted(job.Data) { // whose quality is known
		if r.Table.Measures, err = look(ctx, job, r.Table, data[:]); err != nil {
			return r, err
		}
	}
	if !job.Paired {
		r.Table.Notes = append(r.Table.Notes, pairBySource(r.Table.Variants)...)
	}
	return r, r.Table.Validate()
}

// inFile names the model's file, unless the error does.
func inFile(file string, err error) error {
	if strings.HasPrefix(err.Error(), file+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// one runs one model, or takes up what an earlier run finished.
func (r *Result) one(ctx context.Context, job *Job, file string, data []byte, v *prediction.Variant) (m prediction.Member, err error) {
	model, err := onnx.Load(file)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	facts, inspected, err := factsOf(model)
	if err != nil {
		return m, err
	}
	if len(v.Members) == 0 {
		v.Kind, v.Level = kindOf(inspected)
	}
	choose := job.Runtime
	if choose == nil {
		choose = GoRuntime
	}
	o := job.Engine
	o.FreeBatch = true // a model of fixed batch uses all cores, too
	rt, err := choose(single(model), o)
	if err != nil {
		return m, err
	}
	h := sha256.Sum256(fmt.Append(nil, facts.Digest, hex.EncodeToString(data), job.Tool, job.Engine.Reference, rt.Name))
	key := hex.EncodeToString(h[:16])
	f, resumed, err := stored(job.Work, key)
	if err != nil {
		return m, err
	}
	if !resumed {
		if f, err = runModel(ctx, job, model, rt, key); err != nil {
			return m, err
		}
	}
	if r.Table == nil {
		r.Table = skeleton(job.Data, f.Bad)
		r.Table.Inputs = append(r.Table.Inputs, prediction.Input{Path: job.Source, Digest: dataset.Digest(job.Data), Role: "data"})
	}
	if f.Rows != r.Table.Len() {
		return m, fmt.Errorf("infer: %d images could be read, %d for the first model: the data changed meanwhile", f.Rows, r.Table.Len())
	}
	m, scores, err := member(r.Table, filepath.Base(file), job.Work, key, f)
	if err != nil {
		return m, err
	}
	r.files = append(r.files, scores)
	if f.Note != "" {
		r.Table.Notes = append(r.Table.Notes, filepath.Base(file)+": "+f.Note)
	}
	m.Facts = facts
	m.Config = map[string]string{"runtime": rt.Name}
	r.Table.Inputs = append(r.Table.Inputs, prediction.Input{Path: file, Digest: facts.Digest, Bytes: facts.Bytes, Role: "model"})
	if job.Done != nil {
		job.Done(file, correct(r.Table, m), r.Table.Len(), resumed)
	}
	return m, nil
}

func runModel(ctx context.Context, job *Job, m *onnx.Model, rt Runtime, key string) (f *finished, err error) {
	session, err := rt.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	return compute(ctx, m, session, job.Data, job.Preprocess, job.Options, job.Work, key)
}

func correct(t *prediction.Table, m prediction.Member) (n int) {
	for i := range t.Len() {
		if m.Predicted.At(i) == t.Labels.At(i) {
			n++
		}
	}
	return n
}

// Differ refuses a variant that holds the weights of a baseline member: it was
// never compressed, and an audit of it must not look like a pass. names and
// variants are those of a [Job] and of its table.
func Differ(names []Variant, variants []prediction.Variant) error {
	var base []string
	for _, m := range variants[0].Members {
		base = append(base, m.Facts.WeightsDigest)
	}
	for v := 1; v < len(variants); v++ {
		for k, m := range variants[v].Members {
			if twin := slices.Index(base, m.Facts.WeightsDigest); twin >= 0 {
				return fmt.Errorf("infer: %s and %s hold %w: nothing was compressed", names[0].Files[twin], names[v].Files[k], ErrSameWeights)
			}
		}
	}
	return nil
}
