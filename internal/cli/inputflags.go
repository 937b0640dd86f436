package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
	"github.com/spf13/cobra"
)

// inputFlags are the flags that say what predictions to read.
type inputFlags struct {
	req        importer.Request
	people     string
	baseline   string
	candidates []string
	columns    []string
}

const inputHelp = `
Predictions come in one of two forms:
  - tables that say themselves which model a row or column belongs to: CSV, TSV,
    JSON, JSON Lines or Parquet, long (example, model, variant, label,
    prediction) or wide (id, label, one column per model), or a directory that
    'lethe import' wrote;
  - one file for each model, named by --labels, --baseline and --candidate:
    npy or npz with class numbers [N] or scores [N, C], or any of the above.
FILE#NAME takes one column or array of a file. .gz and .zst are read as they are.

Language models: --baseline and --candidate may name directories of sample logs of
lm-evaluation-harness (samples_*.jsonl), HELM (per_instance_stats.json) or
inspect_ai (*.eval) or lighteval (details_*.parquet).
lm-eval:DIR?metric=NAME&filter=NAME&threshold=X says how
answers are judged. Each task is then a class (doc/format/llm.md).`

func (f *inputFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.req.Labels, "labels", "", "true classes: a `FILE`; its rows set the order of the examples")
	s.StringVar(&f.req.IDs, "ids", "", "example ids, a row for each label, for arrays without ids: a `FILE`")
	s.StringVar(&f.baseline, "baseline", "", "the baseline: `NAME=FILE,FILE,...`, one file for each member")
	s.StringArrayVar(&f.candidates, "candidate", nil, "a compressed variant: `NAME=FILE,FILE,...`; give it once for each variant, least compressed first")
	s.StringArrayVar(&f.req.Attributes, "attributes", nil, "attributes of the examples: a `FILE` with a column for each")
	s.StringVar(&f.people, "human-labels", "", humanLabelsHelp)
	s.StringVar(&f.req.ClassNames, "class-names", "", "class names in order, a line each: a `FILE`")
	s.StringVar(&f.req.TrainLabels, "train-labels", "", "labels of the training set, for its class frequencies: a `FILE`")
	s.BoolVar(&f.req.Paired, "paired", false, "member k of each candidate was made from member k of the baseline")
	s.StringArrayVar(&f.columns, "column", nil, "name a column of the input: `ROLE=NAME`, with the roles id, label, predicted, model, variant, kind, level, lineage, seed, split, confidence, true-score, scores, attributes, ignore (the last three take NAME,NAME,...)")
	s.StringVar(&f.req.Positive, "positive", "", "positive `CLASS`, by name or number: false positive and false negative rates are for it")
	for _, name := range []string{"labels", "ids", "attributes", "human-labels", "class-names", "train-labels"} {
		_ = c.MarkFlagFilename(name)
	}
}

const humanLabelsHelp = "labels that people gave the examples, for triage: a `FILE` of counts by class, or of one judgement a row"

// predictions reads what arguments and flags ask for.
func (f *inputFlags) predictions(ctx context.Context, req importer.Request) (*prediction.Table, error) {
	t, err := importPredictions(ctx, req)
	if err != nil || f.people == "" {
		return t, err
	}
	return t, importer.AddPeople(ctx, t, f.people)
}

// request is the import that arguments and flags ask for.
func (f *inputFlags) request(sources []string) (importer.Request, error) {
	r := f.req
	r.Sources = sources
	if f.baseline != "" {
		spec, err := importer.ParseSpec(f.baseline, "baseline")
		if err != nil {
			return r, fmt.Errorf("--baseline: %w", err)
		}
		r.Baseline = spec
	}
	for i, c := range f.candidates {
		spec, err := importer.ParseSpec(c, fmt.Sprintf("candidate%d", i+1))
		if err != nil {
			return r, fmt.Errorf("--candidate: %w", err)
		}
		r.Candidates = append(r.Candidates, spec)
	}
	if len(sources) == 0 && (f.baseline == "" || len(f.candidates) == 0 || r.Labels == "" && !isEval(&r)) {
		return r, errors.New("nothing to read: want a table of predictions, or --labels with --baseline and at least one --candidate")
	}
	return r, f.setColumns(&r.Columns)
}

func (f *inputFlags) setColumns(c *importer.Columns) error {
	one := map[string]*string{
		"id": &c.ID, "label": &c.Label, "predicted": &c.Predicted, "model": &c.Model, "variant": &c.Variant,
		"kind": &c.Kind, "level": &c.Level, "lineage": &c.Lineage, "seed": &c.Seed, "split": &c.Split,
		"confidence": &c.Confidence, "true-score": &c.TrueScore,
	}
	many := map[string]*[]string{"scores": &c.Scores, "attributes": &c.Attributes, "ignore": &c.Ignore}
	for _, s := range f.columns {
		role, name, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return fmt.Errorf("--column %q: want ROLE=NAME", s)
		}
		switch {
		case one[role] != nil:
			*one[role] = name
		case many[role] != nil:
			*many[role] = append(*many[role], strings.Split(name, ",")...)
		default:
			return fmt.Errorf("--column %q: there is no role %q; see --help for the roles", s, role)
		}
	}
	return nil
}
