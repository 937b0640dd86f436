package finding

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// triageV1 is the content of testdata/v1/triage.parquet, which is never
// rewritten.
func triageV1() []TriageRow {
	suggested, models, people, votes := int32(5), ByModels, ByPeople, "0:44 5:6"
	return []TriageRow{
		{ID: "test/000.png", Row: 0, Label: 3, Guess: GuessMislabelled, Reasons: "mislabelled blurred", Forgotten: 2,
			Margin: Float(28.0 / 30), MarginP: Float(5.8e-8), Suggested: &suggested, By: &models,
			LabelScore: Float(0.95), ModelLabel: &suggested, ModelScore: Float(0.95), Given: Float(0.02), Other: Float(0.92), Threshold: Float(0.88), Likely: true,
			Contrast: Float(0.2), ContrastClass: Float(0.4), ContrastAll: Float(0.5), Sharpness: Float(0.001), SharpClass: Float(0.01), SharpAll: Float(0.02)},
		{ID: "日本, \"x\"", Row: 7, Label: 5, Guess: GuessUnexplained, Forgotten: 1, MarginRank: Float(0.5)},
		{ID: "test/009.png", Row: 9, Label: 5, Guess: GuessMislabelled, Reasons: "mislabelled", Suggested: new(int32), By: &people,
			LabelScore: Float(0.88), People: &votes, PeopleShare: Float(0.88)},
	}
}

func writeTriage(t testing.TB, rows []TriageRow) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewTriageWriter(&b)
	for i := range rows {
		if err := w.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Rows() != int64(len(rows)) {
		t.Errorf("Rows is %d, want %d", w.Rows(), len(rows))
	}
	return b.Bytes()
}

func TestOldTriageIsStillRead(t *testing.T) {
	b, err := os.ReadFile("testdata/v1/triage.parquet")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadTriage(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if want := triageV1(); !reflect.DeepEqual(got, want) {
		t.Errorf("the stored table of version 1 reads as\n%+v\nwant\n%+v", got, want)
	}
}

func TestTriageRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 3000} {
		var rows []TriageRow
		for i := range n {
			r := triageV1()[i%3]
			r.Row = int64(i)
			rows = append(rows, r)
		}
		b := writeTriage(t, rows)
		if !bytes.Equal(b, writeTriage(t, rows)) {
			t.Errorf("%d rows: equal rows gave different bytes", n)
		}
		got, err := ReadTriage(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, rows) {
			t.Errorf("%d rows: read back %d rows, or others: %v", n, len(got), err)
		}
	}
}

func TestTriageRefuses(t *testing.T) {
	for name, change := range map[string]func(*TriageRow){
		"guess":  func(r *TriageRow) { r.Guess = "tired" },
		"reason": func(r *TriageRow) { r.Reasons = "blurred tired" },
		"nan":    func(r *TriageRow) { r.Threshold = Float(math.NaN()) },
	} {
		row := triageV1()[0]
		change(&row)
		if err := NewTriageWriter(&bytes.Buffer{}).Write(&row); err == nil || !strings.Contains(err.Error(), "test/000.png") {
			t.Errorf("%s: error %v, want one that names the example", name, err)
		}
	}
	other := func(pairs ...string) []byte {
		var b bytes.Buffer
		var o []parquet.WriterOption
		for i := 0; i < len(pairs); i += 2 {
			o = append(o, parquet.KeyValueMetadata(pairs[i], pairs[i+1]))
		}
		if err := parquet.NewGenericWriter[TriageRow](&b, o...).Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := writeTriage(t, triageV1())
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"no file":  {[]byte("id,row"), "finding: triage"},
		"cut":      {whole[:len(whole)/2], "finding: triage"},
		"examples": {writeExamples(t, rowsV1()), "not a table of triage"},
		"newer":    {other(triageVersionKey, "2"), "use a newer lethe"},
		"odd":      {other(triageVersionKey, "x"), `version "x"`},
	} {
		if _, err := ReadTriage(bytes.NewReader(c.b), int64(len(c.b))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestRelabelOrder(t *testing.T) {
	rows := []TriageRow{{Row: 4, LabelScore: Float(0.7)}, {Row: 1}, {Row: 2, LabelScore: Float(0.9)}, {Row: 0, LabelScore: Float(0.7)}, {Row: 3, LabelScore: Float(0.5)}}
	RelabelOrder(rows)
	var order []int64
	queued := 0
	for i := range rows {
		order = append(order, rows[i].Row)
		if rows[i].Queued() {
			queued++
		}
	}
	if want := []int64{2, 0, 4, 3, 1}; !reflect.DeepEqual(order, want) || queued != 3 {
		t.Errorf("order %v with %d in the queue, want %v with 3", order, queued, want)
	}
}

func TestRelabelCSV(t *testing.T) {
	var b bytes.Buffer
	if err := WriteRelabelCSV(&b, triageV1(), []string{"plane", "car", "bird", "cat"}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{RelabelColumns(),
		{"1", "test/000.png", "0", "3", "cat", "5", "", "0.95", "models", "0.02", "5", "0.92", "0.88", "true", "", "mislabelled", "mislabelled blurred", "2"},
		{"2", "日本, \"x\"", "7", "5", "", "", "", "", "", "", "", "", "", "false", "", "unexplained", "", "1"},
		{"3", "test/009.png", "9", "5", "", "0", "plane", "0.88", "people", "", "", "", "", "false", "0:44 5:6", "mislabelled", "mislabelled", "0"}}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got\n%q\nwant\n%q", rows, want)
	}
}

// FuzzReadTriage: no bytes make the reader panic.
func FuzzReadTriage(f *testing.F) {
	whole := writeTriage(f, triageV1())
	f.Add(whole)
	f.Add(whole[:len(whole)-9])
	f.Add([]byte("PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ReadTriage(bytes.NewReader(b), int64(len(b)))
	})
}
