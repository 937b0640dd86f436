package engine

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
)

// The tolerances of ONNX's own test runner.
const (
	relTol = 1e-3
	absTol = 1e-7
)

// nodeTests is how many operator tests there are; none is left out.
const nodeTests = 167

func TestONNXNodes(t *testing.T) {
	root := realdata.Path(t, "onnx-tests", "node")
	dirs, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) != nodeTests {
		t.Fatalf("%d folders, want %d", len(dirs), nodeTests)
	}
	for _, reference := range []bool{true, false} {
		o := DefaultOptions()
		o.Reference = reference
		for _, d := range dirs {
			t.Run(fmt.Sprintf("%s/reference=%t", d.Name(), reference), func(t *testing.T) {
				runNodeTest(t, filepath.Join(root, d.Name()), o)
			})
		}
	}
}

func runNodeTest(t *testing.T, dir string, o Options) {
	m, err := onnx.Load(filepath.Join(dir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sets, err := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	if err != nil || len(sets) == 0 {
		t.Fatalf("no data sets: %v", err)
	}
	for _, set := range sets {
		inputs := map[string]Tensor{}
		for i, v := range s.Inputs() {
			inputs[v.Name] = loadTensor(t, filepath.Join(set, fmt.Sprintf("input_%d.pb", i)))
		}
		// Twice: the second run meets a plan and memory that were used.
		for range 2 {
			out, err := s.Run(t.Context(), inputs)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range s.Outputs() {
				want := loadTensor(t, filepath.Join(set, fmt.Sprintf("output_%d.pb", i)))
				if err := compare(out[v.Name], want, relTol, absTol); err != nil {
					t.Errorf("output %q: %v", v.Name, err)
				}
			}
		}
	}
}

func loadTensor(t testing.TB, path string) Tensor {
	t.Helper()
	x, err := onnx.LoadTensor(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := op.FromONNX(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// compare fails unless got has want's type and shape, floats within
// |got − want| ≤ abs + rel·|want| and everything else equal.
func compare(got, want Tensor, rel, abs float64) error {
	if got.Type() != want.Type() || !slices.Equal(got.Shape(), want.Shape()) {
		return fmt.Errorf("is %v, want %v", got, want)
	}
	if !want.Type().IsFloat() {
		if !tensor.Equal(got, want) {
			return fmt.Errorf("elements differ (%v)", want)
		}
		return nil
	}
	g, w := float64s(got), float64s(want)
	for i := range w {
		if g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i]) {
			continue
		}
		if d := math.Abs(g[i] - w[i]); !(d <= abs+rel*math.Abs(w[i])) {
			return fmt.Errorf("element %d is %g, want %g (%v)", i, g[i], w[i], want)
		}
	}
	return nil
}

func float64s(t Tensor) []float64 {
	if d := tensor.Data[float64](t); d != nil {
		return d
	}
	v, _ := t.Float32s()
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
