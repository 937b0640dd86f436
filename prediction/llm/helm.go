package llm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// helmFile is the file of a HELM run that has a row for each instance.
const helmFile = "per_instance_stats.json"

// helmTask is the name of a HELM run without its model. A name is SCENARIO:KEY=VALUE,...;
// what a run adds to a scenario without arguments follows the colon.
func helmTask(file string) string {
	scenario, arguments, _ := strings.Cut(filepath.Base(filepath.Dir(file)), ":")
	var keep []string
	for part := range strings.SplitSeq(arguments, ",") {
		if part != "" && !strings.HasPrefix(part, "model=") && !strings.HasPrefix(part, "model_deployment=") {
			keep = append(keep, part)
		}
	}
	if len(keep) == 0 {
		return scenario
	}
	return scenario + ":" + strings.Join(keep, ",")
}

// helmRow is what is decoded of one PerInstanceStats.
type helmRow struct {
	InstanceID   *string         `json:"instance_id"`
	Perturbation json.RawMessage `json:"perturbation"`
	Trial        int             `json:"train_trial_index"`
	Stats        []struct {
		Name struct {
			Name string `json:"name"`
		} `json:"name"`
		Count int      `json:"count"`
		Mean  *float64 `json:"mean"`
	} `json:"stats"`
}

// instance is one instance of a trial with all its metrics.
type instance struct {
	id     string
	trial  int
	values map[string]float64
}

// readHELM reads per_instance_stats.json, one array, element by element. Perturbed
// instances are left out. Instances have no hashes: they are joined by id and trial.
func readHELM(ctx context.Context, name, task string, o Options) (*samples, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a file of " + helmFile, Got: err.Error()}
	}
	defer f.Close() // opened for reading: nothing is lost
	h := sha256.New()
	in := io.TeeReader(f, h)
	list, err := decodeHELM(ctx, name, in)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, &Error{File: name, Want: "a readable file", Got: err.Error()}
	}
	s := &samples{task: task, file: name, input: prediction.Input{Path: name, Bytes: size, Rows: int64(len(list)), Role: "samples"}}
	s.input.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	if len(list) == 0 {
		return nil, &Error{File: name, Want: "instances without a perturbation", Got: "none"}
	}
	return s, s.fromInstances(list, o)
}

func decodeHELM(ctx context.Context, name string, in io.Reader) ([]*instance, error) {
	d := json.NewDecoder(in)
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, &Error{File: name, Want: "a list of instances, as HELM writes", Got: "something else"}
	}
	byKey := map[string]*instance{}
	var list []*instance
	for n := 1; d.More(); n++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var r helmRow
		if err := d.Decode(&r); err != nil {
			return nil, &Error{File: name, Want: fmt.Sprintf("instance %d to be whole", n), Got: err.Error()}
		}
		if r.InstanceID == nil {
			return nil, &Error{File: name, Field: "instance_id", Want: fmt.Sprintf("an id in instance %d", n), Got: "none"}
		}
		if len(r.Perturbation) > 0 && string(r.Perturbation) != "null" {
			continue
		}
		key := strconv.Itoa(r.Trial) + "/" + *r.InstanceID
		x := byKey[key]
		if x == nil {
			x = &instance{id: *r.InstanceID, trial: r.Trial, values: map[string]float64{}}
			byKey[key] = x
			list = append(list, x)
		}
		for _, st := range r.Stats {
			if st.Count == 0 || st.Mean == nil {
				continue
			}
			x.values[st.Name.Name] = *st.Mean
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, &Error{File: name, Want: "the end of the list", Got: "the end of the file: the log is truncated"}
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, &Error{File: name, Want: "a readable file", Got: err.Error()}
	}
	return list, nil
}

// fromInstances makes samples of instances that have no hashes.
func (s *samples) fromInstances(list []*instance, o Options) error {
	var names []string
	for m := range list[0].values {
		names = append(names, m)
	}
	metric, ok := chooseMetric(names, o.Metric)
	if !ok {
		slices.Sort(names)
		return &Error{File: s.file, Field: "stats", Want: "the metric " + o.Metric, Got: fmt.Sprint(names)}
	}
	s.metric, s.filter = metric, "none"
	slices.SortFunc(list, func(a, b *instance) int {
		if a.trial != b.trial {
			return a.trial - b.trial
		}
		return strings.Compare(a.id, b.id)
	})
	for i, x := range list {
		v, ok := x.values[metric]
		if !ok {
			return &Error{File: s.file, Field: "stats", Want: "the metric " + metric + " in every instance", Got: "none in " + x.id}
		}
		right, err := correct([]byte(strconv.FormatFloat(v, 'g', -1, 64)), o.Threshold)
		if err != nil {
			return &Error{File: s.file, Field: metric, Want: err.Error(), Got: strconv.FormatFloat(v, 'g', -1, 64) + " in " + x.id}
		}
		y := sample{docID: int64(i), right: right, choice: -1, gold: -1}
		y.key = hash([]byte(strconv.Itoa(x.trial)), []byte{0}, []byte(x.id))
		y.doc, y.name = y.key, x.id
		if x.trial > 0 {
			y.name += fmt.Sprintf(" (trial %d)", x.trial)
		}
		s.list = append(s.list, y)
	}
	return nil
}
