package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// A model that cannot be run is refused with the node, the operator and the
// opset, and with what is missing.
func TestCompileErrors(t *testing.T) {
	model := func(f func(b *enginetest.Builder, x string) string) *onnx.Model {
		b := enginetest.New("bad", 1)
		b.Output(f(b, b.Input("x", -1, 8, 11, 13)), 4)
		m := b.Model()
		m.Path = "some/model.onnx"
		return m
	}
	for _, c := range []struct {
		name  string
		m     *onnx.Model
		words []string
		unsup bool
	}{
		{"operator", model(func(b *enginetest.Builder, x string) string { return b.Node("GridSample", []string{x, x}) }),
			[]string{"some/model.onnx", "GridSample_0", "GridSample", "opset 20"}, true},
		{"domain", func() *onnx.Model {
			m := model(func(b *enginetest.Builder, x string) string { return b.Relu(x) })
			m.Graph.Nodes[0].Domain = "com.example"
			return m
		}(), []string{"Relu_0", "com.example"}, true},
		{"missing value", model(func(b *enginetest.Builder, x string) string { return b.Add(x, "nowhere") }),
			[]string{"Add_0", "nowhere"}, false},
		{"no opset", func() *onnx.Model {
			m := model(func(b *enginetest.Builder, x string) string { return b.Relu(x) })
			m.Opsets = nil
			return m
		}(), []string{"operator set"}, true},
		{"cycle", func() *onnx.Model {
			m := model(func(b *enginetest.Builder, x string) string { return b.Relu(b.Relu(x)) })
			m.Graph.Nodes[0].Inputs[0] = m.Graph.Nodes[1].Outputs[0]
			return m
		}(), []string{"cycle"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.m, Options{})
			if err == nil {
				t.Fatal("compiled")
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not name %q", err, w)
				}
			}
			if errors.Is(err, op.ErrUnsupported) != c.unsup {
				t.Errorf("unsupported: %t, want %t: %v", !c.unsup, c.unsup, err)
			}
			var e *onnx.Error
			if !errors.As(err, &e) {
				t.Errorf("%T is no *onnx.Error", err)
			}
		})
	}
	if _, err := Compile(enginetest.ResNet8(), Options{CPU: "abacus"}); err == nil || !strings.Contains(err.Error(), "abacus") {
		t.Errorf("an unknown instruction set: %v", err)
	}
}

// Shapes that do not fit are found when they are known, with the node.
func TestShapeErrors(t *testing.T) {
	b := enginetest.New("bad", 1)
	x := b.Input("x", -1, 8, -1, -1)
	b.Output(b.Add(b.Conv(x, enginetest.ConvSpec{Out: 4, Kernel: 3}), b.Random(1, 0, 4, 9, 9)), 4)
	s := mustNew(t, b.Model(), Options{})
	if _, err := s.Run(t.Context(), map[string]Tensor{"x": randomTensor(1, 2, 8, 9, 9)}); err != nil {
		t.Errorf("9x9 fits: %v", err)
	}
	for _, shape := range [][]int{{1, 8, 7, 9}, {1, 8, 0, 0}} {
		_, err := s.Run(t.Context(), map[string]Tensor{"x": randomTensor(1, shape...)})
		var e *onnx.Error
		if !errors.As(err, &e) || e.Node == "" {
			t.Errorf("%v: %v names no node", shape, err)
		}
	}
}

// Sizes that no memory holds are refused before any is asked for.
func TestTooLarge(t *testing.T) {
	grow := func(f func(b *enginetest.Builder, x string) string) error {
		b := enginetest.New("big", 1)
		b.Output(f(b, b.Input("x", -1, 4)), 2)
		s, err := New(b.Model(), Options{})
		if err != nil {
			return err
		}
		_, err = s.Run(t.Context(), map[string]Tensor{"x": randomTensor(1, 1, 4)})
		return err
	}
	for name, f := range map[string]func(b *enginetest.Builder, x string) string{
		"a constant": func(b *enginetest.Builder, x string) string {
			return b.Add(x, b.Node("ConstantOfShape", []string{b.Ints(1<<20, 1<<20)}))
		},
		"a value": func(b *enginetest.Builder, x string) string {
			return b.Relu(b.Node("Expand", []string{x, b.Ints(1<<40, 4)}))
		},
		"many values": func(b *enginetest.Builder, x string) string { // 6 GiB each
			return b.Node("Exp", []string{b.Node("Sqrt", []string{b.Node("Expand", []string{x, b.Ints(3<<27, 4)})})})
		},
		"beyond int64": func(b *enginetest.Builder, x string) string { return b.Node("Expand", []string{x, b.Ints(1<<62, 4)}) },
	} {
		if err := grow(f); !errors.Is(err, tensor.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
