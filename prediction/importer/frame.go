package importer

import (
	"slices"
	"sort"
	"unicode/utf8"
)

// decode is how the cells of a column are kept.
type decode int

const (
	skip   decode = iota // not kept
	text                 // as codes of a dictionary of texts
	number               // as float32
	scores               // rows of scores, one number a class
)

// plan chooses how each named column of a table is decoded.
type plan func(names []string) ([]decode, error)

// frame is what one file holds, by columns of equal length. An array without
// names is a frame with one column called "".
type frame struct {
	file  string // as the user gave it
	rows  int
	cols  []column
	lines []lineSpan // of a text file, in order; nil for binary files
}

// column is one column of a frame; which fields are set depends on kind.
type column struct {
	name  string
	kind  decode
	dict  []string  // text
	codes []int32   // text: index into dict, -1 where the cell is empty
	nums  []float32 // number
	mat   matrix    // scores
}

// lineSpan places rows in a text file: row rows from `row` on start at lines
// from `line` on, one line a row unless lines says otherwise.
type lineSpan struct {
	row, line int
	lines     []int32 // line of each row relative to line, nil for one line a row
}

// line is the line that a row starts at, 0 in a binary file.
func (f *frame) line(row int) int {
	i := sort.Search(len(f.lines), func(i int) bool { return f.lines[i].row > row }) - 1
	if i < 0 {
		return 0
	}
	s := f.lines[i]
	if s.lines != nil {
		return s.line + int(s.lines[row-s.row])
	}
	return s.line + row - s.row
}

// at starts an error about a row, counted from 0, and a column.
func (f *frame) at(row int, column string) *Error {
	e := &Error{File: f.file, Column: column, Line: f.line(row)}
	if e.Line == 0 {
		e.Row = row + 1
	}
	return e
}

// checkText refuses text that is not UTF-8: it could not be written to a
// report or a manifest as it is.
func (f *frame) checkText() error {
	for i := range f.cols {
		c := &f.cols[i]
		if !utf8.ValidString(c.name) {
			return &Error{File: f.file, Want: "column names in UTF-8", Got: quoted(c.name)}
		}
		bad := slices.IndexFunc(c.dict, func(w string) bool { return !utf8.ValidString(w) })
		if bad < 0 {
			continue
		}
		e := f.at(slices.Index(c.codes, int32(bad)), c.name)
		e.Want, e.Got = "text in UTF-8", quoted(c.dict[bad])
		return e
	}
	return nil
}

// cell is the text at a row, and whether there is one.
func (c *column) cell(row int) (string, bool) {
	if code := c.codes[row]; code >= 0 {
		return c.dict[code], true
	}
	return "", false
}

// names lists the columns' names.
func (f *frame) names() []string {
	out := make([]string, len(f.cols))
	for i := range f.cols {
		out[i] = f.cols[i].name
	}
	return out
}

// dictionary codes texts in order of first appearance.
type dictionary struct {
	words  []string
	codeOf map[string]int32
}

func newDictionary() *dictionary { return &dictionary{codeOf: map[string]int32{}} }

// code is the code of a word, new or old.
func (d *dictionary) code(word string) int32 {
	if c, ok := d.codeOf[word]; ok {
		return c
	}
	c := int32(len(d.words))
	d.words = append(d.words, word)
	d.codeOf[word] = c
	return c
}

// find is the code of a word, -1 if it has none.
func (d *dictionary) find(word string) int32 {
	if c, ok := d.codeOf[word]; ok {
		return c
	}
	return -1
}
