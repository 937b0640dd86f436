package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// floatTol is the largest difference that float operators may have, as a share
// of the output's largest magnitude.
const floatTol = 1e-5

// Every graph gives on kernels, fused and with channels last, what its
// operators' definitions give.
func TestGraphsAgainstDefinitions(t *testing.T) {
	for _, g := range enginetest.Graphs() {
		for _, n := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", g.Name, n), func(t *testing.T) {
				in := graphInput(n, 11)
				want := runModel(t, g.Make(), Options{Threads: 1, Reference: true}, in)
				options := []Options{{Threads: 2}, {Threads: 2, KeepIntermediates: true}}
				for _, level := range kernel.Levels() {
					options = append(options, Options{Threads: 1, CPU: level.String()})
				}
				for _, o := range options {
					got := runModel(t, g.Make(), o, in)
					for name, w := range want {
						if err := closeTo(got[name], w, floatTol); err != nil {
							t.Errorf("%+v: output %q: %v", o, name, err)
						}
					}
				}
			})
		}
	}
}

func graphInput(n int, seed uint64) map[string]Tensor {
	return map[string]Tensor{"x": randomTensor(seed, n, enginetest.GraphChannels, enginetest.GraphHeight, enginetest.GraphWidth)}
}

func randomTensor(seed uint64, shape ...int) Tensor {
	rng := rand.New(rand.NewPCG(seed, 1))
	data := make([]float32, product(shape))
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return tensor.Must(tensor.New(shape, data))
}

func runModel(t testing.TB, m *onnx.Model, o Options, in map[string]Tensor) map[string]Tensor {
	t.Helper()
	s, err := New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// closeTo fails unless got differs from want by at most tol times want's
// largest magnitude.
func closeTo(got, want Tensor, tol float64) error {
	if got.Type() != want.Type() || fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
		return fmt.Errorf("is %v, want %v", got, want)
	}
	g, w := float64s(got), float64s(want)
	var top float64
	for _, x := range w {
		top = max(top, math.Abs(x))
	}
	for i := range w {
		if d := math.Abs(g[i] - w[i]); !(d <= tol*top) {
			return fmt.Errorf("element %d of %v is %g, want %g (largest %g)", i, want, g[i], w[i], top)
		}
	}
	return nil
}
