package llm

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// inspectTask is the task that an .eval file says it is of, "" for another file.
func inspectTask(name string) string {
	z, err := zip.OpenReader(name)
	if err != nil {
		return ""
	}
	defer z.Close() // opened for reading: nothing is lost
	f, err := z.Open("start.json")
	if err != nil {
		return ""
	}
	defer f.Close()
	var start struct {
		Eval struct {
			Task string `json:"task"`
		} `json:"eval"`
	}
	if json.NewDecoder(io.LimitReader(f, MaxLineBytes)).Decode(&start) != nil {
		return ""
	}
	return start.Eval.Task
}

// readInspect reads an .eval file of inspect_ai: a zip with a JSON file for each sample
// and epoch. Only the first epoch is taken; each scorer is a metric.
func readInspect(ctx context.Context, name, task string, o Options) (*samples, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a whole .eval file", Got: err.Error()}
	}
	defer z.Close() // opened for reading: nothing is lost
	var list []*instance
	for _, f := range z.File {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !strings.HasPrefix(f.Name, "samples/") || !strings.HasSuffix(f.Name, "_epoch_1.json") {
			continue
		}
		x, err := inspectSample(f)
		if err != nil {
			return nil, &Error{File: name + ", " + f.Name, Want: "a sample with an id and scores", Got: err.Error()}
		}
		list = append(list, x)
	}
	if len(list) == 0 {
		return nil, &Error{File: name, Want: "samples of epoch 1", Got: "none"}
	}
	digest, size, err := digestFile(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a readable file", Got: err.Error()}
	}
	s := &samples{task: task, file: name, input: prediction.Input{Path: name, Digest: digest, Bytes: size, Rows: int64(len(list)), Role: "samples"}}
	return s, s.fromInstances(list, o)
}

// inspectSample decodes the id and the scores of one sample.
func inspectSample(f *zip.File) (*instance, error) {
	if f.UncompressedSize64 > MaxLineBytes {
		return nil, fmt.Errorf("a sample of %d MiB, more than %d", f.UncompressedSize64>>20, MaxLineBytes>>20)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, MaxLineBytes))
	if err != nil {
		return nil, err
	}
	x := &instance{values: map[string]float64{}}
	err = fields(b, func(key, value []byte) error {
		switch string(key) {
		case "id":
			x.id = unquoted(value)
		case "scores":
			return x.scores(value)
		}
		return nil
	})
	if err == nil && (x.id == "" || len(x.values) == 0) {
		err = fmt.Errorf("id %q and %d scores that are a number, true, false or one of C, I, P, N", x.id, len(x.values))
	}
	return x, err
}

// scores keeps the values that can be right or wrong.
func (x *instance) scores(b []byte) error {
	var scores map[string]struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(b, &scores); err != nil {
		return err
	}
	// The letters are inspect_ai's CORRECT, INCORRECT, PARTIAL and NOANSWER.
	letters := map[string]float64{`"C"`: 1, `"I"`: 0, `"P"`: 0.5, `"N"`: 0, "true": 1, "false": 0}
	for name, s := range scores {
		if v, ok := letters[string(s.Value)]; ok {
			x.values[name] = v
		} else if v, err := strconv.ParseFloat(string(s.Value), 64); err == nil {
			x.values[name] = v
		}
	}
	return nil
}

// otherFormat is the task of a file of HELM or inspect_ai, and whether it is one.
func otherFormat(name string) (task string, ok bool) {
	switch {
	case strings.HasSuffix(name, "/"+helmFile):
		return helmTask(name), true
	case strings.HasSuffix(name, ".eval"):
		task = inspectTask(name)
		return task, task != ""
	}
	return "", false
}

// addOthers adds the files of HELM and inspect_ai as one run. The same task twice is a
// second run.
func addOthers(names []string) []*run {
	var runs []*run
	slices.Sort(names)
	for _, name := range names {
		task, ok := otherFormat(name)
		if !ok {
			continue
		}
		i := slices.IndexFunc(runs, func(r *run) bool { return r.files[task] == "" })
		if i < 0 {
			runs = append(runs, &run{files: map[string]string{}})
			i = len(runs) - 1
		}
		runs[i].files[task] = name
	}
	return runs
}
