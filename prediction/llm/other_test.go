package llm

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// helmRun writes a HELM run: n instances in order or reversed, those in wrong answered
// wrong, each with a perturbed twin that must not count.
func helmRun(t *testing.T, dir, subject, model string, n int, wrong map[int]bool, reversed bool) string {
	t.Helper()
	var rows []string
	for i := range n {
		v := 1.0
		if wrong[i] {
			v = 0
		}
		stat := `{"name": {"name": "%s", "split": "test"}, "count": 1, "sum": %v, "sum_squared": %v, "min": %v, "max": %v, "mean": %v, "variance": 0, "stddev": 0}`
		rows = append(rows, fmt.Sprintf(`{"instance_id": "id%d", "train_trial_index": 0, "stats": [`+stat+`]}`, i, "exact_match", v, v, v, v, v),
			fmt.Sprintf(`{"instance_id": "id%d", "train_trial_index": 0, "stats": [`+stat+`]}`, i, "num_prompt_tokens", 9, 81, 9, 9, 9),
			fmt.Sprintf(`{"instance_id": "id%d", "perturbation": {"name": "typos", "robustness": true}, "train_trial_index": 0, "stats": [`+stat+`]}`, i, "exact_match", 0, 0, 0, 0, 0))
	}
	if reversed {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	name := filepath.Join(dir, "mmlu:subject="+subject+",method=multiple_choice_joint,model="+model, helmFile)
	write(t, name, []string{"[\n  " + strings.Join(rows, ",\n  ") + "\n]"})
	return name
}

func TestHELM(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	helmRun(t, a, "anatomy", "org_x", 12, map[int]bool{1: true}, false)
	helmRun(t, a, "law", "org_x", 10, nil, false)
	helmRun(t, b, "anatomy", "org_x-int4", 12, map[int]bool{1: true, 5: true, 7: true}, true)
	helmRun(t, b, "law", "org_x-int4", 10, map[int]bool{3: true}, true)
	table := mustImport(t, a, b, Options{})
	if table.Len() != 22 || table.Classes[0] != "mmlu:subject=anatomy,method=multiple_choice_joint" || table.Classes[2] != "wrong" {
		t.Fatalf("%d examples, classes %q", table.Len(), table.Classes)
	}
	wrong := map[string]bool{}
	for i := range table.Len() {
		if table.Variants[1].Members[0].Predicted.At(i) == 2 {
			wrong[string(table.ID(i))] = true
		}
	}
	p := "mmlu:subject="
	q := ",method=multiple_choice_joint/"
	for _, id := range []string{p + "anatomy" + q + "id1", p + "anatomy" + q + "id5", p + "anatomy" + q + "id7", p + "law" + q + "id3"} {
		if !wrong[id] {
			t.Errorf("%s is not wrong", id)
		}
	}
	if len(wrong) != 4 {
		t.Errorf("wrong: %v", wrong)
	}
	name := helmRun(t, b, "law", "org_x-int4", 10, nil, false)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, raw[:len(raw)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := importTwo(t, a, b, Options{}); !errors.As(err, &e) || !strings.Contains(err.Error(), "to be whole") {
		t.Errorf("a truncated file: %v", err)
	}
	if _, err := importTwo(t, a, a, Options{Metric: "f1"}); !errors.As(err, &e) || !strings.Contains(err.Error(), "want the metric f1, got [exact_match num_prompt_tokens]") {
		t.Errorf("another metric: %v", err)
	}
}

// TestHELMTask: the names are of HELM's expander (run_expander.py).
func TestHELMTask(t *testing.T) {
	for run, want := range map[string]string{
		"gsm:model=org_x": "gsm",
		"gsm:model_deployment=org_x,max_train_instances=0":            "gsm:max_train_instances=0",
		"mmlu:subject=anatomy,model=org_x,groups=ablation_in_context": "mmlu:subject=anatomy,groups=ablation_in_context",
		"mmlu:model_family=a": "mmlu:model_family=a",
		"gsm":                 "gsm",
	} {
		if got := helmTask(filepath.Join("runs", "v1", run, helmFile)); got != want {
			t.Errorf("%s: task %q, want %q", run, got, want)
		}
	}
}

// inspectLayout is how a release of inspect_ai lays a log out.
type inspectLayout struct {
	head   []string // members that tell the task
	method uint16   // of compression
}

// The layouts that its source has had (doc/format/llm.md).
var (
	inspectZstd     = inspectLayout{[]string{"_journal/start.json", "header.json"}, methodZstd}
	inspectDeflated = inspectLayout{[]string{"_journal/start.json", "header.json"}, zip.Deflate}
	inspectStarted  = inspectLayout{[]string{"_journal/start.json"}, methodZstd} // not finished
	inspectFirst    = inspectLayout{[]string{"start.json"}, zip.Deflate}
)

// inspectLog writes an .eval file.
func inspectLog(t *testing.T, dir, task string, values []string) string {
	t.Helper()
	return inspectZstd.log(t, dir, task, values)
}

func (l inspectLayout) log(t *testing.T, dir, task string, values []string, more ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(methodZstd, zstd.ZipCompressor())
	put := func(name, content string) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: l.method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	sample := func(name, id, value string) {
		put(name, fmt.Sprintf(`{"id": %q, "epoch": 1, "input": "x \"y\"", "target": "A", "messages": [{"content": "]}"}], "scores": {"match": {"value": %s, "answer": "A"}}}`, id, value))
	}
	put(l.head[0], fmt.Sprintf(`{"version": 2, "eval": {"task": "%s", "model": "m"}, "plan": {}}`, task))
	for i, v := range values {
		sample(fmt.Sprintf("samples/q%d_epoch_1.json", i), fmt.Sprintf("q%d", i), v)
		put(fmt.Sprintf("samples/q%d_epoch_2.json", i), fmt.Sprintf(`{"id": "q%d", "epoch": 2, "scores": {"match": {"value": "I"}}}`, i))
	}
	put("_journal/summaries/1.json", `[{"id": "q0", "epoch": 1}]`)
	for _, name := range l.head[1:] {
		put(name, fmt.Sprintf(`{"version": 2, "status": "success", "eval": {"task": "%s", "model": "m"}, "plan": {}}`, task))
	}
	for _, name := range more { // a member that is there already, or one of another kind
		sample(name, "q0", `"I"`)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, task+".eval")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestInspectLayouts: every layout gives the same samples.
func TestInspectLayouts(t *testing.T) {
	for i, l := range []inspectLayout{inspectZstd, inspectDeflated, inspectStarted, inspectFirst} {
		name := l.log(t, t.TempDir(), "arc", []string{`"C"`, `"I"`, `"yes"`, `"1.0"`, `"no"`})
		if task := inspectTask(name); task != "arc" {
			t.Errorf("layout %d: task %q", i, task)
		}
		s, err := readInspect(context.Background(), name, "arc", Options{})
		if err != nil {
			t.Errorf("layout %d: %v", i, err)
			continue
		}
		var right []bool
		for _, x := range s.list {
			right = append(right, x.right)
		}
		if fmt.Sprint(right) != "[true false true true false]" {
			t.Errorf("layout %d: right %v", i, right)
		}
	}
}

// TestInspectAgain: of a sample that was logged twice the last counts; a sample in parts
// is refused.
func TestInspectAgain(t *testing.T) {
	values := []string{`"C"`, `"C"`}
	again := inspectZstd.log(t, t.TempDir(), "arc", values, "samples/q0_epoch_1.json")
	s, err := readInspect(context.Background(), again, "arc", Options{})
	if err != nil || len(s.list) != 2 || s.list[0].right || !s.list[1].right {
		t.Errorf("a sample logged again: %+v, %v", s, err)
	}
	parts := inspectZstd.log(t, t.TempDir(), "arc", values, "samples/q2_epoch_1/sample.json")
	if _, err := readInspect(context.Background(), parts, "arc", Options{}); err == nil || !strings.Contains(err.Error(), "a sample in parts") {
		t.Errorf("a sample in parts: %v", err)
	}
}

func TestInspect(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	inspectLog(t, a, "arc", []string{`"C"`, `"C"`, `"I"`})
	inspectLog(t, a, "gsm8k", []string{`1`, `1`})
	inspectLog(t, b, "arc", []string{`"C"`, `"N"`, `"C"`})
	cut := inspectLog(t, b, "gsm8k", []string{`true`, `0`})
	table := mustImport(t, a, b, Options{})
	var got []int
	for i := range table.Len() {
		got = append(got, table.Variants[0].Members[0].Predicted.At(i), table.Variants[1].Members[0].Predicted.At(i))
	}
	// arc is class 0, gsm8k 1, wrong 2
	if fmt.Sprint(got) != "[0 0 0 2 2 0 1 1 1 2]" {
		t.Errorf("answers %v", got)
	}
	raw, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readInspect(context.Background(), cut, "gsm8k", Options{}); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(cut, raw[:len(raw)-30], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readInspect(context.Background(), cut, "gsm8k", Options{}); err == nil || !strings.Contains(err.Error(), "want a whole .eval file") {
		t.Errorf("a truncated file: %v", err)
	}
	partial := inspectLog(t, t.TempDir(), "arc", []string{`"P"`})
	if _, err := readInspect(context.Background(), partial, "arc", Options{}); err == nil || !strings.Contains(err.Error(), "0 or 1, or a threshold") {
		t.Errorf("a partial answer: %v", err)
	}
	half := 0.5
	if s, err := readInspect(context.Background(), partial, "arc", Options{Threshold: &half}); err != nil || !s.list[0].right {
		t.Errorf("a partial answer with a threshold: %v", err)
	}
}

func FuzzHELM(f *testing.F) {
	f.Add([]byte(`[{"instance_id": "id1", "train_trial_index": 0, "stats": [{"name": {"name": "exact_match"}, "count": 1, "mean": 1}]}]`))
	f.Add([]byte(`[{"instance_id": "id1", "perturbation": {"name": "x"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodeHELM(context.Background(), "x", bytes.NewReader(b))
		if err != nil || len(list) == 0 {
			return
		}
		s := &samples{file: "x"}
		if s.fromInstances(list, Options{}) == nil && len(s.list) != len(list) {
			t.Errorf("%d instances gave %d samples", len(list), len(s.list))
		}
	})
}

func FuzzInspectScores(f *testing.F) {
	f.Add([]byte(`{"match": {"value": "C"}}`))
	f.Add([]byte(`{"a": {"value": [1]}, "b": {"value": 0.5}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := &instance{values: map[string]float64{}}
		if x.scores(b) != nil {
			return
		}
		for name, v := range x.values {
			if v != v {
				t.Errorf("%s is not a number", name)
			}
		}
	})
}
