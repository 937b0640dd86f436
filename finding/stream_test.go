package finding

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// streamV1 is the content of testdata/v1/findings.jsonl, which was written when
// the protocol's version was 1 and is never rewritten.
func streamV1() []Message {
	f := Finding{
		ID: "classimpact/harm/int8/class:cat", Check: "classimpact", Question: "harm",
		Baseline: "fp32", Variant: "int8",
		Scope:  Scope{Kind: Class, Class: Int(0), Name: "cat"},
		Metric: "recall difference", Unit: Difference,
		Estimate: Float(-0.03), BaseValue: Float(0.9), Value: Float(0.87),
		Interval: &Interval{Low: -0.05, High: -0.01, Level: 0.95, Covers: Both, Method: "two-way variance components"},
		Test: &Test{Name: "paired t", Why: "3 lineages have members on both sides", Statistic: Float(-9.2), DoF: Float(2),
			P: Float(0.0116), Q: Float(0.0233), Holm: Float(0.0233), BY: Float(0.0349), Family: &Family{Name: "harm by class, int8", Size: 2}},
		Outcome: Worse, Word: HarmedMore, N: 100, KBase: 3, K: 3,
		Evidence: &Evidence{Examples: 100, TotalExamples: 200, BaseCorrect: []int64{90, 91, 89}, Correct: []int64{87, 88, 86},
			BaseTotal: []int64{180, 181, 179}, Total: []int64{176, 178, 175}, Lineages: [][2][]int{{{0}, {0}}, {{1}, {1}}, {{2}, {2}}},
			Pairs: &PairedCells{Both: 85, OnlyBase: 5, OnlyVariant: 2, Neither: 8}, StdErr: Float(0.004), DoF: Float(2)},
		Warnings: []Warning{{Code: "few-members", Text: "With 3 members the t-test leans on normality."}},
	}
	g := Finding{
		ID: "classimpact/disproportion/int8/class:dog", Check: "classimpact", Question: "disproportion", Baseline: "fp32", Variant: "int8",
		Scope: Scope{Kind: Class, Class: Int(1), Name: "dog"}, Metric: "normalized recall difference", Unit: Difference,
		Outcome: NotMeasurable, Reason: Ceiling, Word: CannotSay, N: 100, KBase: 3, K: 3, Bound: Float(0.0295), Needed: "more examples",
	}
	t := Table{Name: "confusion", Check: "confusion", Variant: "int8", Title: "Where lost examples go",
		Columns: []Column{{Name: "true"}, {Name: "difference", Unit: Difference, Doc: "variant minus baseline"}},
		Rows:    [][]any{{"cat", -0.03}, {"dog", nil}}, Total: 4, Note: "largest first"}
	c := Config{Protocol: 1, Tool: "lethe v0.1.0", Title: "a <b> & c", Mode: "default",
		Settings: Settings{Alpha: 0.05, FDR: "bh", Margin: 0.02, Level: 0.95, Shift: "member", Ties: "lowest", Seed: 1, MinN: 10, Depth: 2, Resample: true, Replicate: 9999},
		Checks:   []string{"classimpact", "confusion"}, Classes: []string{"cat", "dog"}, ClassSizes: []int{100, 100}, Attributes: []string{"size"}, Examples: 200,
		Populations: []Population{
			{Name: "fp32", Kind: "dense", Members: []MemberInfo{{Name: "a", Lineage: "a", Accuracy: 0.9}}},
			{Name: "int8", Kind: "quantized", Level: Float(8), Pairing: "paired by lineage", Members: []MemberInfo{{Name: "aq", Lineage: "a", Accuracy: 0.88, Digest: "sha256:00"}}}},
		Join: Join{ByPosition: true, Missing: 2, Notes: []string{"arrays have no ids"}}, Inputs: []InputDigest{{Path: "p.csv", Digest: "sha256:11", Role: "predictions"}},
		Warnings: []Warning{{Code: "joined-by-position", Text: "Rows were joined by position."}}}
	d := Done{Findings: 2, Tables: 1, Outcomes: map[Outcome]int{Worse: 1, NotMeasurable: 1}, Examples: 200}
	return []Message{{Config: &c}, {Finding: &f}, {Finding: &g}, {Table: &t}, {Done: &d}}
}

