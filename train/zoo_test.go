package train

import (
	"testing"

	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/zoo"
)

// TestZooTrains trains every network of the zoo for two steps, pruned at the
// second, and runs what comes out.
func TestZooTrains(t *testing.T) {
	if testing.Short() {
		t.Skip("builds large networks")
	}
	for _, a := range zoo.Architectures() {
		if a.Name == "wrn-28-10" {
			continue // the graph of wrn-16-2; 36 M weights
		}
		t.Run(a.Name, func(t *testing.T) {
			j := job(t)
			m, err := zoo.Build(a.Name, zoo.Config{Classes: 4, Size: a.MinSize, Channels: 3, Seed: 2})
			if err != nil {
				t.Fatal(err)
			}
			j.Model, j.Train, j.Sparsity = m, pictures(10, a.MinSize, 1), 0.5
			j.Recipe.Batch, j.Recipe.Length, j.Recipe.Holdout, j.Recipe.Rate.Peak, j.Recipe.Rate.Warmup = 2, "2 steps", 0.34, 1e-3, ""
			j.Recipe.Pruning.Begin, j.Recipe.Pruning.End, j.Recipe.Pruning.Every = "1 steps", "1 steps", "1 steps"
			r := must(t, j)
			if len(r.Curve) != 1 || r.Curve[0].ValidationLoss == nil || r.Manifest.Sparsity == nil {
				t.Fatalf("%+v", r)
			}
			got, err := onnx.Load(j.Output)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			if _, classes, err := Takes(got); err != nil || classes != 4 {
				t.Errorf("%d classes, %v", classes, err)
			}
		})
	}
}
