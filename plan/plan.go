package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
)

// Plan is the jobs of an experiment, each after those that it needs.
type Plan struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Jobs    []*Job `json:"jobs"`
	// Data is where the images are: the source for training and the one for
	// prediction. They are no part of a digest.
	TrainData string `json:"train_data"`
	TestData  string `json:"test_data"`
	// Shifts are the sources of shifted data, one for each prediction of them.
	Shifts []ShiftSource `json:"shifts,omitempty"`
	// Model is the name or the file of the model, as the experiment has it.
	Model string `json:"model"`
}

// Resolver gives names their meaning. What it returns becomes part of digests.
type Resolver struct {
	// Data is what identifies a source whatever folder it lies in.
	Data func(source string) (string, error)
	// Model is what identifies an architecture.
	Model func(name string) (string, error)
	// Recipe is all settings of a recipe, a name or a mapping, with those of
	// override replaced, as JSON with sorted keys. It also refuses settings
	// that do not fit the sparsity (nil: dense).
	Recipe func(recipe any, override map[string]any, sparsity *float64) (json.RawMessage, error)
	// Schemes checks schemes and gives their canonical names.
	Schemes func(schemes []string) ([]string, error)
	// Corruptions are those that a name stands for: itself, or a group of them.
	Corruptions func(name string) ([]string, error)
	// Shift says what shift a source of images is, beside the test data. name is
	// what the experiment calls it, "" where it does not. The source that it gives
	// back is complete, and its identity becomes part of the digest.
	Shift func(test, source, name string) (Shift, error)
	// Audit makes flags of lethe audit of settings.
	Audit func(settings map[string]any) ([]string, error)
	// Report checks a format of a report.
	Report func(format string) error
}

// Folders and files of a run, relative to its folder.
const (
	ModelsDir      = "models"      // VARIANT/MEMBER.onnx
	PredictionsDir = "predictions" // what the models say about the test data
	AuditDir       = "audit"       // findings.jsonl, report.html, ...
)

// DefaultCalibration is the number of training images that schemes look at
// unless a variant says otherwise, as in the paper.
const DefaultCalibration = 100

// ModelFile is where a member's model is.
func ModelFile(variant string, k, n int) string {
	return path.Join(ModelsDir, variant, Member(k, n)+".onnx")
}

// ManifestFile is where it is told how a model was made.
func ManifestFile(model string) string { return model + ".manifest.json" }

// CurveFile is where the losses and accuracies of a member's training are.
func CurveFile(model string) string { return model[:len(model)-len(".onnx")] + ".curve.jsonl" }

// Make makes the plan of an experiment. Errors point into the experiment's
// file.
func Make(e *Experiment, r Resolver) (*Plan, error) {
	m := &maker{e: e, r: r, plan: &Plan{Name: e.Name, Version: Version, Model: e.Model,
		TrainData: joinOptions(e.Data, e.Train), TestData: joinOptions(e.Data, e.Test)},
		digests: map[string]string{}, made: map[string]string{}}
	if err := m.resolve(); err != nil {
		return nil, err
	}
	predict := PredictSpec{Data: m.test}
	for i, v := range e.Variants {
		if err := m.resolveVariant(i, v); err != nil {
			return nil, err
		}
		predict.Variants = append(predict.Variants, Population{Name: v.Name, Kind: v.Kind, From: v.From})
	}
	// Member by member: a run that was stopped has populations of one size.
	var models, curves, trained []string
	for k := range e.Members {
		for i, v := range e.Variants {
			id, file := m.member(i, v, k)
			models = append(models, id)
			if v.Trained() {
				trained, curves = append(trained, id), append(curves, CurveFile(file))
			}
			predict.Variants[i].Files = append(predict.Variants[i].Files, file)
		}
	}
	m.audit(m.predict(predict, models), curves, trained)
	return m.plan, m.err
}

// clean is the name of the test data as they are, among shifted ones.
const clean = "clean"

// predict adds the jobs that run models over the test data and over shifted
// ones, and gives their IDs.
func (m *maker) predict(spec PredictSpec, models []string) []string {
	one := func(name string, spec PredictSpec) string {
		return m.add(&Job{ID: path.Join(string(Predict), name), Kind: Predict, Needs: models,
			Outputs: []string{path.Join(PredictionsDir, name)}}, spec)
	}
	ids := []string{one(clean, spec)}
	for i := range m.shifted {
		s := &m.shifted[i]
		spec.Data, spec.Shift = s.Identity, &s.Spec
		ids = append(ids, one(shiftDir(s.Spec.Name), spec))
		m.plan.Shifts = append(m.plan.Shifts, ShiftSource{Job: ids[i+1], Data: s.Source, At: m.shiftedAt[i]})
	}
	return ids
}

