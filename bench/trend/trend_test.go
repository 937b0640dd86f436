package main

import (
	"os"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// longEnv, set to anything, runs all images.
const longEnv = "LETHE_LONG"

// normalization of the published network's training.
const normalization = "mean=.4914,.4822,.4465&std=.2471,.2435,.2616"

// TestTrend: the accuracy of a published network falls over the severities of every
// corruption; what rises is known and has a reason (doc/robustness.md). In the short
// version, on 250 images, a rise must be beyond chance to fail.
func TestTrend(t *testing.T) {
	model := realdata.Path(t, "models", "vnncomp21-cifar10-onnx", "resnet_4b.onnx")
	data := "cifar10:" + realdata.CIFARTest(t) + "?" + normalization
	long := os.Getenv(longEnv) != ""
	if !long {
		data += "&limit=250"
	}
	m, err := newMeasurer(t.Context(), model, data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	for _, name := range corrupt.Names() {
		r, err := m.corruption(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := r.steps()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			known := slices.Contains(risesByDefinition()[name], s.to)
			rises := s.rise > mostRise
			if !long {
				rises = s.interval.Low > mostRise
			}
			if rises && !known {
				t.Errorf("%s: accuracy rises by %.1f pp [%.1f, %.1f] from severity %d to %d", name, 100*s.rise, 100*s.interval.Low, 100*s.interval.High, s.to-1, s.to)
			}
			if long && known && !rises {
				t.Errorf("%s: the step to severity %d is listed as a rise and is %.1f pp", name, s.to, 100*s.rise)
			}
		}
		if long && r.slope() >= 0 {
			t.Errorf("%s: accuracy changes by %+.2f pp a step, it should fall", name, 100*r.slope())
		}
		t.Logf("%-20s %s, %+.1f pp a step", name, r.shares(), 100*r.slope())
	}
}
