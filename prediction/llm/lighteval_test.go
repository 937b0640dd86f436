package llm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// The columns that Dataset.from_list makes of DetailsLogger.Detail, of which some are
// never read.
type newDetail struct {
	Doc struct {
		Query     string   `parquet:"query,optional"`
		Choices   []string `parquet:"choices,list,optional"`
		GoldIndex int64    `parquet:"gold_index,optional"`
		ID        string   `parquet:"id,optional"`
		TaskName  string   `parquet:"task_name,optional"`
	} `parquet:"doc"`
	Metric struct {
		Acc     *float64 `parquet:"acc,optional"` // a pointer: 0 is no null
		AccNorm *int64   `parquet:"acc_norm,optional"`
	} `parquet:"metric"`
	ModelResponse struct {
		Input    string    `parquet:"input,optional"`
		Logprobs []float64 `parquet:"logprobs,list,optional"`
		Text     []string  `parquet:"text,list,optional"`
	} `parquet:"model_response"`
}

type oldDetail struct {
	Choices    []string `parquet:"choices,list,optional"`
	Example    string   `parquet:"example,optional"`
	FullPrompt string   `parquet:"full_prompt,optional"`
	GoldIndex  []int64  `parquet:"gold_index,list,optional"`
	Metrics    struct {
		EM *bool `parquet:"em,optional"`
	} `parquet:"metrics"`
}

func newDetails(subject string, n int, wrong ...int) []newDetail {
	var out []newDetail
	for i := range n {
		var d newDetail
		d.Doc.Query, d.Doc.Choices, d.Doc.GoldIndex = fmt.Sprintf("%s %d?", subject, i), []string{"A", "B"}, int64(i%2)
		d.Doc.ID, d.Doc.TaskName = fmt.Sprint(i), subject
		d.ModelResponse.Input, d.ModelResponse.Logprobs = "Q: "+d.Doc.Query, []float64{-1, -2}
		d.Metric.Acc, d.Metric.AccNorm = new(float64), new(int64)
		if *d.Metric.AccNorm = 1; !slices.Contains(wrong, i) {
			*d.Metric.Acc = 1
		}
		out = append(out, d)
	}
	return out
}

