package infer_test

import (
	"math"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// some is a data set whose examples are of classes 1 and 3 only.
type some struct{ dataset.Dataset }

func (some) ClassSubset() []dataset.Label { return []dataset.Label{1, 3} }
func (s some) Example(i int) dataset.Example {
	e := s.Dataset.Example(i)
	e.Label = dataset.Label(1 + 2*(i%2))
	return e
}

// TestSubset: models choose among the subset, by logits or by probabilities, and
// what they choose among all classes is kept beside it.
func TestSubset(t *testing.T) {
	memory := datasettest.NewMemory(37, classes, 8, 8, 3, 5)
	d := some{memory}
	outside := 0
	for _, softmax := range []bool{false, true} {
		table := predict(t, job(t, d, model(t, "a.onnx", 1, 0, softmax)))
		if !slices.Equal(table.Subset, []int{1, 3}) {
			t.Fatalf("chosen among %v", table.Subset)
		}
		m := &table.Variants[0].Members[0]
		row := make([]float32, classes)
		for i := range table.Len() {
			s := want(memory.Images[i], 1)
			all := slices.Index(s, slices.Max(s))
			best, other := 1, 3
			if s[3] > s[1] {
				best, other = 3, 1
			}
			p := 1 / (1 + math.Exp(s[other]-s[best]))
			if all != best {
				outside++
			}
			if m.Predicted.At(i) != best || m.Unmasked.At(i) != all || math.Abs(float64(m.Confidence[i])-p) > 1e-5 {
				t.Fatalf("example %d: %d of the subset and %d of all at %v, want %d and %d at %v", i, m.Predicted.At(i), m.Unmasked.At(i), m.Confidence[i], best, all, p)
			}
			truth := p
			if table.Labels.At(i) != best {
				truth = 1 - p
			}
			if math.Abs(float64(m.TrueScore[i])-truth) > 1e-5 {
				t.Fatalf("example %d: the true class has %v, want %v", i, m.TrueScore[i], truth)
			}
			if err := m.Scores.Rows(i, row); err != nil {
				t.Fatal(err)
			}
			if row[0] != 0 || row[2] != 0 || math.Abs(float64(row[1]+row[3])-1) > 1e-6 || row[best] < row[other] {
				t.Fatalf("example %d: scores %v", i, row)
			}
		}
	}
	if outside == 0 {
		t.Error("no answer is outside the subset: the test shows nothing")
	}
}

// TestOtherSource: the same examples from another source, such as corrupted ones,
// are not taken up.
func TestOtherSource(t *testing.T) {
	j := job(t, datasettest.NewMemory(12, classes, 8, 8, 3, 5), model(t, "a.onnx", 1, 0, false))
	var resumed []bool
	j.Done = func(_ string, _, _ int, again bool) { resumed = append(resumed, again) }
	predict(t, j)
	j.Source = "memory?corruption=fog&severity=3"
	predict(t, j)
	predict(t, j)
	if !slices.Equal(resumed, []bool{false, false, true}) {
		t.Errorf("taken up: %v", resumed)
	}
}

// TestSubsetOfSelection: a limit and a corruption keep the subset.
func TestSubsetOfSelection(t *testing.T) {
	d := some{datasettest.NewMemory(12, classes, 8, 8, 3, 5)}
	s, err := dataset.Shifted(dataset.Select(d, []int{3, 5}), dataset.DefaultPreprocess(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := dataset.ClassSubset(s); !slices.Equal(got, []dataset.Label{1, 3}) {
		t.Errorf("the subset became %v", got)
	}
	if got := dataset.ClassSubset(datasettest.NewMemory(2, classes, 8, 8, 3, 5)); got != nil {
		t.Errorf("a data set without one has %v", got)
	}
}
