package grad

import (
	"errors"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/onnx"
)

// FuzzNew trains whatever decodes: a model is refused with an onnx.Error, or
// takes a step.
func FuzzNew(f *testing.F) {
	for _, g := range append(graphs(), named{"dropout", dropoutNet(0.4)}) {
		f.Add(must(onnx.Encode(g.model))(&testing.T{}))
	}
	for _, g := range enginetest.Graphs() {
		f.Add(must(onnx.Encode(g.Make()))(&testing.T{}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := onnx.Decode(data)
		if err != nil || onnx.Validate(m) != nil {
			return
		}
		n, err := New(m, Options{Threads: 1})
		if err != nil {
			var e *onnx.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v does not say where", err)
			}
			return
		}
		size := n.shape[0] * n.shape[1] * n.shape[2]
		if n.tapes[0].arena > 1<<22 {
			return
		}
		images := n.firstBatch()
		x, labels := batch(1, images, size, n.Classes())
		if _, err := n.Step(t.Context(), x, labels); err != nil {
			t.Fatal(err)
		}
	})
}