func writeDetails[T any](t *testing.T, dir, task string, rows []T) string {
	t.Helper()
	date := "2026-01-02T03-04-05.678901"
	name := filepath.Join(dir, date, "details_"+task+"_"+date+".parquet")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewGenericWriter[T](f)
	for _, r := range rows {
		if _, err := w.Write([]T{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLighteval(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	writeDetails(t, a, "lighteval|mmlu:law|0", newDetails("law", 12, 1))
	writeDetails(t, a, "lighteval|mmlu:art|0", newDetails("art", 8))
	law := newDetails("law", 12, 1, 5, 7)
	slices.Reverse(law)
	writeDetails(t, b, "lighteval|mmlu:law|0", law)
	name := writeDetails(t, b, "lighteval|mmlu:art|0", newDetails("art", 8, 3))
	table := mustImport(t, a, b, Options{})
	if table.Len() != 20 || table.Classes[0] != "lighteval|mmlu:art|0" || table.Classes[2] != "wrong" {
		t.Fatalf("%d examples, classes %q", table.Len(), table.Classes)
	}
	wrong := [2][]string{}
	for v := range wrong {
		for i := range table.Len() {
			if table.Variants[v].Members[0].Predicted.At(i) == 2 {
				wrong[v] = append(wrong[v], string(table.ID(i)))
			}
		}
		slices.Sort(wrong[v])
	}
	law1 := "lighteval|mmlu:law|0/"
	if want := fmt.Sprint([2][]string{{law1 + "1"}, {"lighteval|mmlu:art|0/3", law1 + "1", law1 + "5", law1 + "7"}}); fmt.Sprint(wrong) != want {
		t.Errorf("wrong answers %v, want %v", wrong, want)
	}
	if table := mustImport(t, a, b, Options{Metric: "acc_norm"}); table.Variants[1].Members[0].Predicted.At(0) == 2 {
		t.Error("acc_norm is 1 everywhere")
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, raw[:len(raw)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := importTwo(t, a, b, Options{}); err == nil || !strings.Contains(err.Error(), "want a whole Parquet file") {
		t.Errorf("a truncated file: %v", err)
	}
}

func TestLightevalOlder(t *testing.T) {
	rows := func(right bool) []oldDetail {
		d := oldDetail{Example: "1+1?", FullPrompt: "Q: 1+1?", GoldIndex: []int64{0}, Choices: []string{"2"}}
		d.Metrics.EM = &right
		other := oldDetail{Example: "1+2?", FullPrompt: "Q: 1+2?", GoldIndex: []int64{0}, Choices: []string{"3"}}
		yes := true
		other.Metrics.EM = &yes
		return []oldDetail{d, other, other} // asked twice
	}
	a, b := t.TempDir(), t.TempDir()
	for _, task := range []string{"lighteval|sums|0", "lighteval|gsm8k|5"} {
		writeDetails(t, a, task, rows(true))
		writeDetails(t, b, task, rows(false))
	}
	table := mustImport(t, a, b, Options{})
	n := 0
	for i := range table.Len() {
		if table.Variants[1].Members[0].Predicted.At(i) == 2 {
			n++
		}
	}
	if table.Len() != 6 || n != 2 {
		t.Errorf("%d examples, %d wrong; want 6 and 2", table.Len(), n)
	}
}

// TestLightevalRefuses: what is no file of details, a metric that is not there, values
// as text, other documents.
func TestLightevalRefuses(t *testing.T) {
	type text struct {
		Doc struct {
			Query string `parquet:"query"`
		} `parquet:"doc"`
		Metric string `parquet:"metric"`
	}
	type table struct {
		X int64 `parquet:"x"`
	}
	part := newDetails("law", 3)
	*part[1].Metric.Acc = 0.25
	none := newDetails("law", 3)
	none[2].Metric.Acc = nil
	for _, c := range []struct {
		name, file string
		o          Options
		want       string
	}{
		{"table", writeDetails(t, t.TempDir(), "a", []table{{1}}), Options{}, "of lighteval's details, got x"},
		{"text", writeDetails(t, t.TempDir(), "a", []text{{Metric: "{'acc': 1}"}}), Options{}, "field metric: want a number for each metric"},
		{"metric", writeDetails(t, t.TempDir(), "a", part), Options{Metric: "f1"}, "want the metric f1, got [acc acc_norm]"},
		{"none", writeDetails(t, t.TempDir(), "a", none), Options{}, "3: field metric.acc: want a number, got none"},
		{"partial", writeDetails(t, t.TempDir(), "a", part), Options{}, "2: field metric.acc: want 0 or 1, or a threshold"},
	} {
		var e *Error
		if _, err := readLighteval(context.Background(), c.file, "a", c.o); !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	a, b := t.TempDir(), t.TempDir()
	writeDetails(t, a, "x", newDetails("law", 3))
	writeDetails(t, b, "x", newDetails("art", 3))
	if _, err := importTwo(t, a, b, Options{}); err == nil || !strings.Contains(err.Error(), "documents that all logs have") {
		t.Errorf("other documents: %v", err)
	}
}

// FuzzLighteval: no damaged file panics or is read as more rows than it says.
func FuzzLighteval(f *testing.F) {
	t := f.TempDir()
	date := "2026-01-02T03-04-05"
	name := filepath.Join(t, "details_x_"+date+".parquet")
	out, err := os.Create(name)
	if err != nil {
		f.Fatal(err)
	}
	w := parquet.NewGenericWriter[newDetail](out)
	if _, err := w.Write(newDetails("law", 3, 1)); err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "d.parquet")
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if s, err := readLighteval(context.Background(), name, "x", Options{}); err == nil && len(s.list) == 0 {
			t.Error("no samples and no error")
		}
	})
}