func writeAll(t testing.TB, messages []Message) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for i := range messages {
		var err error
		if d := messages[i].Done; d != nil {
			err = w.Done(d)
		} else {
			err = w.Write(&messages[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func readAll(r io.Reader) ([]Message, error) {
	reader := NewReader(r)
	var all []Message
	for {
		m, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, *m)
	}
}

func TestOldStreamIsStillRead(t *testing.T) {
	b, err := os.ReadFile("testdata/v1/findings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if want := streamV1(); !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("the stored stream of version 1 reads as\n%s\nwant\n%s", g, w)
	}
}

func TestWriteIsDeterministicAndReadsBack(t *testing.T) {
	first := writeAll(t, streamV1())
	if second := writeAll(t, streamV1()); !bytes.Equal(first, second) {
		t.Error("equal messages gave different bytes")
	}
	back, err := readAll(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if again := writeAll(t, back); !bytes.Equal(first, again) {
		t.Errorf("written, read and written again differs:\n%s\n%s", first, again)
	}
}

// TestNoTextIsReplaced: bytes that are no text are stored as U+FFFD, and keep
// their form when the stream passes through again.
func TestNoTextIsReplaced(t *testing.T) {
	m := streamV1()
	m[1].Finding.Scope.Name = "bad \xff\xfe \\ufffd name"
	first := writeAll(t, m)
	back, err := readAll(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if got := back[1].Finding.Scope.Name; got != "bad \ufffd\ufffd \\ufffd name" {
		t.Errorf("read back as %q", got)
	}
	if again := writeAll(t, back); !bytes.Equal(first, again) {
		t.Errorf("passing through changed\n%s\nto\n%s", first, again)
	}
}

// TestReaderErrors: each damage is refused with a message that says what is
// wrong and where.
func TestReaderErrors(t *testing.T) {
	whole := string(writeAll(t, streamV1()))
	lines := strings.SplitAfter(whole, "\n")
	for name, c := range map[string]struct{ stream, want string }{
		"empty":          {"", "ends after line 0 without a done message"},
		"cut":            {strings.Join(lines[:3], ""), "ends after line 3 without a done message"},
		"cut in a line":  {whole[:len(lines[0])+20], "line 2: not a message"},
		"no config":      {strings.Join(lines[1:], ""), "line 1: the first message must be the configuration"},
		"two configs":    {lines[0] + whole, "line 2: a second configuration"},
		"lost finding":   {lines[0] + strings.Join(lines[2:], ""), "line 4: done says 2 findings and 1 tables, the stream holds 1 and 1"},
		"after done":     {whole + lines[1], "line 6: a message follows done"},
		"newer protocol": {strings.Replace(whole, `"protocol":1`, `"protocol":2,"settings":"other"`, 1), "line 1: the stream has protocol 2, this program reads up to 1: use a newer lethe"},
		"unknown kind":   {lines[0] + `{"verdict":{}}` + "\n", "line 2: a message holds exactly one"},
		"two kinds":      {lines[0] + `{"done":{},"table":{}}` + "\n", "this one holds 2"},
		"no json":        {lines[0] + "\n" + "id,label\n", "line 3: not a message"},
		"wrong type":     {lines[0] + `{"finding":{"id":7}}`, "line 2: not a message"},
		"bad outcome":    {strings.Replace(whole, `"outcome":"worse"`, `"outcome":"bad"`, 1), `line 2: finding "classimpact/harm/int8/class:cat": outcome "bad" is unknown`},
		"no reason":      {strings.Replace(whole, `"reason":"ceiling",`, ``, 1), "outcome not_measurable without a reason"},
		"ragged table":   {strings.Replace(whole, `["dog",null]`, `["dog"]`, 1), `line 4: table "confusion" of "int8": row 1 has 1 cells for 2 columns`},
		"bool in table":  {strings.Replace(whole, `["dog",null]`, `["dog",true]`, 1), `column "difference" holds bool`},
	} {
		_, err := readAll(strings.NewReader(c.stream))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	bad := func(change func(m []Message)) error {
		m := streamV1()
		change(m)
		w := NewWriter(io.Discard)
		for i := range m {
			if err := w.Write(&m[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		change func(m []Message)
		want   string
	}{
		"nan":         {func(m []Message) { m[1].Finding.Estimate = Float(math.NaN()) }, "finding.estimate is not a finite number"},
		"inf nested":  {func(m []Message) { m[1].Finding.Test.Statistic = Float(math.Inf(1)) }, "finding.test.statistic is not a finite number"},
		"nan cell":    {func(m []Message) { m[3].Table.Rows[1][1] = math.NaN() }, "table.rows[1][1] is not a finite number"},
		"nan config":  {func(m []Message) { m[0].Config.Populations[1].Members[0].Accuracy = math.NaN() }, "config.populations[1].members[0].accuracy is not"},
		"empty":       {func(m []Message) { m[1].Finding = nil }, "exactly one"},
		"both":        {func(m []Message) { m[1].Done = m[4].Done }, "exactly one"},
		"wrong count": {func(m []Message) { m[4].Done.Findings = 3 }, "done says 3 findings"},
		"no id":       {func(m []Message) { m[1].Finding.ID = "" }, "id is empty"},
		"late config": {func(m []Message) { m[1].Finding, m[1].Config = nil, m[0].Config }, "a second configuration"},
		"protocol":    {func(m []Message) { m[0].Config.Protocol = 0 }, "protocol is 0"},
		"scope":       {func(m []Message) { m[1].Finding.Scope.Kind = "galaxy" }, `scope "galaxy" is unknown`},
	} {
		if err := bad(c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	m := streamV1()
	tally.Finding(m[1].Finding)
	tally.Finding(m[2].Finding)
	tally.Table()
	if got := tally.Done(200); !reflect.DeepEqual(got, m[4].Done) {
		t.Errorf("Done is %+v, want %+v", got, m[4].Done)
	}
}

// FuzzReader: no input makes the reader panic, and what it accepts is written
// and read back as the same messages.
func FuzzReader(f *testing.F) {
	whole := writeAll(f, streamV1())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(`{"config":{"protocol":9}}`))
	f.Add([]byte("{}\n\n{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		messages, err := readAll(bytes.NewReader(b))
		if err != nil {
			return
		}
		first := writeAll(t, messages)
		back, err := readAll(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if second := writeAll(t, back); !bytes.Equal(first, second) {
			t.Errorf("reading and writing again changed\n%s\nto\n%s", first, second)
		}
	})
}
