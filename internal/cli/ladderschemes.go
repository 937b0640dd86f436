package cli

import (
	"slices"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// schemeOf is a scheme with its default options.
func schemeOf(s compress.Spec) (compress.Scheme, error) {
	f := defaultSchemeFlags()
	return f.scheme(s)
}

// newTensor is a tensor with a copy of the data.
func newTensor(dims []int, data []float32) (engine.Tensor, error) {
	return tensor.New(dims, slices.Clone(data))
}
