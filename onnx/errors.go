package onnx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Error says what is wrong with a model and where. Fields that do not apply are
// zero.
type Error struct {
	File   string // path of the model or tensor file
	Node   string // name of the node; "#N" (from 0) for one without a name
	Op     string // operator, with its domain where that is not the default
	Opset  int64  // version of the operator set that the model imports
	Value  string // name of the value or tensor
	Msg    string // what is wrong and what was expected
	Reason error  // one of the reasons below, or an underlying error
}

// The reasons that callers tell apart with errors.Is.
var (
	// ErrMalformed: the bytes are not a well-formed ONNX file.
	ErrMalformed = errors.New("not a well-formed ONNX file")
	// ErrUnsupported: well formed, but of a version or with a feature that this
	// package cannot read.
	ErrUnsupported = errors.New("not supported")
	// ErrOperator: an operator that the operator set does not have or that is
	// not known here.
	ErrOperator = errors.New("operator not available")
	// ErrGraph: the graph is not valid: a cycle, a value without a producer, two
	// producers, a missing input.
	ErrGraph = errors.New("invalid graph")
	// ErrShape: shapes, types or sizes that do not fit together.
	ErrShape = errors.New("shapes do not fit")
	// ErrExternal: data in another file that cannot be had.
	ErrExternal = errors.New("external data not available")
)

// Error is "file: node "x" (Conv, opset 17): value "w": message".
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	} else {
		b.WriteString("onnx: ")
	}
	switch {
	case e.Node != "" && e.Op != "":
		fmt.Fprintf(&b, "node %s (%s%s): ", strconv.Quote(e.Node), clean(e.Op), opsetSuffix(e.Opset))
	case e.Node != "":
		fmt.Fprintf(&b, "node %s: ", strconv.Quote(e.Node))
	case e.Op != "":
		fmt.Fprintf(&b, "operator %s%s: ", clean(e.Op), opsetSuffix(e.Opset))
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "value %s: ", strconv.Quote(e.Value))
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Unwrap is the reason.
func (e *Error) Unwrap() error { return e.Reason }

func opsetSuffix(v int64) string {
	if v == 0 {
		return ""
	}
	return ", opset " + strconv.FormatInt(v, 10)
}

// clean keeps names that files bring from moving a terminal's cursor.
func clean(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// inFile names the file in an error that does not name one yet.
func inFile(err error, path string) error {
	var e *Error
	if errors.As(err, &e) && e.File == "" {
		e.File = path
	}
	return err
}

func malformed(format string, args ...any) *Error {
	return &Error{Msg: ErrMalformed.Error() + ": " + fmt.Sprintf(format, args...), Reason: ErrMalformed}
}
