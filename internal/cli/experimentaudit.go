package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/runner"
	"github.com/lethe-audit/lethe/train"
)

// predict runs all members over the test data, or over shifted ones.
func (x *jobs) predict(ctx context.Context, j *plan.Job, env runner.Env) (report runner.Report, err error) {
	var s plan.PredictSpec
	if err := j.Decode(&s); err != nil {
		return report, err
	}
	var variants []infer.Variant
	models := 0
	for _, p := range s.Variants {
		v := infer.Variant{Name: p.Name}
		for _, f := range p.Files {
			v.Files = append(v.Files, filepath.Join(env.Dir, filepath.FromSlash(f)))
		}
		models += len(v.Files)
		variants = append(variants, v)
	}
	data, pre, closeData, err := x.testData(ctx, j.ID, models)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, closeData()) }()
	rt := x.app.newRuntimes(runtimeFlags{runtime: runtimeGo})
	defer func() { err = errors.Join(err, rt.close()) }()
	at := 0
	job := &infer.Job{
		Variants: variants, Data: data, Preprocess: pre, Source: s.Data, Work: env.Work, Tool: x.app.tool(),
		Options: infer.DefaultOptions(), Engine: engine.Options{Threads: env.Threads, CPU: x.app.io.Env("LETHE_CPU")}, Runtime: rt.choose,
		Start: func(_ string, i, _ int) { at = i },
		Done: func(file string, correct, n int, _ bool) {
			report.Notes = append(report.Notes, fmt.Sprintf("%s: %s %%", shortModel(env.Dir, file), percent(correct, n)))
		},
	}
	job.Options.Progress = func(done, total int) {
		env.Progress(at*total+done, models*total, fmt.Sprintf("model %d of %d", at+1, models))
	}
	r, err := infer.Predict(ctx, job)
	if err != nil {
		return report, err
	}
	defer r.Close()
	for i, p := range s.Variants {
		if p.Kind == plan.NoiseFloor {
			r.Table.Variants[i].Kind = prediction.KindNull
		}
	}
	for i, in := range r.Table.Inputs { // the same names wherever the run lies
		if rel, err := filepath.Rel(env.Dir, in.Path); err == nil && in.Role == "model" {
			r.Table.Inputs[i].Path = filepath.ToSlash(rel)
		}
	}
	o := prediction.DefaultWriteOptions()
	o.Tool = x.app.tool()
	if s.Shift == nil {
		r.Table.Training = trainCounts(x.train.Dataset)
	} else {
		shift := prediction.Shift(*s.Shift)
		r.Table.Shift, o.Scores = &shift, prediction.ScoresNone
		if err := rank(r.Table); err != nil {
			return report, err
		}
	}
	to := filepath.Join(env.Dir, filepath.FromSlash(j.Outputs[0]))
	if err := os.RemoveAll(to); err != nil { // of other settings, or not whole
		return report, err
	}
	return report, prediction.Write(to, r.Table, o)
}

// shortModel is a model's name in a run: "dense/00".
func shortModel(dir, file string) string {
	if rel, err := filepath.Rel(filepath.Join(dir, plan.ModelsDir), file); err == nil {
		file = filepath.ToSlash(rel)
	}
	return strings.TrimSuffix(file, ".onnx")
}

// trainCounts is how often each class and attribute value occurs in training.
func trainCounts(d dataset.Dataset) *prediction.TrainCounts {
	c := &prediction.TrainCounts{Classes: make([]int64, len(d.Classes())), Attributes: map[string]map[string]int64{}}
	attributes := d.Attributes()
	for _, a := range attributes {
		c.Attributes[a.Name] = map[string]int64{}
	}
	for i := range d.Len() {
		e := d.Example(i)
		c.Classes[e.Label]++
		for k, code := range e.Attributes {
			if code != dataset.Missing {
				c.Attributes[attributes[k].Name][attributes[k].Values[code]]++
			}
		}
	}
	return c
}

