package llm

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/lethe-audit/lethe/prediction"
)

// methodZstd is the zip method of the members of an .eval file since inspect_ai took to
// Zstandard; before, they were deflated.
const methodZstd = 93

// openInspect opens an .eval file.
func openInspect(name string) (*zip.ReadCloser, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	z.RegisterDecompressor(methodZstd, zstd.ZipDecompressor(zstd.WithDecoderConcurrency(1)))
	return z, nil
}

// inspectTask is the task that an .eval file says it is of, "" for another file. A log
// that was finished has a header; one that was not, only what was written at its start.
func inspectTask(name string) string {
	z, err := openInspect(name)
	if err != nil {
		return ""
	}
	defer z.Close() // opened for reading: nothing is lost
	for _, member := range []string{"header.json", "_journal/start.json", "start.json"} {
		if task := inspectHeader(z, member); task != "" {
			return task
		}
	}
	return ""
}

// inspectHeader is the task in a member, "" where there is none.
func inspectHeader(z *zip.ReadCloser, member string) string {
	f, err := z.Open(member)
	if err != nil {
		return ""
	}
	defer f.Close() // opened for reading: nothing is lost
	var head struct {
		Eval struct {
			Task string `json:"task"`
		} `json:"eval"`
	}
	if json.NewDecoder(io.LimitReader(f, MaxLineBytes)).Decode(&head) != nil {
		return ""
	}
	return head.Eval.Task
}

// readInspect reads an .eval file of inspect_ai: a zip with a JSON file for each sample
// and epoch. Only the first epoch is taken; each scorer is a metric.
func readInspect(ctx context.Context, name, task string, o Options) (*samples, error) {
	z, err := openInspect(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a whole .eval file", Got: err.Error()}
	}
	defer z.Close() // opened for reading: nothing is lost
	members, err := inspectMembers(z.File)
	if err != nil {
		return nil, &Error{File: name, Want: "one member samples/ID_epoch_N.json for each sample", Got: err.Error()}
	}
	var list []*instance
	for _, f := range members {
		if ctx.Err() != nil {
			return nil, ctx.Err()
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

// inspectMembers are the samples of epoch 1. A sample that was logged again, or scored
// anew, is a second member of the same name: the last one counts, as for inspect_ai.
func inspectMembers(files []*zip.File) ([]*zip.File, error) {
	at := map[string]int{}
	var out []*zip.File
	for _, f := range files {
		switch {
		case !strings.HasPrefix(f.Name, "samples/"):
		case strings.HasSuffix(f.Name, "_epoch_1/sample.json"):
			return nil, fmt.Errorf("%s, a sample in parts (log version 3)", f.Name)
		case !strings.HasSuffix(f.Name, "_epoch_1.json"):
		default:
			if i, again := at[f.Name]; again {
				out[i] = f
				continue
			}
			at[f.Name] = len(out)
			out = append(out, f)
		}
	}
	return out, nil
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
		err = fmt.Errorf("id %q and %d scores that are a number, yes, no, true, false or one of C, I, P, N", x.id, len(x.values))
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
	for name, s := range scores {
		if v, ok := inspectValue(s.Value); ok {
			x.values[name] = v
		}
	}
	return nil
}

// inspectValue is the number that inspect_ai's value_to_float takes a value for. Its
// letters are CORRECT, INCORRECT, PARTIAL and NOANSWER. Lists and objects are none.
func inspectValue(b []byte) (float64, bool) {
	var text string
	if json.Unmarshal(b, &text) != nil { // a number, true or false
		text = string(b)
	}
	switch text {
	case "C":
		return 1, true
	case "I", "N":
		return 0, true
	case "P":
		return 0.5, true
	}
	switch strings.ToLower(text) {
	case "yes", "true":
		return 1, true
	case "no", "false":
		return 0, true
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
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
