package infer_test

import (
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/prediction"
)

type unchanged struct{}

func (unchanged) String() string { return "fog:3" }
func (unchanged) Apply(_ dataset.ExampleID, im *dataset.Image) (*dataset.Image, error) {
	return im, nil
}

// TestPredictMeasures: predictions of clean images carry contrast and sharpness,
// those of corrupted ones do not, and a run that goes on has the same.
func TestPredictMeasures(t *testing.T) {
	d := datasettest.NewMemory(37, classes, 8, 8, 3, 5)
	j := job(t, d, model(t, "a.onnx", 1, 0, false))
	first := predict(t, j)
	for _, name := range []string{prediction.Contrast, prediction.Sharpness} {
		v := first.Measured(name)
		if len(v) != 37 {
			t.Fatalf("%s of %d examples, want 37", name, len(v))
		}
		again := predict(t, j).Measured(name)
		for i := range v {
			if v[i] <= 0 || v[i] != again[i] {
				t.Errorf("%s of example %d is %v, then %v", name, i, v[i], again[i])
			}
		}
	}
	shifted, err := dataset.Shifted(d, dataset.DefaultPreprocess(), unchanged{})
	if err != nil {
		t.Fatal(err)
	}
	if table := predict(t, job(t, shifted, model(t, "a.onnx", 1, 0, false))); table.Measures != nil {
		t.Errorf("corrupted images were measured: %d measures", len(table.Measures))
	}
}