// audit compares the predictions and writes the report.
func (x *jobs) audit(ctx context.Context, j *plan.Job, env runner.Env) (runner.Report, error) {
	var s plan.AuditSpec
	if err := j.Decode(&s); err != nil {
		return runner.Report{}, err
	}
	c, flags, positive := auditCommand()
	if err := c.ParseFlags(s.Flags); err != nil {
		return runner.Report{}, err
	}
	options, err := flags.options(c)
	if err != nil {
		return runner.Report{}, err
	}
	checks, err := selectChecks(flags.checks)
	if err != nil {
		return runner.Report{}, err
	}
	table, err := prediction.Read(ctx, filepath.Join(env.Dir, filepath.FromSlash(s.Predictions)))
	if err != nil {
		return runner.Report{}, err
	}
	if err := addShifted(ctx, table, env.Dir, s.Shifted); err != nil {
		return runner.Report{}, err
	}
	if options.Positive, err = classNumber(table, *positive); err != nil {
		return runner.Report{}, err
	}
	view, err := audit.NewView(table, options)
	if err != nil {
		return runner.Report{}, err
	}
	tables, err := trainingTables(env.Dir, s.Curves)
	if err != nil {
		return runner.Report{}, err
	}
	quiet := *x.app
	quiet.quiet = true
	to := filepath.Join(env.Dir, filepath.FromSlash(j.Outputs[0]))
	job := &auditJob{view: view, checks: checks, title: s.Title, dir: to, force: true, copyPredictions: true, tables: tables}
	err = atomicfile.Dir(to, true, func(tmp string) error {
		if err := quiet.writeAudit(ctx, job, tmp); err != nil {
			return err
		}
		if err := quiet.writeExtras(ctx, job, tmp); err != nil {
			return err
		}
		if err := keepMarks(to, tmp); err != nil {
			return err
		}
		return quiet.writeReports(tmp, s.Reports)
	})
	return runner.Report{}, err
}

// writeReports writes reports in further formats beside the audit's findings.
func (a *app) writeReports(dir string, formats []string) error {
	suffix := map[format]string{formatText: ".txt", formatMarkdown: ".md", formatJSONL: ".jsonl", formatHTML: ".html"}
	for _, name := range formats {
		f, err := parseFormat(name)
		if err != nil {
			return err
		}
		err = atomicfile.Write(filepath.Join(dir, "report"+suffix[f]), func(w io.Writer) error {
			return a.render(filepath.Join(dir, findingsFile), f, outputFlags{all: true, color: "never"}, w)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// trainingTables are the curves of a run's members, a table for each variant,
// and what became of every member.
func trainingTables(dir string, curves []string) ([]finding.Table, error) {
	var out []finding.Table
	at := map[string]int{}
	members := finding.Table{Name: "members", Check: "training", Title: "Members that were trained", Columns: []finding.Column{
		{Name: "variant"}, {Name: "member"}, {Name: "seed"}, {Name: "epochs", Unit: finding.Count}, {Name: "loss", Unit: finding.Plain},
		{Name: "accuracy", Unit: finding.Share, Doc: "on training images, as they were augmented"},
		{Name: "sparsity", Unit: finding.Share, Doc: "share of zeros over the layers that were pruned"},
	}}
	for _, path := range curves {
		file := filepath.Join(dir, filepath.FromSlash(path))
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		epochs, err := train.ReadCurve(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		model := strings.TrimSuffix(file, ".curve.jsonl") + ".onnx"
		m, err := train.ReadManifest(model)
		if err != nil {
			return nil, err
		}
		variant, member := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(model), ".onnx")
		k, seen := at[variant]
		if !seen {
			k = len(out)
			at[variant] = k
			out = append(out, finding.Table{Name: "training", Check: "training", Variant: variant, Title: "Training, " + variant, Columns: []finding.Column{
				{Name: "member"}, {Name: "epoch", Unit: finding.Count}, {Name: "loss", Unit: finding.Plain},
				{Name: "accuracy", Unit: finding.Share}, {Name: "validation_accuracy", Unit: finding.Share}, {Name: "sparsity", Unit: finding.Share},
			}})
		}
		for _, e := range epochs {
			out[k].Rows = append(out[k].Rows, []any{member, e.Epoch, e.Loss, e.Accuracy, orNil(e.ValidationAccuracy), e.Sparsity})
		}
		members.Rows = append(members.Rows, []any{variant, member, fmt.Sprint(m.Made.Seed), m.Epochs, m.Last.Loss, m.Last.Accuracy, orNil(m.Sparsity)})
	}
	if len(members.Rows) > 0 {
		out = append(out, members)
	}
	return out, nil
}

// orNil is a number that may be missing as a cell of a table.
func orNil(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}
