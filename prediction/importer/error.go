package importer

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Error is something wrong in an input file: where it is, what was expected
// there and what was found. Zero fields are unknown or do not apply.
type Error struct {
	File   string // as the user gave it
	Line   int    // line of a text file, counted from 1
	Row    int    // row of an array or Parquet file, counted from 1
	Column string // name of a column, or number of an array's column counted from 0
	Want   string // what was expected
	Got    string // what was found
	Err    error  // the cause, where another package found the problem
}

// Error is one line: file, place, what was expected, what was found.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(":")
	if e.Row > 0 {
		fmt.Fprintf(&b, " row %d:", e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, " column %s:", e.Column)
	}
	if e.Want != "" {
		fmt.Fprintf(&b, " want %s", e.Want)
	}
	if e.Got != "" {
		if e.Want != "" {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " got %s", e.Got)
	}
	if e.Err != nil {
		if e.Want != "" || e.Got != "" {
			b.WriteString(":")
		}
		fmt.Fprintf(&b, " %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// wrap makes err an *Error of file; one that is already an *Error gets the
// file's name if it has none. A stream that ends early is called truncated.
func wrap(file, want string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.File == "" {
			e.File = file
		}
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &Error{File: file, Want: want, Got: "a truncated file"}
	}
	return &Error{File: file, Want: want, Err: err}
}
