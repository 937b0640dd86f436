package compress

import "errors"

// The reasons for which a model is not compressed, to tell apart with errors.Is.
// The errors themselves are *onnx.Error, which names file, node and value, where
// a model is to blame.
var (
	// ErrNoWeights: no layer has constant weights.
	ErrNoWeights = errors.New("the model has no weights to compress")
	// ErrNotFinite: a weight is NaN or infinite.
	ErrNotFinite = errors.New("weights must be finite numbers")
	// ErrCalibration: there are no calibration examples, all are the same, or
	// they do not fit the model.
	ErrCalibration = errors.New("calibration examples cannot be used")
	// ErrSparsity: a sparsity outside of [0, 1).
	ErrSparsity = errors.New("sparsity out of range")
	// ErrNothing: the result holds the weights that were there before.
	ErrNothing = errors.New("nothing was compressed")
	// ErrSpec: a scheme that does not exist or is not written as it should.
	ErrSpec = errors.New("no such scheme")
)
