package gate

import (
	"fmt"
	"strings"
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
	if e.Source == "" || e.At.Column < 1 {
		return s
	}
	// A tab in the line moves the caret as it moves the text.
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, firstRunes(e.Source, e.At.Column-1))
	return s + "\n    " + e.Source + "\n    " + pad + "^"
}

func firstRunes(s string, n int) string {
	r := []rune(s)
	return string(r[:min(n, len(r))])
}

// nearest is the name that s was probably meant to be, or "".
func nearest(s string, names []string) string {
	best, least := "", 1+max(2, len(s)/3)
	for _, name := range names {
		if d := distance(strings.ToLower(s), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// unknown says that there is no such name, offers the nearest one and lists a
// few of those that are there.
func unknown(what, s string, names []string) string {
	text := fmt.Sprintf("there is no %s %q", what, s)
	if n := nearest(s, names); n != "" {
		return fmt.Sprintf("%s; did you mean %q?", text, n)
	}
	const shown = 12
	if len(names) > shown {
		return fmt.Sprintf("%s; there are %s and %d more", text, strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return fmt.Sprintf("%s; there are %s", text, strings.Join(names, ", "))
}

// distance is the number of letters to insert, remove, change or exchange with
// the next one to turn a into b (optimal string alignment).
func distance(a, b string) int {
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
