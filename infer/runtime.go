package infer

import (
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
)

// Runtime is what runs one model.
type Runtime struct {
	// Name goes into the predictions, such as "onnxruntime 1.30.0"; what another
	// runtime has computed is not taken up.
	Name string
	Open func() (engine.Session, error)
}

// GoRuntime runs a model in this module's engine.
func GoRuntime(m *onnx.Model, o engine.Options) (Runtime, error) {
	return Runtime{Name: "go", Open: func() (engine.Session, error) { return engine.New(m, o) }}, nil
}
