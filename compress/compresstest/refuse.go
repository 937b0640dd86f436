package compresstest

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/onnx"
)

// refusals are models that no scheme takes.
func refusals(t *testing.T, scheme func() compress.Scheme) {
	n := Networks()[0]
	run := func(m *onnx.Model) error {
		m.Path = "bad.onnx"
		_, err := compress.Run(context.Background(), m, []compress.Scheme{scheme()}, n.Input(), tool)
		return err
	}
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		m := n.Model.Clone()
		l := compress.Layers(m.Graph)[0]
		if err := compress.SetConstant(m.Graph, With(l.Weight, func(w []float32) { w[1] = v })); err != nil {
			t.Fatal(err)
		}
		wantError(t, run(m), compress.ErrNotFinite, "bad.onnx", l.Label, l.Name, "element 1")
	}
	b := enginetest.New("no weights", 1)
	b.Output(b.Node("Flatten", []string{b.Node("GlobalAveragePool", []string{b.Input("x", -1, 8, 11, 13)})}), 2)
	wantError(t, run(b.Model()), compress.ErrNoWeights, "bad.onnx")
}

// wantError checks an error's reason and that it names what it should.
func wantError(t *testing.T, err, reason error, names ...string) {
	t.Helper()
	if !errors.Is(err, reason) {
		t.Errorf("error %v, want %v", err, reason)
		return
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not name %q", err, name)
		}
	}
}

// interrupted checks that a cancelled context ends a scheme.
func interrupted(t *testing.T, scheme func() compress.Scheme) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := Networks()[0]
	if _, err := scheme().Apply(ctx, n.Model, n.Input()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
