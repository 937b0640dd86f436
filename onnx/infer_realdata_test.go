package onnx

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
)

// nodeTests calls f with every one of ONNX's node tests: the model, the given
// inputs and the expected outputs.
func nodeTests(t *testing.T, f func(t *testing.T, m *Model, in, out []*Tensor)) {
	dirs, err := filepath.Glob(filepath.Join(realdata.Path(t, "onnx-tests", "node"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) != 167 {
		t.Fatalf("%d node tests, want 167", len(dirs))
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m := load(t, filepath.Join(dir, "model.onnx"))
			f(t, m, tensors(t, dir, "input", len(m.Graph.Inputs)), tensors(t, dir, "output", len(m.Graph.Outputs)))
		})
	}
}

func tensors(t *testing.T, dir, kind string, n int) []*Tensor {
	t.Helper()
	var out []*Tensor
	for i := range n {
		x, err := LoadTensor(filepath.Join(dir, "test_data_set_0", fmt.Sprintf("%s_%d.pb", kind, i)))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

// TestInferNodeTests compares inferred types and shapes with those of the
// outputs that ONNX's node tests expect. What the model declares of its outputs
// is taken away first; small integer inputs become constants, as they are in
// exported models, so that Reshape and the like can be followed.
func TestInferNodeTests(t *testing.T) {
	nodeTests(t, func(t *testing.T, m *Model, in, out []*Tensor) {
		declared := map[string]TypeShape{}
		for _, v := range m.Graph.Outputs {
			declared[v.Name] = v.Type
			v.Type = TypeShape{}
		}
		shapes := map[string]Shape{}
		for i, v := range m.Graph.Inputs {
			if in[i].Type == Int64 && len(in[i].Dims) == 1 {
				c := *in[i]
				c.Name = v.Name
				m.Graph.Initializers = append(m.Graph.Initializers, &c)
			} else {
				shapes[v.Name] = in[i].Shape()
			}
		}
		got, err := Infer(m, shapes)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range m.Graph.Outputs {
			want := out[i].TypeShape()
			if g := got[v.Name]; g.Elem != want.Elem || !g.Shape.Equal(want.Shape) {
				t.Errorf("%s: inferred %v, the expected output is %v", v.Name, g, want)
			}
			if d := declared[v.Name]; !compatible(d, got[v.Name]) {
				t.Errorf("%s: inferred %v, declared %v", v.Name, got[v.Name], d)
			}
		}
	})
}
