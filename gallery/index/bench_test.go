//go:build unix

package index

import (
	"context"
	"encoding/json"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// The speed target: 1,000,000 examples of 1,000 classes with 60 models, once as
// two populations of 30 and once as six of 10, as the check pie audits them. The
// data are made once, into a folder of the system's temporary files;
// doc/decisions/gallery.md has the command and the figures.
const (
	benchRows    = 1_000_000
	benchClasses = 1000
	benchFolder  = "lethe-bench-gallery-1"
)

func benchSpecs() map[string]planted.Spec {
	out := map[string]planted.Spec{"6x10": planted.Large(benchRows, benchClasses, 10), "6x10-scores": planted.Large(benchRows, benchClasses, 10), "2x30": planted.Large(benchRows, benchClasses, 30)}
	for name, s := range out {
		s.NoIDs = false
		s.Attributes = []planted.Attribute{
			{Name: "light", Values: []planted.Value{{Name: "day", Share: 0.8}, {Name: "night", Share: 0.2}}},
			{Name: "device", Values: []planted.Value{{Name: "camera", Share: 0.6}, {Name: "phone", Share: 0.4}}},
		}
		if name == "6x10-scores" {
			s.Scores = planted.TopScores
		}
		if name == "2x30" {
			s.Variants = s.Variants[:1:1]
			s.Variants = append(s.Variants, planted.Large(benchRows, benchClasses, 30).Variants[4])
		}
		out[name] = s
	}
	return out
}

// benchData is the folder of an audit, made if it is not there.
func benchData(b testing.TB, name string) string {
	b.Helper()
	if testing.Short() {
		b.Skip("short")
	}
	dir := filepath.Join(os.TempDir(), benchFolder, name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	b.Logf("making %s, once", dir)
	table, _, err := planted.New(benchSpecs()[name])
	check(b, err)
	o := audit.DefaultOptions()
	o.Resample = false
	view, err := audit.NewView(table, o)
	check(b, err)
	tmp := dir + ".tmp"
	check(b, os.RemoveAll(tmp))
	check(b, os.MkdirAll(tmp, 0o755))
	f, err := os.Create(filepath.Join(tmp, "examples.parquet"))
	check(b, err)
	sink := benchSink{finding.NewExampleWriter(f)}
	check(b, pie.New().Run(context.Background(), view, sink))
	check(b, sink.Close())
	check(b, f.Close())
	cfg := plan{n: table.Len()}.config(table)
	text, err := json.Marshal(cfg)
	check(b, err)
	check(b, os.WriteFile(filepath.Join(tmp, "config.json"), text, 0o644))
	check(b, prediction.Write(filepath.Join(tmp, "predictions"), table, prediction.DefaultWriteOptions()))
	check(b, os.Rename(tmp, dir))
	return dir
}

type benchSink struct{ *finding.ExampleWriter }

func (benchSink) Finding(finding.Finding) error        { return nil }
func (benchSink) Table(finding.Table) error            { return nil }
func (s benchSink) Example(r finding.ExampleRow) error { return s.Write(&r) }

func check(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// benchOpen builds the index as lethe serve does: the predictions are read in
// the background.
func benchOpen(b testing.TB, dir string) (x *Index, done func()) {
	b.Helper()
	f, err := os.Open(filepath.Join(dir, "examples.parquet"))
	check(b, err)
	info, err := f.Stat()
	check(b, err)
	r, err := finding.NewExampleReader(f, info.Size())
	check(b, err)
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	check(b, err)
	var cfg finding.Config
	check(b, json.Unmarshal(text, &cfg))
	x, err = Build(context.Background(), Input{Config: &cfg, Examples: r, Load: func(ctx context.Context) (*prediction.Table, error) {
		return prediction.ReadAnswers(ctx, filepath.Join(dir, "predictions"))
	}})
	check(b, err)
	return x, func() {
		x.Close()
		f.Close()
	}
}

func each(b *testing.B, fn func(b *testing.B, dir string)) {
	for _, name := range []string{"2x30", "6x10"} {
		b.Run(name, func(b *testing.B) { fn(b, benchData(b, name)) })
	}
}

// BenchmarkIndexFirstWall is from opening the files to the first page with its
// counts.
func BenchmarkIndexFirstWall(b *testing.B) {
	each(b, func(b *testing.B, dir string) {
		cpu := time.Duration(0)
		for b.Loop() {
			before := cpuTime(b)
			x, done := benchOpen(b, dir)
			answer(b, x, Query{PIE: true})
			cpu += cpuTime(b) - before
			b.StopTimer()
			done()
			b.StartTimer()
		}
		reportCPU(b, cpu)
	})
}

// cpuTime is the time that all threads of the process have run: on a busy
// machine the one figure that can be compared.
func cpuTime(b testing.TB) time.Duration {
	b.Helper()
	var u syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportCPU(b *testing.B, cpu time.Duration) {
	b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// answer is what a wall asks for: the first page, its rows, the counts beside
// the filters and the scatter.
func answer(b testing.TB, x *Index, q Query) {
	b.Helper()
	r, err := x.Select(q)
	check(b, err)
	for _, row := range r.Page(0, 60) {
		_, err := x.Row(q.Variant, row)
		check(b, err)
	}
	_, err = x.Facets(q)
	check(b, err)
	_, err = x.Shares(q)
	check(b, err)
}

// BenchmarkIndexComplete is from opening the files until all is read.
func BenchmarkIndexComplete(b *testing.B) {
	complete := func(b *testing.B, dir string) {
		before := cpuTime(b)
		for b.Loop() {
			x, done := benchOpen(b, dir)
			check(b, x.Wait(context.Background()))
			b.StopTimer()
			done()
			b.StartTimer()
		}
		reportCPU(b, cpuTime(b)-before)
		b.ReportMetric(peakMB(b), "peak-MB")
	}
	each(b, complete)
	b.Run("6x10-scores", func(b *testing.B) { complete(b, benchData(b, "6x10-scores")) })
}

// peakMB is the largest memory of the process so far, the making of the data
// included where it was made now.
func peakMB(b testing.TB) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc/self/status here")
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 64)
			check(b, err)
			return kb / 1024
		}
	}
	b.Skip("no VmHWM in /proc/self/status")
	return 0
}

// BenchmarkIndexFilter is one change of a filter on a wall that was looked at:
// page, rows, counts, scatter.
func BenchmarkIndexFilter(b *testing.B) {
	each(b, func(b *testing.B, dir string) {
		x, done := benchOpen(b, dir)
		defer done()
		check(b, x.Wait(context.Background()))
		for name, q := range map[string]Query{
			"pie": {PIE: true}, "all": {}, "class": {Truth: []int{17}}, "cell": {Truth: []int{17}, Label: []int{18}}, "group": {PIE: true, Attributes: []Value{{Name: "light", Value: "night"}}},
			"margin": {Margin: Range{0, 0.5, true}}, "text": {Text: "99"}, "sort": {Sort: SortDrop, Reverse: true},
			"many": {PIE: true, Truth: []int{1, 2, 3, 4, 5, 6, 7, 8}, Flips: flips()[1:3], Margin: Range{0.1, 0.9, true}, BaseShare: Range{0.3, 1, true}, Attributes: []Value{{Name: "light", Value: "day"}, {Name: "device", Missing: false, Value: "phone"}}},
		} {
			answer(b, x, q)
			b.Run(name, func(b *testing.B) {
				before := cpuTime(b)
				for b.Loop() {
					answer(b, x, q)
				}
				reportCPU(b, cpuTime(b)-before)
			})
		}
	})
}

// BenchmarkIndexNearest looks for 24 neighbours of examples all over the data,
// PIEs among them.
func BenchmarkIndexNearest(b *testing.B) {
	each(b, func(b *testing.B, dir string) {
		x, done := benchOpen(b, dir)
		defer done()
		check(b, x.Wait(context.Background()))
		r, err := x.Select(Query{PIE: true})
		check(b, err)
		rows := r.Page(0, 100)
		i, before := 0, cpuTime(b)
		for b.Loop() {
			row := rows[i%len(rows)]
			if i%2 == 0 {
				row = int32(i * 7919 % x.Len())
			}
			_, err := x.Nearest(row, 24)
			check(b, err)
			i++
		}
		reportCPU(b, cpuTime(b)-before)
	})
}

// BenchmarkIndexExample is what an example's page asks for beside neighbours.
func BenchmarkIndexExample(b *testing.B) {
	each(b, func(b *testing.B, dir string) {
		x, done := benchOpen(b, dir)
		defer done()
		check(b, x.Wait(context.Background()))
		q := Query{PIE: true}
		i, before := 0, cpuTime(b)
		for b.Loop() {
			row, _ := x.Find(x.ID(int32(i * 7919 % x.Len())))
			_, err1 := x.Votes("dense", row)
			_, err2 := x.Votes(x.Variants()[0].Name, row)
			_, err3 := x.Forgetting(row)
			check(b, err1)
			check(b, err2)
			check(b, err3)
			r, err := x.Select(q)
			check(b, err)
			r.Around(row)
			i++
		}
		reportCPU(b, cpuTime(b)-before)
	})
}

// BenchmarkIndexSets compares ways to keep the rows of each value of a column,
// for the choice in doc/decisions/gallery.md: the PIEs of eight classes with a
// margin of 0.1 to 0.9, found by roaring bitmaps, by words of one bit a row, and
// by a look at the columns of every row. Classes are mixed in the data, so that
// roaring has no long runs.
func BenchmarkIndexSets(b *testing.B) {
	x, done := benchOpen(b, benchData(b, "2x30"))
	defer done()
	check(b, x.Wait(context.Background()))
	k, in := x.baseline.K, Range{0.1, 0.9, true}
	truth, margin, flags, is := x.shared.truth, x.shared.margin, x.data[0].flags, x.data[0].is
	byTruth, byMargin := split(truth, benchClasses), split(margin, k+1)
	var chosen []*roaring.Bitmap
	for n, rows := range byMargin {
		if in.holds(n, k) {
			chosen = append(chosen, rows)
		}
	}
	all := append(append(slices.Clone(byTruth), byMargin...), is.pie)
	want := int(roaring.FastAnd(is.pie, union(byTruth[1:9]), union(chosen)).GetCardinality())
	run := func(name string, bytes int, find func() int) {
		b.Run(name, func(b *testing.B) {
			before := cpuTime(b)
			for b.Loop() {
				if got := find(); got != want {
					b.Fatalf("%d rows, want %d", got, want)
				}
			}
			reportCPU(b, cpuTime(b)-before)
			b.ReportMetric(float64(bytes)/(1<<20), "MB")
		})
	}
	size := 0
	for _, r := range all {
		size += int(r.GetSizeInBytes())
	}
	run("roaring", size, func() int {
		return int(roaring.FastAnd(is.pie, union(byTruth[1:9]), union(chosen)).GetCardinality())
	})
	dense := func(sets ...*roaring.Bitmap) (out [][]uint64) {
		for _, r := range sets {
			w := make([]uint64, (x.n+63)/64)
			r.WriteDenseTo(w)
			out = append(out, w)
		}
		return out
	}
	pies, classes, margins := dense(is.pie)[0], dense(byTruth[1:9]...), dense(chosen...)
	run("words", len(all)*x.n/8, func() int {
		n := 0
		for i, w := range pies {
			var c, m uint64
			for _, s := range classes {
				c |= s[i]
			}
			for _, s := range margins {
				m |= s[i]
			}
			n += bits.OnesCount64(w & c & m)
		}
		return n
	})
	run("columns", x.n*(truth.Width()+margin.Width()+1), func() int {
		n := 0
		for i, f := range flags {
			if c := truth.At(i); f&isPIE != 0 && c >= 1 && c < 9 && in.holds(margin.At(i), k) {
				n++
			}
		}
		return n
	})
}

// BenchmarkIndexStoredScores reads what is stored of the members of two
// populations for one example.
func BenchmarkIndexStoredScores(b *testing.B) {
	dir := benchData(b, "6x10-scores")
	i, before := 0, cpuTime(b)
	for b.Loop() {
		_, err := prediction.ReadExample(context.Background(), filepath.Join(dir, "predictions"), i*7919%benchRows, "dense", "pruned-95")
		check(b, err)
		i++
	}
	reportCPU(b, cpuTime(b)-before)
}
