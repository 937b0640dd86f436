package cli

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/float16"
	"github.com/lethe-audit/lethe/compress/int4weights"
	"github.com/lethe-audit/lethe/compress/int8dynamic"
	"github.com/lethe-audit/lethe/compress/int8static"
	"github.com/lethe-audit/lethe/compress/magnitude"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// schemeOf is a scheme with its default options.
func schemeOf(s compress.Spec) (compress.Scheme, error) {
	switch s.Scheme {
	case compress.Float16:
		return float16.New(float16.DefaultOptions()), nil
	case compress.Int8Dynamic:
		return int8dynamic.New(int8dynamic.DefaultOptions()), nil
	case compress.Int8Static:
		return int8static.New(int8static.DefaultOptions()), nil
	case compress.Int4Weights:
		return int4weights.New(int4weights.DefaultOptions()), nil
	case compress.Sparsity:
		o := magnitude.DefaultOptions(s.Sparsity)
		o.Pattern = s.Pattern
		return magnitude.New(o)
	}
	return nil, fmt.Errorf("%s: %w", s, compress.ErrSpec)
}

// newTensor is a tensor with a copy of the data.
func newTensor(dims []int, data []float32) (engine.Tensor, error) {
	return tensor.New(dims, slices.Clone(data))
}
