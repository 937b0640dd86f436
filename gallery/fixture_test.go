package gallery

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/confusion"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/audit/slice"
	"github.com/lethe-audit/lethe/audit/summary"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/gallery/thumb"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
	"github.com/lethe-audit/lethe/report"
)

// The names that must come out of every page as text.
const (
	evilClass = `<script>alert("class")</script>`
	evilValue = `"><img src=x onerror=alert('value')>`
	evilID    = `../../<b>id</b>&variant=x#"'`
)

// world is an audit of planted predictions, and a gallery over it.
type world struct {
	t       testing.TB
	table   *prediction.Table
	rows    []finding.ExampleRow
	data    *datasettest.Memory
	index   *index.Index
	report  report.Collector
	marks   *mark.Journal
	journal string
	now     time.Time
	handler http.Handler
}

// sink keeps what checks find.
type sink struct {
	w    *finding.Writer
	rows []finding.ExampleRow
}

func (s *sink) Finding(f finding.Finding) error    { return s.w.Finding(&f) }
func (s *sink) Table(t finding.Table) error        { return s.w.Table(&t) }
func (s *sink) Example(r finding.ExampleRow) error { s.rows = append(s.rows, r); return nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// predictions are planted ones with awkward names.
func predictions(t testing.TB) *prediction.Table {
	t.Helper()
	spec := planted.Demo(3)
	table, _, err := planted.New(spec)
	must(t, err)
	table.Classes[0] = evilClass
	table.Attributes[0].Values[0] = evilValue
	table.IDs[1] = evilID
	table.IDs[2] = "../../../etc/passwd"
	return table
}

// newWorld audits them and opens a gallery; change may alter its options.
func newWorld(t testing.TB, change func(*Options)) *world {
	t.Helper()
	w := &world{t: t, table: predictions(t), now: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}
	w.audit()
	w.pictures()
	w.journal = filepath.Join(t.TempDir(), mark.FileName)
	var err error
	w.marks, err = mark.Open(w.journal)
	must(t, err)
	t.Cleanup(func() { must(t, w.marks.Close()) })
	o := w.options()
	if change != nil {
		change(&o)
	}
	w.handler, err = New(o)
	must(t, err)
	return w
}

func (w *world) audit() {
	o := audit.DefaultOptions()
	o.Resample = false
	view, err := audit.NewView(w.table, o)
	must(w.t, err)
	checks := []audit.Check{summary.New(), classimpact.New(), slice.New(), pie.New(), confusion.New()}
	config, err := audit.Describe(context.Background(), view, "lethe test", checks)
	must(w.t, err)
	var stream, parquet bytes.Buffer
	s := &sink{w: finding.NewWriter(&stream)}
	must(w.t, s.w.Config(&config))
	must(w.t, audit.Run(context.Background(), view, checks, s, audit.Progress{}))
	must(w.t, s.w.Done(s.w.Tally().Done(len(s.rows))))
	must(w.t, report.Replay(&stream, &w.report))
	out := finding.NewExampleWriter(&parquet)
	for i := range s.rows {
		must(w.t, out.Write(&s.rows[i]))
	}
	must(w.t, out.Close())
	w.rows = s.rows
	in, err := finding.NewExampleReader(bytes.NewReader(parquet.Bytes()), int64(parquet.Len()))
	must(w.t, err)
	w.index, err = index.Build(context.Background(), index.Input{Config: &config, Examples: in, Table: w.table})
	must(w.t, err)
	w.t.Cleanup(w.index.Close)
	must(w.t, w.index.Wait(context.Background()))
}

// pictures are random ones of the same ids; example 5 is missing.
func (w *world) pictures() {
	w.data = datasettest.NewMemory(w.table.Len(), len(w.table.Classes), 16, 16, 3, 1)
	w.data.Labels = w.table.Classes
	for i := range w.data.Examples {
		w.data.Examples[i].ID, w.data.Examples[i].Label = w.table.ID(i), dataset.Label(w.table.Labels.At(i))
	}
	w.data.Bad[5] = &dataset.BadImage{ID: w.table.ID(5), Err: fs.ErrNotExist}
}

func (w *world) options() Options {
	o := DefaultOptions()
	t := thumb.DefaultOptions()
	t.Dir, t.Source = w.t.TempDir(), "test"
	pictures, err := thumb.New(w.data, t)
	must(w.t, err)
	o.Name, o.Index, o.Report, o.Marks, o.Author, o.Pictures = "planted <audit>", w.index, &w.report, w.marks, "ada", pictures
	o.Corruptions, o.Severities = []string{"fog", "contrast"}, corrupt.Severities
	o.Shift = func(name string, severity int) (dataset.Shift, error) {
		return corrupt.New(corrupt.Options{Name: name, Severity: severity})
	}
	o.Original = func(ctx context.Context, id dataset.ExampleID) (*dataset.Image, error) {
		row, _ := w.index.Find(string(id))
		return w.data.Image(ctx, int(row))
	}
	o.Table = func() *prediction.Table { return w.table }
	stored := filepath.Join(w.t.TempDir(), "predictions")
	must(w.t, prediction.Write(stored, w.table, prediction.DefaultWriteOptions()))
	o.Stored = func(ctx context.Context, row int, variants ...string) (*prediction.Table, error) {
		return prediction.ReadExample(ctx, stored, row, variants...)
	}
	o.Now = func() time.Time { return w.now }
	o.Variant = "pruned-90"
	return o
}

// do asks the gallery.
func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func (w *world) get(address string) *httptest.ResponseRecorder {
	return w.do(httptest.NewRequest(http.MethodGet, address, nil))
}

// page is the text of a page that must be there.
func (w *world) page(address string) string {
	w.t.Helper()
	rec := w.get(address)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s: status %d: %s", address, rec.Code, firstLines(rec.Body.String()))
	}
	return rec.Body.String()
}

// post sends a form as the script does.
func (w *world) post(path string, form url.Values, json bool) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if json {
		r.Header.Set("Accept", "application/json")
	}
	return w.do(r)
}

// want are the ids of a variant's rows that match, in the order of the data.
func (w *world) want(variant string, match func(*finding.ExampleRow) bool) []string {
	var ids []string
	for i := range w.rows {
		if r := &w.rows[i]; r.Variant == variant && match(r) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func firstLines(s string) string { return s[:min(len(s), 600)] }

// address is a path with a query of pairs.
func address(path string, pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return path + "?" + v.Encode()
}

func sameIDs(a, b []string) error {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	if !slices.Equal(a, b) {
		return fmt.Errorf("%d ids, want %d", len(a), len(b))
	}
	return nil
}