// audit adds the job that compares all predictions.
func (m *maker) audit(predictions, curves, trained []string) {
	spec := AuditSpec{Title: m.e.Name, Predictions: path.Join(PredictionsDir, clean), Curves: curves, Flags: m.flags, Reports: m.e.Reports}
	for _, s := range m.shifted {
		spec.Shifted = append(spec.Shifted, path.Join(PredictionsDir, shiftDir(s.Spec.Name)))
	}
	m.add(&Job{ID: path.Join(string(Audit), clean), Kind: Audit, Needs: append(predictions, trained...),
		Outputs: []string{path.Join(AuditDir, clean)}}, spec)
}

// maker holds what the jobs are made of.
type maker struct {
	e       *Experiment
	r       Resolver
	plan    *Plan
	digests map[string]string
	made    map[string]string // the job that leaves a file
	err     error

	model       string
	train, test string // identities of the data
	shifted     []Shift
	shiftedAt   []string // their places in the file
	flags       []string
	recipes     []json.RawMessage // by variant; nil where it is not trained
	schemes     [][]string        // by variant; nil where it is trained
}

func (m *maker) resolve() (err error) {
	e := m.e
	if m.model, err = m.r.Model(e.Model); err != nil {
		return e.Fault("$.model", "%v", err)
	}
	if m.train, err = m.r.Data(m.plan.TrainData); err != nil {
		return e.Fault("$.data", "%v", err)
	}
	if m.test, err = m.r.Data(m.plan.TestData); err != nil {
		return e.Fault("$.data", "%v", err)
	}
	if m.shifted, m.shiftedAt, err = m.shifts(); err != nil {
		return err
	}
	if m.flags, err = m.r.Audit(e.Audit); err != nil {
		return e.Fault("$.audit", "%v", err)
	}
	for i, f := range e.Reports {
		if err := m.r.Report(f); err != nil {
			return e.Fault(fmt.Sprintf("$.reports[%d]", i), "%v", err)
		}
	}
	return nil
}

// resolveVariant resolves the recipe of variant i, or its schemes.
func (m *maker) resolveVariant(i int, v Variant) error {
	var err error
	var recipe json.RawMessage
	var schemes []string
	at := fmt.Sprintf("$.variants[%d]", i)
	if v.Trained() {
		if v.Recipe == nil {
			at = "$.recipe"
		}
		recipe, err = m.r.Recipe(m.e.Recipe, v.Recipe, v.Sparsity)
	} else {
		at += ".compress"
		schemes, err = m.r.Schemes(v.Compress)
	}
	if err != nil {
		return m.e.Fault(at, "%v", err)
	}
	m.recipes, m.schemes = append(m.recipes, recipe), append(m.schemes, schemes)
	return nil
}

// member adds the job that makes member k of variant i, and gives its ID and
// the model file.
func (m *maker) member(i int, v Variant, k int) (id, file string) {
	n := m.e.Members
	file = ModelFile(v.Name, k, n)
	outputs := []string{file, ManifestFile(file)}
	if v.Trained() {
		return m.add(&Job{ID: path.Join(string(Train), v.Name, Member(k, n)), Kind: Train, Narrow: true,
			Outputs: append(outputs, CurveFile(file))},
			TrainSpec{Variant: v.Name, Member: k, Model: m.model, Data: m.train, Recipe: m.recipes[i], Sparsity: v.Sparsity, Base: m.e.Seed}), file
	}
	from := ModelFile(v.From, k, n)
	return m.add(&Job{ID: path.Join(string(Compress), v.Name, Member(k, n)), Kind: Compress, Narrow: true,
		Needs: []string{m.made[from]}, Outputs: outputs},
		CompressSpec{Variant: v.Name, Member: k, From: from, Schemes: m.schemes[i], Data: m.train, Images: cmp.Or(v.Calibrate, DefaultCalibration)}), file
}

// add seals a job and adds it to the plan.
func (m *maker) add(j *Job, spec any) string {
	b, err := json.Marshal(spec)
	if err != nil && m.err == nil {
		m.err = fmt.Errorf("plan: %w", err)
	}
	j.Spec = b
	j.seal(m.digests)
	m.digests[j.ID] = j.Digest
	for _, o := range j.Outputs {
		m.made[o] = j.ID
	}
	m.plan.Jobs = append(m.plan.Jobs, j)
	return j.ID
}

// Job is the job of an ID, nil if there is none.
func (p *Plan) Job(id string) *Job {
	for _, j := range p.Jobs {
		if j.ID == id {
			return j
		}
	}
	return nil
}

func (p *Plan) byID() map[string]*Job {
	out := make(map[string]*Job, len(p.Jobs))
	for _, j := range p.Jobs {
		out[j.ID] = j
	}
	return out
}
