package gate

import (
	"fmt"

	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// Location is a place in a policy file. Lines and columns count from 1; line 0
// is a rule that no file holds.
type Location struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String is "file:line:column", as far as it is known.
func (l Location) String() string {
	switch {
	case l.Line == 0:
		return l.File
	case l.Column == 0:
		return fmt.Sprintf("%s:%d", l.File, l.Line)
	}
	return fmt.Sprintf("%s:%d:%d", l.File, l.Line, l.Column)
}

// Error is a fault in a policy, or a rule that cannot be evaluated. Its text
// shows the line with a caret below the place, where there is one.
type Error struct {
	At     Location
	Source string // the line, without its end; "" where it is not known
	Text   string // what is wrong and what was expected
}

// Error is the place, the fault, and the line with a caret.
func (e *Error) Error() string {
	s := e.Text
	if at := e.At.String(); at != "" {
		s = at + ": " + s
	}
	return s + strictyaml.Pointed(e.Source, e.At.Column)
}
