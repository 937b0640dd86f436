package prediction

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

// BenchmarkRead reads 60 models x 1,000,000 examples x 1,000 classes, and says
// the peak memory of the process (Linux).
func BenchmarkRead(b *testing.B) {
	const members, n, classes = 60, 1_000_000, 1000
	dir := filepath.Join(b.TempDir(), "p")
	if err := Write(dir, bigTable(members, n, classes), DefaultWriteOptions()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		t, err := Read(context.Background(), dir)
		if err != nil || t.Len() != n {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(members*n)*float64(b.N)/1e6/b.Elapsed().Seconds(), "Mrows/s")
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if k, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kb); k == 1 {
			b.ReportMetric(kb/1024, "peak-MiB")
		}
	}
}

func bigTable(members, n, classes int) *Table {
	r := rand.New(rand.NewPCG(1, 2))
	t := &Table{Labels: NewColumn(n, classes)}
	for c := range classes {
		t.Classes = append(t.Classes, fmt.Sprint(c))
	}
	for i := range n {
		t.Labels.Set(i, r.IntN(classes))
		t.IDs = append(t.IDs, dataset.ExampleID(fmt.Sprintf("val/%07d.jpg", i)))
	}
	for v, name := range []string{"dense", "int8"} {
		vt := Variant{Name: name, Kind: []Kind{KindDense, KindQuantized}[v]}
		for k := range members / 2 {
			c := NewColumn(n, classes)
			for i := range n {
				if r.IntN(100) < 76 {
					c.Set(i, t.Labels.At(i))
				} else {
					c.Set(i, r.IntN(classes))
				}
			}
			vt.Members = append(vt.Members, Member{Name: fmt.Sprint(k), Predicted: c})
		}
		t.Variants = append(t.Variants, vt)
	}
	return t
}
