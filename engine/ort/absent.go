//go:build !ort || !(linux || darwin)

package ort

import (
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
)

// Built says whether the program can load ONNX Runtime.
const Built = false

// Library is a loaded ONNX Runtime; there is none in this build.
type Library struct{}

// Open returns [ErrNotBuilt].
func Open(string) (*Library, error) { return nil, ErrNotBuilt }

// Version is "".
func (*Library) Version() string { return "" }

// New returns [ErrNotBuilt].
func (*Library) New(*onnx.Model, engine.Options) (engine.Session, error) { return nil, ErrNotBuilt }

// Close does nothing.
func (*Library) Close() error { return nil }
