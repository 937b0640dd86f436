package cli

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
	"github.com/lethe-audit/lethe/prediction/llm"
)

// evalPrefix marks a directory of lm-evaluation-harness; without it such a
// directory is known by its samples_*.jsonl.
const evalPrefix = "lm-eval:"

// importPredictions reads what a request names: the logs of a language model's
// evaluation, or anything that the importer knows.
func importPredictions(ctx context.Context, req importer.Request) (*prediction.Table, error) {
	if isEval(&req) {
		return importEval(ctx, &req)
	}
	return importer.Import(ctx, req)
}

// isEval reports whether the baseline is a directory of sample logs.
func isEval(req *importer.Request) bool {
	if len(req.Sources) > 0 || len(req.Baseline.Files) == 0 {
		return false
	}
	first := req.Baseline.Files[0]
	return strings.HasPrefix(first, evalPrefix) || llm.IsDir(first)
}

// importEval reads the sample logs that baseline and candidates name.
func importEval(ctx context.Context, req *importer.Request) (*prediction.Table, error) {
	for _, x := range []struct{ name, value string }{
		{"labels", req.Labels}, {"ids", req.IDs}, {"class-names", req.ClassNames}, {"train-labels", req.TrainLabels}, {"attributes", strings.Join(req.Attributes, ",")},
	} {
		if x.value != "" {
			return nil, errUsage{fmt.Errorf("--%s has no use with sample logs, which have their own", x.name), "lethe audit"}
		}
	}
	var o llm.Options
	var sources []llm.Source
	for i, spec := range append([]importer.Spec{req.Baseline}, req.Candidates...) {
		s := llm.Source{Name: spec.Name}
		for _, ref := range spec.Files {
			dir, err := evalRef(ref, &o)
			if err != nil {
				return nil, errUsage{err, "lethe audit"}
			}
			s.Dirs = append(s.Dirs, dir)
		}
		sources = append(sources, s)
		if i > 0 && req.Paired && len(spec.Files) != len(req.Baseline.Files) {
			return nil, errUsage{fmt.Errorf("--paired: %s has %d directories, %s has %d", spec.Name, len(spec.Files), req.Baseline.Name, len(req.Baseline.Files)), "lethe audit"}
		}
	}
	t, err := llm.Import(ctx, sources, o)
	if err != nil || !req.Paired {
		return t, err
	}
	return t, pairByOrder(t)
}

// pairByOrder gives the k-th members of all variants one lineage.
func pairByOrder(t *prediction.Table) error {
	for i := range t.Variants {
		v := &t.Variants[i]
		if len(v.Members) != len(t.Variants[0].Members) {
			return fmt.Errorf("--paired: %s has %d runs, %s has %d", v.Name, len(v.Members), t.Variants[0].Name, len(t.Variants[0].Members))
		}
		for k := range v.Members {
			v.Members[k].Lineage = fmt.Sprintf("pair %d", k+1)
		}
	}
	return nil
}

// evalRef reads lm-eval:DIR?metric=NAME&filter=NAME&threshold=X; the options hold for
// all directories.
func evalRef(ref string, o *llm.Options) (string, error) {
	rest, marked := strings.CutPrefix(ref, evalPrefix)
	dir, query, has := strings.Cut(rest, "?")
	if !marked || !has {
		return rest, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	for key, list := range values {
		value := list[len(list)-1]
		switch key {
		case "metric":
			o.Metric = value
		case "filter":
			o.Filter = value
		case "threshold":
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return "", fmt.Errorf("%s: threshold %q, want a number", ref, value)
			}
			o.Threshold = &v
		default:
			return "", fmt.Errorf("%s: there is no option %q; the options are metric, filter and threshold", ref, key)
		}
	}
	return dir, nil
}
