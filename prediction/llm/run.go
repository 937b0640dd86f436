package llm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// results is what is used of results_DATE.json.
type results struct {
	TaskHashes map[string]string      `json:"task_hashes"`
	Subtasks   map[string][]string    `json:"group_subtasks"`
	Samples    map[string]sampleCount `json:"n-samples"`
}

// sampleCount is how many documents of a task were evaluated.
type sampleCount struct {
	Effective *int `json:"effective"`
}

// run is one evaluation of one model: the files of one date.
type run struct {
	date    string
	files   map[string]string // task -> file
	results *results          // nil where there is no results file
	from    string
}

// dated matches the date that the harness puts into file names.
func dated() *regexp.Regexp {
	return regexp.MustCompile(`^(samples|results)_(?:(.+)_)?(\d{4}-\d{2}-\d{2}T[0-9.\-]+)\.jsonl?$`)
}

// IsDir reports whether a directory, or one below it, holds logs that are read here.
func IsDir(dir string) bool {
	runs, err := findRuns(dir)
	return err == nil && len(runs) > 0
}

// findRuns lists the evaluations in a directory, by date.
func findRuns(dir string) ([]*run, error) {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.json*"))
	if err != nil {
		return nil, fmt.Errorf("llm: %s: %w", dir, err)
	}
	below, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*", "*.json*"))
	if err != nil {
		return nil, fmt.Errorf("llm: %s: %w", dir, err)
	}
	pattern := dated()
	byDate := map[string]*run{}
	at := func(date string) *run {
		if byDate[date] == nil {
			byDate[date] = &run{date: date, files: map[string]string{}}
		}
		return byDate[date]
	}
	for _, name := range append(names, below...) {
		m := pattern.FindStringSubmatch(filepath.Base(name))
		switch {
		case m == nil:
		case m[1] == "samples" && m[2] != "" && strings.HasSuffix(name, ".jsonl"):
			r := at(m[3])
			if twice := r.files[m[2]]; twice != "" {
				return nil, &Error{File: name, Want: "one file of samples of a task and date; name the directory of one model", Got: "a second one beside " + twice}
			}
			r.files[m[2]] = name
		case m[1] == "results" && strings.HasSuffix(name, ".json"):
			res, err := readResults(name)
			if err != nil {
				return nil, err
			}
			at(m[3]).results, at(m[3]).from = res, name
		}
	}
	details, err := detailsFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range details {
		task, date, ok := detailsName(name)
		if !ok {
			continue
		}
		r := at(date)
		if twice := r.files[task]; twice != "" {
			return nil, &Error{File: name, Want: "one file of details of a task and date; name the directory of one model", Got: "a second one beside " + twice}
		}
		r.files[task] = name
	}
	var out []*run
	for _, r := range byDate {
		if len(r.files) > 0 {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *run) int { return strings.Compare(a.date, b.date) })
	evals, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.eval"))
	if err != nil {
		return nil, fmt.Errorf("llm: %s: %w", dir, err)
	}
	return merge(append(out, addOthers(append(evals, append(names, below...)...))...))
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// merge makes one run of runs of different tasks; runs of the same tasks are
// repeats, and stay members of their own.
func merge(runs []*run) ([]*run, error) {
	if len(runs) < 2 {
		return runs, nil
	}
	same, apart := true, true
	seen := map[string]bool{}
	for _, r := range runs {
		same = same && len(r.files) == len(runs[0].files)
		for task := range r.files {
			_, in := runs[0].files[task]
			same = same && in
			apart = apart && !seen[task]
			seen[task] = true
		}
	}
	if same {
		return runs, nil
	}
	if !apart {
		return nil, &Error{File: filepath.Dir(anyFile(runs[0])), Want: "runs that all have the same tasks, or none in common", Got: fmt.Sprintf("%d dates that share some of their tasks", len(runs))}
	}
	out := &run{date: runs[0].date, files: map[string]string{}}
	for _, r := range runs {
		for task, file := range r.files {
			out.files[task] = file
		}
		if r.results == nil {
			continue
		}
		if out.results == nil {
			out.results, out.from = &results{TaskHashes: map[string]string{}}, r.from
			out.results.Samples, out.results.Subtasks = map[string]sampleCount{}, map[string][]string{}
		}
		for k, v := range r.results.Samples {
			out.results.Samples[k] = v
		}
		for k, v := range r.results.Subtasks {
			out.results.Subtasks[k] = v
		}
		for k, v := range r.results.TaskHashes {
			out.results.TaskHashes[k] = v
		}
	}
	return []*run{out}, nil
}

func anyFile(r *run) string {
	least := ""
	for _, f := range r.files {
		if least == "" || f < least {
			least = f
		}
	}
	return least
}

func readResults(name string) (*results, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a results file", Got: err.Error()}
	}
	r := new(results)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, &Error{File: name, Want: "the results that lm-evaluation-harness writes", Got: err.Error()}
	}
	return r, nil
}
