package dataset_test

import (
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// same changes nothing; it is a shift by its type.
type same struct{}

func (same) String() string { return "same:1" }
func (same) Apply(_ dataset.ExampleID, im *dataset.Image) (*dataset.Image, error) {
	return im, nil
}

func TestCorrupted(t *testing.T) {
	clean := datasettest.NewMemory(10, 2, 8, 8, 3, 1)
	shifted, err := dataset.Shifted(clean, dataset.DefaultPreprocess(), same{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		d    dataset.Dataset
		want bool
	}{
		"clean": {clean, false}, "some of it": {dataset.Select(clean, []int{1, 2}), false},
		"shifted": {shifted, true}, "some of the shifted": {dataset.Select(shifted, []int{1, 2}), true},
	} {
		if got := dataset.Corrupted(c.d); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
