package bench

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/calibration"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/confusion"
	"github.com/lethe-audit/lethe/audit/curve"
	"github.com/lethe-audit/lethe/audit/flip"
	"github.com/lethe-audit/lethe/audit/longtail"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/audit/slice"
	"github.com/lethe-audit/lethe/audit/summary"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
	"github.com/lethe-audit/lethe/stat/countboot"
)

// checks are those that lethe audit runs by default.
func checks() []audit.Check {
	return []audit.Check{
		summary.New(), classimpact.New(), slice.New(), flip.New(), pie.New(),
		confusion.New(), curve.New(), longtail.New(), calibration.New(),
	}
}

// large is 60 models, 1,000,000 examples, 1,000 classes; with -short, 20,000
// examples. It is made once.
var large = sync.OnceValues(func() (*prediction.Table, error) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	t, _, err := planted.New(planted.Large(n, 1000, 10))
	return t, err
})

func largeTable(b *testing.B) *prediction.Table {
	b.Helper()
	t, err := large()
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// discard counts what it throws away.
type discard struct{ findings, tables, examples int }

func (d *discard) Finding(finding.Finding) error    { d.findings++; return nil }
func (d *discard) Table(finding.Table) error        { d.tables++; return nil }
func (d *discard) Example(finding.ExampleRow) error { d.examples++; return nil }

func benchmarkChecks(b *testing.B, resample bool, list ...audit.Check) {
	t := largeTable(b)
	o := audit.DefaultOptions()
	o.Resample = resample
	b.ReportAllocs()
	for b.Loop() {
		v, err := audit.NewView(t, o)
		if err != nil {
			b.Fatal(err)
		}
		var out discard
		if err := audit.Run(context.Background(), v, list, &out, audit.Progress{}); err != nil {
			b.Fatal(err)
		}
		if out.findings == 0 {
			b.Fatal("the checks found nothing to say")
		}
	}
	predictions := 0
	for _, v := range t.Variants {
		predictions += len(v.Members) * t.Len()
	}
	b.ReportMetric(float64(predictions)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpredictions/s")
}

// BenchmarkAudit60x1M runs all default checks on a loaded table, without
// resampling. The issue asks for under 5 s on two cores.
func BenchmarkAudit60x1M(b *testing.B) { benchmarkChecks(b, false, checks()...) }

// BenchmarkAudit60x1MResample adds noise floor, jackknife, permutations and
// cross-fitting. The issue asks for under 15 s on two cores.
func BenchmarkAudit60x1MResample(b *testing.B) { benchmarkChecks(b, true, checks()...) }

// BenchmarkCheck60x1M runs each check by itself, counting included.
func BenchmarkCheck60x1M(b *testing.B) {
	for _, c := range checks() {
		b.Run(c.Name(), func(b *testing.B) { benchmarkChecks(b, false, c) })
	}
}

// BenchmarkRead60x1M reads the table from Parquet. The issue asks for the
// whole audit from Parquet in under 10 s.
func BenchmarkRead60x1M(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "predictions")
	if err := prediction.Write(dir, largeTable(b), prediction.DefaultWriteOptions()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		t, err := prediction.Read(context.Background(), dir)
		if err != nil {
			b.Fatal(err)
		}
		if t.Len() != largeTable(b).Len() {
			b.Fatalf("%d examples", t.Len())
		}
	}
}

// BenchmarkCountBootstrap draws 10,000 replicates of the recall differences of
// 1,000 classes of 50 examples. The issue asks for under 1 s on two cores.
func BenchmarkCountBootstrap(b *testing.B) {
	const classes = 1000
	strata := make([][]int, classes)
	for c := range strata {
		strata[c] = []int{40 - c%7, 3 + c%3, 2 + c%2, 5 - c%3 - c%2 + c%7}
	}
	cells, err := countboot.NewCells(strata)
	if err != nil {
		b.Fatal(err)
	}
	o := countboot.Options{Replicates: 10_000, Seed: 1}
	for b.Loop() {
		r, err := cells.Replicates(o, classes, func(counts []int, out []float64) {
			for c := range out {
				s := cells.Stratum(counts, c)
				out[c] = float64(s[2]-s[1]) / float64(s[0]+s[1]+s[2]+s[3])
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		if len(r) != classes || len(r[0]) != 10_000 {
			b.Fatalf("%d statistics", len(r))
		}
	}
}
