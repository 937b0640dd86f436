package importer

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkLongCSV imports 60 models x 50,000 examples from one long CSV.
func BenchmarkLongCSV(b *testing.B) {
	path := filepath.Join(b.TempDir(), "p.csv")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	labels := make([]int, 50000)
	for i := range labels {
		labels[i] = r.IntN(1000)
	}
	fmt.Fprintln(w, "example,model,variant,label,prediction")
	for m := range 60 {
		for i, label := range labels {
			p := label
			if r.IntN(4) == 0 {
				p = r.IntN(1000)
			}
			fmt.Fprintf(w, "val/%08d.jpg,seed%d,%s,%d,%d\n", i, m%30, []string{"dense", "int8"}[m/30], label, p)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		table, err := Import(context.Background(), Request{Sources: []string{path}})
		if err != nil || table.Len() != len(labels) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(3e6*b.N)/1e6/b.Elapsed().Seconds(), "Mrows/s")
}
