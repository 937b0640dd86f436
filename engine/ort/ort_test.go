//go:build ort && (linux || darwin)

package ort

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/enginetest/ortlib"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

func library(t testing.TB) *Library {
	t.Helper()
	l, err := Open(ortlib.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func sessionOf(t testing.TB, l *Library, m *onnx.Model, o engine.Options) engine.Session {
	t.Helper()
	s, err := l.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// model is one node over inputs of any shape.
func model(op string, elem onnx.DataType, rank int, attrs ...*onnx.Attr) *onnx.Model {
	typ := onnx.TypeShape{Elem: elem, Shape: make(onnx.Shape, rank)}
	return &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Name:    op,
		Nodes:   []*onnx.Node{{Name: "node", Op: op, Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: attrs}},
		Inputs:  []*onnx.ValueInfo{{Name: "x", Type: typ}},
		Outputs: []*onnx.ValueInfo{{Name: "y", Type: typ}},
	}}
}

// Every element type goes in and comes back bit by bit, scalars and empty
// tensors too.
func TestTypes(t *testing.T) {
	l := library(t)
	types := []tensor.Type{tensor.Float32, tensor.Float64, tensor.F16, tensor.BF16, tensor.Int8, tensor.Int16,
		tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64, tensor.Bool}
	for _, typ := range types {
		for _, shape := range [][]int{{}, {7}, {2, 3, 4}, {0}, {2, 0, 3}} {
			t.Run(fmt.Sprint(typ, shape), func(t *testing.T) {
				s := sessionOf(t, l, model("Identity", onnx.DataType(typ), len(shape)), engine.Options{Threads: 1})
				n, _ := tensor.Elements(shape)
				mem := make([]uint64, n+1)
				x, err := tensor.Over(typ, shape, bytesOf(mem))
				if err != nil {
					t.Fatal(err)
				}
				fill(x)
				out, err := s.Run(t.Context(), map[string]engine.Tensor{"x": x})
				if err != nil {
					t.Fatal(err)
				}
				if !tensor.Equal(out["y"], x) {
					t.Errorf("got %v, want %v", out["y"], x)
				}
			})
		}
	}
}

// Float32, and every value between the nodes, is what the engine's definitions
// give, within ONNX's own tolerance; the inputs are left alone.
func TestAgainstEngine(t *testing.T) {
	l := library(t)
	for _, g := range enginetest.Graphs() {
		t.Run(g.Name, func(t *testing.T) {
			m := g.Make()
			x := random(rand.New(rand.NewPCG(1, 2)), 2, enginetest.GraphChannels, enginetest.GraphHeight, enginetest.GraphWidth)
			before := x.Clone()
			in := map[string]engine.Tensor{"x": x}
			ref, err := engine.New(m, engine.Options{Threads: 1, Reference: true, KeepIntermediates: true})
			if err != nil {
				t.Fatal(err)
			}
			defer ref.Close()
			want, err := ref.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			all, err := sessionOf(t, l, m, engine.Options{Threads: 2, KeepIntermediates: true}).Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			fused, err := sessionOf(t, l, m, engine.Options{Threads: 2}).Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if len(fused) != len(m.Graph.Outputs) || len(all) < len(m.Graph.Nodes) {
				t.Fatalf("%d outputs and %d values of %d nodes", len(fused), len(all), len(m.Graph.Nodes))
			}
			for _, got := range []map[string]engine.Tensor{all, fused} {
				for name, v := range got {
					if w, ok := want[name]; ok {
						near(t, name, v, w)
					}
				}
			}
			if !tensor.Equal(x, before) {
				t.Error("the input was changed")
			}
		})
	}
}

// near fails unless got is want up to the rounding of sums: 1e-5 of the
// largest magnitude, or ONNX's tolerance for the element.
func near(t *testing.T, name string, got, want engine.Tensor) {
	t.Helper()
	if got.Type() != want.Type() || !slices.Equal(got.Shape(), want.Shape()) {
		t.Errorf("%s is %v, want %v", name, got, want)
		return
	}
	g, w := tensor.Data[float32](got), tensor.Data[float32](want)
	if w == nil {
		if !tensor.Equal(got, want) {
			t.Errorf("%s: elements differ", name)
		}
		return
	}
	top := 0.0
	for _, v := range w {
		top = max(top, math.Abs(float64(v)))
	}
	for i := range w {
		if d := math.Abs(float64(g[i]) - float64(w[i])); !(d <= max(1e-5*top, 1e-7+1e-3*math.Abs(float64(w[i])))) {
			t.Errorf("%s: element %d is %g, want %g", name, i, g[i], w[i])
			return
		}
	}
}

func TestRefused(t *testing.T) {
	for _, path := range []string{"", "/nowhere/libonnxruntime.so.1", "ort_test.go"} {
		if _, err := Open(path); !errors.Is(err, ErrLibrary) {
			t.Errorf("library %q: %v", path, err)
		}
	}
	l := library(t)
	_, err := l.New(model("NoSuchOperator", onnx.Float, 1), engine.DefaultOptions())
	if e := (*onnx.Error)(nil); !errors.As(err, &e) || !errors.Is(err, ErrRuntime) {
		t.Errorf("an unknown operator: %v", err)
	}
	s := sessionOf(t, l, model("Relu", onnx.Float, 2), engine.DefaultOptions())
	x := tensor.Vector[float32](1, 2)
	for name, in := range map[string]map[string]engine.Tensor{
		"no input":        nil,
		"another name":    {"z": x},
		"one axis, not 2": {"x": x},
		"another type":    {"x": tensor.Must(tensor.New([]int{1, 1}, []int32{1}))},
		"nothing in it":   {"x": {}},
	} {
		if _, err := s.Run(t.Context(), in); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := s.Run(t.Context(), map[string]engine.Tensor{"x": tensor.Must(x.Reshape([]int{1, 2}))}); err != nil {
		t.Errorf("after refusals: %v", err)
	}
}

func TestCancel(t *testing.T) {
	s := sessionOf(t, library(t), enginetest.ResNet50(), engine.Options{Threads: 1})
	in := map[string]engine.Tensor{"x": random(rand.New(rand.NewPCG(3, 4)), 64, 3, 224, 224)}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Run(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	ctx, stop = context.WithTimeout(t.Context(), 200*time.Millisecond) // the whole takes seconds
	defer stop()
	if _, err := s.Run(ctx, in); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled meanwhile: %v", err)
	}
}

func TestSessionsInParallel(t *testing.T) {
	l := library(t)
	m := enginetest.ResNet8()
	var sessions [4]engine.Session
	for i := range sessions {
		sessions[i] = sessionOf(t, l, m, engine.Options{Threads: 1})
	}
	x := random(rand.New(rand.NewPCG(5, 6)), 3, 3, 32, 32)
	var results [len(sessions)]engine.Tensor
	var wg sync.WaitGroup
	for i, s := range sessions {
		wg.Go(func() {
			for range 5 {
				out, err := s.Run(t.Context(), map[string]engine.Tensor{"x": x})
				if err != nil {
					t.Error(err)
					return
				}
				results[i] = out[m.Graph.Outputs[0].Name]
			}
		})
	}
	wg.Wait()
	for i, r := range results {
		if !tensor.Equal(r, results[0]) || r.Len() != 30 {
			t.Errorf("session %d: %v differs from %v", i, r, results[0])
		}
	}
}
