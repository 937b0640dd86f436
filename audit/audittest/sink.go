package audittest

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Collector is an [audit.Sink] that keeps everything.
type Collector struct {
	Findings []finding.Finding
	Tables   []finding.Table
	Examples []finding.ExampleRow
	Triages  []finding.TriageRow `json:",omitempty"`
}

// Finding keeps f.
func (c *Collector) Finding(f finding.Finding) error {
	c.Findings = append(c.Findings, f)
	return nil
}

// Table keeps t.
func (c *Collector) Table(t finding.Table) error {
	c.Tables = append(c.Tables, t)
	return nil
}

// Example keeps r.
func (c *Collector) Example(r finding.ExampleRow) error {
	c.Examples = append(c.Examples, r)
	return nil
}

// Triage keeps r.
func (c *Collector) Triage(r finding.TriageRow) error {
	c.Triages = append(c.Triages, r)
	return nil
}

// Find returns the finding with that id, or fails the test.
func (c *Collector) Find(t testing.TB, id string) finding.Finding {
	t.Helper()
	for _, f := range c.Findings {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("no finding %q among %q", id, c.IDs())
	return finding.Finding{}
}

// Get returns the table with that name and variant, or fails the test.
func (c *Collector) Get(t testing.TB, name, variant string) finding.Table {
	t.Helper()
	for _, x := range c.Tables {
		if x.Name == name && x.Variant == variant {
			return x
		}
	}
	t.Fatalf("no table %q of variant %q among %d", name, variant, len(c.Tables))
	return finding.Table{}
}

// IDs are the findings' ids, sorted.
func (c *Collector) IDs() []string {
	var ids []string
	for _, f := range c.Findings {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

// JSON is everything collected as JSON; encoding fails the test on a NaN or an
// infinite number.
func (c *Collector) JSON(t testing.TB) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Run runs one check over the table and checks what holds for every check:
// each finding has a unique id, names its check, and has an outcome, with a
// reason where and only where nothing could be measured; the rows of a table
// are as long as its columns.
func Run(t testing.TB, check audit.Check, table *prediction.Table, o audit.Options) *Collector {
	t.Helper()
	v, err := audit.NewView(table, o)
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{}
	if err := check.Run(context.Background(), v, c); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range c.Findings {
		void := f.Outcome == finding.NotMeasurable || f.Outcome == finding.Failed
		switch {
		case seen[f.ID]:
			t.Errorf("finding %q is there twice", f.ID)
		case f.Check != check.Name():
			t.Errorf("finding %q is of check %q, want %q", f.ID, f.Check, check.Name())
		case f.Outcome == "":
			t.Errorf("finding %q has no outcome", f.ID)
		case void != (f.Reason != ""):
			t.Errorf("finding %q: outcome %s with reason %q", f.ID, f.Outcome, f.Reason)
		}
		seen[f.ID] = true
	}
	for _, x := range c.Tables {
		for _, row := range x.Rows {
			if len(row) != len(x.Columns) {
				t.Fatalf("table %s: %d columns, a row of %d", x.Name, len(x.Columns), len(row))
			}
		}
	}
	return c
}

// SameAtAnyThreads fails the test unless the check emits the same bytes with
// 1, 2 and 5 threads.
func SameAtAnyThreads(t *testing.T, newCheck func() audit.Check, table *prediction.Table, o audit.Options) {
	t.Helper()
	o.Threads = 1
	want := Run(t, newCheck(), table, o).JSON(t)
	for _, threads := range []int{2, 5} {
		o.Threads = threads
		if got := Run(t, newCheck(), table, o).JSON(t); got != want {
			t.Errorf("%d threads and 1 thread differ:\n%s\n%s", threads, got, want)
		}
	}
}
