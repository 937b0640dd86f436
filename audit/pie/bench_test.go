package pie

import (
	"context"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// million is the table of the speed target: 60 models, 1,000,000 examples,
// 1,000 classes.
func million(b *testing.B, p planting) *audit.View {
	b.Helper()
	if testing.Short() {
		b.Skip("short")
	}
	p.examples, p.classes, p.members, p.hard, p.seed = 1_000_000, 1000, []int{30, 30}, 0.3, 1
	v, err := audit.NewView(p.table(), audit.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkCount(b *testing.B) {
	v := million(b, planting{})
	c := newComparison(v, 1)
	var t *tally
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if t, err = c.count(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(t.split), "split")
	b.ReportMetric(float64(len(t.keys)), "patterns")
}

func BenchmarkDecide(b *testing.B) {
	v := million(b, planting{})
	c := newComparison(v, 1)
	t, err := c.count(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err = c.decide(context.Background(), t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMeasure(b *testing.B) {
	v := million(b, planting{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Measure(context.Background(), v, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRun(b *testing.B, p planting, o audit.Options) {
	v := million(b, p)
	v.Options = o
	b.ReportAllocs()
	for b.Loop() {
		if err := New().Run(context.Background(), v, discard{}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Finding(finding.Finding) error    { return nil }
func (discard) Table(finding.Table) error        { return nil }
func (discard) Example(finding.ExampleRow) error { return nil }

func BenchmarkRun(b *testing.B) { benchRun(b, planting{shift: 0.2}, audit.DefaultOptions()) }

func BenchmarkRunPaired(b *testing.B) {
	benchRun(b, planting{lineage: true, flips: 0.05}, audit.DefaultOptions())
}

func BenchmarkRunNoResample(b *testing.B) {
	o := audit.DefaultOptions()
	o.Resample = false
	benchRun(b, planting{shift: 0.2}, o)
}

func BenchmarkCrossFit(b *testing.B) {
	v := million(b, planting{shift: 0.2})
	c := newComparison(v, 1)
	t, err := c.count(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.crossFit(context.Background(), t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefer(b *testing.B) {
	v := million(b, planting{shift: 0.2})
	c := newComparison(v, 1)
	t, err := c.count(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.refer(context.Background(), t); err != nil {
			b.Fatal(err)
		}
	}
}
