package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

const date = "2025-03-01T10-20-30.123456"

// mcLine is a sample of multiple choice as lm-evaluation-harness writes it, with its
// separators and order of fields.
func mcLine(doc, gold, chosen, choices int) string {
	var resps, args []string
	for c := range choices {
		lp := -3.5 - float64(c)
		if c == chosen {
			lp = -0.25
		}
		resps = append(resps, fmt.Sprintf(`["%v", "False"]`, lp))
		args = append(args, fmt.Sprintf(`"gen_args_%d": {"arg_0": "Q%d \"quoted\" {[ \\\\", "arg_1": " %c"}`, c, doc, 'A'+c))
	}
	acc := 0.0
	if gold == chosen {
		acc = 1
	}
	list := strings.Join(resps, ", ")
	return fmt.Sprintf(`{"doc_id": %d, "doc": {"question": "Q%d \\\"", "answer": %d}, "target": "%d", "arguments": {%s}, "resps": [[%s]], "filtered_resps": [%s], "filter": "none", "metrics": ["acc"], "doc_hash": "d%d", "prompt_hash": "p%d", "target_hash": "t%d", "acc": %.1f}`,
		doc, doc, gold, gold, strings.Join(args, ", "), list, list, doc, doc, gold, acc)
}

// genLines are the samples of one generated answer: one for each filter.
func genLines(doc int, right bool) []string {
	var out []string
	for _, filter := range []string{"flexible-extract", "strict-match"} {
		v := 0.0
		if right {
			v = 1
		}
		out = append(out, fmt.Sprintf(`{"doc_id": %d, "doc": {"question": "G%d"}, "target": "#### 7", "arguments": {"gen_args_0": {"arg_0": "G%d", "arg_1": {"until": ["Q:"]}}}, "resps": [["7"]], "filtered_resps": ["7"], "filter": "%s", "metrics": ["exact_match"], "doc_hash": "g%d", "prompt_hash": "gp%d", "target_hash": "gt%d", "exact_match": %.1f}`,
			doc, doc, doc, filter, doc, doc, doc, v))
	}
	return out
}

func write(t testing.TB, name string, lines []string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// logs writes the directory of one model: two subjects of multiple choice and one
// generative task. shuffle, where not 0, is a seed for the order of rows.
func logs(t testing.TB, seed, shuffle uint64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "org__model")
	rng := rand.New(rand.NewPCG(seed, 1))
	order := rand.New(rand.NewPCG(shuffle, 2))
	counts := map[string]any{}
	for _, task := range []string{"mmlu_anatomy", "mmlu_virology", "gsm8k"} {
		var lines []string
		for doc := range 40 {
			if task == "gsm8k" {
				lines = append(lines, genLines(doc, rng.IntN(3) > 0)...)
				continue
			}
			gold, chosen := (doc*7+len(task))%4, (doc*7+len(task))%4
			if rng.IntN(4) == 0 {
				chosen = rng.IntN(4)
			}
			lines = append(lines, mcLine(doc, gold, chosen, 4))
		}
		if shuffle != 0 {
			order.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		}
		write(t, filepath.Join(dir, "samples_"+task+"_"+date+".jsonl"), lines)
		counts[task] = map[string]int{"original": 40, "effective": 40}
	}
	results := map[string]any{
		"results": map[string]any{}, "n-samples": counts, "group_subtasks": map[string][]string{"mmlu": {"mmlu_anatomy", "mmlu_virology"}, "math": {"gsm8k"}},
		"task_hashes": map[string]string{"mmlu_anatomy": "h1", "mmlu_virology": "h2", "gsm8k": "h3"},
	}
	b, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "results_"+date+".json"), []string{string(b)})
	return dir
}

func importTwo(t testing.TB, a, b string, o Options) (*prediction.Table, error) {
	t.Helper()
	return Import(context.Background(), []Source{{"fp16", []string{a}}, {"int4", []string{b}}}, o)
}

