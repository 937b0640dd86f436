package pie

import (
	"context"
	"testing"

	"github.com/lethe-audit/lethe/audit"
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
