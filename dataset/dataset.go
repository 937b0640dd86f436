// Package dataset names the things every part of Lethe agrees on about data:
// what an example is called, which split it is in, and what its true class is.
// It imports nothing of ours; readers of image files live in packages below it.
package dataset

// ExampleID names one example of a data set. It is unique inside a split and
// is what predictions of different models are joined by.
type ExampleID string

// Split says which part of a data set an example is in.
type Split string

// The usual splits. A file may name others; they are kept as they are.
const (
	SplitUnknown    Split = ""
	SplitTrain      Split = "train"
	SplitValidation Split = "validation"
	SplitTest       Split = "test"
)

// Label is a true class as a class number, counted from 0.
type Label int32