func mustImport(t testing.TB, a, b string, o Options) *prediction.Table {
	t.Helper()
	table, err := importTwo(t, a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestTasksAreClasses(t *testing.T) {
	a, b := logs(t, 1, 0), logs(t, 2, 0)
	table := mustImport(t, a, b, Options{})
	if table.Len() != 120 {
		t.Errorf("%d examples, want 120: one row of each document, whatever the filters", table.Len())
	}
	want := []string{"gsm8k", "mmlu_anatomy", "mmlu_virology", "wrong", "wrong: choice 0", "wrong: choice 1", "wrong: choice 2", "wrong: choice 3"}
	if !reflect.DeepEqual(table.Classes, want) {
		t.Errorf("classes %q, want %q", table.Classes, want)
	}
	// recall of a task is its accuracy: counted again from the lines
	for k, dir := range []string{a, b} {
		raw, err := os.ReadFile(filepath.Join(dir, "samples_mmlu_virology_"+date+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		right := bytes.Count(raw, []byte(`"acc": 1.0`))
		got := 0
		for i := range table.Len() {
			if table.Labels.At(i) == 2 && table.Variants[k].Members[0].Predicted.At(i) == 2 {
				got++
			}
		}
		if got != right {
			t.Errorf("model %d: %d documents right, the log says %d", k, got, right)
		}
	}
	if len(table.Attributes) != 2 || table.Attributes[0].Name != "group" || !reflect.DeepEqual(table.Attributes[0].Values, []string{"math", "mmlu"}) {
		t.Errorf("attributes %+v", table.Attributes)
	}
	if !strings.Contains(strings.Join(table.Notes, "\n"), "the answers of filter flexible-extract were taken; there are also strict-match") {
		t.Errorf("notes %q", table.Notes)
	}
}

func TestSwappingTheModelsSwapsThem(t *testing.T) {
	a, b := logs(t, 1, 0), logs(t, 2, 0)
	x, y := mustImport(t, a, b, Options{}), mustImport(t, b, a, Options{})
	if !reflect.DeepEqual(x.IDs, y.IDs) || !reflect.DeepEqual(x.Classes, y.Classes) || !x.Labels.Equal(y.Labels) {
		t.Fatal("swapping the models changed the examples")
	}
	for k := range 2 {
		if !x.Variants[k].Members[0].Predicted.Equal(y.Variants[1-k].Members[0].Predicted) {
			t.Errorf("model %d has other answers after the swap", k)
		}
	}
}

func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	x, y := mustImport(t, logs(t, 1, 0), logs(t, 2, 0), Options{}), mustImport(t, logs(t, 1, 5), logs(t, 2, 6), Options{})
	x.Inputs, y.Inputs = nil, nil
	if !reflect.DeepEqual(x, y) {
		t.Error("rows in another order gave another table")
	}
}

func TestOneTaskOfChoices(t *testing.T) {
	dir := func(chosen int) string {
		d := t.TempDir()
		var lines []string
		for doc := range 12 {
			lines = append(lines, mcLine(doc, doc%3, (doc%3+chosen*(doc%2))%3, 3))
		}
		write(t, filepath.Join(d, "samples_arc_"+date+".jsonl"), lines)
		return d
	}
	table := mustImport(t, dir(0), dir(1), Options{})
	if !reflect.DeepEqual(table.Classes, []string{"choice 0", "choice 1", "choice 2"}) {
		t.Errorf("classes %q", table.Classes)
	}
	for i := range table.Len() {
		if table.Labels.At(i) != i%3 || table.Variants[0].Members[0].Predicted.At(i) != i%3 || table.Variants[1].Members[0].Predicted.At(i) != (i%3+i%2)%3 {
			t.Fatalf("document %d: label %d, answers %d and %d", i, table.Labels.At(i), table.Variants[0].Members[0].Predicted.At(i), table.Variants[1].Members[0].Predicted.At(i))
		}
	}
}

func TestRepeatsAreMembers(t *testing.T) {
	a, b := logs(t, 1, 0), logs(t, 2, 0)
	other := logs(t, 3, 0)
	for _, task := range []string{"mmlu_anatomy", "mmlu_virology", "gsm8k"} {
		raw, err := os.ReadFile(filepath.Join(other, "samples_"+task+"_"+date+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b, "samples_"+task+"_2025-03-02T00-00-00.jsonl"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if table := mustImport(t, a, b, Options{}); len(table.Variants[1].Members) != 2 {
		t.Errorf("%d members of the variant with two runs", len(table.Variants[1].Members))
	}
}

func TestBadInput(t *testing.T) {
	anatomy := "samples_mmlu_anatomy_" + date + ".jsonl"
	edit := func(name string, change func(string) string) func(string) {
		return func(dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(change(string(raw))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(old, now string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, now, 1) }
	}
	for name, c := range map[string]struct {
		change func(string)
		o      Options
		want   string
	}{
		"cut in a line":   {edit(anatomy, func(s string) string { return s[:len(s)-40] }), Options{}, anatomy + ":40: want a line end after the last sample, got the end of the file: the log is truncated"},
		"cut at a line":   {edit(anatomy, func(s string) string { return s[:strings.LastIndex(s[:len(s)-1], "\n")+1] }), Options{}, "want 40 documents, as "},
		"other task":      {edit("results_"+date+".json", replace("h1", "h9")), Options{}, "field task_hashes.mmlu_anatomy: want h1, as in "},
		"no hash":         {edit(anatomy, replace(`"prompt_hash": "p0", `, "")), Options{}, anatomy + ":1: field prompt_hash: want the hash"},
		"other prompts":   {edit(anatomy, func(s string) string { return strings.ReplaceAll(s, `"prompt_hash": "p`, `"prompt_hash": "q`) }), Options{}, "field prompt_hash: want the prompt and target that"},
		"other documents": {edit(anatomy, func(s string) string { return strings.ReplaceAll(s, `"doc_hash": "d`, `"doc_hash": "e`) }), Options{}, "want documents that all logs have"},
		"twice":           {edit(anatomy, replace(`{"doc_id": 1,`, `{"doc_id": 0,`)), Options{}, anatomy + ":2: field doc_id: want one sample of each document"},
		"no json":         {edit(anatomy, replace(`{"doc_id": 2,`, `{"doc_id": 2`)), Options{}, anatomy + ":3: want one JSON object"},
		"half right":      {edit(anatomy, replace(`"acc": 1.0`, `"acc": 0.5`)), Options{}, "field acc: want 0 or 1, or a threshold"},
		"no metric":       {func(string) {}, Options{Metric: "f1"}, "field metrics: want the metric f1, got [exact_match]"},
		"no filter":       {func(string) {}, Options{Filter: "loose"}, "want samples of the filter loose, got none"},
		"no samples":      {func(dir string) { os.RemoveAll(dir) }, Options{}, "want samples_TASK_DATE.jsonl"},
	} {
		a, b := logs(t, 1, 0), logs(t, 2, 0)
		c.change(b)
		_, err := importTwo(t, a, b, c.o)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// FuzzFields: what encoding/json accepts as an object is read with
// the same keys and values.
func FuzzFields(f *testing.F) {
	f.Add([]byte(mcLine(3, 1, 2, 4)))
	f.Add([]byte(genLines(1, true)[0]))
	f.Add([]byte(`{"a": "\\\"", "b": [1, {"c": "]"}], "d": null}`))
	f.Add([]byte(`{"a": "\\`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got := map[string]json.RawMessage{}
		err := fields(line, func(key, value []byte) error {
			if bytes.IndexByte(key, '\\') < 0 {
				got[string(key)] = bytes.Clone(value)
			}
			return nil
		})
		_, _ = choiceOf(line)
		var want map[string]json.RawMessage
		if json.Unmarshal(line, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatalf("%q is an object, and refused", line)
		}
		for k, v := range got {
			if w, ok := want[k]; ok && !bytes.Equal(w, v) {
				t.Errorf("%q: key %q is %q, want %q", line, k, v, w)
			}
		}
	})
}

// BenchmarkReadSamples reads one log; MB/s is of one core.
func BenchmarkReadSamples(b *testing.B) {
	name := filepath.Join(b.TempDir(), "samples_x_"+date+".jsonl")
	var lines []string
	pad := strings.Repeat("The quick brown fox. ", 40)
	for doc := range 20000 {
		lines = append(lines, strings.Replace(mcLine(doc, doc%4, doc%3, 4), "Q", pad, 2))
	}
	write(b, name, lines)
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		if _, err := readSamples(context.Background(), name, "x", Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
