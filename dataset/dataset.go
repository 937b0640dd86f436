// Package dataset names the things every part of Lethe agrees on about data:
// what an example is called, which split it is in, what its true class is, and
// how its image is had. It imports nothing of ours.
//
// The line inside the package:
//
//	KIND:PATH?options ─▶ Source ─▶ Catalog.Open ─▶ Dataset ─▶ Loader ─▶ batches
//	                                               (a reader)  (decode, Preprocess)
//
// Readers of image files live in packages below this one; each makes a [Kind],
// and whoever wires the program lists the kinds in a [Catalog]. Every reader
// passes the suite in package datasettest. doc/format/data.md describes what
// they read.
package dataset

import "context"

// ExampleID names one example of a data set. It is unique inside a split and
// is what predictions of different models are joined by. It does not depend on
// options such as limit, nor on where the files lie.
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

// Attribute is a way to group examples: a name and its values. Examples carry
// codes, which are indices into Values.
type Attribute struct {
	Name   string
	Values []string // distinct
}

// Missing is the code of an example whose value of an attribute is not known.
const Missing int32 = -1

// Example is what is known of an example without looking at its image.
type Example struct {
	ID         ExampleID
	Label      Label
	Split      Split
	Attributes []int32 // a code for each of the data set's attributes, or [Missing]; not to be changed
}

// Dataset is a list of labelled images in a fixed order. All methods but Close
// may be called from several goroutines at once. The slices that Classes and
// Attributes return are not to be changed.
type Dataset interface {
	// Name says what the data is: "cifar10", or the name of the user's folder.
	Name() string
	// Classes are the class names; the index is the class number.
	Classes() []string
	// Attributes are the ways examples are grouped, in the order of the codes
	// in [Example.Attributes].
	Attributes() []Attribute
	// Len is the number of examples.
	Len() int
	// Example describes example i, 0 <= i < Len. It needs no file.
	Example(i int) Example
	// Image decodes the image of example i. The caller owns the result. An
	// image that is missing or damaged gives a [*BadImage].
	Image(ctx context.Context, i int) (*Image, error)
	// Close releases files. No image can be had afterwards; all else can.
	Close() error
}

// Noter is implemented by data sets that have something to say about what they
// were read from: what was there and not used, what had to be assumed.
type Noter interface {
	Notes() []string
}

// NotesOf are the notes of d, nil if it has none.
func NotesOf(d Dataset) []string {
	if n, ok := d.(Noter); ok {
		return n.Notes()
	}
	return nil
}
