package finding

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// rowsV1 is the content of testdata/v1/examples.parquet, which is never
// rewritten.
func rowsV1() []ExampleRow {
	return []ExampleRow{
		{ID: "test/000.png", Row: 0, Variant: "int8", Label: 3, BaseModal: 3, VariantModal: 5, PIE: true, Flip: FlipRightToWrong,
			BaseVotes: 29, VariantVotes: 4, BaseTop: 29, VariantTop: 26, BaseK: 30, VariantK: 30, Votes: "3:29 5:1|5:26 3:4",
			Margin: 28.0 / 30, Taxicab: 50.0 / 30, P: Float(1.5e-11), Q: Float(3e-11), Changed: true,
			CertifiedP: Float(1e-4), CertifiedQ: Float(2e-4), Certified: true},
		{ID: "日本, \"x\"", Row: 1, Variant: "int8", Label: 0, Flip: FlipNone, Tie: true,
			BaseVotes: 15, VariantVotes: 30, BaseTop: 15, VariantTop: 30, BaseK: 30, VariantK: 30, Votes: "0:15 1:15|0:30", Taxicab: 1},
	}
}

func writeExamples(t testing.TB, rows []ExampleRow) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewExampleWriter(&b)
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

func readExamples(b []byte) ([]ExampleRow, error) {
	r, err := NewExampleReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []ExampleRow
	buf := make([]ExampleRow, 100)
	for {
		n, err := r.Read(buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

func TestOldExamplesAreStillRead(t *testing.T) {
	b, err := os.ReadFile("testdata/v1/examples.parquet")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readExamples(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := rowsV1(); !reflect.DeepEqual(got, want) {
		t.Errorf("the stored table of version 1 reads as\n%+v\nwant\n%+v", got, want)
	}
}

// manyRows crosses the buffer and the row group.
func manyRows(n int) []ExampleRow {
	rows := make([]ExampleRow, n)
	for i := range rows {
		c := int32(i % 1000)
		rows[i] = ExampleRow{ID: fmt.Sprintf("test/%07d.png", i), Row: int64(i), Variant: "int8", Label: c, BaseModal: c, VariantModal: c, Flip: FlipNone,
			BaseVotes: 30, VariantVotes: 30, BaseTop: 30, VariantTop: 30, BaseK: 30, VariantK: 30, Margin: 1, Votes: fmt.Sprintf("%d:30|%d:30", c, c)}
		if i%7 == 0 {
			lost := int32(i % 9)
			rows[i].VariantVotes, rows[i].VariantTop = 30-lost, 30-lost
			rows[i].Votes = fmt.Sprintf("%d:30|%d:%d 5:%d", c, c, 30-lost, lost)
			rows[i].Taxicab = 2 * float64(lost) / 30
			rows[i].P, rows[i].Q = Float(1/float64(i%999+1)), Float(1)
		}
	}
	return rows
}

func TestExamplesRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 1023, 1024, 1025, rowGroupRows + 77} {
		rows := manyRows(n)
		first := writeExamples(t, rows)
		if n < 2000 && !bytes.Equal(first, writeExamples(t, rows)) {
			t.Errorf("%d rows: equal rows gave different bytes", n)
		}
		got, err := readExamples(first)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != n || n > 0 && !reflect.DeepEqual(got, rows) {
			t.Errorf("%d rows: read back %d rows, or others", n, len(got))
		}
	}
}

func TestExampleWriterRefuses(t *testing.T) {
	for name, change := range map[string]func(r *ExampleRow){
		"nan margin": func(r *ExampleRow) { r.Margin = math.NaN() },
		"inf p":      func(r *ExampleRow) { r.P = Float(math.Inf(1)) },
		"no flip":    func(r *ExampleRow) { r.Flip = "" },
	} {
		row := rowsV1()[0]
		change(&row)
		if err := NewExampleWriter(io.Discard).Write(&row); err == nil || !strings.Contains(err.Error(), "test/000.png") {
			t.Errorf("%s: error %v, want one that names the example", name, err)
		}
	}
}

func TestExampleReaderErrors(t *testing.T) {
	whole := writeExamples(t, rowsV1())
	other := func(version string, key string) []byte {
		var b bytes.Buffer
		w := parquet.NewGenericWriter[ExampleRow](&b, parquet.KeyValueMetadata(key, version))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var narrow bytes.Buffer
	w := parquet.NewGenericWriter[struct {
		ID string `parquet:"id"`
	}](&narrow, parquet.KeyValueMetadata(exampleVersionKey, "1"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":     {nil, "finding: examples:"},
		"cut":       {whole[:len(whole)-9], "finding: examples:"},
		"newer":     {other("2", exampleVersionKey), "version 2, this program reads up to 1: use a newer lethe"},
		"no number": {other("x", exampleVersionKey), `version "x"`},
		"foreign":   {other("1", "something"), "not a table of examples"},
		"narrow":    {narrow.Bytes(), "is missing or has another type"},
	} {
		if _, err := readExamples(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestExampleCSV reads the CSV back with the standard library and compares it
// with the Parquet schema's columns.
func TestExampleCSV(t *testing.T) {
	if got, want := strings.Join(ExampleColumns(), " "), schemaColumns(); got != want {
		t.Errorf("columns are\n%s, the Parquet file's are\n%s", got, want)
	}
	var b bytes.Buffer
	w := NewExampleCSV(&b)
	for _, r := range rowsV1() {
		if err := w.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		ExampleColumns(),
		{"test/000.png", "0", "int8", "3", "3", "5", "false", "true", "right_to_wrong", "29", "4", "29", "26", "30", "30", "3:29 5:1|5:26 3:4",
			"0.9333333333333333", "1.6666666666666667", "1.5e-11", "3e-11", "true", "0.0001", "0.0002", "true"},
		{"日本, \"x\"", "1", "int8", "0", "0", "0", "true", "false", "none", "15", "30", "15", "30", "30", "30", "0:15 1:15|0:30",
			"0", "1", "", "", "false", "", "", "false"},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got\n%q\nwant\n%q", rows, want)
	}
}

func schemaColumns() string {
	var names []string
	for _, path := range parquet.SchemaOf(ExampleRow{}).Columns() {
		names = append(names, path[0])
	}
	return strings.Join(names, " ")
}

// FuzzExampleReader: no file makes the reader panic.
func FuzzExampleReader(f *testing.F) {
	f.Add(writeExamples(f, rowsV1()))
	f.Add(writeExamples(f, nil))
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := readExamples(b)
		if err == nil && len(b) == 0 {
			t.Errorf("an empty file read as %d rows", len(rows))
		}
	})
}

func BenchmarkExampleWriter(b *testing.B) {
	rows := manyRows(200_000)
	for b.Loop() {
		w := NewExampleWriter(io.Discard)
		for i := range rows {
			if err := w.Write(&rows[i]); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

func BenchmarkExampleReader(b *testing.B) {
	file := writeExamples(b, manyRows(200_000))
	n := 0
	for b.Loop() {
		rows, err := readExamples(file)
		if err != nil {
			b.Fatal(err)
		}
		n += len(rows)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

// collect is a sink that keeps what it is given.
type collect struct {
	rows   []ExampleRow
	closed bool
}

func (c *collect) Write(r *ExampleRow) error { c.rows = append(c.rows, *r); return nil }
func (c *collect) Close() error              { c.closed = true; return nil }

func TestCopyExamples(t *testing.T) {
	rows := []ExampleRow{
		{ID: "a", Variant: "x", Flip: FlipNone},
		{ID: "b", Variant: "x", Flip: FlipRightToWrong, PIE: true, Changed: true, Certified: true},
		{ID: "c", Variant: "x", Flip: FlipWrongToWrong, PIE: true, Changed: true, Tie: true},
		{ID: "b", Variant: "y", Flip: FlipWrongToRight, PIE: true},
	}
	file := writeExamples(t, rows)
	for _, c := range []struct{ kind, variant, want string }{
		{"pie", "", "b c b"}, {"pie", "x", "b c"}, {"changed", "", "b c"}, {"certified", "", "b"},
		{"flips", "", "b b"}, {"right_to_wrong", "", "b"}, {"wrong_to_right", "", "b"}, {"wrong_to_other", "", "c"},
		{"ties", "", "c"}, {"all", "", "a b c b"}, {"all", "y", "b"}, {"all", "z", ""},
	} {
		match, err := ExampleFilter(c.kind, c.variant)
		if err != nil {
			t.Fatal(err)
		}
		in, err := NewExampleReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if in.Len() != 4 {
			t.Errorf("Len is %d, want 4", in.Len())
		}
		var out collect
		if err := CopyExamples(&out, in, match); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range out.rows {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != c.want || !out.closed {
			t.Errorf("%s of %q: %q, closed %v, want %q", c.kind, c.variant, got, out.closed, c.want)
		}
	}
	if _, err := ExampleFilter("nonsense", ""); err == nil || !strings.Contains(err.Error(), "want pie, changed") {
		t.Errorf("error %v, want one that lists the kinds", err)
	}
	for _, kind := range ExampleKinds() {
		if _, err := ExampleFilter(kind, ""); err != nil {
			t.Errorf("the listed kind %s: %v", kind, err)
		}
	}
}
