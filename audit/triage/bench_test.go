package triage

import (
	"context"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
)

type discard struct{ rows int }

func (*discard) Finding(finding.Finding) error    { return nil }
func (*discard) Table(finding.Table) error        { return nil }
func (*discard) Example(finding.ExampleRow) error { return nil }
func (d *discard) Triage(finding.TriageRow) error { d.rows++; return nil }

// BenchmarkTriage is the whole check over 100,000 examples with the votes of 30
// dense and 30 compressed models.
func BenchmarkTriage(b *testing.B) {
	table := complete(audittest.Table(audittest.Spec{Examples: 100_000, Classes: 10, Members: []int{30, 30}, Accuracy: []float64{0.95, 0.93}, Seed: 1}), 1)
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var d discard
		if err := New().Run(context.Background(), v, &d); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(d.rows), "rows")
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "examples/s")
}
