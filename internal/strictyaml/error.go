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
	return s + Pointed(e.Source, e.Column)
}

// Pointed is a line with a caret below a column, counted from 1, each on a line
// of its own; "" where the line or the column is not known.
func Pointed(source string, column int) string {
	if source == "" || column < 1 {
		return ""
	}
	before := []rune(source)
	before = before[:min(column-1, len(before))]
	pad := strings.Map(func(r rune) rune { // a tab moves the caret as it moves the text
		if r == '\t' {
			return r
		}
		return ' '
	}, string(before))
	return "\n    " + source + "\n    " + pad + "^"
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
		if d := Distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// Distance is the number of letters to insert, remove, change or exchange with
// the next one to turn a into b (optimal string alignment).
func Distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range t {
		rows[0][j+1] = j + 1
	}
	for i := range s {
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			d := min(rows[i][j+1]+1, rows[i+1][j]+1, rows[i][j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				d = min(d, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = d
		}
	}
	return rows[len(s)][len(t)]
}
