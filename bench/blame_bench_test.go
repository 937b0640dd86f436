package bench_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/magnitude"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/onnx"
)

// BenchmarkBlame puts every layer of pruned networks back, with what comes before
// a layer computed once for all layers, and with every restored model computed
// from the images on.
func BenchmarkBlame(b *testing.B) {
	for _, net := range []struct {
		name  string
		model *onnx.Model
		size  int
	}{{"resnet8", enginetest.ResNet8(), 32}, {"wrn-16-4", enginetest.WRN16x4(), 32}} {
		base, cand := prunedPair(b, net.model)
		d := datasettest.NewMemory(128, 10, net.size, net.size, 3, 1)
		for name, naive := range map[string]bool{"cut": false, "naive": true} {
			b.Run(net.name+"/"+name, func(b *testing.B) {
				layers := 0
				for b.Loop() {
					layers = blameOnce(b, d, base, cand, naive)
				}
				b.ReportMetric(float64(d.Len()*layers)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
				b.ReportMetric(float64(layers), "layers")
			})
		}
	}
}

func prunedPair(b *testing.B, m *onnx.Model) (base, cand string) {
	b.Helper()
	s, err := magnitude.New(magnitude.DefaultOptions(0.5))
	if err != nil {
		b.Fatal(err)
	}
	out, err := compress.Run(context.Background(), m, []compress.Scheme{s}, compress.Input{}, "bench")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	base, cand = filepath.Join(dir, "base.onnx"), filepath.Join(dir, "pruned.onnx")
	for name, x := range map[string]*onnx.Model{base: m, cand: out.Model} {
		if err := onnx.Save(x, name, onnx.DefaultSaveOptions()); err != nil {
			b.Fatal(err)
		}
	}
	return base, cand
}

func blameOnce(b *testing.B, d dataset.Dataset, base, cand string, naive bool) (layers int) {
	job := &infer.Job{
		Variants: []infer.Variant{{Name: "base", Files: []string{base}}, {Name: "pruned", Files: []string{cand}}},
		Data:     d, Preprocess: dataset.DefaultPreprocess(), Source: "memory", Work: b.TempDir(), Tool: "bench",
		Options: infer.DefaultOptions(), Engine: engine.DefaultOptions(),
	}
	o := infer.DefaultBlameOptions()
	o.Naive, o.Sample = naive, 0
	r, err := infer.Blame(context.Background(), job, o)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	return len(r.Table.Variants) - 2
}
