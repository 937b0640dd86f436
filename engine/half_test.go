package engine

import (
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// halfTol allows for rounding to float16 between steps, which the definitions
// do and the kernels do not, as a share of the largest magnitude.
const halfTol = 1e-2

func halfModel(t testing.TB, m *onnx.Model) *onnx.Model {
	t.Helper()
	h, err := enginetest.Half(m)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// toHalf is x in float16.
func toHalf(x Tensor) Tensor {
	data, _ := x.Float32s()
	h := make([]tensor.Float16, len(data))
	for i, v := range data {
		h[i] = tensor.NewFloat16(v)
	}
	return tensor.Must(tensor.New(x.Shape(), h))
}

// Graphs in float16 run on the float32 kernels and give float16 near what their
// definitions give.
func TestHalfGraphs(t *testing.T) {
	for _, g := range enginetest.Graphs() {
		t.Run(g.Name, func(t *testing.T) {
			m := halfModel(t, g.Make())
			in := map[string]Tensor{"x": toHalf(graphInput(2, 3)["x"])}
			want := runModel(t, m, Options{Reference: true, Threads: 1}, in)
			for name, got := range runModel(t, m, Options{Threads: 2}, in) {
				if got.Type() != tensor.F16 {
					t.Errorf("output %q is %v", name, got)
				}
				if err := closeTo(got, want[name], halfTol); err != nil {
					t.Errorf("output %q: %v", name, err)
				}
			}
		})
	}
	p, err := Compile(halfModel(t, enginetest.ResNet8()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := p.Steps(map[string][]int{"x": {1, 3, 32, 32}})
	if err != nil {
		t.Fatal(err)
	}
	if ops := Definitions(steps); len(ops) > 0 {
		t.Errorf("run by their definition: %v", ops)
	}
}

// A float16 network gives ONNX Runtime's class on nearly every image.
func TestHalfAgainstORT(t *testing.T) {
	ort := enginetest.NeedORT(t)
	const images = 200
	m := halfModel(t, enginetest.ResNet8())
	in := map[string]Tensor{"x": toHalf(randomTensor(2, images, 3, 32, 32))}
	r, err := ort.Run(t.Context(), t.TempDir(), enginetest.Job{Model: m, Inputs: in, Threads: 2, Optimize: true})
	if err != nil {
		t.Fatal(err)
	}
	name := m.Graph.Outputs[0].Name
	got, _ := runModel(t, m, Options{Threads: 2}, in)[name].Float32s()
	want, _ := r.Outputs[name].Float32s()
	same := 0
	for i := range images {
		g, w := got[i*10:(i+1)*10], want[i*10:(i+1)*10]
		if slices.Index(g, slices.Max(g)) == slices.Index(w, slices.Max(w)) {
			same++
		}
	}
	if t.Logf("the same class on %d of %d images", same, images); same < images*99/100 {
		t.Errorf("the same class on %d of %d images", same, images)
	}
}
