package strictyaml

import (
	"fmt"
	"strings"
)

// Error is a fault in a file. Lines and columns count from 1; 0 is unknown.
type Error struct {
	File         string
	Line, Column int
	Source       string // the line, without its end; "" where it is not known
	Text         string // what is wrong and what was expected
}

// Error is the place, the fault, and the line with a caret.
func (e *Error) Error() string {
	s := e.Text
	switch {
	case e.Line > 0:
		s = fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, s)
	case e.File != "":
		s = e.File + ": " + s
	}
	if e.Source == "" || e.Column < 1 {
		return s
	}
	before := []rune(e.Source)
	before = before[:min(e.Column-1, len(before))]
	pad := strings.Map(func(r rune) rune { // a tab moves the caret as it moves the text
		if r == '\t' {
			return r
		}
		return ' '
	}, string(before))
	return s + "\n    " + e.Source + "\n    " + pad + "^"
}

// Unknown says that there is no such name, offers the nearest one and lists
// those that are there, or a dozen of them.
func Unknown(what, name string, known []string) string {
	text := fmt.Sprintf("there is no %s %q", what, name)
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("%s; did you mean %q?", text, near)
	}
	const shown = 12
	switch {
	case len(known) == 0:
		return text
	case len(known) > shown:
		return fmt.Sprintf("%s; there are %s and %d more", text, strings.Join(known[:shown], ", "), len(known)-shown)
	}
	return fmt.Sprintf("%s; there are %s", text, strings.Join(known, ", "))
}

// nearest is the known name that is the fewest edits away, if those are at most
// a third of its letters (two are always allowed), and "" otherwise.
func nearest(name string, known []string) string {
	best, least := "", 1+max(2, len(name)/3)
	for _, k := range known {
		if d := edits(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// edits is the number of letters to insert, delete or change to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
