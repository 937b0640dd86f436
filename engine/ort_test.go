package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
)

func runORT(t testing.TB, m *onnx.Model, in map[string]Tensor) map[string]Tensor {
	t.Helper()
	r, err := enginetest.NeedORT(t).Run(t.Context(), t.TempDir(), enginetest.Job{Model: m, Inputs: in, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r.Outputs
}

// The five light models of ONNX, filled with random weights, give ONNX
// Runtime's result in every value between the steps, and fused at the end.
func TestLightModelsAgainstORT(t *testing.T) {
	for _, name := range []string{"squeezenet", "inception_v1", "resnet50", "bvlc_alexnet", "vgg19"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("long")
			}
			enginetest.NeedORT(t)
			m, err := onnx.Load(realdata.Path(t, "onnx-tests", "light", "light_"+name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := enginetest.Refill(m, 17); err != nil {
				t.Fatal(err)
			}
			againstORT(t, m, map[string]Tensor{m.Graph.DataInputs()[0].Name: randomTensor(4, 1, 3, 224, 224)})
		})
	}
}

// againstORT compares all values, and the outputs of the fused program, with
// ONNX Runtime's, which runs every node as it is.
func againstORT(t *testing.T, m *onnx.Model, in map[string]Tensor) {
	t.Helper()
	want := runORT(t, enginetest.AllOutputs(m), in)
	all := runModel(t, m, Options{Threads: 2, KeepIntermediates: true}, in)
	fused := runModel(t, m, Options{Threads: 2}, in)
	if len(fused) != len(m.Graph.Outputs) || len(want) < len(m.Graph.Nodes)/2 {
		t.Fatalf("%d outputs, %d values", len(fused), len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, ok := all[name]
		if !ok {
			t.Errorf("value %q was not computed", name)
			continue
		}
		if err := agrees(got, want[name]); err != nil {
			t.Errorf("value %q: %v", name, err)
		}
	}
	for name, got := range fused {
		if err := agrees(got, want[name]); err != nil {
			t.Errorf("fused: output %q: %v", name, err)
		}
	}
}

// agrees allows what rounding in another order may do to the values of a whole
// network: for each element the larger of ONNX's own tolerance, and the share
// of the largest magnitude that a single operator is allowed.
func agrees(got, want Tensor) error {
	if got.Type() != want.Type() || !slices.Equal(got.Shape(), want.Shape()) {
		return fmt.Errorf("is %v, want %v", got, want)
	}
	if !want.Type().IsFloat() {
		return compare(got, want, 0, 0)
	}
	g, w := float64s(got), float64s(want)
	var top float64
	for _, x := range w {
		top = max(top, math.Abs(x))
	}
	for i := range w {
		if d := math.Abs(g[i] - w[i]); !(d <= max(floatTol*top, absTol+relTol*math.Abs(w[i]))) {
			return fmt.Errorf("element %d of %v is %g, want %g (largest %g)", i, want, g[i], w[i], top)
		}
	}
	return nil
}

// Real models: two residual networks that were trained on CIFAR-10.
func TestCIFARModelsAgainstORT(t *testing.T) {
	for _, name := range []string{"resnet_2b", "resnet_4b"} {
		t.Run(name, func(t *testing.T) {
			m, err := onnx.Load(realdata.Path(t, "models", "vnncomp21-cifar10-onnx", name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for seed := range uint64(3) {
				againstORT(t, m, map[string]Tensor{m.Graph.DataInputs()[0].Name: randomTensor(seed, 1, 3, 32, 32)})
			}
		})
	}
}

// Every small graph of the engine's own tests, on a batch.
func TestGraphsAgainstORT(t *testing.T) {
	for _, g := range enginetest.Graphs() {
		t.Run(g.Name, func(t *testing.T) { againstORT(t, g.Make(), graphInput(3, 21)) })
	}
}
